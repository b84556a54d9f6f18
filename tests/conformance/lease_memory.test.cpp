// Leases, over MemoryBackend.
#include <joinly/backend/memory.hpp>
#include <tests/support/temp_dir.hpp>

namespace {

struct Memory {
    using Backend = joinly::MemoryBackend;
    static Backend::Options options(const joinly::test::TempDir&) { return {}; }
};

}  // namespace

#define JOINLY_TESTED_BACKEND Memory
#include <tests/conformance/lease_suite.hpp>
