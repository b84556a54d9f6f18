# A transaction does not require that what it found missing is still missing.
set(header joinly/transaction.hpp)
set(old [[for (const auto& [key, version] : reads_) set.requirements.push_back({key, version, false});]])
set(new [[for (const auto& [key, version] : reads_) {
            if (version != absent) set.requirements.push_back({key, version, false});
        }]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=ReadThrough JOINLY_TEST_RACER=TransactionRacer)
