#ifndef JOINLY_DETAIL_CODEC_BINARY_ENCODE_HPP
#define JOINLY_DETAIL_CODEC_BINARY_ENCODE_HPP
// An object to wire format, in two walks of one traversal: the first counts bytes, the second writes them, so that there
// is one allocation of the right size and no buffer for nested messages.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/codec/wire_reader.hpp>
#include <joinly/detail/codec/wire_writer.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// One bit per field, in the order of the description: this field's default is not zero, so a zero must be written to be
/// told from "missing". Fields beyond the 64th are always written.
using DefaultMask = std::uint64_t;
inline constexpr DefaultMask write_everything = ~DefaultMask{0};

template <described T, class Sink>
void put_fields(Sink& sink, const T& object, DefaultMask written_when_zero);
template <single_field T>
DefaultMask mask_for_elements();

/// Whether `value` takes no bytes where all defaults are zero. A container with anything in it takes some, so this looks into
/// none: it goes as deep as the type, not as the object.
template <single_field T>
bool is_zero(const T& value) {
    if constexpr (wire_convertible<T>) {
        return is_zero(Entity<T>::to_wire(value));
    } else if constexpr (scalar_field<T>) {
        return to_bits(to_number(value)) == 0;
    } else if constexpr (blob_field<T>) {
        return value.empty();
    } else {
        bool zero = true;
        DefaultMask bit = 1;
        Entity<T>::fields(value, [&](auto, std::string_view, const auto& member, auto&&...) {
            using Member = std::remove_cvref_t<decltype(member)>;
            if constexpr (single_field<Member>) {
                zero = zero && bit != 0 && is_zero(member);
            } else if constexpr (optional_field<Member>) {
                zero = zero && !member.has_value();
            } else {
                zero = zero && member.empty();
            }
            bit <<= 1;
        });
        if constexpr (keeps_unknown_fields<T>) zero = zero && Entity<T>::unknown_fields(value).empty();
        return zero;
    }
}

template <described T>
DefaultMask nonzero_defaults() {
    const T defaults{};
    DefaultMask mask = 0;
    DefaultMask bit = 1;
    Entity<T>::fields(defaults, [&](auto, std::string_view, const auto& member, auto&&...) {
        using Member = std::remove_cvref_t<decltype(member)>;
        if constexpr (single_field<Member>) {
            if (mask_for_elements<Member>() != 0 || !is_zero(member)) mask |= bit;
        }
        bit <<= 1;
    });
    return mask;
}

template <class Sink, class Number>
void put_number(Sink& sink, Number number) {
    if constexpr (std::is_floating_point_v<Number>) {
        sink.fixed(to_bits(number));
    } else {
        sink.varint(to_bits(number));
    }
}

template <described T, class Sink>
void put_message(Sink& sink, const T& object, DefaultMask mask) {
    const auto mark = sink.begin();
    if (sink.enter()) put_fields(sink, object, mask);
    sink.leave();
    sink.end(mark);
}

/// What follows the tag. `mask` is for messages alone.
template <single_field T, class Sink>
void put_value(Sink& sink, const T& value, DefaultMask mask) {
    if constexpr (wire_convertible<T>) {
        put_value(sink, Entity<T>::to_wire(value), mask);
    } else if constexpr (scalar_field<T>) {
        put_number(sink, to_number(value));
    } else if constexpr (blob_field<T>) {
        sink.varint(value.size());
        sink.bytes(value.data(), value.size());
    } else {
        put_message(sink, value, mask);
    }
}

template <single_field T>
DefaultMask mask_for_elements() {
    if constexpr (message_field<wire_type_of<T>>) {
        return nonzero_defaults<wire_type_of<T>>();
    } else {
        return 0;
    }
}

template <list_field List, class Sink>
void put_list(Sink& sink, std::uint32_t number, const List& list) {
    using Element = typename List::value_type;
    constexpr bool is_packed = wire_type_of_field<Element>() != WireType::delimited;
    if (list.empty()) return;
    const DefaultMask mask = mask_for_elements<Element>();
    if constexpr (is_packed) {
        sink.varint(make_tag(number, WireType::delimited));
        const auto mark = sink.begin();
        for (const auto& element : list) put_value<Element>(sink, element, mask);
        sink.end(mark);
    } else {
        sink.charge(list.size() * list_element_cost<List>);
        for (const auto& element : list) {
            sink.varint(make_tag(number, WireType::delimited));
            put_value<Element>(sink, element, mask);
        }
    }
}

