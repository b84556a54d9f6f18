// LevelDbBackend keeps what storage_backend promises about index entries, expiry order and ranges.
#include <joinly/backend/leveldb.hpp>
#include <tests/support/temp_dir.hpp>

namespace {

struct LevelDb {
    using Backend = joinly::LevelDbBackend;
    static constexpr bool durable = true;
    static Backend::Options options(const joinly::test::TempDir& dir) {
        return {.path = dir / "records", .sync = joinly::Sync::process_crash};
    }
};

}  // namespace

#define JOINLY_TESTED_BACKEND LevelDb
#include <tests/conformance/backend_index_suite.hpp>
