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
[[nodiscard]] Result<std::size_t> measure_object(const void* object) {
    if constexpr (measuring_codec_for<Codec, T>) {
        return Codec::measure(*static_cast<const T*>(object));
    } else {
        std::string scratch;
        if (auto encoded = Codec::encode(*static_cast<const T*>(object), scratch); !encoded)
            return failure(std::move(encoded).error());
        return scratch.size();
    }
}

/// Null when T has no index.
template <class T>
constexpr auto index_terms_of() -> Status (*)(const void* object, std::string& packed) {
    if constexpr (!explain_entity<T>()) {
        return nullptr;
    } else if constexpr (has_indexes<T>) {
        return [](const void* object, std::string& packed) { return index_terms(*static_cast<const T*>(object), packed); };
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
    index_terms_of<T>(),
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