/// A map is a list of entries: messages with the key as field 1 and the value as field 2, both always there.
template <map_field Map, class Sink>
void put_map(Sink& sink, std::uint32_t number, const Map& map) {
    using Key = typename Map::key_type;
    using Mapped = typename Map::mapped_type;
    if (map.empty()) return;
    const DefaultMask mask = mask_for_elements<Mapped>();
    sink.charge(map.size() * map_entry_cost<Map>);
    for (const auto& [key, mapped] : map) {
        sink.varint(make_tag(number, WireType::delimited));
        const auto mark = sink.begin();
        if (sink.enter()) {
            sink.varint(make_tag(1, wire_type_of_field<Key>()));
            put_value(sink, key, 0);
            sink.varint(make_tag(2, wire_type_of_field<Mapped>()));
            put_value(sink, mapped, mask);
        }
        sink.leave();
        sink.end(mark);
    }
}

template <single_field T, class Sink>
void put_single(Sink& sink, std::uint32_t number, const T& value, bool when_zero) {
    const DefaultMask mask = when_zero ? write_everything : mask_for_elements<T>();
    if (mask == 0 && is_zero(value)) return;
    sink.varint(make_tag(number, wire_type_of_field<T>()));
    put_value(sink, value, mask);
}

/// Which version of the description wrote what follows. The first version says nothing.
template <described T, class Sink>
void put_version(Sink& sink) {
    if constexpr (version_of<T>() > 1) {
        sink.varint(make_tag(version_number, WireType::varint));
        sink.varint(version_of<T>());
        if constexpr (oldest_reader_of<T>() != version_of<T>()) {
            sink.varint(make_tag(oldest_reader_number, WireType::varint));
            sink.varint(oldest_reader_of<T>());
        }
    }
}

template <described T>
bool knows_number(const T& object, std::uint32_t number) {
    bool known = false;
    Entity<T>::fields(
        object, [&](auto described_number, auto&&...) { known = known || number == static_cast<std::uint32_t>(described_number); });
    return known;
}

/// What another build stored, as it was read; but of a field that this description has, only the member counts.
template <described T, class Sink>
void put_unknown_fields(Sink& sink, const T& object) {
    if constexpr (keeps_unknown_fields<T>) {
        const UnknownFields& kept = Entity<T>::unknown_fields(object);
        if (kept.empty()) return;
        if (!UnknownFieldsAccess::are(kept, UnknownFieldsAccess::Format::wire))
            return sink.fail("its unknown fields were read by another codec; clear them to do without");
        sink.charge(UnknownFieldsAccess::cost);
        WireReader in{UnknownFieldsAccess::bytes(kept)};
        while (!in.at_end()) {
            const char* const start = in.at();
            std::uint32_t number = 0;
            WireType type{};
            if (!in.tag(number, type) || !in.skip(type)) return;
            if (!knows_number(object, number)) sink.bytes(start, static_cast<std::size_t>(in.at() - start));
        }
    }
}

template <described T, class Sink>
void put_fields(Sink& sink, const T& object, DefaultMask written_when_zero) {
    put_version<T>(sink);
    DefaultMask bit = 1;
    Entity<T>::fields(object, [&](auto number, std::string_view name, const auto& member, auto&&...) {
        using Member = std::remove_cvref_t<decltype(member)>;
        const auto tag_number = static_cast<std::uint32_t>(number);
        if constexpr (single_field<Member>) {
            put_single(sink, tag_number, member, bit == 0 || (written_when_zero & bit) != 0);
        } else if constexpr (optional_field<Member>) {
            if (member.has_value()) {
                sink.varint(make_tag(tag_number, wire_type_of_field<typename Member::value_type>()));
                put_value(sink, *member, mask_for_elements<typename Member::value_type>());
            }
        } else if constexpr (map_field<Member>) {
            put_map(sink, tag_number, member);
        } else {
            put_list(sink, tag_number, member);
        }
        sink.blame(name);
        bit <<= 1;
    });
    put_unknown_fields(sink, object);
}

template <described T>
tl::unexpected<Error> refuse_to_encode(std::string_view path, std::string_view why) {
    return failure(Errc::invalid_argument, place_in_object<T>(path) + ": " + std::string{why});
}

/// How many bytes `object` will take, or why it cannot be encoded.
template <described T>
Result<std::size_t> measure_binary(const T& object, DefaultMask mask) {
    WireCounter counter;
    put_fields(counter, object, mask);
    if (counter.fault() != nullptr) return refuse_to_encode<T>(counter.culprit(), counter.fault());
    return counter.size();
}

template <described T>
Status encode_binary(const T& object, std::string& out) {
    const DefaultMask mask = nonzero_defaults<T>();
    const auto size = measure_binary(object, mask);
    if (!size) return failure(size.error());

    const std::size_t start = out.size();
    out.resize(start + *size + WireWriter::slack);
    WireWriter writer{out.data() + start, out.data() + start + *size};
    put_fields(writer, object, mask);
    if (writer.overran()) {
        out.resize(start);
        return refuse_to_encode<T>({}, "to_wire of a field gave two answers for one value");
    }
    out.resize(static_cast<std::size_t>(writer.at() - out.data()));
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
