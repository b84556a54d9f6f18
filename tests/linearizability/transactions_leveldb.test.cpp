// Transactions under all policies over LevelDB.
#include <joinly/backend/leveldb.hpp>
#include <joinly/policy/write_behind.hpp>

#include "tests/linearizability/suite.hpp"
#include "tests/linearizability/transactions.hpp"
#include "tests/support/temp_dir.hpp"

using namespace joinly;
using namespace joinly::test;

TEMPLATE_TEST_CASE("transactions on shared keys take effect one after the other, over LevelDB", "[linearizability][transaction]",
                   NoCache, ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    const TempDir dir;
    check_race<TestType, LevelDbBackend, TransactionRacer>({}, {.path = dir / "data", .sync = Sync::process_crash});
}

TEMPLATE_TEST_CASE("transactions that fail take effect once, whole, or not at all, over LevelDB",
                   "[linearizability][transaction][fault]", NoCache, ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    const TempDir dir;
    check_race<TestType, LevelDbBackend, TransactionRacer>(failing_race(), {.path = dir / "data", .sync = Sync::process_crash});
}
