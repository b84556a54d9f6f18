# What only reads and found something missing is decided by looking once more, although others commit meanwhile.
set(header joinly/detail/policy/backend_access.hpp)
set(old [[if (!last || *last == *version) return last;]])
set(new [[return version;]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteThrough JOINLY_TEST_RACER=TransactionRacer)
