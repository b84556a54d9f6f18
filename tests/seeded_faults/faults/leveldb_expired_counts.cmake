# To a requirement, an expired record is still there.
set(header joinly/detail/leveldb/writer.hpp)
set(old [[requirement.even_expired || !found->expires_at.has_passed(now)]])
set(new [[requirement.even_expired || now >= WallTime{}]])
set(program tests/conformance/backend_leveldb.test.cpp)
