# An upgrade is no transaction.
set(header joinly/detail/sqlite/open.hpp)
set(old [[connection.database().exec(found == SqliteState::empty ? sqlite_schema : sqlite_upgrade);]])
set(new [[if (found == SqliteState::empty) connection.database().exec(sqlite_schema);
    else connection.database().exec(std::string{"COMMIT;"} + sqlite_upgrade + "BEGIN IMMEDIATE;");]])
set(program tests/backend/sqlite_upgrade.test.cpp)
