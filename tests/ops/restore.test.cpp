// Restoring backups: what is there afterwards, what is kept, what is refused. While others write, on every engine:
// tests/conformance/ops_suite.hpp.

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/restore.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

using BehindStore = Store<SqliteBackend, WriteBehind, DefaultTraits>;

/// A live store under write-behind with a journal, and a backup of it in which ada is rated 1,200.
class Scene {
public:
    Scene() : Scene{fs::path{}} {}
    /// With the journal in that directory; empty: beside the target.
    explicit Scene(const fs::path& journals) : journals_{journals.empty() ? dir.path() : journals} {
        open();
        REQUIRE(store->save(player("ada", 1200)));
        auto made = backup(*store, dir / "backups");
        REQUIRE(made);
        backup_path = made->path;
        backup_version = made->manifest.version;
    }
    void open() {
        auto opened = BehindStore::open({.path = target()}, {.max_delay = 1h, .journal = {.path = journal()}});
        INFO((opened ? "" : std::string{opened.error().message()}));
        REQUIRE(opened);
        store.emplace(std::move(*opened));
    }
    std::string target() const { return dir / "live.db"; }
    std::string journal() const { return (journals_ / "journal").string(); }
    int rating() { return (*store->load<Player>("ada"))->skill_rating; }

    Result<RestoreReport> restore(RestoreOptions options = {}) {
        options.journal = journal();
        return joinly::restore<SqliteBackend>(backup_path, {.path = target()}, options);
    }
    RestoreReport restored(const RestoreOptions& options = {}) {
        auto report = restore(options);
        INFO((report ? "" : std::string{report.error().message()}));
        REQUIRE(report);
        return std::move(*report);
    }
    /// Names beside the target that a restore has made.
    int left_overs() const {
        int count = 0;
        for (const auto& entry : fs::directory_iterator{dir.path()})
            count += entry.path().string().find(".restore-") != std::string::npos;
        return count;
    }

    TempDir dir;
    std::string backup_path;
    Version backup_version = absent;
    std::optional<BehindStore> store;

private:
    fs::path journals_;
};

void flip_byte(const fs::path& file, std::uintmax_t at) {
    std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
    bytes.seekg(static_cast<std::streamoff>(at));
    const int byte = bytes.get();
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(static_cast<char>(byte ^ 0xff));
}

/// Calls `look` with each file of the backup's database damaged, and none of the others; LevelDB's LOG is for people, and nothing
/// is read from it. @return how many there are.
template <class Look>
int damage_one_by_one(const std::string& backup_path, Look look) {
    int files = 0;
    for (const auto& entry : fs::recursive_directory_iterator{backup_path + "/database"}) {
        if (!entry.is_regular_file() || entry.file_size() == 0 || entry.path().stem() == "LOG") continue;
        INFO(entry.path());
        flip_byte(entry.path(), entry.file_size() / 2);
        look();
        flip_byte(entry.path(), entry.file_size() / 2);
        ++files;
    }
    return files;
}

}  // namespace

TEST_CASE("a restored database is that of the backup and the old one is kept with its journal", "[restore]") {
    Scene scene;
    REQUIRE(scene.store->save(player("ada", 1300)));
    REQUIRE(scene.store->save(player("bob")));
    REQUIRE(scene.store->flush());
    scene.store.reset();

    const RestoreReport report = scene.restored();
    CHECK(report.manifest.version == scene.backup_version);
    scene.open();
    CHECK(scene.rating() == 1200);
    CHECK(scene.store->exists<Player>("bob") == false);
    CHECK(scene.store->backend().verify_integrity());
    scene.store.reset();

    auto old = BehindStore::open({.path = report.replaced}, {.journal = {.path = report.replaced_journal}});
    REQUIRE(old);
    CHECK((*old->load<Player>("ada"))->skill_rating == 1300);
}

