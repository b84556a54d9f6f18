// MemoryBackend keeps what storage_backend promises about index entries, expiry order and ranges.
#include <joinly/backend/memory.hpp>
#include <tests/support/temp_dir.hpp>

namespace {

struct Memory {
    using Backend = joinly::MemoryBackend;
    static constexpr bool durable = false;
    static joinly::MemoryOptions options(const joinly::test::TempDir&) { return {}; }
};

}  // namespace

#define JOINLY_TESTED_BACKEND Memory
#include <tests/conformance/backend_index_suite.hpp>
