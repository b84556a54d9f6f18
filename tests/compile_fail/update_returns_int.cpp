// expect: Store::update: the function must return nothing, or a joinly::Status
#include <joinly/backend/memory.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::NoCache>({});
    (void)store->update<joinly::Player>("ada", [](joinly::Player& ada) { return ++ada.skill_rating; });
}
