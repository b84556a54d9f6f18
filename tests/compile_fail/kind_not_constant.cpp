// expect: joinly: the kind is not a constant string: write
#include <joinly/entity/entity.hpp>
#include <string>

namespace game {
struct Hero {
    std::string name;
};
}  // namespace game

template <>
struct joinly::Entity<game::Hero> {
    static inline const std::string kind = "hero";
    static constexpr auto& id(auto& hero) { return hero.name; }
    static constexpr void fields(auto& hero, auto&& field) { field(1, "name", hero.name); }
};

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
