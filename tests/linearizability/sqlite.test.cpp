// All policies over SQLite. Each round reopens the database, and goes on from what the last one left.
#include <joinly/backend/sqlite.hpp>
#include <joinly/policy/write_behind.hpp>

#include "tests/linearizability/suite.hpp"
#include "tests/support/temp_dir.hpp"

using namespace joinly;
using namespace joinly::test;

TEMPLATE_TEST_CASE("operations on shared keys take effect one after the other, over SQLite", "[linearizability]", NoCache,
                   ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    const TempDir dir;
    check_race<TestType, SqliteBackend>({}, {.path = dir / "data", .sync = Sync::process_crash});
}

TEMPLATE_TEST_CASE("operations that fail take effect once or not at all, over SQLite", "[linearizability][fault]", NoCache,
                   ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    const TempDir dir;
    check_race<TestType, SqliteBackend>(failing_race(), {.path = dir / "data", .sync = Sync::process_crash});
}
