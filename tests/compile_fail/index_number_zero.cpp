// expect: joinly: an index's number is out of range
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
    }
    static constexpr void indexes(auto& hero, auto&& index) { index(0, "strength_age", hero.strength, hero.age); }
};

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
