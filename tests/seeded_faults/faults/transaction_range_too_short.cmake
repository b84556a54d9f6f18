# Of a page that was cut short, the last entry is not required.
set(header joinly/transaction.hpp)
set(old [[range.end = std::string{last} + '\0';]])
set(new [[range.end = std::string{last};]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteThrough JOINLY_TEST_RACER=TransactionRacer)
