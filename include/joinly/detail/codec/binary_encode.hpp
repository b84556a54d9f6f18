#ifndef JOINLY_DETAIL_CODEC_BINARY_ENCODE_HPP
#define JOINLY_DETAIL_CODEC_BINARY_ENCODE_HPP
// An object to wire format, in one walk that writes to the stack what is small; what is not is counted by the same walk, and
// written by a second one into a buffer of the right size.
//
// The visitors of descriptions are structs and not lambdas: all descriptions share what they do with a field of one type, which
// is what keeps the compile time of one more description low. Where the compiler optimises, a walk becomes straight-line code
// with its tags as constants.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/codec/wire_reader.hpp>
#include <joinly/detail/codec/wire_writer.hpp>
#include <joinly/detail/codec/zero_fields.hpp>
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

template <described T>
JOINLY_FLATTEN std::size_t put_nested(Encoding& encoding, std::size_t at, const T& object, DefaultMask written_when_zero);

/// The bits of a number, as they travel under `type`.
template <WireType type, class Bits>
JOINLY_INLINE void put_bits(WireWriter& out, Bits bits) {
    if constexpr (type == WireType::varint) {
        out.varint(bits);
    } else {
        out.fixed(bits);
    }
}
template <WireType type, class Bits>
JOINLY_INLINE void put_bits(WireWriter& out, std::uint32_t number, Bits bits) {
    if constexpr (type == WireType::varint) {
        out.tag_and_varint(make_tag(number, type), bits);
    } else {
        out.tag(make_tag(number, type));
        out.fixed(bits);
    }
}

JOINLY_INLINE void put_bytes(WireWriter& out, std::uint32_t number, const void* data, std::size_t size) {
    out.tag_and_varint(make_tag(number, WireType::delimited), size);
    out.bytes(data, size);
}

/// A tag and what follows it. `mask` is for messages alone.
template <single_field T>
JOINLY_INLINE void put_value(WireWriter& out, std::uint32_t number, const T& value, DefaultMask mask) {
    if constexpr (wire_convertible<T>) {
        put_value(out, number, Entity<T>::to_wire(value), mask);
    } else if constexpr (scalar_field<T>) {
        put_bits<wire_type_of_field<T>()>(out, number, to_bits(to_number(value)));
    } else if constexpr (blob_field<T>) {
        put_bytes(out, number, value.data(), value.size());
    } else {
        out.tag(make_tag(number, WireType::delimited));
        const std::size_t mark = out.begin();
        if (out.encoding().enter()) out.go_to(put_nested(out.encoding(), out.at(), value, mask));
        out.encoding().leave();
        out.end(mark);
    }
}

/// A number in a packed list.
template <single_field T>
JOINLY_INLINE void put_element(WireWriter& out, const T& value) {
    if constexpr (wire_convertible<T>) {
        put_element(out, Entity<T>::to_wire(value));
    } else {
        put_bits<wire_type_of_field<T>()>(out, to_bits(to_number(value)));
    }
}

template <list_field List>
JOINLY_FLATTEN std::size_t put_list(Encoding& encoding, std::size_t at, std::uint32_t number, const List& list) {
    using Element = typename List::value_type;
    constexpr bool is_packed = wire_type_of_field<Element>() != WireType::delimited;
    WireWriter out{encoding, at};
    if constexpr (is_packed) {
        out.tag(make_tag(number, WireType::delimited));
        const std::size_t mark = out.begin();
        for (const auto& element : list) put_element<Element>(out, element);
        out.end(mark);
    } else {
        const DefaultMask mask = mask_for_elements<Element>();
        encoding.charge(list.size() * list_element_cost<List>);
        for (const auto& element : list) put_value<Element>(out, number, element, mask);
    }
    return out.at();
}

/// A map is a list of entries: messages with the key as field 1 and the value as field 2, both always there.
template <map_field Map>
JOINLY_FLATTEN std::size_t put_map(Encoding& encoding, std::size_t at, std::uint32_t number, const Map& map) {
    WireWriter out{encoding, at};
    const DefaultMask mask = mask_for_elements<typename Map::mapped_type>();
    encoding.charge(map.size() * map_entry_cost<Map>);
    for (const auto& [key, mapped] : map) {
        out.tag(make_tag(number, WireType::delimited));
        const std::size_t mark = out.begin();
        if (encoding.enter()) {
            put_value(out, 1, key, 0);
            put_value(out, 2, mapped, mask);
        }
        encoding.leave();
        out.end(mark);
    }
    return out.at();
}

/// Writes each field that it is called with.
struct FieldWriter {
    WireWriter out;
    DefaultMask written_when_zero;
    DefaultMask (*find_mask)() = nullptr;  // gives `written_when_zero`, which most objects need not know
    DefaultMask bit = 1;

    template <class Member>
    JOINLY_INLINE constexpr void operator()(auto described_number, std::string_view name, const Member& member, const auto&...) {
        const auto number = static_cast<std::uint32_t>(described_number);
        if constexpr (scalar_field<Member>) {
            constexpr WireType type = wire_type_of_field<Member>();
            const auto bits = to_bits(to_number(member));
            if (bits != 0 || when_zero()) [[likely]]
                put_bits<type>(out, number, bits);
        } else if constexpr (blob_field<Member>) {
            if (!member.empty() || when_zero()) [[likely]]
                put_bytes(out, number, member.data(), member.size());
        } else if constexpr (single_field<Member>) {
            put_single(number, member);
            out.encoding().blame(name);
        } else if constexpr (optional_field<Member>) {
            using Value = typename Member::value_type;
            if (member.has_value()) put_value<Value>(out, number, *member, mask_for_elements<Value>());
            out.encoding().blame(name);
        } else if (!member.empty()) {
            if constexpr (map_field<Member>) {
                out.go_to(put_map(out.encoding(), out.at(), number, member));
            } else {
                out.go_to(put_list(out.encoding(), out.at(), number, member));
            }
            out.encoding().blame(name);
        }
        bit <<= 1;
    }

private:
    [[nodiscard]] JOINLY_INLINE bool when_zero() {
        if (find_mask != nullptr) written_when_zero = find_mask();
        find_mask = nullptr;
        return bit == 0 || (written_when_zero & bit) != 0;
    }

