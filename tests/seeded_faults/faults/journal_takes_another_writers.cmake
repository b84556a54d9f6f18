# What another writer has committed since a crash is taken for the journal's own batches.
set(header joinly/detail/policy/write_journal.hpp)
set(old [[if (*stored != *last) {]])
set(new [[if (stored = last; *stored != *last) {]])
set(program tests/policy/journal_mark.test.cpp)
