#ifndef JOINLY_DETAIL_CODEC_BINARY_DECODE_HPP
#define JOINLY_DETAIL_CODEC_BINARY_DECODE_HPP
// Wire format to an object, from bytes that nobody vouches for. Fields are expected in the order of the description, so that one
// walk over it reads the whole of what this library has written; what comes otherwise is read field by field.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/binary_value.hpp>
#include <joinly/detail/codec/compressed_mark.hpp>
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

/// Reads each field that it is called with, if it comes next as this library writes it; or if it is the odd one.
struct FieldReader {
    WireReader in;
    bool fresh;
    std::uint32_t odd_number = 0;  // of the field that comes next, in one of other ways; 0: none
    WireType odd_type = {};
    const char* behind_odd_tag = nullptr;

    template <class Member>
    JOINLY_INLINE constexpr void operator()(auto described_number, std::string_view name, Member& member, const auto&...) {
        const auto number = static_cast<std::uint32_t>(described_number);
        bool ok = true;
        if constexpr (scalar_field<Member> || blob_field<Member>) {
            constexpr WireType type = wire_type_of_field<Member>();
            if (comes_next(number, type, name)) ok = take_value(in, member, false);
        } else if constexpr (single_field<Member>) {
            constexpr WireType type = wire_type_of_field<Member>();
            if (comes_next(number, type, name)) {
                ok = take_value(in, member, fresh);
            } else if (fresh) {
                prepare(member);
            }
        } else {
            if (fresh) make_empty(member);
            ok = take_container(number, name, member);
        }
        if (!ok) in.decoding().blame(name);
    }

private:
    template <class Member>
    JOINLY_INLINE bool take_container(std::uint32_t number, std::string_view name, Member& member) {
        if constexpr (optional_field<Member>) {
            constexpr WireType type = wire_type_of_field<typename Member::value_type>();
            if (!comes_next(number, type, name)) return true;
            const bool is_new = !member.has_value();
            if (is_new) member.emplace();
            return take_value(in, *member, is_new);
        } else if constexpr (map_field<Member>) {
            return !comes_next(number, WireType::delimited, name) || in.go_to(take_map(in, number, member));
        } else {
            if (in.skip_tag(make_tag(number, WireType::delimited)))
                return in.go_to(take_list(in, number, WireType::delimited, member));
            if (odd_number != number) return true;
            go_behind_odd_tag();
            return in.go_to(take_list(in, number, odd_type, member));
        }
    }

    /// Whether a field of this number and type comes next; and if so, goes behind its tag.
    JOINLY_INLINE bool comes_next(std::uint32_t number, WireType type, std::string_view name) {
        return in.skip_tag(make_tag(number, type)) || (odd_number == number && is_odd_one(type, name));
    }
    JOINLY_COLD bool is_odd_one(WireType type, std::string_view name) {
        go_behind_odd_tag();
        if (type == odd_type) return true;
        in.fail_type();
        in.decoding().blame(name);
        return false;
    }
    void go_behind_odd_tag() noexcept {
        in.go_to(behind_odd_tag);
        odd_number = 0;
    }
};

/// A field that the description does not have, from its tag at `start` on: the version's mark, one for `kept`, or one to skip.
JOINLY_COLD inline bool take_unknown(WireReader& in, std::uint32_t number, WireType type, const char* start, UnknownFields* kept,
                                     VersionMark& mark) {
    if (number == version_number || number == oldest_reader_number) {
        if (type != WireType::varint) return in.fail_type();
        return in.varint(number == version_number ? mark.version : mark.oldest_reader);
    }
    if (!in.skip(type)) return false;
    if (kept == nullptr) return true;
    if (kept->empty() && !in.charge(UnknownFieldsAccess::cost)) return false;
    UnknownFieldsAccess::bytes(*kept, UnknownFieldsAccess::Format::wire).append(start, in.at());
    return true;
}

/// What comes neither in its usual place nor in its usual way.
template <described T>
JOINLY_COLD void take_odd_fields(FieldReader& reader, T& object, VersionMark& mark) {
    UnknownFields* kept = nullptr;
    if constexpr (keeps_unknown_fields<T>) kept = &Entity<T>::unknown_fields(object);
    while (!reader.in.at_end()) {
        const char* const start = reader.in.at();
        WireReader behind = reader.in;
        std::uint32_t number = 0;
        if (!behind.tag(number, reader.odd_type)) return static_cast<void>(reader.in.stop());
        reader.odd_number = number;
        reader.behind_odd_tag = behind.at();
        Entity<T>::fields(object, reader);
        if (reader.in.at() != start) continue;
        take_unknown(behind, number, reader.odd_type, start, kept, mark);
        reader.in.go_to(behind.at());
    }
}

/// Whether an object under this mark, for all that was wrong with it, is one for a build of version `known`.
JOINLY_COLD inline bool is_for_build(WireReader in, const VersionMark& mark, int known) {
    if (mark.is_beyond(known)) return in.decoding().fail_with(refuse_version(mark, known));
    if (in.decoding().failed()) return false;
    return mark.is_sound() || in.fail(unsound_version);
}

template <described T>
JOINLY_INLINE bool take_fields(Decoding& decoding, std::string_view bytes, T& object, bool fresh) {
    constexpr int known = version_of<T>();
    VersionMark mark;
    FieldReader reader{.in = {decoding, bytes}, .fresh = fresh};
    Entity<T>::fields(object, reader);
    reader.fresh = false;
    if (!reader.in.at_end()) take_odd_fields(reader, object, mark);
    if (mark.is_of(known) && !decoding.failed()) return true;
    if (!is_for_build(reader.in, mark, known)) return false;
    if constexpr (has_upgrade<T>) {
        Status upgraded = settle_version(mark, object);
        return upgraded || decoding.fail_with(std::move(upgraded).error());
    } else {
        return true;
    }
}

/// The same, as a function to call: what a walk over one message does is not copied into that of another.
template <described T>
JOINLY_FLATTEN bool take_nested(Decoding& decoding, std::string_view bytes, T& object, bool fresh) {
    return take_fields(decoding, bytes, object, fresh);
}

[[nodiscard]] JOINLY_COLD inline tl::unexpected<Error> refuse_binary(const Decoding& decoding, std::string_view bytes,
                                                                     std::string_view kind) {
    return is_compressed(bytes) ? refuse_compressed(kind, "Binary") : decoding.refuse(kind);
}

template <described T>
JOINLY_FLATTEN Status decode_binary(std::string_view bytes, T& object) {
    constexpr std::string_view kind = kind_or_object<T>();
    Decoding decoding{bytes};
    if (take_fields(decoding, bytes, object, true)) return {};
    return refuse_binary(decoding, bytes, kind);
}

/// The version of the description that wrote `bytes`, which are a T.
template <described T>
Result<int> stored_version_in_binary(std::string_view bytes) {
    Decoding decoding{bytes};
    WireReader in{decoding, bytes};
    VersionMark mark;
    bool ok = true;
    while (ok && !in.at_end()) {
        std::uint32_t number = 0;
        WireType type{};
        ok = in.tag(number, type) &&
             (number == version_number && type == WireType::varint ? in.varint(mark.version) : in.skip(type));
    }
    if (ok && !mark.is_sound()) ok = in.fail(unsound_version);
    if (!ok) return refuse_binary(decoding, bytes, kind_or_object<T>());
    return static_cast<int>(mark.version);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
