# A flush that has ended takes what was written meanwhile for stored.
set(header joinly/detail/policy/overlay.hpp)
set(old [[std::swap(done, flushing_);]])
set(new [[std::swap(done, flushing_);
        done.slots.for_each([&](const Slot& slot) {
            if (const Slot* const newer = active_.slots.find(slot.key())) (void)active_.slots.extract(*newer);
        });]])
set(program tests/seeded_faults/race.cpp)
set(definitions JOINLY_TEST_POLICY=WriteBehind)
