# Ranges are not watched for what is acknowledged and pending.
set(header joinly/detail/policy/write_behind_intake.hpp)
set(old [[state_.watches.note(one.key, written.object);]])
set(new [[]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind JOINLY_TEST_RACER=TransactionRacer)
set(in_ci TRUE)
