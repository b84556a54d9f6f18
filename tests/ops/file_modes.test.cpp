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

/// The usual one unless another is given, whatever the tests are started with.
class Mask {
public:
    explicit Mask(::mode_t mask = 022) : before_{::umask(mask)} {}
    ~Mask() { ::umask(before_); }

private:
    ::mode_t before_;
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

/// What there is of a database that belongs to somebody else.
std::vector<std::string> files_of_others(const std::string& path, ::uid_t owner, ::gid_t group) {
    std::vector<std::string> all{path}, others;
    if (fs::is_directory(path)) {
        for (const auto& entry : fs::directory_iterator{path}) all.push_back(entry.path().string());
    }
    for (const std::string& each : all) {
        struct stat about {};
        REQUIRE(::stat(each.c_str(), &about) == 0);
        if (about.st_uid != owner || about.st_gid != group) others.push_back(each);
    }
    return others;
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
    const Mask mask;
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
    const Mask mask;
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

TEMPLATE_TEST_CASE("what is restored or backed up belongs to the owner of the original, with every file in it", "[restore][modes]",
                   SqliteBackend, LevelDbBackend) {
    if (::geteuid() != 0) return;  // nobody else may give files away
    const TempDir dir;
    make_database<TestType>(dir / "db");
    REQUIRE(::chown((dir / "db").c_str(), 12'345, 23'456) == 0);
    const std::string made = back_up<TestType>(dir / "db", dir / "backups");
    CHECK(files_of_others(made + "/database", 12'345, 23'456).empty());
    REQUIRE(::chmod((dir / "db").c_str(), std::is_same_v<TestType, SqliteBackend> ? 0600 : 02750) == 0);
    REQUIRE(restore<TestType>(made, {.path = dir / "db"}));
    CHECK(mode_of(dir / "db") == (std::is_same_v<TestType, SqliteBackend> ? 0600 : 02750));
    CHECK(files_of_others(dir / "db", 12'345, 23'456).empty());
}

TEST_CASE("a database whose files are private is private in a backup, though its directory is not", "[leveldb][backup][modes]") {
    const Mask mask{077};
    const TempDir dir;
    make_database<LevelDbBackend>(dir / "db");
    set_mode(dir / "db", 0755);
    CHECK(mode_of(back_up<LevelDbBackend>(dir / "db", dir / "backups") + "/database") == 0700);
}

TEMPLATE_TEST_CASE("while it is being restored nobody else can look into a database", "[restore][modes]", SqliteBackend,
                   LevelDbBackend) {
    const Mask mask;
    const TempDir dir;
    make_database<TestType>(dir / "db");
    const std::string made = back_up<TestType>(dir / "db", dir / "backups");
    unsigned seen = 0;
    const auto look = [&](const BackupProgress&) {
        for (const auto& entry : fs::directory_iterator{fs::path{dir / "db"}.parent_path()}) {
            if (entry.path().filename().string().starts_with("db.restore-")) seen |= mode_of(entry.path());
        }
        return true;
    };
    REQUIRE(restore<TestType>(made, {.path = dir / "db"}, {.on_progress = look}));
    CHECK(seen == 0700);
}

TEMPLATE_TEST_CASE("a database that is restored where none was can be read by those who can read its backup", "[restore][modes]",
                   SqliteBackend, LevelDbBackend) {
    const Mask mask;
    const TempDir dir;
    make_database<TestType>(dir / "db");
    for (const unsigned mode : {0600u, 0640u, 0644u, 0664u}) {
        set_mode(dir / "db", as_made<TestType>(mode));
        const std::string made = back_up<TestType>(dir / "db", dir / "backups");
        restore_to<TestType>(dir / "new", made);
        CHECK(mode_of(dir / "new") == as_made<TestType>(mode));
        fs::remove_all(dir / "new");
    }
}

TEMPLATE_TEST_CASE("a backup that nobody may write to is restored to a database that its owner may", "[restore][modes]",
                   SqliteBackend, LevelDbBackend) {
    const Mask mask;
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
    const Mask mask;
    const TempDir dir;
    make_database<SqliteBackend>(dir / "db");
    for (const unsigned mode : {0600u, 0640u, 0644u}) {
        set_mode(dir / "db", mode);
        REQUIRE(SqliteBackend::salvage({.path = dir / "db"}, dir / "saved"));
        CHECK(mode_of(dir / "saved") == mode);
        fs::remove(dir / "saved");
    }
}
