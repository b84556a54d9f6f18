# LevelDB takes a missing record for one at any version.
set(header joinly/detail/leveldb/writer.hpp)
set(old [[if (version == requirement.version) {]])
set(new [[if (version == absent) return {};
        if (version == requirement.version) {]])
set(program tests/conformance/backend_leveldb.test.cpp)
