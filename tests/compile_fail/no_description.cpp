// expect: joinly: this type has no description: specialise joinly::Entity for it
#include <joinly/entity/entity.hpp>
#include <string>

namespace game {
struct Hero {
    std::string name;
};
}  // namespace game

int main() { return joinly::detail::explain_entity<game::Hero>() ? 0 : 1; }
