# A record that is put by who knows no terms leaves its predecessor's index entries behind.
set(header joinly/detail/sqlite/texts.hpp)
set(old [["checksum = excluded.checksum WHERE index_terms IS NULL",]])
set(new [["checksum = excluded.checksum, index_terms = NULL",]])
set(program tests/conformance/ops_sqlite.test.cpp)
