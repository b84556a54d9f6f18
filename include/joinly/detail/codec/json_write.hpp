#ifndef JOINLY_DETAIL_CODEC_JSON_WRITE_HPP
#define JOINLY_DETAIL_CODEC_JSON_WRITE_HPP
// An object to JSON text, written straight from its fields: no tree in between, and nothing that throws.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/base64.hpp>
#include <joinly/detail/codec/unix_seconds.hpp>
#include <joinly/detail/codec/utf8.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/entity/enum_names.hpp>
#include <joinly/detail/entity/field_types.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class JsonWriter {
public:
    explicit JsonWriter(std::string& out) noexcept : out_{out}, start_{out.size()} {}

    void raw(char c) { out_.push_back(c); }
    void raw(std::string_view text) { out_.append(text); }

    template <class Number>
    void number(Number value) {
        char digits[32];
        out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    }
    /// With a decimal point or an exponent always, so that it is read as a float again.
    template <class Float>
    bool real(Float value) {
        if (!std::isfinite(value)) return fail("it is not a finite number");
        const std::size_t start = out_.size();
        number(value);
        if (out_.find_first_of(".e", start) == std::string::npos) out_.append(".0");
        return true;
    }
    bool text(std::string_view text) {
        if (!is_utf8(text)) return fail("it is not UTF-8; std::vector<std::byte> holds any bytes");
        out_.push_back('"');
        for (const char c : text) escape(c);
        out_.push_back('"');
        return true;
    }

    bool enter() noexcept { return ++depth_ <= max_depth || fail("it is nested deeper than 64 levels"); }
    void leave() noexcept { --depth_; }
    void charge(std::size_t bytes) noexcept { memory_ += bytes; }
    /// Whether reading what was written may allocate what was charged.
    bool affordable() noexcept {
        return memory_ <= memory_budget(out_.size() - start_) ||
               fail("it has so many empty elements that decoding could not bound its memory");
    }
    bool fail(const char* what) noexcept {
        what_ = what;
        return false;
    }
    /// Called from the inside out: the path becomes "tickets.player_id".
    void blame(std::string_view field) { path_.insert(0, path_.empty() ? std::string{field} : std::string{field} + '.'); }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const char* what() const noexcept { return what_; }

private:
    void escape(char c) {
        constexpr std::string_view special = "\"\\\b\f\n\r\t";
        constexpr std::string_view letter = "\"\\bfnrt";
        if (const std::size_t at = special.find(c); at != std::string_view::npos) {
            out_.push_back('\\');
            out_.push_back(letter[at]);
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out_.append(static_cast<unsigned char>(c) < 0x10 ? "\\u000" : "\\u001");
            out_.push_back("0123456789abcdef"[c & 0xf]);
        } else {
            out_.push_back(c);
        }
    }

    std::string& out_;
    std::size_t start_;
    std::size_t memory_ = 0;
    std::string path_;
    const char* what_ = "";
    int depth_ = 0;
};

template <described T>
bool write_json_object(JsonWriter& out, const T& object);

template <single_field T>
bool write_json_value(JsonWriter& out, const T& value) {
    if constexpr (wire_convertible<T>) {
        return write_json_value(out, Entity<T>::to_wire(value));
    } else if constexpr (std::is_enum_v<T>) {
        if constexpr (described_enum<T>) {
            if (const std::string_view name = name_of_enumerator(value); !name.empty()) return out.text(name);
        }
        return write_json_value(out, to_number(value));
    } else if constexpr (std::is_same_v<T, bool>) {
        out.raw(value ? std::string_view{"true"} : "false");
        return true;
    } else if constexpr (std::is_floating_point_v<T>) {
        return out.real(value);
    } else if constexpr (std::is_integral_v<T>) {
        out.number(+value);  // a character type is a number here
        return true;
    } else if constexpr (time_field<T>) {
        if (!survives_as_unix_seconds(value)) return out.fail("it is too far from 1970 for seconds in a double");
        return out.real(to_unix_seconds(value));
    } else if constexpr (string_field<T>) {
        return out.text(value);
    } else if constexpr (bytes_field<T>) {
        std::string base64;
        append_base64(base64, value.data(), value.size());
        return out.text(base64);
    } else {
        return write_json_object(out, value);
    }
}

/// JSON has string keys only: a number as a key is written as Python's json.dumps writes it.
template <key_field T>
bool write_json_key(JsonWriter& out, const T& key) {
    if constexpr (wire_convertible<T>) {
        return write_json_key(out, Entity<T>::to_wire(key));
    } else if constexpr (string_field<T>) {
        return out.text(key);
    } else {
        if constexpr (described_enum<T>) {
            if (const std::string_view name = name_of_enumerator(key); !name.empty()) return out.text(name);
        }
        out.raw('"');
        const bool ok = write_json_value(out, to_number(key));
        out.raw('"');
        return ok;
    }
}

template <class Member>
bool write_json_member(JsonWriter& out, const Member& member) {
    if constexpr (single_field<Member>) {
        return write_json_value(out, member);
    } else if constexpr (optional_field<Member>) {
        if (member.has_value()) return write_json_value(out, *member);
        out.raw("null");
        return true;
    } else if constexpr (map_field<Member>) {
        out.charge(member.size() * map_entry_cost<Member>);
        char separator = '{';
        if (member.empty()) out.raw(separator);
        for (const auto& [key, mapped] : member) {
            out.raw(separator);
            if (!write_json_key(out, key)) return false;
            out.raw(':');
            if (!write_json_value(out, mapped)) return false;
            separator = ',';
        }
        out.raw('}');
        return true;
    } else {
        out.charge(member.size() * list_element_cost<Member>);
        char separator = '[';
        if (member.empty()) out.raw(separator);
        for (const auto& element : member) {
            out.raw(separator);
            if (!write_json_value<typename Member::value_type>(out, element)) return false;
            separator = ',';
        }
        out.raw(']');
        return true;
    }
}

template <described T>
bool write_json_object(JsonWriter& out, const T& object) {
    if (!out.enter()) return false;
    bool ok = true;
    char separator = '{';
    Entity<T>::fields(object, [&](auto, std::string_view name, const auto& member, auto&&...) {
        if (!ok) return;
        out.raw(separator);
        separator = ',';
        out.raw('"');
        out.raw(name);
        out.raw("\":");
        ok = write_json_member(out, member);
        if (!ok) out.blame(name);
    });
    if (separator == '{') out.raw(separator);
    out.raw('}');
    out.leave();
    return ok;
}

template <described T>
Status encode_json(const T& object, std::string& out) {
    const std::size_t start = out.size();
    JsonWriter writer{out};
    if (write_json_object(writer, object) && writer.affordable()) return {};
    out.resize(start);
    return failure(Errc::invalid_argument, place_in_object<T>(writer.path()) + ": " + writer.what());
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
