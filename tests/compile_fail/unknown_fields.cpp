// expect: joinly: `unknown_fields` does not give the member
#include <joinly/entity/entity.hpp>
#include <string>
#include <string_view>

namespace game {
struct Hero {
    std::string name;
    std::string unknown_fields;
};
}  // namespace game

template <>
struct joinly::Entity<game::Hero> {
    static constexpr std::string_view kind = "hero";
    static constexpr auto& id(auto& hero) { return hero.name; }
    static constexpr auto& unknown_fields(auto& hero) { return hero.unknown_fields; }
    static constexpr void fields(auto& hero, auto&& field) { field(1, "name", hero.name); }
};

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
