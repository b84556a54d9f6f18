// SqliteBackend keeps what storage_backend promises about index entries, expiry order and ranges.
#include <joinly/backend/sqlite.hpp>
#include <tests/support/temp_dir.hpp>

namespace {

struct Sqlite {
    using Backend = joinly::SqliteBackend;
    static constexpr bool durable = true;
    static Backend::Options options(const joinly::test::TempDir& dir) {
        return {.path = dir / "records.db", .sync = joinly::Sync::process_crash};
    }
};

}  // namespace

#define JOINLY_TESTED_BACKEND Sqlite
#include <tests/conformance/backend_index_suite.hpp>
