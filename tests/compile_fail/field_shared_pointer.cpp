// expect: joinly: a field is a pointer, which means nothing in storage
#include <joinly/entity/entity.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace game {
struct Hero {
    std::string name;
    std::shared_ptr<int> extra{};
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
