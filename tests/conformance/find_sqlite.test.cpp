// Every promise of queries by index, over SqliteBackend.
#include <joinly/backend/sqlite.hpp>
#include <tests/support/temp_dir.hpp>

namespace {

struct Sqlite {
    using Backend = joinly::SqliteBackend;
    static Backend::Options options(const joinly::test::TempDir& dir) {
        return {.path = dir / "store", .sync = joinly::Sync::process_crash};
    }
};

}  // namespace

#define JOINLY_TESTED_BACKEND Sqlite
#include <tests/conformance/find_suite.hpp>
//
#include <tests/conformance/find_durable_suite.hpp>
