// expect: Store::for_each: the visitor must return nothing, or a bool
#include <joinly/backend/memory.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::NoCache>({});
    (void)store->for_each<joinly::Player>([](const joinly::Loaded<joinly::Player>& player) { return player->skill_rating; });
}
