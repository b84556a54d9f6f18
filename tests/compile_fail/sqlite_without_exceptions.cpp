// expect: SqliteBackend needs exceptions: SQLiteCpp reports its errors with them. Build this file with -fexceptions.
// flags: -fno-exceptions
#include <joinly/backend/sqlite.hpp>