TEST_CASE("a journal of the old database is not replayed over the restored one", "[restore][journal]") {
    Scene scene;
    REQUIRE(scene.store->save(player("ada", 1300)));  // in the journal only
    fs::copy(scene.journal(), scene.dir / "copy_of_journal", fs::copy_options::recursive);
    fs::copy(scene.target(), scene.dir / "copy_of_db");
    scene.store.reset();
    fs::remove_all(scene.journal());
    fs::rename(scene.dir / "copy_of_journal", scene.journal());

    SECTION("when it is named") { CHECK_FALSE(scene.restored().replaced_journal.empty()); }
    SECTION("when it is forgotten") {
        REQUIRE(joinly::restore<SqliteBackend>(scene.backup_path, {.path = scene.target()}));
        CHECK(fs::exists(scene.journal()));
    }
    scene.open();
    CHECK(scene.rating() == 1200);
}

TEST_CASE("a journal on another file system is put aside there", "[restore][journal]") {
    const fs::path memory{"/dev/shm"};
    struct stat here {
    }, there{};
    const fs::path place = memory / ("joinly-test-" + std::to_string(std::random_device{}()));
    if (::stat(fs::temp_directory_path().c_str(), &here) != 0 || ::stat(memory.c_str(), &there) != 0 ||
        here.st_dev == there.st_dev || !fs::create_directory(place)) {
        WARN("there is no other file system to be tried");
        return;
    }
    const struct Removed {
        fs::path path;
        ~Removed() { fs::remove_all(path); }
    } removed{place};
    Scene scene{place};
    REQUIRE(scene.store->save(player("ada", 1300)));
    scene.store.reset();

    SECTION("and found with the old database") {
        const RestoreReport report = scene.restored();
        CHECK(report.replaced_journal.starts_with(scene.journal() + ".restore-"));
        auto old = BehindStore::open({.path = report.replaced}, {.journal = {.path = report.replaced_journal}});
        REQUIRE(old);
        CHECK((*old->load<Player>("ada"))->skill_rating == 1300);
    }
    SECTION("and removed when it is not to be kept") {
        CHECK(scene.restored({.keep_replaced = false}).replaced_journal.empty());
        CHECK(fs::is_empty(place));
        CHECK(scene.left_overs() == 0);
    }
    scene.open();
    CHECK(scene.rating() == 1200);
}

TEST_CASE("versions go on above every one that was given before", "[restore]") {
    Scene scene;
    Version newest = absent;
    for (int i = 0; i < 100; ++i) newest = *scene.store->save(player("ada", i));
    scene.store.reset();
    const RestoreReport report = scene.restored();
    CHECK(report.version > newest);
    scene.open();
    CHECK(scene.store->load<Player>("ada")->version() <= scene.backup_version);
    CHECK(*scene.store->save(player("bob")) > report.version);
}

TEST_CASE("a restore to where nothing is leaves nothing beside it", "[restore]") {
    Scene scene;
    auto report = restore<SqliteBackend>(scene.backup_path, {.path = scene.dir / "new.db"});
    REQUIRE(report);
    CHECK(report->replaced.empty());
    CHECK(scene.left_overs() == 0);
    auto store = open<SqliteBackend>({.path = scene.dir / "new.db"});
    CHECK((*store->load<Player>("ada"))->skill_rating == 1200);
}

TEST_CASE("what was there is removed when it is not to be kept", "[restore]") {
    Scene scene;
    scene.store.reset();
    const RestoreReport report = scene.restored({.keep_replaced = false});
    CHECK(report.replaced.empty());
    CHECK(scene.left_overs() == 0);
}

