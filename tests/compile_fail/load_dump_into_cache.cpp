// expect: load_dump: open the store under NoCache
#include <joinly/backend/memory.hpp>
#include <joinly/ops/dump.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::WriteThrough>({});
    return joinly::load_dump(*store, [](std::string&) -> joinly::Result<bool> { return false; }) ? 0 : 1;
}
