# An erase leaves what it erased in the cache.
set(header joinly/detail/policy/object_cache.hpp)
set(old [[        JOINLY_CATCH_ALL {}
        erase(key);]])
set(new [[        JOINLY_CATCH_ALL {}
        if (written.object.value) erase(key);]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
set(in_ci TRUE)
