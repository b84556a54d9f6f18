#ifndef JOINLY_CODEC_JSON_HPP
#define JOINLY_CODEC_JSON_HPP
// JSON, in the shape that Python's json.dumps gives for a dictionary of the same fields, and reading what it writes.
// Costs a second to include, for nlohmann-json. Any thread may call anything here.
//
// | field                                | is written as                                                          |
// |--------------------------------------|------------------------------------------------------------------------|
// | bool, integers                       | true, false, numbers                                                   |
// | float, double                        | numbers with a decimal point                                           |
// | enums                                | the declared name; a number where there is none                        |
// | std::chrono::sys_time<Duration>      | seconds since the Unix epoch, as time.time() gives them                |
// | std::string                          | a string, in UTF-8                                                     |
// | std::vector<std::byte>               | a string in base64                                                     |
// | std::vector<X>                       | an array                                                               |
// | std::map, std::unordered_map         | an object; keys that are numbers become strings                        |
// | std::optional<X>                     | X or null                                                              |
// | a described struct                   | an object, its keys in the order of the description                    |
//
// Reading accepts whole floats up to 2^53 for integers, integers for floats and times, numbers for enums, true and false for
// 1 and 0 and the other way round, and keys in any order. The last of several values under one key wins; keys that the
// description does not know are kept where it has unknown_fields, and else ignored; a key that is missing or null keeps the
// field's default (null empties an optional). NaN and Infinity, which json.dumps writes unless it is told not to, are not
// JSON and are `corrupt`. A description whose version is above 1 writes it under "_version", and its oldest_reader, if that
// is another, under "_oldest_reader". What may change in a description is told in joinly/entity/entity.hpp.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/json_read.hpp>
#include <joinly/detail/codec/json_write.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/entity/described.hpp>

#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

struct Json {
    static constexpr ValueForm form = ValueForm::text;
    static constexpr std::string_view name = "json";
    static constexpr bool keeps_times_as_seconds = true;

    /// Appends `object` as JSON text to `out`.
    ///
    /// @return success, or `invalid_argument`, naming the field and leaving `out` as it was: a string is not UTF-8, a
    ///         floating-point number is not finite, a time is too far from now for seconds in a double to keep its
    ///         microseconds (before 1698, after 2242), the unknown fields are those of another codec, or the object is nested
    ///         deeper than 64 levels or has so many large empty elements that `decode` would refuse it.
    ///         Of a time finer than microseconds, what is finer is rounded: the one thing that is not given back.
    /// @par Complexity  O(size of the object).
    template <described T>
    [[nodiscard]] static Status encode(const T& object, std::string& out) {
        if constexpr (detail::explain_fields<T>()) {
            return detail::encode_json(object, out);
        } else {
            return failure(Errc::unsupported);
        }
    }

    /// Reads JSON text into `object`, which is freshly made.
    ///
    /// @return success, with the object brought up to its description's version, or `corrupt`, naming the byte where it ceases
    ///         to be JSON, or the field that does not fit; `incompatible`: a newer build wrote it, and not for this one to
    ///         read; or what `upgrade` answered. `object` then holds some of the fields.
    /// @par Complexity  O(size of text), in memory too: at most about 64 bytes per byte and 64 KiB for lists and maps, and
    ///                  as much again for what was parsed. Objects with unknown members are walked over once more.
    template <described T>
    [[nodiscard]] static Status decode(std::string_view text, T& object) {
        if constexpr (detail::explain_fields<T>()) {
            return detail::decode_json(text, object);
        } else {
            return failure(Errc::unsupported);
        }
    }

    /// The version of the description that wrote `text`, or `corrupt`, where it is no object or its version none.
    template <described T>
    [[nodiscard]] static Result<int> stored_version(std::string_view text) {
        return detail::stored_version_in_json<T>(text);
    }
};

JOINLY_NAMESPACE_END
#endif
