# A synced write does not make last what was written to another log before it.
set(header joinly/detail/leveldb/engine.hpp)
set(old [[if (options.sync && has_unsynced_) {]])
set(new [[if (false) {]])
set(program tests/crash/leveldb_power_loss.cpp)
set(sources tests/crash/power.cpp)
