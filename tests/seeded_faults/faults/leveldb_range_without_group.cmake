# A range is decided without the records that earlier batches of the group put.
set(header joinly/detail/leveldb/writer.hpp)
set(old [[if (record.version != absent && !record.expires_at.has_passed(now)) digest]])
set(new [[if (record.version != absent && now < WallTime::min()) digest]])
set(program tests/backend/leveldb.test.cpp)
