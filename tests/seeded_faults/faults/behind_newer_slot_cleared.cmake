# A flush that has ended takes what was written meanwhile for stored.
set(header joinly/detail/policy/overlay.hpp)
set(old [[std::swap(done, flushing_);]])
set(new [[std::swap(done, flushing_);
        for (const auto& [key, slot] : done.slots) active_.slots.erase(key);]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