TEST_CASE("a restore is refused while somebody has the target open", "[restore]") {
    Scene scene;
    SECTION("for writing, as the only one") {}
    SECTION("for writing") {
        scene.store.reset();
        auto other = SqliteBackend::open({.path = scene.target()});
        CHECK(scene.restore().error() == Errc::busy);
    }
    SECTION("for reading") {
        scene.store.reset();
        auto other = SqliteBackend::open({.path = scene.target(), .read_only = true});
        REQUIRE(other);
        REQUIRE(other->read("player:ada"));
        CHECK(scene.restore().error() == Errc::busy);
    }
    SECTION("by other means") {
        scene.store.reset();
        SQLite::Database other{scene.target(), SQLite::OPEN_READONLY};
        REQUIRE(other.execAndGet("SELECT count(*) FROM record").getInt() > 0);
        CHECK(scene.restore().error() == Errc::busy);
    }
    SECTION("its journal only") {
        scene.store.reset();
        auto journal = Journal::open({.path = scene.journal()}, 1'000);
        REQUIRE(journal);
        CHECK(scene.restore().error() == Errc::busy);
    }
    if (scene.store) CHECK(scene.restore().error() == Errc::busy);
    CHECK(scene.left_overs() == 0);
    scene.store.reset();
    scene.open();
    CHECK(scene.rating() == 1200);
}

TEST_CASE("a log that a killed process has left is not taken for the restored database's", "[restore]") {
    Scene scene;
    REQUIRE(scene.store->save(player("ada", 1300)));
    REQUIRE(scene.store->flush());
    for (const char* ending : {"", "-wal", "-shm"}) fs::copy(scene.target() + ending, scene.dir / "killed" + ending);
    scene.store.reset();
    SECTION("and the old database has what was in it") {
        auto report = restore<SqliteBackend>(scene.backup_path, {.path = scene.dir / "killed"});
        REQUIRE(report);
        auto old = open<SqliteBackend>({.path = report->replaced});
        CHECK((*old->load<Player>("ada"))->skill_rating == 1300);
    }
    SECTION("also when the database itself is gone") {
        fs::remove(scene.dir / "killed");
        REQUIRE(restore<SqliteBackend>(scene.backup_path, {.path = scene.dir / "killed"}));
    }
    SECTION("also when the database is damaged") {
        std::fstream{scene.dir / "killed", std::ios::in | std::ios::out | std::ios::binary}
            << "no database at all, but something else";
        auto report = restore<SqliteBackend>(scene.backup_path, {.path = scene.dir / "killed"});
        REQUIRE(report);
        CHECK(fs::exists(report->replaced));
    }
    CHECK_FALSE(fs::exists(scene.dir / "killed-wal"));
    auto store = open<SqliteBackend>({.path = scene.dir / "killed"});
    CHECK((*store->load<Player>("ada"))->skill_rating == 1200);
}

TEST_CASE("a damaged backup is refused and what was there stays", "[restore][damage]") {
    Scene scene;
    const std::string database = scene.backup_path + "/database";
    Errc expected = Errc::corrupt;
    SECTION("a record is another") { SqliteProbe{database}.run("UPDATE record SET version = 1"); }
    SECTION("a record is gone") { SqliteProbe{database}.run("DELETE FROM record WHERE key = CAST('player:ada' AS BLOB)"); }
    SECTION("it is half as long") { fs::resize_file(database, fs::file_size(database) / 2); }
    SECTION("the database is gone") {
        fs::remove(database);
        expected = Errc::io;
    }
    SECTION("the manifest is gone") {
        fs::remove(scene.backup_path + "/manifest.json");
        expected = Errc::not_found;
    }
    SECTION("the manifest is damaged") { std::ofstream{scene.backup_path + "/manifest.json"} << "{}"; }
    REQUIRE(scene.store->save(player("ada", 1300)));
    scene.store.reset();
    CHECK(scene.restore().error() == expected);
    CHECK(scene.left_overs() == 0);
    scene.open();
    CHECK(scene.rating() == 1300);
}

TEST_CASE("a LevelDB backup is refused whichever file of it is damaged and what was there stays", "[restore][damage][leveldb]") {
    using LevelDbStore = Store<LevelDbBackend, WriteThrough, DefaultTraits>;
    const TempDir dir;
    std::string backup_path;
    {
        auto store = LevelDbStore::open({.path = dir / "live"});
        REQUIRE(store);
        REQUIRE(store->save(player("ada", 1200)));
        const auto made = backup(*store, dir / "backups");
        REQUIRE(made);
        backup_path = made->path;
        REQUIRE(store->save(player("ada", 1300)));
    }
    const int files = damage_one_by_one(backup_path, [&] {
        CHECK(restore<LevelDbBackend>(backup_path, {.path = dir / "live"}).error() == Errc::corrupt);
        CHECK(std::distance(fs::directory_iterator{dir.path()}, {}) == 2);
        auto store = LevelDbStore::open({.path = dir / "live"});
        CHECK((*store->load<Player>("ada"))->skill_rating == 1300);
    });
    CHECK(files >= 3);  // a table, CURRENT, MANIFEST
    REQUIRE(restore<LevelDbBackend>(backup_path, {.path = dir / "live"}));
    CHECK((*LevelDbStore::open({.path = dir / "live"})->load<Player>("ada"))->skill_rating == 1200);
}

TEST_CASE("a backup of a store in memory is refused when it is damaged", "[restore][damage][memory]") {
    using MemoryStore = Store<MemoryBackend, WriteBehind, DefaultTraits>;
    const TempDir dir;
    const WriteBehindOptions options{.journal = {.path = dir / "journal"}};
    std::string backup_path;
    {
        auto store = MemoryStore::open({}, options);
        REQUIRE(store->save(player("ada", 1200)));
        backup_path = backup(*store, dir / "backups")->path;
        REQUIRE(store->save(player("ada", 1300)));
    }
    const int files = damage_one_by_one(backup_path, [&] {
        CHECK(restore<MemoryBackend>(backup_path, {}, {.journal = dir / "journal"}).error() == Errc::corrupt);
        CHECK(std::distance(fs::directory_iterator{dir.path()}, {}) == 2);
        CHECK((*MemoryStore::open({}, options)->load<Player>("ada"))->skill_rating == 1300);
    });
    CHECK(files > 0);
    REQUIRE(restore<MemoryBackend>(backup_path, {}, {.journal = dir / "journal"}));
}

TEST_CASE("a restore that is cancelled leaves what was there and nothing else", "[restore]") {
    Scene scene;
    scene.store.reset();
    CHECK(scene.restore({.on_progress = [](const BackupProgress&) { return false; }}).error() == Errc::cancelled);
    CHECK(scene.left_overs() == 0);
    scene.open();
    CHECK(scene.rating() == 1200);
}

TEST_CASE("wrong arguments of a restore are told", "[restore]") {
    Scene scene;
    CHECK(restore<SqliteBackend>(scene.backup_path, {.path = ""}).error() == Errc::invalid_argument);
    CHECK(restore<SqliteBackend>(scene.backup_path, {.path = scene.dir / "missing/db"}).error() == Errc::io);
    CHECK(restore<SqliteBackend>(scene.dir / "missing", {.path = scene.dir / "new.db"}).error() == Errc::not_found);
    CHECK(restore<MemoryBackend>(scene.backup_path, {}, {.journal = scene.dir / "new"}).error() == Errc::incompatible);
    fs::create_directory(scene.dir / "directory");
    CHECK(restore<SqliteBackend>(scene.backup_path, {.path = scene.dir / "directory"}).error() == Errc::invalid_argument);
    CHECK(fs::is_directory(scene.dir / "directory"));
    CHECK_FALSE(fs::exists(scene.dir / "new.db"));
}

TEST_CASE("the target of a symbolic link is exchanged and not the link", "[restore]") {
    Scene scene;
    scene.store.reset();
    fs::create_directory(scene.dir / "elsewhere");
    fs::create_symlink(scene.target(), scene.dir / "elsewhere/link");
    REQUIRE(restore<SqliteBackend>(scene.backup_path, {.path = scene.dir / "elsewhere/link"}));
    CHECK(fs::is_symlink(scene.dir / "elsewhere/link"));
    CHECK(scene.left_overs() == 1);
}

TEST_CASE("half a copy that a killed restore has left is removed and a whole one is not", "[restore]") {
    Scene scene;
    scene.store.reset();
    fs::create_directory(scene.target() + ".restore-2001-01-01T00-00-00Z");
    std::ofstream{scene.target() + ".restore-2001-01-01T00-00-00Z/lock"};
    fs::create_directory(scene.target() + ".restore-2002-01-01T00-00-00Z");
    std::ofstream{scene.target() + ".restore-2002-01-01T00-00-00Z/database"} << "the old one";
    (void)scene.restored({.keep_replaced = false});
    CHECK_FALSE(fs::exists(scene.target() + ".restore-2001-01-01T00-00-00Z"));
    CHECK(fs::exists(scene.target() + ".restore-2002-01-01T00-00-00Z/database"));
}

TEST_CASE("only half a copy whose maker has ended is a left-over", "[restore]") {
    const TempDir dir;
    const std::string place = dir.path().string();
    CHECK_FALSE(detail::SeenLock{place}.is_left_over());
    CHECK_FALSE(fs::exists(dir / "lock"));
    std::optional<Result<detail::FileDescriptor>> maker{detail::lock_file(dir / "lock")};
    REQUIRE(*maker);
    CHECK_FALSE(detail::SeenLock{place}.is_left_over());
    SECTION("that of one which was killed") {
        maker.reset();
        CHECK(detail::SeenLock{place}.is_left_over());
    }
    SECTION("not of one that finishes while another looks") {
        const detail::SeenLock seen{place};
        fs::remove(dir / "lock");
        CHECK_FALSE(seen.is_left_over());
        maker.reset();
        CHECK_FALSE(seen.is_left_over());
    }
}

TEST_CASE("restores of one target at the same time lose nothing of what each has put aside", "[restore][threads]") {
    Scene scene;
    scene.store.reset();
    std::mutex mutex;
    std::vector<std::string> replaced;
    int kept_by_failures = 0;  // met by another one when they opened what they had restored, and when they put it back
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 4; ++n) {
                const auto report = joinly::restore<SqliteBackend>(scene.backup_path, {.path = scene.target()});
                const std::lock_guard lock{mutex};
                if (report) {
                    replaced.push_back(report->replaced);
                } else if (report.error().message().find("what was there stays in ") != std::string_view::npos) {
                    ++kept_by_failures;
                }
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK_FALSE(replaced.empty());
    CHECK(scene.left_overs() == static_cast<int>(replaced.size()) + kept_by_failures);
    for (const std::string& path : replaced) CHECK(fs::exists(path));
    scene.open();
    CHECK(scene.rating() == 1200);
}

TEST_CASE("a store in memory is restored by its journal", "[restore][memory]") {
    const TempDir dir;
    using MemoryStore = Store<MemoryBackend, WriteBehind, DefaultTraits>;
    const WriteBehindOptions options{.journal = {.path = dir / "journal"}};
    std::string backup_path;
    {
        auto store = MemoryStore::open({}, options);
        REQUIRE(store->save(player("ada", 1200)));
        backup_path = backup(*store, dir / "backups")->path;
        REQUIRE(store->save(player("ada", 1300)));
        CHECK(restore<MemoryBackend>(backup_path, {}, {.journal = dir / "journal"}).error() == Errc::busy);
    }
    const auto report = restore<MemoryBackend>(backup_path, {}, {.journal = dir / "journal"});
    REQUIRE(report);
    auto store = MemoryStore::open({}, options);
    REQUIRE(store);
    CHECK((*store->load<Player>("ada"))->skill_rating == 1200);
    CHECK(*store->save(player("bob")) > report->version);
    auto old = MemoryStore::open({}, {.journal = {.path = report->replaced}});
    CHECK((*old->load<Player>("ada"))->skill_rating == 1300);
}
