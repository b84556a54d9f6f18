// expect: joinly: a view needs a description that can be followed at compile time
#include <joinly/codec/binary_view.hpp>

namespace game {
struct Hero {
    int strength = 0;
};
}  // namespace game

template <>
struct joinly::Entity<game::Hero> {
    static void fields(auto& hero, auto&& field) { field(1, "strength", hero.strength); }
};

int main() { return joinly::view<game::Hero>("") ? 0 : 1; }
