// expect: joinly: `fields` does not take a const object
#include <joinly/entity/entity.hpp>
#include <string>
#include <string_view>

namespace game {
struct Hero {
    std::string name;
};
}  // namespace game

template <>
struct joinly::Entity<game::Hero> {
    static constexpr std::string_view kind = "hero";
    static constexpr auto& id(auto& hero) { return hero.name; }
    static constexpr void fields(game::Hero& hero, auto&& field) { field(1, "name", hero.name); }
};

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
