# Another writer's commit is taken for a flush that was tried before it, because it has the same version.
set(header joinly/detail/policy/flusher.hpp)
set(old [[*last == part.last ? has_records_of(part) : Result<bool>{false}]])
set(new [[*last == part.last]])
set(program tests/policy/write_behind_faults.test.cpp)
