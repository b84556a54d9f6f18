// expect: the function must take the entity as `T&` or `auto&`: what it does to a copy would be lost
#include <joinly/backend/memory.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::MemoryBackend>({});
    auto updated = store->update<joinly::Player>("ada", [](joinly::Player player) { player.skill_rating = 99; });
    return updated ? 0 : 1;
}
