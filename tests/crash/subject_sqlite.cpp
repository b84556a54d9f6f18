#include <joinly/backend/sqlite.hpp>

#include <tests/crash/subject_of.hpp>

namespace joinly::test {

OpenedSubject open_sqlite_subject(const Setup& setup, const std::string& directory) {
    return open_subject_of(SqliteBackend::open({.path = directory + "/store.db", .sync = setup.sync}), setup, directory);
}

}  // namespace joinly::test
