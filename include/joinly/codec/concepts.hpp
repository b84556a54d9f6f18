#ifndef JOINLY_CODEC_CONCEPTS_HPP
#define JOINLY_CODEC_CONCEPTS_HPP
// What turns an entity into value bytes and back.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

/// Two functions and a form, all static; callable from any thread.
///
/// Beyond the syntax: `encode` appends to `out`, and refuses (`invalid_argument`, naming the field) what it cannot give
/// back; `decode` takes hostile bytes into a freshly made object and answers `corrupt`, with field and offset, where they
/// are not what `encode` writes: never a crash, and no allocation that the input does not account for. One that writes times as
/// seconds in a double, as Json does, has `keeps_times_as_seconds` besides, which is true, so that indexes round them alike.
template <class C, class T>
concept codec_for = requires(const T& object, T& target, std::string& out, std::string_view bytes) {
    { C::form } -> std::convertible_to<ValueForm>;
    { C::encode(object, out) } -> std::same_as<Status>;
    { C::decode(bytes, target) } -> std::same_as<Status>;
};

/// A codec that can tell how many bytes `encode` will append at most, or why it will refuse, for less than encoding costs. Without
/// this, write-behind encodes an object twice: once to know before it acknowledges, once to store it.
template <class C, class T>
concept measuring_codec_for = codec_for<C, T> && requires(const T& object) {
    { C::measure(object) } -> std::same_as<Result<std::size_t>>;
};

/// A codec that writes the version of the description and can tell it from the bytes: what upgrade_all needs.
template <class C, class T>
concept versioning_codec_for = codec_for<C, T> && requires(std::string_view bytes) {
    { C::template stored_version<T>(bytes) } -> std::same_as<Result<int>>;
};

JOINLY_NAMESPACE_END
#endif
