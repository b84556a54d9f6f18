// expect: migrate: open the target under NoCache
#include <joinly/backend/memory.hpp>
#include <joinly/ops/migrate.hpp>
#include <joinly/store.hpp>

int main() {
    auto source = joinly::open<joinly::MemoryBackend, joinly::NoCache>({});
    auto target = joinly::open<joinly::MemoryBackend, joinly::WriteThrough>({});
    return joinly::migrate(*source, *target) ? 0 : 1;
}
