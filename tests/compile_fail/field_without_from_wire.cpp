// expect: joinly: a field's type has `to_wire` but no matching way back
#include <joinly/entity/entity.hpp>
#include <string>
#include <string_view>

namespace game {
struct Uuid {
    int bits = 0;
};
struct Hero {
    std::string name;
    Uuid extra{};
};
}  // namespace game

template <>
struct joinly::Entity<game::Uuid> {
    static std::string to_wire(const game::Uuid&) { return {}; }
};

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
