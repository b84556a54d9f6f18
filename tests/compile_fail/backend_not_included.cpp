// expect: the backend is declared, but not defined: include its header, <joinly/backend/sqlite.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::SqliteBackend, joinly::WriteBehind>({.path = "joinly.db"});
    return store ? 0 : 1;
}
