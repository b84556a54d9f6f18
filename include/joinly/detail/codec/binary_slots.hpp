#ifndef JOINLY_DETAIL_CODEC_BINARY_SLOTS_HPP
#define JOINLY_DETAIL_CODEC_BINARY_SLOTS_HPP
// Where the fields of an encoded object are, found in one pass over bytes that nobody vouches for.

#include <joinly/config.hpp>
#include <joinly/detail/codec/binary_decode.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/codec/wire_reader.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/detail/entity/phantom.hpp>
#include <joinly/detail/index/walk.hpp>
#include <joinly/entity/described.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What is known of a field before there are any bytes.
struct FieldShape {
    std::uint32_t number = 0;
    WireType type = {};  // of its value, or of each of its elements
    bool is_repeated = false;
    bool is_message = false;  // of which a second one is merged with the first, where else the last one counts
    std::string_view name = {};
};

template <class Member>
constexpr FieldShape shape_of_field(std::uint32_t number, std::string_view name) {
    if constexpr (single_field<Member>) {
        return {number, wire_type_of_field<Member>(), false, message_field<Member>, name};
    } else if constexpr (optional_field<Member>) {
        return shape_of_field<typename Member::value_type>(number, name);
    } else if constexpr (map_field<Member>) {
        return {number, WireType::delimited, true, false, name};
    } else {
        return {number, wire_type_of_field<typename Member::value_type>(), true, false, name};
    }
}

template <described T>
constexpr auto shapes_of_fields() {
    std::array<FieldShape, count_fields<T>()> shapes{};
    std::size_t count = 0;
    Entity<T>::fields(phantom_object<T>(), [&](auto number, std::string_view name, auto& member, const auto&...) {
        shapes[count++] = shape_of_field<std::remove_reference_t<decltype(member)>>(static_cast<std::uint32_t>(number), name);
    });
    return shapes;
}
/// In the order of the description.
template <described T>
inline constexpr auto field_shapes = shapes_of_fields<T>();

template <class T, auto member>
concept member_of = requires(const T& object) {
    object.*member;
};

/// The place of a member among the shapes; their number, if it is no field.
template <described T, auto member>
consteval std::size_t place_of_field() {
    const T& object = phantom_object<T>();
    std::size_t found = count_fields<T>();
    std::size_t place = 0;
    Entity<T>::fields(object, [&](auto, std::string_view, const auto& field, const auto&...) {
        if (is_same_member(field, object.*member)) found = place;
        ++place;
    });
    return found;
}

/// What the bytes have of a field.
struct FieldSlot {
    static constexpr std::uint64_t in_pieces = ~std::uint64_t{0};  // for `value`: a message that is to be merged from several

    const char* data = nullptr;  // null: it is missing. Else its bytes, or the first tag of a repeated field
    std::uint64_t value = 0;     // a number's bits as the wire has them; of bytes: how many
};

JOINLY_INLINE bool read_slot(WireReader& in, const FieldShape& shape, WireType type, const char* tag, FieldSlot& slot) noexcept {
    const bool is_packed = shape.is_repeated && type == WireType::delimited;
    if (type != shape.type && !is_packed) return in.fail_type();
    if (shape.is_repeated) {
        if (slot.data == nullptr) slot.data = tag;
        return in.skip(type);
    }
    if (type == WireType::delimited) {
        std::string_view bytes;
        if (!in.delimited(bytes)) return false;
        slot.value = shape.is_message && slot.data != nullptr ? FieldSlot::in_pieces : bytes.size();
        slot.data = bytes.data();
        return true;
    }
    slot.data = in.at();
    if (type == WireType::varint) return in.varint(slot.value);
    if (type == WireType::fixed64) return in.fixed(slot.value);
    std::uint32_t bits = 0;
    const bool ok = in.fixed(bits);
    slot.value = bits;
    return ok;
}

template <described T, std::size_t place>
JOINLY_INLINE bool read_slot_in_order(WireReader& in, FieldSlot& slot) {
    constexpr FieldShape shape = field_shapes<T>[place];
    constexpr WireType type = shape.is_repeated ? WireType::delimited : shape.type;
    constexpr std::uint32_t tag = make_tag(shape.number, type);
    const char* const start = in.at();
    if (!in.skip_tag(tag)) return true;
    bool ok = read_slot(in, shape, type, start, slot);
    if constexpr (shape.is_repeated) {
        while (ok && in.skip_tag(tag)) ok = in.skip(type);
    }
    if (!ok) in.decoding().blame(shape.name);
    return ok;
}
/// Reads what comes in the order of the description, as this library writes it; read_slots reads what is left.
template <described T, std::size_t... places>
JOINLY_INLINE bool read_slots_in_order(WireReader& in, FieldSlot* slots, std::index_sequence<places...>) {
    return (read_slot_in_order<T, places>(in, slots[places]) && ...);
}

/// The place of the field with this number; `count`: there is none. Fields are expected in the order of the description.
inline std::size_t find_shape(const FieldShape* shapes, std::size_t count, std::size_t expected, std::uint32_t number) noexcept {
    for (std::size_t place = expected; place < count; ++place) {
        if (shapes[place].number == number) return place;
    }
    for (std::size_t place = 0; place < expected; ++place) {
        if (shapes[place].number == number) return place;
    }
    return count;
}

/// Reads a message to its end. Of values that stand in others only the length is looked at. False is a fault.
JOINLY_NOINLINE inline bool read_slots(WireReader& in, const FieldShape* shapes, std::size_t count, FieldSlot* slots,
                                       VersionMark& mark) {
    std::size_t expected = 0;
    while (!in.at_end()) {
        const char* const start = in.at();
        std::uint32_t number = 0;
        WireType type{};
        if (!in.tag(number, type)) return false;
        const std::size_t place = find_shape(shapes, count, expected, number);
        if (place == count) {
            if (!take_unknown(in, number, type, start, nullptr, mark)) return false;
            continue;
        }
        expected = place;
        if (read_slot(in, shapes[place], type, start, slots[place])) continue;
        in.decoding().blame(shapes[place].name);
        return false;
    }
    return true;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
