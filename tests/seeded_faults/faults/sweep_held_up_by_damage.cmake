# A damaged record that has expired holds up those that expired after it.
set(header joinly/detail/expired_sweep.hpp)
set(old [[damaged_.insert(expired[i].key);]])
set(new [[return failure(one.error());]])
set(program tests/conformance/expiry_sqlite.test.cpp)
