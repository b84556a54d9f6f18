// Every promise of queries by index, over LevelDbBackend.
#include <joinly/backend/leveldb.hpp>
#include <tests/support/temp_dir.hpp>

namespace {

struct LevelDb {
    using Backend = joinly::LevelDbBackend;
    static Backend::Options options(const joinly::test::TempDir& dir) {
        return {.path = dir / "store", .sync = joinly::Sync::process_crash};
    }
};

}  // namespace

#define JOINLY_TESTED_BACKEND LevelDb
#include <tests/conformance/find_suite.hpp>
//
#include <tests/conformance/find_durable_suite.hpp>
