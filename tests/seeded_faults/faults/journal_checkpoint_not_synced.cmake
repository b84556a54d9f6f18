# A checkpoint takes the place of the one before it without having been synced.
set(header joinly/detail/policy/journal_records.hpp)
set(old [[if (auto synced = sync_file(file_, temporary_); !synced) return synced;]])
set(new [[]])
set(program tests/crash/power_loss.cpp)
set(sources ${power_loss_sources})
set(arguments "[cut][journal]")
