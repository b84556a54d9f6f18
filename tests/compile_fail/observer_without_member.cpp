// expect: traits that name an Observer need a member of that type as well
#include <joinly/backend/memory.hpp>
#include <joinly/ops/metrics.hpp>
#include <joinly/store.hpp>

struct Traits : joinly::DefaultTraits {
    using Observer = joinly::LatencyObserver;
};

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::NoCache, Traits>({});
    return store ? 0 : 1;
}
