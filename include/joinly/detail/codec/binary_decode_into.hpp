#ifndef JOINLY_DETAIL_CODEC_BINARY_DECODE_INTO_HPP
#define JOINLY_DETAIL_CODEC_BINARY_DECODE_INTO_HPP
// Wire format to an object that has been in use: what is missing gets its default, and the memory that is there serves again.
//
// The one walk in the order of the description writes over the fields or resets them. What it does not meet in its usual place
// comes later, and is read as into any object: it is merged.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/binary_decode.hpp>
#include <joinly/detail/codec/binary_value.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/codec/wire_reader.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/entity/described.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Where the fields of an object are, in the order of its description: so that two objects are walked over together.
template <described T>
class FieldPlaces {
public:
    JOINLY_INLINE explicit FieldPlaces(const T& object) {
        const void** place = places_.data();
        Entity<T>::fields(object, [&](auto, std::string_view, const auto& member, const auto&...) {
            *place++ = static_cast<const void*>(std::addressof(member));
        });
    }
    [[nodiscard]] const void* const* begin() const noexcept { return places_.data(); }

private:
    std::array<const void*, count_fields<T>()> places_;
};

/// A map whose entries can be taken out with their memory, and put into another.
template <class Map>
concept node_map = requires(Map& map) {
    map.insert(map.extract(map.begin())).inserted;
};

/// Reads the message over `object`, of which each field that is missing becomes that of `defaults`.
template <described T>
JOINLY_FLATTEN bool overwrite_message(Decoding& decoding, std::string_view bytes, T& object, const T& defaults);
/// As with a message that has no field; but versions do not matter.
template <described T>
void reset_message(T& object, const T& defaults);

/// As take_value.
template <single_field T>
JOINLY_INLINE bool overwrite_value(WireReader& in, T& value, const T& otherwise) {
    if constexpr (message_field<T>) {
        std::string_view bytes;
        if (!in.decoding().enter(in.at())) return in.stop();
        if (!in.delimited(bytes)) return false;
        const bool ok = overwrite_message(in.decoding(), bytes, value, otherwise);
        in.decoding().leave();
        return ok || in.stop();
    } else {
        if constexpr (wire_convertible<T>) value = otherwise;  // from_wire need not write over all of it
        return take_value(in, value, true);
    }
}

template <single_field T>
void reset_value(T& value, const T& otherwise) {
    if constexpr (message_field<T>) {
        reset_message(value, otherwise);
    } else {
        value = otherwise;
    }
}

template <single_field T>
void make_new(T& value) {
    if constexpr (blob_field<T>) {
        value.clear();
    } else {
        reset_value(value, T{});
    }
}

/// The list under this tag, if it comes next, as take_list reads it; else none.
template <list_field List>
JOINLY_NOINLINE const char* overwrite_list(WireReader in, std::uint32_t number, List& list) {
    using Element = typename List::value_type;
    const std::uint32_t tag = make_tag(number, WireType::delimited);
    if (!in.skip_tag(tag)) {
        make_empty(list);
        return in.at();
    }
    if constexpr (blob_field<Element> || message_field<Element>) {  // these have memory of their own
        const Element defaults{};
        std::size_t count = 0;
        do {
            if (count == list.size()) return take_list(in, number, WireType::delimited, list);
            if (!overwrite_value(in, list[count], defaults)) return nullptr;
            ++count;
        } while (in.skip_tag(tag));
        while (list.size() > count) list.pop_back();
        return in.at();
    } else {
        make_empty(list);
        return take_list(in, number, WireType::delimited, list);
    }
}

/// The same for a map.
template <map_field Map>
JOINLY_NOINLINE const char* overwrite_map(WireReader in, std::uint32_t number, Map& map) {
    const std::uint32_t tag = make_tag(number, WireType::delimited);
    const bool comes_next = in.skip_tag(tag);
    if constexpr (node_map<Map>) {
        if (comes_next && !map.empty()) {
            Map spare(std::move(map));
            map.clear();
            do {
                if (spare.empty()) return take_map(in, number, map);
                auto node = spare.extract(spare.begin());
                std::string_view entry;
                if (!in.charge(map_entry_cost<Map>) || !in.decoding().enter(in.at()) || !in.delimited(entry)) return nullptr;
                make_new(node.key());
                make_new(node.mapped());
                if (!take_key_and_value({in.decoding(), entry}, node.key(), node.mapped())) return nullptr;
                in.decoding().leave();
                // Without a hint: with one, libstdc++'s std::unordered_map drops a node whose key is there.
                auto placed = map.insert(std::move(node));
                if (!placed.inserted) placed.position->second = std::move(placed.node.mapped());  // the last value wins
            } while (in.skip_tag(tag));
            return in.at();
        }
    }
    make_empty(map);
    return comes_next ? take_map(in, number, map) : in.at();
}

