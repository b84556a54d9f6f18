# SQLite follows an entry to a record that does not have its term.
set(header joinly/detail/sqlite/index.hpp)
set(old [[if (!has_index_term(record->index_terms, term_of_entry(key(), record_key_))) return unpaired_entry(key());]])
set(new "")
set(program tests/backend/sqlite_index.test.cpp)
