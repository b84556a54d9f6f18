#ifndef JOINLY_DETAIL_CODEC_ZERO_FIELDS_HPP
#define JOINLY_DETAIL_CODEC_ZERO_FIELDS_HPP
// Which fields are left out: those that are zero, where the struct's own default is zero too.

#include <joinly/config.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/entity/described.hpp>

#include <cstdint>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// One bit per field, in the order of the description: this field's default is not zero, so a zero must be written to be
/// told from "missing". Fields beyond the 64th are always written.
using DefaultMask = std::uint64_t;
inline constexpr DefaultMask write_everything = ~DefaultMask{0};

template <described T>
DefaultMask nonzero_defaults();
template <single_field T>
bool is_zero(const T& value);

/// Whether all fields are zero. A container with anything in it takes some bytes, so this looks into none: it goes as deep as
/// the type, not as the object.
struct ZeroFinder {
    bool zero = true;
    DefaultMask bit = 1;

    template <class Member>
    JOINLY_INLINE constexpr void operator()(auto, std::string_view, const Member& member, const auto&...) {
        if constexpr (single_field<Member>) {
            zero = zero && bit != 0 && is_zero(member);
        } else if constexpr (optional_field<Member>) {
            zero = zero && !member.has_value();
        } else {
            zero = zero && member.empty();
        }
        bit <<= 1;
    }
};

/// Whether `value` takes no bytes where all defaults are zero.
template <single_field T>
bool is_zero(const T& value) {
    if constexpr (wire_convertible<T>) {
        return is_zero(Entity<T>::to_wire(value));
    } else if constexpr (scalar_field<T>) {
        return to_bits(to_number(value)) == 0;
    } else if constexpr (blob_field<T>) {
        return value.empty();
    } else {
        ZeroFinder finder;
        Entity<T>::fields(value, finder);
        if constexpr (keeps_unknown_fields<T>) finder.zero = finder.zero && Entity<T>::unknown_fields(value).empty();
        return finder.zero;
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

/// Collects the mask from an object with its defaults.
struct DefaultFinder {
    DefaultMask mask = 0;
    DefaultMask bit = 1;

    template <class Member>
    JOINLY_INLINE constexpr void operator()(auto, std::string_view, const Member& member, const auto&...) {
        if constexpr (scalar_field<Member>) {
            if (to_bits(to_number(member)) != 0) mask |= bit;
        } else if constexpr (single_field<Member>) {
            if (mask_for_elements<Member>() != 0 || !is_zero(member)) mask |= bit;
        }
        bit <<= 1;
    }
};

template <described T>
JOINLY_NOINLINE DefaultMask nonzero_defaults() {
    const T defaults{};
    DefaultFinder finder;
    Entity<T>::fields(defaults, finder);
    return finder.mask;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
