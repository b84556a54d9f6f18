# Each write postpones the flush.
set(header joinly/detail/policy/write_behind_intake.hpp)
set(old [[addition.commit(version, now, conditional);]])
set(new [[addition.commit(version, now, conditional);
        const_cast<Overlay::Generation&>(state_.overlay.active()).first_at = state_.monotonic();]])
set(program tests/policy/write_behind.test.cpp)
