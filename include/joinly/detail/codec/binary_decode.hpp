#ifndef JOINLY_DETAIL_CODEC_BINARY_DECODE_HPP
#define JOINLY_DETAIL_CODEC_BINARY_DECODE_HPP
// Wire format to an object, from bytes that nobody vouches for.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/wire_reader.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Empties what the wire format cannot tell from missing: a container or optional with a default of its own would keep
/// that default, or add to it.
template <described T>
void empty_containers(T& object) {
    Entity<T>::fields(object, [](auto, std::string_view, auto& member, auto&&...) {
        using Member = std::remove_cvref_t<decltype(member)>;
        if constexpr (message_field<Member>) {
            empty_containers(member);
        } else if constexpr (!single_field<Member>) {
            if constexpr (optional_field<Member>) {
                member.reset();
            } else {
                member.clear();
            }
        }
    });
}

template <class T>
void prepare(T& object) {
    if constexpr (message_field<T>) empty_containers(object);
}

template <described T>
bool take_fields(WireReader& in, T& object);

template <class Number>
bool take_number(WireReader& in, Number& number) {
    decltype(to_bits(Number{})) bits = 0;
    if constexpr (std::is_floating_point_v<Number>) {
        if (!in.fixed(bits)) return false;
    } else {
        if (!in.varint(bits)) return false;
    }
    number = from_bits<Number>(bits);
    return true;
}

/// What follows the tag. A message is merged into what is there.
template <single_field T>
bool take_value(WireReader& in, T& value) {
    if constexpr (wire_convertible<T>) {
        converted_type_of<T> wire{};
        const char* const start = in.at();
        prepare(wire);
        if (!take_value(in, wire)) return false;
        return Entity<T>::from_wire(std::as_const(wire), value) || in.fail_at(start, "the value is not one that from_wire accepts");
    } else if constexpr (scalar_field<T>) {
        number_of<T> number{};
        if (!take_number(in, number)) return false;
        value = from_number<T>(number);
        return true;
    } else if constexpr (blob_field<T>) {
        std::string_view bytes;
        if (!in.delimited(bytes)) return false;
        const auto* data = reinterpret_cast<const typename T::value_type*>(bytes.data());
        value.assign(data, data + bytes.size());
        return true;
    } else {
        return in.nested([&] { return take_fields(in, value); });
    }
}

template <single_field T>
bool take_single(WireReader& in, WireType type, T& value) {
    if (type != wire_type_of_field<T>()) return in.fail_type();
    return take_value(in, value);
}

/// Room for `count` more: exactly so in an empty list, and never so little that growing takes more than linear time.
template <class List>
bool make_room(WireReader& in, List& list, std::size_t count) {
    const std::size_t needed = list.size() + count;
    const std::size_t before = list.capacity();
    if (needed <= before) return true;
    const std::size_t after = needed < 2 * before ? 2 * before : needed;
    if (!in.charge((after - before) * list_element_cost<List>)) return false;
    list.reserve(after);
    return true;
}

template <class List>
bool take_element(WireReader& in, List& list) {
    using Element = typename List::value_type;
    if constexpr (scalar_field<Element>) {
        Element element{};
        if (!take_value(in, element)) return false;
        list.push_back(element);
        return true;
    } else {
        list.emplace_back();
        prepare(list.back());
        return take_value(in, list.back());
    }
}

template <class List>
bool take_packed(WireReader& in, List& list) {
    using Element = typename List::value_type;
    return in.within([&](std::string_view payload) {
        if (!make_room(in, list, count_packed(payload, wire_type_of_field<Element>()))) return false;
        while (!in.at_end()) {
            if (!take_element(in, list)) return false;
        }
        return true;
    });
}

template <list_field List>
bool take_list(WireReader& in, WireType type, std::uint32_t tag, List& list) {
    using Element = typename List::value_type;
    constexpr WireType expected = wire_type_of_field<Element>();
    if constexpr (expected != WireType::delimited) {
        if (type == WireType::delimited) return take_packed(in, list);
    }
    if (type != expected) return in.fail_type();
    if (list.size() == list.capacity()) {
        const std::size_t count = expected == WireType::delimited ? in.count_run(tag) : 1;
        if (!make_room(in, list, count)) return false;
    }
    return take_element(in, list);
}

