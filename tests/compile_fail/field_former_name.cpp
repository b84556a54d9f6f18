// expect: joinly: a field's former name is that of another field
#include <joinly/entity/entity.hpp>
#include <string>
#include <string_view>

namespace game {
struct Hero {
    std::string name;
    std::string title;
};
}  // namespace game

template <>
struct joinly::Entity<game::Hero> {
    static constexpr std::string_view kind = "hero";
    static constexpr auto& id(auto& hero) { return hero.name; }
    static constexpr void fields(auto& hero, auto&& field) {
        field(1, "name", hero.name, joinly::formerly("title"));
        field(2, "title", hero.title);
    }
};

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
