#ifndef JOINLY_DETAIL_OPS_DUMP_CODEC_HPP
#define JOINLY_DETAIL_OPS_DUMP_CODEC_HPP
// Stored values to readable ones and back, for the types that a dump is told of.

#include <joinly/codec/json.hpp>
#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/json_write.hpp>
#include <joinly/detail/index/catalogue.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/detail/index/walk.hpp>
#include <joinly/detail/ops/conversion.hpp>
#include <joinly/detail/ops/entity_id.hpp>
#include <joinly/entity/entity.hpp>

#include <algorithm>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Codec>
struct PlainCodec {
    using type = Codec;
};
template <class Codec>
requires requires { typename Codec::Plain; }
struct PlainCodec<Codec> {
    using type = typename Codec::Plain;
};
template <class Codec>
constexpr std::string_view plain_name() noexcept {
    return PlainCodec<Codec>::type::name;
}

/// Appends a T's value as JSON, if loading that gives back the very same bytes (but for how they are compressed).
template <class Codec, class T>
[[nodiscard]] bool append_readable(std::string_view key, std::string_view value, std::string& json) {
    using Plain = typename PlainCodec<Codec>::type;
    T object{};
    if constexpr (!std::same_as<Codec, Plain>) {
        const auto plain = Codec::plain(value);
        return plain && append_readable<Plain, T>(key, *plain, json);
    } else if constexpr (std::same_as<Plain, Json>) {  // the text itself, whoever has written it
        const auto breaks_line = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
        if (!value.starts_with('{') || !value.ends_with('}') || std::any_of(value.begin(), value.end(), breaks_line)) return false;
        if (!Json::decode(value, object) || !require_own_key(object, key)) return false;
        json.append(value);
        return true;
    } else {
        std::string again;
        return Plain::decode(value, object) && require_own_key(object, key) && Plain::encode(object, again) && again == value &&
               encode_json(object, json, /*exact=*/true);
    }
}

/// The same for the value under that key; false, too, when none of the types has its kind.
template <class Codec, entity... T>
[[nodiscard]] bool readable_value(std::string_view key, [[maybe_unused]] std::string_view value, std::string& json) {
    [[maybe_unused]] const std::string_view kind = kind_in_key(key);
    json.clear();
    bool readable = false;
    static_cast<void>(((kind == kind_of<T> && (readable = append_readable<Codec, T>(key, value, json), true)) || ...));
    return readable;
}

template <class Codec, entity T>
[[nodiscard]] Status encode_readable_as(std::string_view json, Change& change) {
    T object{};
    if (auto decoded = Json::decode(json, object); !decoded) return decoded;
    if (auto own = require_own_key(object, change.key); !own) return own;
    std::string& value = change.value.emplace();
    change.form = Codec::form;
    if constexpr (has_indexes<T>) {
        if (auto indexed = index_terms(object, change.index_terms.emplace()); !indexed) return indexed;
    }
    if constexpr (std::same_as<Codec, Json>) {
        value = json;
        return {};
    } else {
        return Codec::encode(object, value);
    }
}

/// Sets the value, form and index terms of a change that has its key; nullopt when none of the types has the kind.
template <class Codec, entity... T>
[[nodiscard]] std::optional<Status> encode_readable([[maybe_unused]] std::string_view kind, [[maybe_unused]] std::string_view json,
                                                    [[maybe_unused]] Change& change) {
    std::optional<Status> encoded;
    static_cast<void>(((kind == kind_of<T> && (encoded.emplace(encode_readable_as<Codec, T>(json, change)), true)) || ...));
    return encoded;
}

/// What the type of that kind declares; nullopt when none of the types has it.
template <entity... T>
[[nodiscard]] std::optional<IndexCatalogue> declared_catalogue([[maybe_unused]] std::string_view kind) {
    std::optional<IndexCatalogue> declared;
    static_cast<void>(((kind == kind_of<T> && (declared.emplace(index_catalogue<T>()), true)) || ...));
    return declared;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
