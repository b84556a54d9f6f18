# A transaction does not require that the ranges which it read are as they were.
set(header joinly/transaction.hpp)
set(old [[set.ranges = std::move(ranges_);]])
set(new [[ranges_.clear();]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=NoCache JOINLY_TEST_RACER=TransactionRacer)
