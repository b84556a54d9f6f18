// expect: the id must be found in a const object, too
#include <joinly/entity/entity.hpp>

#include <string>

struct Hero {
    std::string name;
};

template <>
struct joinly::Entity<Hero> {
    static constexpr std::string_view kind = "hero";
    static constexpr auto& id(Hero& hero) { return hero.name; }
    static constexpr void fields(auto& hero, auto&& field) { field(1, "name", hero.name); }
};

static_assert(joinly::detail::explain_entity<Hero>());

int main() {}
