// All policies over LevelDB. Each round reopens the database, and goes on from what the last one left.
#include <joinly/backend/leveldb.hpp>
#include <joinly/policy/write_behind.hpp>

#include "tests/linearizability/suite.hpp"
#include "tests/support/temp_dir.hpp"

using namespace joinly;
using namespace joinly::test;

TEMPLATE_TEST_CASE("operations on shared keys take effect one after the other, over LevelDB", "[linearizability]", NoCache,
                   ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    const TempDir dir;
    check_race<TestType, LevelDbBackend>({}, {.path = dir / "data", .sync = Sync::process_crash});
}

TEMPLATE_TEST_CASE("operations that fail take effect once or not at all, over LevelDB", "[linearizability][fault]", NoCache,
                   ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    const TempDir dir;
    check_race<TestType, LevelDbBackend>(failing_race(), {.path = dir / "data", .sync = Sync::process_crash});
}
