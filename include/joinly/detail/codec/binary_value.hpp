#ifndef JOINLY_DETAIL_CODEC_BINARY_VALUE_HPP
#define JOINLY_DETAIL_CODEC_BINARY_VALUE_HPP
// The value of one field, from wire format.

#include <joinly/config.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/codec/wire_reader.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/entity/described.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What the wire format cannot tell from missing: with a default of its own, it would keep that, or add to it.
template <class Container>
void make_empty(Container& container) {
    if constexpr (optional_field<Container>) {
        container.reset();
    } else {
        if (!container.empty()) container.clear();
    }
}

/// Prepares an object for a message that does not contain it.
template <class T>
void prepare(T& object);

struct ContainerEmptier {
    template <class Member>
    JOINLY_INLINE constexpr void operator()(auto, std::string_view, Member& member, const auto&...) const {
        if constexpr (message_field<Member>) {
            prepare(member);
        } else if constexpr (!single_field<Member>) {
            make_empty(member);
        }
    }
};

template <class T>
void prepare(T& object) {
    if constexpr (message_field<T>) Entity<T>::fields(object, ContainerEmptier{});
}

/// Reads fields, up to the end. `fresh`: into an object with its defaults; else they are merged into what is there. False, here and
/// below, is a fault.
template <described T>
JOINLY_FLATTEN bool take_nested(Decoding& decoding, std::string_view bytes, T& object, bool fresh);

template <class Blob>
inline void assign_bytes(Blob& blob, std::string_view bytes) {
    if constexpr (string_field<Blob>) {
        blob.assign(bytes.data(), bytes.size());
    } else {
        const auto* data = reinterpret_cast<const typename Blob::value_type*>(bytes.data());
        blob.assign(data, data + bytes.size());
    }
}

template <WireType type, class Bits>
JOINLY_INLINE bool take_bits(WireReader& in, Bits& bits) {
    if constexpr (type == WireType::varint) {
        return in.varint(bits);
    } else {
        return in.fixed(bits);
    }
}

template <described T>
JOINLY_INLINE bool take_message(WireReader& in, T& object, bool fresh) {
    std::string_view bytes;
    if (!in.decoding().enter(in.at())) return in.stop();
    if (!in.delimited(bytes)) return false;
    const bool ok = take_nested(in.decoding(), bytes, object, fresh);
    in.decoding().leave();
    return ok || in.stop();
}

/// What follows the tag. `fresh` is for messages alone.
template <single_field T>
JOINLY_INLINE bool take_value(WireReader& in, T& value, bool fresh) {
    if constexpr (wire_convertible<T>) {
        converted_type_of<T> wire{};
        const char* const start = in.at();
        if (!take_value(in, wire, true)) return false;
        return Entity<T>::from_wire(std::as_const(wire), value) || in.fail_at(start, "the value is not one that from_wire accepts");
    } else if constexpr (scalar_field<T>) {
        constexpr WireType type = wire_type_of_field<T>();
        decltype(to_bits(number_of<T>{})) bits = 0;
        if (!take_bits<type>(in, bits)) return false;
        value = from_number<T>(from_bits<number_of<T>>(bits));
        return true;
    } else if constexpr (blob_field<T>) {
        std::string_view bytes;
        if (!in.delimited(bytes)) return false;
        assign_bytes(value, bytes);
        return true;
    } else {
        return take_message(in, value, fresh);
    }
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
JOINLY_INLINE bool take_element(WireReader& in, List& list) {
    using Element = typename List::value_type;
    if constexpr (scalar_field<Element>) {
        Element element{};
        if (!take_value(in, element, true)) return false;
        list.push_back(element);
        return true;
    } else {
        list.emplace_back();
        return take_value(in, list.back(), true);
    }
}

template <class List>
bool take_packed(WireReader& outer, List& list) {
    std::string_view payload;
    if (!outer.delimited(payload)) return false;
    WireReader in{outer.decoding(), payload};
    bool ok = make_room(in, list, count_packed(payload, wire_type_of_field<typename List::value_type>()));
    while (ok && !in.at_end()) ok = take_element(in, list);
    return ok || outer.stop();
}

/// Elements under this tag, which is behind, as many as follow each other. Null after a fault.
template <list_field List>
JOINLY_NOINLINE const char* take_list(WireReader in, std::uint32_t number, WireType type, List& list) {
    constexpr WireType element_type = wire_type_of_field<typename List::value_type>();
    const std::uint32_t tag = make_tag(number, type);
    bool ok = true;
    do {
        if (type == element_type) {
            ok = list.size() < list.capacity() || make_room(in, list, type == WireType::delimited ? in.count_run(tag) : 1);
            ok = ok && take_element(in, list);
        } else {
            ok = type == WireType::delimited ? take_packed(in, list) : in.fail_type();
        }
    } while (ok && in.skip_tag(tag));
    return ok ? in.at() : nullptr;
}

/// What an entry has besides a key and a value in their order.
template <class Key, class Mapped>
JOINLY_COLD bool take_odd_entry(WireReader& in, Key& key, Mapped& mapped) {
    constexpr WireType key_type = wire_type_of_field<Key>();
    constexpr WireType mapped_type = wire_type_of_field<Mapped>();
    bool ok = true;
    while (ok && !in.at_end()) {
        std::uint32_t number = 0;
        WireType type{};
        if (!in.tag(number, type)) return false;
        if (number == 1) {
            ok = type == key_type ? take_value(in, key, false) : in.fail_type();
        } else if (number == 2) {
            ok = type == mapped_type ? take_value(in, mapped, false) : in.fail_type();
        } else {
            ok = in.skip(type);
        }
    }
    return ok;
}

template <class Key, class Mapped>
JOINLY_INLINE bool take_key_and_value(WireReader in, Key& key, Mapped& mapped) {
    if (in.skip_tag(make_tag(1, wire_type_of_field<Key>())) && !take_value(in, key, true)) return false;
    if (in.skip_tag(make_tag(2, wire_type_of_field<Mapped>()))) {
        if (!take_value(in, mapped, true)) return false;
    } else {
        prepare(mapped);
    }
    return in.at_end() || take_odd_entry(in, key, mapped);
}

/// As take_list.
template <map_field Map>
JOINLY_NOINLINE const char* take_map(WireReader in, std::uint32_t number, Map& map) {
    do {
        std::string_view entry;
        typename Map::key_type key{};
        typename Map::mapped_type mapped{};
        if (!in.charge(map_entry_cost<Map>) || !in.decoding().enter(in.at()) || !in.delimited(entry)) return nullptr;
        if (!take_key_and_value({in.decoding(), entry}, key, mapped)) return nullptr;
        in.decoding().leave();
        map.insert_or_assign(map.end(), std::move(key), std::move(mapped));  // of a std::map, each is usually the last so far
    } while (in.skip_tag(make_tag(number, WireType::delimited)));
    return in.at();
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
