// expect: erase
#include <joinly/backend/memory.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::NoCache>({});
    (void)store->erase("ada");
}
