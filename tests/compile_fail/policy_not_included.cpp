// expect: the cache policy is declared, but not defined: include its header, <joinly/policy/write_behind.hpp>
#include <joinly/backend/memory.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::WriteBehind>({});
    return store ? 0 : 1;
}
