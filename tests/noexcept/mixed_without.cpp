// The half of mixed that is built without exceptions.
#include "mixed.hpp"

#include <joinly/backend/memory.hpp>
#include <joinly/core/key.hpp>

#include <string_view>

int scan_without_exceptions() noexcept {
    auto backend = joinly::MemoryBackend::open();
    int visited = 0;
    if (!backend || !backend->write(joinly::Batch{}.put("lobby:1", "waiting"))) return -1;
    const auto scanned = backend->scan(joinly::user_keys(), [&](std::string_view, const joinly::RecordView&) {
        ++visited;
        return true;
    });
    return scanned ? visited : -1;
}
