# A journal that is to survive a power loss is not synced.
set(header joinly/detail/policy/journal_log.hpp)
set(old [[auto synced = segment.live ? segment.live->sync(segment.path) : sync_found(segment.path);]])
set(new [[Status synced;]])
set(program tests/crash/power_loss.cpp)
set(sources ${power_loss_sources})
set(arguments "[cut][journal]")
