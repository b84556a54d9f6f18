// expect: joinly: a field's number is one that Protocol Buffers reserves, or the library: do not use 18998 to 19999
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
    static constexpr void fields(auto& hero, auto&& field) { field(18999, "name", hero.name); }
};

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
