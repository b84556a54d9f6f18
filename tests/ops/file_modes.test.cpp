// Who may read what a backup, a restore and a salvage make.

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/restore.hpp>
#include <joinly/policy/no_cache.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/temp_dir.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <type_traits>
#include <vector>

using namespace joinly;
using namespace joinly::test;

namespace {

namespace fs = std::filesystem;

/// The usual one, whatever the tests are started with.
class UsualMask {
public:
    ~UsualMask() { ::umask(before_); }

private:
    ::mode_t before_ = ::umask(022);
};

unsigned mode_of(const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); }
void set_mode(const fs::path& path, unsigned mode) { fs::permissions(path, static_cast<fs::perms>(mode)); }

/// Of what is a file with SQLite, and a directory with LevelDB.
template <class Backend>
constexpr unsigned as_made(unsigned file_mode) {
    return std::is_same_v<Backend, SqliteBackend> ? file_mode : file_mode | (file_mode & 0444) >> 2;
}

template <class Backend>
auto open_store(const std::string& path) {
    auto store = Store<Backend, NoCache, DefaultTraits>::open({.path = path});
    REQUIRE(store);
    return std::move(*store);
}

template <class Backend>
void make_database(const std::string& path) {
    auto store = open_store<Backend>(path);
    REQUIRE(store.save(player("ada", 1200)));
    REQUIRE(store.close());
}

/// A new backup of the database there.
template <class Backend>
std::string back_up(const std::string& path, const std::string& directory) {
    auto store = open_store<Backend>(path);
    const auto made = backup(store, directory);
    REQUIRE(made);
    return made->path;
}

template <class Backend>
RestoreReport restore_to(const std::string& path, const std::string& backup_path) {
    auto report = restore<Backend>(backup_path, {.path = path});
    INFO((report ? "" : std::string{report.error().message()}));
    REQUIRE(report);
    CHECK((*open_store<Backend>(path).template load<Player>("ada"))->skill_rating == 1200);
    return *report;
}

}  // namespace

TEMPLATE_TEST_CASE("a backup can be read by those who can read the database", "[backup][modes]", SqliteBackend, LevelDbBackend) {
    const UsualMask mask;
    const TempDir dir;
    make_database<TestType>(dir / "db");
    CHECK(mode_of(dir / "db") == as_made<TestType>(0644));
    for (const unsigned mode : {0600u, 0640u, 0644u, 0664u}) {
        set_mode(dir / "db", as_made<TestType>(mode));
        const std::string made = back_up<TestType>(dir / "db", dir / "backups");
        CHECK(mode_of(made + "/database") == as_made<TestType>(mode));
        CHECK(mode_of(made + "/manifest.json") == mode);
    }
}

TEMPLATE_TEST_CASE("a restored database has the mode of the one that it replaces", "[restore][modes]", SqliteBackend,
                   LevelDbBackend) {
    const UsualMask mask;
    const TempDir dir;
    make_database<TestType>(dir / "db");
    const std::string made = back_up<TestType>(dir / "db", dir / "backups");
    for (const unsigned mode : {0600u, 0640u, 0644u, 0664u}) {
        set_mode(dir / "db", as_made<TestType>(mode));
        const RestoreReport report = restore_to<TestType>(dir / "db", made);
        CHECK(mode_of(dir / "db") == as_made<TestType>(mode));
        CHECK(mode_of(report.replaced) == as_made<TestType>(mode));
    }
}

TEST_CASE("a restored database belongs to the owner of the one that it replaces", "[restore][modes]") {
    if (::geteuid() != 0) return;  // nobody else may give files away
    const TempDir dir;
    make_database<SqliteBackend>(dir / "db");
    const std::string made = back_up<SqliteBackend>(dir / "db", dir / "backups");
    REQUIRE(::chown((dir / "db").c_str(), 12'345, 23'456) == 0);
    restore_to<SqliteBackend>(dir / "db", made);
    struct stat about {};
    REQUIRE(::stat((dir / "db").c_str(), &about) == 0);
    CHECK(about.st_uid == 12'345);
    CHECK(about.st_gid == 23'456);
}

TEMPLATE_TEST_CASE("a database that is restored where none was has the mode of a new one, but is as private as its backup",
                   "[restore][modes]", SqliteBackend, LevelDbBackend) {
    const UsualMask mask;
    const TempDir dir;
    make_database<TestType>(dir / "db");
    for (const unsigned mode : {0600u, 0640u, 0644u, 0664u}) {
        set_mode(dir / "db", as_made<TestType>(mode));
        const std::string made = back_up<TestType>(dir / "db", dir / "backups");
        restore_to<TestType>(dir / "new", made);
        CHECK(mode_of(dir / "new") == as_made<TestType>(mode & 0644));
        fs::remove_all(dir / "new");
    }
}

TEMPLATE_TEST_CASE("a backup that nobody may write to is restored to a database that its owner may", "[restore][modes]",
                   SqliteBackend, LevelDbBackend) {
    const UsualMask mask;
    const TempDir dir;
    make_database<TestType>(dir / "db");
    const std::string made = back_up<TestType>(dir / "db", dir / "backups");
    std::vector<fs::path> all;
    for (const auto& entry : fs::recursive_directory_iterator{made}) all.push_back(entry.path());
    for (const fs::path& path : all) set_mode(path, fs::is_directory(path) ? 0555 : 0444);
    restore_to<TestType>(dir / "new", made);
    CHECK(mode_of(dir / "new") == as_made<TestType>(0644));
    for (const fs::path& path : all) set_mode(path, 0755);
}

TEST_CASE("a salvaged database can be read by those who can read the damaged one", "[sqlite][salvage][modes]") {
    const UsualMask mask;
    const TempDir dir;
    make_database<SqliteBackend>(dir / "db");
    for (const unsigned mode : {0600u, 0640u, 0644u}) {
        set_mode(dir / "db", mode);
        REQUIRE(SqliteBackend::salvage({.path = dir / "db"}, dir / "saved"));
        CHECK(mode_of(dir / "saved") == mode);
        fs::remove(dir / "saved");
    }
}
