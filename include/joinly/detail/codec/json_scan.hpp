#ifndef JOINLY_DETAIL_CODEC_JSON_SCAN_HPP
#define JOINLY_DETAIL_CODEC_JSON_SCAN_HPP
// JSON text straight to an object, as long as it is as this library or Python's json.dumps writes it: the fields in the order of
// the description, no others, each of its own type. Of anything else it says no more than that: json_read.hpp then reads the text
// into a tree, and tells what is wrong, if something is. What is accepted here is what that gives, to the letter.

#include <joinly/config.hpp>
#include <joinly/detail/codec/base64.hpp>
#include <joinly/detail/codec/json_reader.hpp>
#include <joinly/detail/codec/json_text.hpp>
#include <joinly/detail/codec/unix_seconds.hpp>
#include <joinly/detail/codec/utf8.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/enum_names.hpp>
#include <joinly/detail/entity/field_types.hpp>

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <version>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// A place in JSON text. What is called goes behind what it has taken; false: something else stands there, and nobody may go on.
class JsonScan {
public:
    explicit JsonScan(std::string_view text) noexcept : text_{text}, budget_{memory_budget(text.size())} {}

    [[nodiscard]] bool at_end() noexcept { return behind_space(at_) == text_.size(); }

    /// Goes nowhere when it is false.
    bool take(char c) noexcept {
        const std::size_t at = behind_space(at_);
        if (at == text_.size() || text_[at] != c) return false;
        at_ = at + 1;
        return true;
    }
    /// As `take`.
    bool take_word(std::string_view word) noexcept {
        const std::size_t at = behind_space(at_);
        if (text_.substr(at, word.size()) != word) return false;
        at_ = at + word.size();
        return true;
    }
    /// Of an object or list that has just been opened nothing; else a comma.
    bool take_separator(char bracket) noexcept { return text_[at_ - 1] == bracket || take(','); }

    /// The next member's key, if it is this one; goes nowhere when it is not.
    bool take_name(std::string_view name) noexcept {
        const std::size_t before = at_;
        if (take_separator('{') && take('"') && text_.substr(at_, name.size()) == name) {
            at_ += name.size();
            if (at_ < text_.size() && text_[at_++] == '"' && take(':')) return true;
        }
        at_ = before;
        return false;
    }

    [[nodiscard]] bool is_at_string() noexcept {
        const std::size_t at = behind_space(at_);
        return at < text_.size() && text_[at] == '"';
    }
    /// `characters` last until the next string is read.
    bool string(std::string_view& characters) {
        if (!take('"')) return false;
        const std::size_t length = plain_json_run(text_, at_);
        characters = text_.substr(at_, length);
        at_ += length;
        if (at_ < text_.size() && text_[at_] == '"') return ++at_;
        return decode_rest(characters);
    }

    template <std::integral Number>
    bool number(Number& number) noexcept {
        if constexpr (std::same_as<Number, bool>) {
            number = take_word("true");
            return number || take_word("false");
        } else {
            using Wide = std::conditional_t<std::is_signed_v<Number>, std::int64_t, std::uint64_t>;
            using Limits = std::numeric_limits<Number>;
            std::string_view digits;
            bool is_whole = true;
            Wide wide = 0;
            if (!take_number(digits, is_whole) || !is_whole) return false;
            const char* const end = digits.data() + digits.size();
            const auto parsed = std::from_chars(digits.data(), end, wide);
            if (parsed.ec != std::errc{} || parsed.ptr != end) return false;
            number = static_cast<Number>(wide);
            return wide >= Wide{(Limits::min)()} && wide <= Wide{(Limits::max)()};
        }
    }
    template <std::floating_point Number>
    bool number(Number& number) noexcept {
        double real = 0;
        if (!take_real(real)) return false;
        number = static_cast<Number>(real);
        return std::abs(real) <= static_cast<double>((std::numeric_limits<Number>::max)());
    }
    bool take_real([[maybe_unused]] double& real) noexcept {
#if defined(__cpp_lib_to_chars)
        std::string_view digits;
        bool is_whole = true;
        if (!take_number(digits, is_whole) || is_whole) return false;
        const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), real);
        return parsed.ec == std::errc{} && parsed.ptr == digits.data() + digits.size();
#else
        return false;
#endif
    }

    bool enter() noexcept { return ++depth_ <= max_depth; }
    void leave() noexcept { --depth_; }
    bool charge(std::size_t bytes) noexcept {
        if (bytes > budget_) return false;
        budget_ -= bytes;
        return true;
    }
    /// What read_json_key tells of a key that does not fit.
    static constexpr bool fail(const char*) noexcept { return false; }

