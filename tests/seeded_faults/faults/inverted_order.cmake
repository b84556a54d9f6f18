# The cache has a write before the backend has it.
set(header joinly/detail/policy/through_engine.hpp)
set(old [[auto version = access_.write(std::move(*batch));]])
set(new [[for (const Write& write : set.writes) cache_.keep(write.key, {write.object, absent, write.expires_at});
        auto version = access_.write(std::move(*batch));]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteThrough)
set(in_ci TRUE)
