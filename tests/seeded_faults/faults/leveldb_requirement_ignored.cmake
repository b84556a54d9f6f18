# LevelDB takes a missing record for one at any version.
set(header joinly/detail/leveldb/writer.hpp)
set(old [[if (version == requirement.version) return {};]])
set(new [[if (version == requirement.version || version == absent) return {};]])
set(program tests/conformance/backend_leveldb.test.cpp)
