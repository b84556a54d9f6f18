#ifndef JOINLY_TESTS_SUPPORT_SQLITE_PROBE_HPP
#define JOINLY_TESTS_SUPPORT_SQLITE_PROBE_HPP
// Looks at an SQLite database, and meddles with it, as any other program would: through sqlite3 alone.

#include <sqlite3.h>

#include <stdexcept>
#include <string>

namespace joinly::test {

class SqliteProbe {
public:
    /// Creates the database when there is none. Closing writes no log back.
    explicit SqliteProbe(const std::string& path) {
        demand(sqlite3_open(path.c_str(), &database_));
        sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    }
    ~SqliteProbe() { sqlite3_close(database_); }
    SqliteProbe(const SqliteProbe&) = delete;
    SqliteProbe& operator=(const SqliteProbe&) = delete;

    void run(const std::string& sql) { demand(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr)); }

    /// All rows, as `a|b` lines without the last line's end; NULL is "NULL".
    [[nodiscard]] std::string rows(const std::string& sql) {
        std::string all;
        const auto append = [](void* target, int count, char** values, char**) {
            auto& text = *static_cast<std::string*>(target);
            if (!text.empty()) text += '\n';
            for (int i = 0; i < count; ++i) text.append(i ? "|" : "").append(values[i] ? values[i] : "NULL");
            return 0;
        };
        demand(sqlite3_exec(database_, sql.c_str(), append, &all, nullptr));
        return all;
    }

private:
    void demand(int code) {
        if (code != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(database_));
    }

    sqlite3* database_ = nullptr;
};

}  // namespace joinly::test
#endif
