// expect: the third argument must be traits that derive from joinly::DefaultTraits
#include <joinly/backend/memory.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::NoCache, joinly::Binary>({});
    return store ? 0 : 1;
}
