// Transactions under all policies over memory.
#include <joinly/backend/memory.hpp>
#include <joinly/policy/write_behind.hpp>

#include "tests/linearizability/suite.hpp"
#include "tests/linearizability/transactions.hpp"

using namespace joinly;
using namespace joinly::test;

TEMPLATE_TEST_CASE("transactions on shared keys take effect one after the other, over memory", "[linearizability][transaction]",
                   NoCache, ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    check_race<TestType, MemoryBackend, TransactionRacer>({}, {});
}

TEMPLATE_TEST_CASE("transactions that fail take effect once, whole, or not at all, over memory",
                   "[linearizability][transaction][fault]", NoCache, ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    check_race<TestType, MemoryBackend, TransactionRacer>(failing_race(), {});
}
