// expect: joinly: a vector cannot hold vectors, maps or optionals
#include <joinly/entity/entity.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace game {
struct Hero {
    std::string name;
    std::vector<std::vector<int>> extra{};
};
}  // namespace game

template <>
struct joinly::Entity<game::Hero> {
    static constexpr std::string_view kind = "hero";
    static constexpr auto& id(auto& hero) { return hero.name; }
    static constexpr void fields(auto& hero, auto&& field) {
        field(1, "name", hero.name);
        field(2, "extra", hero.extra);
    }
};

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