private:
    [[nodiscard]] std::size_t behind_space(std::size_t at) const noexcept {
        while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\n' || text_[at] == '\r' || text_[at] == '\t')) ++at;
        return at;
    }

    /// From the first character on that does not stand for itself.
    bool decode_rest(std::string_view& characters) {
        decoded_.assign(characters);
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"') {
                characters = decoded_;
                return ++at_;
            }
            if (c == '\\') {
                if (!take_json_escape(text_, ++at_, decoded_)) return false;
                continue;
            }
            if (static_cast<unsigned char>(c) < 0x20) return false;
            const std::size_t length = utf8_length(text_.substr(at_));
            if (length == 0) return false;
            decoded_.append(text_, at_, length);
            at_ += length;
        }
        return false;
    }

    bool take_number(std::string_view& digits, bool& is_whole) noexcept {
        const std::size_t start = behind_space(at_);
        std::size_t at = start;
        const auto take_one = [&](std::string_view of) {
            const bool is_there = at < text_.size() && of.find(text_[at]) != std::string_view::npos;
            return is_there && ++at;
        };
        const auto take_digits = [&] {
            const std::size_t first = at;
            while (at < text_.size() && text_[at] >= '0' && text_[at] <= '9') ++at;
            return at != first;
        };
        take_one("-");
        const bool begins_with_0 = take_one("0");
        if (!begins_with_0 && !take_digits()) return false;
        is_whole = true;
        if (take_one(".")) {
            is_whole = false;
            if (!take_digits()) return false;
        }
        if (take_one("eE")) {
            is_whole = false;
            take_one("+-");
            if (!take_digits()) return false;
        }
        digits = text_.substr(start, at - start);
        at_ = at;
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t budget_;
    int depth_ = 0;
    std::string decoded_;  // a string that is not in the text as it is meant
};

template <described T>
bool scan_json_object(JsonScan& in, T& object);

template <scalar_field T>
bool scan_json_scalar(JsonScan& in, T& value) {
    if constexpr (time_field<T>) {
        double seconds = 0;
        return in.take_real(seconds) && from_unix_seconds(seconds, value);
    } else {
        if constexpr (described_enum<T>) {
            std::string_view name;
            if (in.is_at_string()) return in.string(name) && find_enumerator(name, value);
        }
        number_of<T> number{};
        if (!in.number(number)) return false;
        value = from_number<T>(number);
        return true;
    }
}

template <single_field T>
bool scan_json_value(JsonScan& in, T& value) {
    if constexpr (wire_convertible<T>) {
        converted_type_of<T> wire{};
        return scan_json_value(in, wire) && Entity<T>::from_wire(std::as_const(wire), value);
    } else if constexpr (scalar_field<T>) {
        return scan_json_scalar(in, value);
    } else if constexpr (blob_field<T>) {
        std::string_view characters;
        if (!in.string(characters)) return false;
        if constexpr (bytes_field<T>) {
            value.clear();
            return read_base64(characters, value);
        } else {
            value.assign(characters.data(), characters.size());
            return true;
        }
    } else {
        return scan_json_object(in, value);
    }
}

template <list_field List>
bool scan_json_list(JsonScan& in, List& list) {
    using Element = typename List::value_type;
    if (!in.take('[')) return false;
    list.clear();
    while (!in.take(']')) {
        Element element{};
        // A list that grows has up to twice the room that it needs, and once more what it had before.
        if (!in.take_separator('[') || !in.charge(3 * list_element_cost<List>) || !scan_json_value(in, element)) return false;
        list.push_back(std::move(element));
    }
    return true;
}

template <map_field Map>
bool scan_json_map(JsonScan& in, Map& map) {
    if (!in.take('{')) return false;
    map.clear();
    while (!in.take('}')) {
        typename Map::key_type key{};
        typename Map::mapped_type mapped{};
        std::string_view name;
        if (!in.take_separator('{') || !in.charge(map_entry_cost<Map>) || !in.string(name) || !read_json_key(in, name, key) ||
            !in.take(':') || !scan_json_value(in, mapped))
            return false;
        const std::size_t before = map.size();
        map.insert_or_assign(std::move(key), std::move(mapped));
        if (map.size() == before) return false;  // which of the two counts is not for us to say
    }
    return true;
}

template <class Member>
bool scan_json_member(JsonScan& in, Member& member) {
    if constexpr (!wire_convertible<Member> && optional_field<Member>) {
        member.reset();
        return in.take_word("null") || scan_json_value(in, member.emplace());
    } else {
        if (in.take_word("null")) return true;
        if constexpr (single_field<Member>) {
            return scan_json_value(in, member);
        } else if constexpr (map_field<Member>) {
            return scan_json_map(in, member);
        } else {
            return scan_json_list(in, member);
        }
    }
}

/// Whether the object is one of this very version.
template <described T>
bool scan_json_version(JsonScan& in) {
    std::uint64_t version = 1;
    std::uint64_t oldest_reader = 0;
    if (!in.take_name(version_key) || !in.number(version)) return false;
    if (in.take_name(oldest_reader_key) && !in.number(oldest_reader)) return false;
    return VersionMark{version, oldest_reader}.is_of(version_of<T>());
}

template <described T>
bool scan_json_object(JsonScan& in, T& object) {
    if (!in.enter() || !in.take('{')) return false;
    bool ok = true;
    if constexpr (version_of<T>() > 1) ok = scan_json_version<T>(in);
    Entity<T>::fields(object, [&](auto, std::string_view name, auto& member, const auto&...) {
        if (ok && in.take_name(name)) ok = scan_json_member(in, member);
    });
    in.leave();
    return ok && in.take('}');
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
