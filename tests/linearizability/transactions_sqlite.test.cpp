// Transactions under all policies over SQLite.
#include <joinly/backend/sqlite.hpp>
#include <joinly/policy/write_behind.hpp>

#include "tests/linearizability/suite.hpp"
#include "tests/linearizability/transactions.hpp"
#include "tests/support/temp_dir.hpp"

using namespace joinly;
using namespace joinly::test;

TEMPLATE_TEST_CASE("transactions on shared keys take effect one after the other, over SQLite", "[linearizability][transaction]",
                   NoCache, ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    const TempDir dir;
    check_race<TestType, SqliteBackend, TransactionRacer>({}, {.path = dir / "data", .sync = Sync::process_crash});
}

TEMPLATE_TEST_CASE("transactions that fail take effect once, whole, or not at all, over SQLite",
                   "[linearizability][transaction][fault]", NoCache, ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    const TempDir dir;
    check_race<TestType, SqliteBackend, TransactionRacer>(failing_race(), {.path = dir / "data", .sync = Sync::process_crash});
}
