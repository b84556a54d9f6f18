#ifndef JOINLY_DETAIL_POLICY_OBJECT_TYPE_HPP
#define JOINLY_DETAIL_POLICY_OBJECT_TYPE_HPP
// The ObjectType of an entity under a codec: the one place where typed code meets the policies, which know no types.

#include <joinly/codec/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/detail/entity/type_name.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/detail/index/walk.hpp>
#include <joinly/policy/object.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class T, class Codec>
[[nodiscard]] Result<std::shared_ptr<const void>> decode_object(std::string_view bytes) {
    auto object = std::make_shared<T>();
    if (auto decoded = Codec::decode(bytes, *object); !decoded) {
        if (decoded.error() != Errc::corrupt) return failure(std::move(decoded).error());
        // What another codec has written looks like damage.
        std::string message{decoded.error().message()};
        return failure(Errc::corrupt, message.append(" (read as ").append(short_type_name<Codec>()).append(")"));
    }
    return std::shared_ptr<const void>{std::move(object)};
}

template <class T, class Codec>
[[nodiscard]] Result<std::size_t> measure_encoded(const T& object) {
    if constexpr (measuring_codec_for<Codec, T>) {
        return Codec::measure(object);
    } else {
        std::string scratch;
        if (auto encoded = Codec::encode(object, scratch); !encoded) return failure(std::move(encoded).error());
        return scratch.size();
    }
}

template <class T>
constexpr bool is_indexed_entity() {
    if constexpr (explain_entity<T>()) {
        return has_indexes<T>;
    } else {
        return false;
    }
}

template <class T, class Codec>
[[nodiscard]] Result<std::size_t> measure_object(const void* pointer) {
    const T& object = *static_cast<const T*>(pointer);
    auto bytes = measure_encoded<T, Codec>(object);
    if constexpr (is_indexed_entity<T>()) {
        if (!bytes) return bytes;
        const auto terms = measure_index_terms(object);
        if (!terms) return failure(terms.error());
        *bytes += *terms;
    }
    return bytes;
}

/// Null when T has no index.
template <class T, class Codec>
constexpr auto index_terms_of() -> Status (*)(const void* object, std::string& packed) {
    if constexpr (is_indexed_entity<T>()) {
        return [](const void* object, std::string& packed) {
            return index_terms<times_kept_by<Codec>>(*static_cast<const T*>(object), packed);
        };
    } else {
        return nullptr;
    }
}

template <class T, class Codec>
inline constexpr ObjectType object_type{
    [](const void* object, std::string& out) -> Status { return Codec::encode(*static_cast<const T*>(object), out); },
    &measure_object<T, Codec>,
    &decode_object<T, Codec>,
    Codec::form,
    index_terms_of<T, Codec>(),
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
