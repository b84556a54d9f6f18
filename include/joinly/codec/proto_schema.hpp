#ifndef JOINLY_CODEC_PROTO_SCHEMA_HPP
#define JOINLY_CODEC_PROTO_SCHEMA_HPP
// The .proto file that matches what Binary writes, so that protoc makes a reader of stored values for any language.

#include <joinly/config.hpp>
#include <joinly/detail/codec/proto_schema.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/entity/described.hpp>

#include <string>

JOINLY_NAMESPACE_BEGIN

/// The text of a .proto file (proto3) with a message for `T`, and then those for what it contains, in the order they are
/// met. `optional` marks what may be absent and what is written even when it is zero.
///
/// Messages and enums have the names of the C++ types, with a number where two have the same; fields have those of the
/// description; an enumerator's name gets its enum's in front, for proto3 has one scope for them all. The text does not
/// depend on the compiler, so it can be kept under version control.
template <described T>
[[nodiscard]] std::string proto_schema() {
    if constexpr (detail::explain_fields<T>()) {
        return detail::ProtoSchema{}.text_for<T>();
    } else {
        return {};
    }
}

JOINLY_NAMESPACE_END
#endif