template <map_field Map>
bool take_map_entry(WireReader& in, WireType type, Map& map) {
    if (type != WireType::delimited) return in.fail_type();
    if (!in.charge(map_entry_cost<Map>)) return false;
    typename Map::key_type key{};
    typename Map::mapped_type mapped{};
    prepare(mapped);
    const bool ok = in.nested([&] {
        std::uint32_t number = 0;
        WireType entry_type{};
        while (!in.at_end()) {
            if (!in.tag(number, entry_type)) return false;
            const bool taken = number == 1   ? take_single(in, entry_type, key)
                               : number == 2 ? take_single(in, entry_type, mapped)
                                             : in.skip(entry_type);
            if (!taken) return false;
        }
        return true;
    });
    if (ok) map.insert_or_assign(std::move(key), std::move(mapped));
    return ok;
}

template <class Member>
bool take_member(WireReader& in, WireType type, std::uint32_t number, Member& member) {
    if constexpr (single_field<Member>) {
        return take_single(in, type, member);
    } else if constexpr (optional_field<Member>) {
        if (!member.has_value()) prepare(member.emplace());
        return take_single(in, type, *member);
    } else if constexpr (map_field<Member>) {
        return take_map_entry(in, type, member);
    } else {
        return take_list(in, type, make_tag(number, type), member);
    }
}

/// A field that the description does not have, from its tag at `start` on: the version's mark, one to keep, or one to skip.
template <described T>
bool take_unknown(WireReader& in, WireType type, std::uint32_t number, const char* start, T& object, VersionMark& mark) {
    if (number == version_number || number == oldest_reader_number) {
        if (type != WireType::varint) return in.fail_type();
        return in.varint(number == version_number ? mark.version : mark.oldest_reader);
    }
    if (!in.skip(type)) return false;
    if constexpr (keeps_unknown_fields<T>) {
        UnknownFields& kept = Entity<T>::unknown_fields(object);
        if (kept.empty() && !in.charge(UnknownFieldsAccess::cost)) return false;
        UnknownFieldsAccess::bytes(kept, UnknownFieldsAccess::Format::wire).append(start, in.at());
    }
    return true;
}

template <described T>
bool take_field(WireReader& in, T& object, VersionMark& mark) {
    const char* const start = in.at();
    std::uint32_t number = 0;
    WireType type{};
    if (!in.tag(number, type)) return false;
    bool known = false;
    bool ok = true;
    Entity<T>::fields(object, [&](auto described_number, std::string_view name, auto& member, auto&&...) {
        if (number != static_cast<std::uint32_t>(described_number)) return;
        known = true;
        ok = take_member(in, type, number, member);
        if (!ok) in.blame(name);
    });
    return known ? ok : take_unknown(in, type, number, start, object, mark);
}

/// Reads fields up to the end of the message, and brings an object that an older build wrote up to this one's description.
template <described T>
bool take_fields(WireReader& in, T& object) {
    VersionMark mark;
    bool ok = true;
    while (ok && !in.at_end()) ok = take_field(in, object, mark);
    if (ok && is_of_this_version<T>(mark)) return true;
    if (!ok && !is_from_the_future<T>(mark)) return false;
    if (!mark.is_sound()) return in.fail(unsound_version);
    Status settled = settle_version(mark, object);
    return settled || in.fail_with(std::move(settled).error());
}

template <described T>
Status decode_binary(std::string_view bytes, T& object) {
    WireReader in{bytes};
    prepare(object);
    if (take_fields(in, object)) return {};
    return failure(in.error(place_in_object<T>(in.path())));
}

/// The version of the description that wrote `bytes`, which are a T.
template <described T>
Result<int> stored_version_in_binary(std::string_view bytes) {
    WireReader in{bytes};
    VersionMark mark;
    bool ok = true;
    while (ok && !in.at_end()) {
        std::uint32_t number = 0;
        WireType type{};
        ok = in.tag(number, type) &&
             (number == version_number && type == WireType::varint ? in.varint(mark.version) : in.skip(type));
    }
    if (ok && !mark.is_sound()) ok = in.fail(unsound_version);
    if (!ok) return failure(in.error(place_in_object<T>({})));
    return static_cast<int>(mark.version);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
