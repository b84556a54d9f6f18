# Another writer's commit is taken for a flush whose answer was lost.
set(header joinly/detail/policy/flusher.hpp)
set(old [[mark_.is_kept() ? mark_.read(access_.backend()) : access_.backend().last_version()]])
set(new [[access_.backend().last_version()]])
set(program tests/policy/journal_mark.test.cpp)
