# A transaction commits whatever has become of what it loaded.
set(header joinly/transaction.hpp)
set(old [[for (const auto& [key, version] : reads_) set.requirements.push_back({key, version, false});]])
set(new [[]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteThrough JOINLY_TEST_RACER=TransactionRacer)
set(in_ci TRUE)
