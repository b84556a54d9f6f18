# A batch's ranges are not decided.
set(header joinly/backend/memory.hpp)
set(old [[for (const RangeRequirement& wanted : batch.ranges) {]])
set(new [[for (const RangeRequirement& wanted : std::vector<RangeRequirement>{}) {]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteThrough JOINLY_TEST_RACER=TransactionRacer)
