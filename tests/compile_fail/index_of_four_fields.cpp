// expect: joinly: an index in `indexes` is over two or three fields
#include <joinly/entity/entity.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace game {
struct Hero {
    std::string name;
    int strength = 0;
    int age = 0;
    int gold = 0;
    std::vector<int> scars;
};
}  // namespace game

template <>
struct joinly::Entity<game::Hero> {
    static constexpr std::string_view kind = "hero";
    static constexpr auto& id(auto& hero) { return hero.name; }
    static constexpr void fields(auto& hero, auto&& field) {
        field(1, "name", hero.name);
        field(2, "strength", hero.strength);
        field(3, "age", hero.age);
        field(4, "gold", hero.gold);
    }
    static constexpr void indexes(auto& hero, auto&& index) { index(1000, "all", hero.name, hero.strength, hero.age, hero.gold); }
};

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
