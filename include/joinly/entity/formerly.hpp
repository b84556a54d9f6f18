#ifndef JOINLY_ENTITY_FORMERLY_HPP
#define JOINLY_ENTITY_FORMERLY_HPP
// What a field was called before, for codecs that know fields by their names.

#include <joinly/config.hpp>

#include <concepts>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

namespace detail {

struct FormerName {
    std::string_view name;
};

/// Calls `visit` with each former name among the trailing arguments of a field.
template <class Visit, class... Tags>
constexpr void for_each_former_name(Visit visit, const Tags&... tags) {
    [[maybe_unused]] const auto look = [&](const auto& tag) {
        if constexpr (std::same_as<decltype(tag), const FormerName&>) visit(tag.name);
    };
    (look(tags), ...);
}

}  // namespace detail

/// `field(3, "rating", player.rating, formerly("skill_rating"))`: Json reads the field under either name, where both are
/// there under the present one, and writes the present one. Several may follow each other; the first that is there counts.
[[nodiscard]] constexpr detail::FormerName formerly(std::string_view name) noexcept { return {name}; }

JOINLY_NAMESPACE_END
#endif
