// expect: joinly: the kind is too long: at most 63 characters are allowed
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
    static constexpr std::string_view kind = "a_kind_of_more_than_sixty_three_characters_cannot_be_a_part_of_a_key";
    static constexpr auto& id(auto& hero) { return hero.name; }
    static constexpr void fields(auto& hero, auto&& field) { field(1, "name", hero.name); }
};

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
