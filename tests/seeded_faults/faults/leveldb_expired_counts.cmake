# To a requirement, an expired record is still there.
set(header joinly/detail/leveldb/writer.hpp)
set(old [[found->expires_at.has_passed(now) ? absent : found->version]])
set(new [[now < WallTime{} ? absent : found->version]])
set(program tests/conformance/backend_leveldb.test.cpp)