    template <single_field T>
    JOINLY_INLINE void put_single(std::uint32_t number, const T& value) {
        const DefaultMask mask = when_zero() ? write_everything : mask_for_elements<T>();
        if (mask != 0 || !is_zero(value)) put_value(out, number, value, mask);
    }
};

/// Which version of the description wrote what follows, and who may read it, if not that one.
inline void put_version(WireWriter& out, std::uint64_t version, std::uint64_t oldest_reader) {
    out.tag_and_varint(make_tag(version_number, WireType::varint), version);
    if (oldest_reader != version) out.tag_and_varint(make_tag(oldest_reader_number, WireType::varint), oldest_reader);
}

struct NumberFinder {
    std::uint32_t number;
    bool known = false;

    JOINLY_INLINE constexpr void operator()(auto described_number, const auto&...) {
        known = known || number == static_cast<std::uint32_t>(described_number);
    }
};

/// What another build stored, as it was read; but of a field that this description has, only the member counts.
template <keeps_unknown_fields T>
JOINLY_COLD std::size_t put_unknown_fields(Encoding& encoding, std::size_t at, const T& object) {
    WireWriter out{encoding, at};
    const UnknownFields& kept = Entity<T>::unknown_fields(object);
    if (!UnknownFieldsAccess::are(kept, UnknownFieldsAccess::Format::wire)) {
        encoding.fail("its unknown fields were read by another codec; clear them to do without");
        return at;
    }
    encoding.charge(UnknownFieldsAccess::cost);
    const std::string_view bytes = UnknownFieldsAccess::bytes(kept);
    Decoding decoding{bytes};
    WireReader in{decoding, bytes};
    while (!in.at_end()) {
        const char* const start = in.at();
        NumberFinder finder{0};
        WireType type{};
        if (!in.tag(finder.number, type) || !in.skip(type)) break;
        Entity<T>::fields(object, finder);
        if (!finder.known) out.bytes(start, static_cast<std::size_t>(in.at() - start));
    }
    return out.at();
}

template <described T>
JOINLY_INLINE std::size_t put_fields(Encoding& encoding, std::size_t at, const T& object, DefaultMask written_when_zero,
                                     DefaultMask (*find_mask)() = nullptr) {
    FieldWriter writer{.out = {encoding, at}, .written_when_zero = written_when_zero, .find_mask = find_mask};
    if constexpr (version_of<T>() > 1) put_version(writer.out, version_of<T>(), oldest_reader_of<T>());
    Entity<T>::fields(object, writer);
    if constexpr (keeps_unknown_fields<T>) {
        if (!Entity<T>::unknown_fields(object).empty()) return put_unknown_fields(encoding, writer.out.at(), object);
    }
    return writer.out.at();
}

/// The same, as a function to call: what a walk over one message does is not copied into that of another.
template <described T>
JOINLY_FLATTEN std::size_t put_nested(Encoding& encoding, std::size_t at, const T& object, DefaultMask written_when_zero) {
    return put_fields(encoding, at, object, written_when_zero);
}

/// How many bytes `object` will take, or why it cannot be encoded.
template <described T>
Result<std::size_t> measure_binary(const T& object) {
    char nowhere[Encoding::slack];
    Encoding encoding{nowhere, 0};
    const std::size_t size = put_fields(encoding, 0, object, 0, nonzero_defaults<T>);
    if (const char* fault = encoding.fault(size)) return encoding.refuse(kind_or_object<T>(), fault);
    return size;
}

/// A second walk, at once into the string that it is for, over what a first one has found to take `size` bytes.
class LargeEncoding {
public:
    JOINLY_COLD LargeEncoding(std::string& out, std::size_t size)
        : out_{out}, start_{out.size()}, size_{size}, encoding_{enlarged(), size} {}

    [[nodiscard]] Encoding& encoding() noexcept { return encoding_; }
    [[nodiscard]] JOINLY_COLD Status finish(std::size_t size, std::string_view kind) {
        out_.resize(start_ + (size == size_ ? size : 0));
        if (size == size_) return {};
        return encoding_.refuse(kind, "to_wire of a field gave two answers for one value");
    }

private:
    char* enlarged() {
        out_.resize(start_ + size_ + Encoding::slack);
        return out_.data() + start_;
    }

    std::string& out_;
    std::size_t start_;
    std::size_t size_;
    Encoding encoding_;
};

template <described T>
JOINLY_FLATTEN Status encode_binary(const T& object, std::string& out) {
    constexpr std::size_t room = 1024;
    constexpr std::string_view kind = kind_or_object<T>();
    char on_stack[room + Encoding::slack];
    Encoding encoding{on_stack, room};
    const std::size_t size = put_fields(encoding, 0, object, 0, nonzero_defaults<T>);
    if (size > room || encoding.is_doubtful()) [[unlikely]] {
        if (const char* fault = encoding.fault(size)) return encoding.refuse(kind, fault);
        LargeEncoding large{out, size};
        return large.finish(put_nested(large.encoding(), 0, object, nonzero_defaults<T>()), kind);
    }
    out.append(on_stack, size);
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
