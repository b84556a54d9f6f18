# A record that expires before where LevelDB's last search ended is never found.
set(header joinly/detail/leveldb/writer.hpp)
set(old [[if (place < engine_.first_expiry()) engine_.set_first_expiry(std::move(place));]])
set(new [[]])
set(program tests/conformance/backend_index_leveldb.test.cpp)
