// All policies over memory (under a journal it lasts from round to round), where a round costs least: the place for the long form.
#include <joinly/backend/memory.hpp>
#include <joinly/policy/write_behind.hpp>

#include "tests/linearizability/suite.hpp"

using namespace joinly;
using namespace joinly::test;

TEMPLATE_TEST_CASE("operations on shared keys take effect one after the other, over memory", "[linearizability]", NoCache,
                   ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    check_race<TestType, MemoryBackend>({}, {});
}

TEMPLATE_TEST_CASE("operations that fail take effect once or not at all, over memory", "[linearizability][fault]", NoCache,
                   ReadThrough, WriteThrough, WriteBehind, JournaledWriteBehind) {
    check_race<TestType, MemoryBackend>(failing_race(), {});
}
