#ifndef JOINLY_CODEC_BINARY_HPP
#define JOINLY_CODEC_BINARY_HPP
// The Protocol Buffers wire format, so that a stored value can be read in any language. `proto_schema<T>()` in
// joinly/codec/proto_schema.hpp prints the matching .proto file. Any thread may call anything here.
//
// | field                               | travels as                                                             |
// |-------------------------------------|------------------------------------------------------------------------|
// | bool, integers, enums               | varint; negative numbers take 10 bytes; unknown enumerators are kept   |
// | float, double                       | fixed32, fixed64                                                       |
// | std::chrono::sys_time<Duration>     | varint: the count of its own Duration since the Unix epoch             |
// | std::string, std::vector<std::byte> | bytes; a string may hold any, but other languages want UTF-8           |
// | std::vector<X>                      | packed for numbers, else repeated                                      |
// | std::map, std::unordered_map        | repeated entries: key 1, value 2                                       |
// | std::optional<X>                    | X, when there is one                                                   |
// | a described struct                  | nested message                                                         |
//
// A zero or empty value is left out where the struct's own default is zero or empty too. So a field that is missing
// keeps its default; a container or optional that is missing is empty. Fields that the description does not know are
// kept where it has unknown_fields, and else skipped, both packed and single numbers are accepted, the last of several values
// wins, nested messages merge, an integer that is too wide is cut down: all as Protocol Buffers has it. A known field of
// another wire type is `corrupt`. A description whose version is above 1 writes it as field 18998 of its message, before the
// others, and its oldest_reader, if that is another, as field 18999: varints, both. What may change in a description is told
// in joinly/entity/entity.hpp.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/binary_decode.hpp>
#include <joinly/detail/codec/binary_encode.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/entity/described.hpp>

#include <cstddef>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

struct Binary {
    static constexpr ValueForm form = ValueForm::bytes;
    static constexpr std::string_view name = "binary";

    /// Appends the encoded `object` to `out`.
    ///
    /// @return success, or `invalid_argument`, naming the field and leaving `out` as it was: the object is nested deeper than
    ///         64 levels, larger than 2 GiB, has so many large empty elements that `decode` would refuse it, or its unknown
    ///         fields are those of another codec.
    /// @par Complexity  O(size of the object), at most one allocation; at most one default-constructed T, and one for each list of
    ///                  structs. What takes up to 1 KiB is encoded on the stack first.
    template <described T>
    [[nodiscard]] static Status encode(const T& object, std::string& out) {
        if constexpr (detail::explain_fields<T>()) {
            return detail::encode_binary(object, out);
        } else {
            return failure(Errc::unsupported);
        }
    }

    /// How many bytes `encode` appends, or why it refuses: at a fraction of its cost.
    template <described T>
    [[nodiscard]] static Result<std::size_t> measure(const T& object) {
        if constexpr (detail::explain_fields<T>()) {
            return detail::measure_binary(object);
        } else {
            return failure(Errc::unsupported);
        }
    }

    /// Reads `bytes` into `object`, which is freshly made. For one that is not, there is `decode_into` (binary_into.hpp).
    ///
    /// @return success, with the object brought up to its description's version, or `corrupt`, naming the field and the byte;
    ///         `incompatible`: a newer build wrote it, and not for this one to read; or what `upgrade` answered. `object` then
    ///         holds some of the fields.
    /// @par Complexity  O(size of bytes) in time, and at most about 64 bytes of memory per byte and 64 KiB.
    template <described T>
    [[nodiscard]] static Status decode(std::string_view bytes, T& object) {
        if constexpr (detail::explain_fields<T>()) {
            return detail::decode_binary(bytes, object);
        } else {
            return failure(Errc::unsupported);
        }
    }

    /// The version of the description that wrote `bytes`, or `corrupt`, where they are no message or the version is none.
    /// @par Complexity  O(number of fields): values are skipped.
    template <described T>
    [[nodiscard]] static Result<int> stored_version(std::string_view bytes) {
        return detail::stored_version_in_binary<T>(bytes);
    }
};

JOINLY_NAMESPACE_END
#endif