/// Writes over each field that it is called with, if it comes next as this library writes it; and else resets it.
struct FieldOverwriter {
    WireReader in;
    const void* const* next_default;  // as FieldPlaces has them

    template <class Member>
    JOINLY_INLINE constexpr void operator()(auto described_number, std::string_view name, Member& member, const auto&...) {
        const auto number = static_cast<std::uint32_t>(described_number);
        const void* const otherwise = *next_default++;
        bool ok = true;
        if constexpr (single_field<Member>) {
            const Member& fallback = *static_cast<const Member*>(otherwise);
            if (in.skip_tag(make_tag(number, wire_type_of_field<Member>()))) {
                ok = overwrite_value(in, member, fallback);
            } else {
                reset_value(member, fallback);
            }
        } else if constexpr (optional_field<Member>) {
            ok = overwrite_optional(number, member);
        } else if constexpr (map_field<Member>) {
            ok = in.go_to(overwrite_map(in, number, member));
        } else {
            ok = in.go_to(overwrite_list(in, number, member));
        }
        if (!ok) in.decoding().blame(name);
    }

private:
    template <class Optional>
    JOINLY_INLINE bool overwrite_optional(std::uint32_t number, Optional& optional) {
        using Value = typename Optional::value_type;
        if (!in.skip_tag(make_tag(number, wire_type_of_field<Value>()))) {
            optional.reset();
            return true;
        }
        if (optional.has_value()) return overwrite_value(in, *optional, Value{});
        optional.emplace();
        return take_value(in, *optional, true);
    }
};

template <described T>
void reset_message(T& object, const T& defaults) {
    if constexpr (walks_at_compile_time<T>) {
        Decoding nothing{std::string_view{}};
        const FieldPlaces<T> places{defaults};
        FieldOverwriter overwriter{{nothing, {}}, places.begin()};
        Entity<T>::fields(object, overwriter);
        if constexpr (keeps_unknown_fields<T>) Entity<T>::unknown_fields(object).clear();
    } else {
        object = defaults;
        prepare(object);
    }
}

/// What a description with versions writes before its fields.
inline void take_leading_mark(WireReader& in, VersionMark& mark) noexcept {
    if (in.skip_tag(make_tag(version_number, WireType::varint))) in.varint(mark.version);
    if (in.skip_tag(make_tag(oldest_reader_number, WireType::varint))) in.varint(mark.oldest_reader);
}

/// The end of take_fields: shared, it would cost plain decoding 3 per cent of its instructions.
template <described T>
JOINLY_INLINE bool take_rest(WireReader in, T& object, VersionMark& mark) {
    constexpr int known = version_of<T>();
    Decoding& decoding = in.decoding();
    FieldReader reader{.in = in, .fresh = false};
    if (!in.at_end()) take_odd_fields(reader, object, mark);
    if (mark.is_of(known) && !decoding.failed()) return true;
    if (!is_for_build(reader.in, mark, known)) return false;
    if constexpr (has_upgrade<T>) {
        Status upgraded = settle_version(mark, object);
        return upgraded || decoding.fail_with(std::move(upgraded).error());
    } else {
        return true;
    }
}

template <described T>
JOINLY_INLINE bool overwrite_fields(Decoding& decoding, std::string_view bytes, T& object, const T& defaults) {
    if constexpr (walks_at_compile_time<T>) {
        const FieldPlaces<T> places{defaults};
        VersionMark mark;
        FieldOverwriter overwriter{{decoding, bytes}, places.begin()};
        if constexpr (version_of<T>() > 1) take_leading_mark(overwriter.in, mark);
        Entity<T>::fields(object, overwriter);
        if constexpr (keeps_unknown_fields<T>) Entity<T>::unknown_fields(object).clear();
        return take_rest(overwriter.in, object, mark);
    } else {  // how many fields there are is not known before run time
        object = defaults;
        return take_fields(decoding, bytes, object, true);
    }
}

template <described T>
JOINLY_FLATTEN bool overwrite_message(Decoding& decoding, std::string_view bytes, T& object, const T& defaults) {
    return overwrite_fields(decoding, bytes, object, defaults);
}

template <described T>
JOINLY_FLATTEN Status decode_binary_into(std::string_view bytes, T& object) {
    Decoding decoding{bytes};
    if (overwrite_fields(decoding, bytes, object, T{})) return {};
    return refuse_binary(decoding, bytes, kind_or_object<T>());
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
