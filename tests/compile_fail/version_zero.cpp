// expect: joinly: the description's version is not a number from 1 on
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
    static constexpr int version = 0;
    static constexpr void fields(auto& hero, auto&& field) { field(1, "name", hero.name); }
};

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
