// Backup and restore on a disk that is full, or fails.

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/restore.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/file_faults.hpp>
#include <tests/support/temp_dir.hpp>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;

namespace {

namespace fs = std::filesystem;

template <class Backend>
auto open_at(const std::string& path) {
    auto store = Store<Backend, WriteThrough, DefaultTraits>::open({.path = path});
    INFO((store ? "" : std::string{store.error().message()}));
    REQUIRE(store);
    return std::move(*store);
}

/// So much room at a time makes some ten failures of what 20 players take.
template <class Backend>
constexpr std::int64_t more_room = std::is_same_v<Backend, SqliteBackend> ? 4'000 : 200;

std::size_t entries_of(const std::string& directory) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator{directory}) ++count;
    return count;
}

const std::vector<FileFault> faults_of_a_disk{FileFault::on_open(EIO), FileFault::on_change(ENOSPC), {FileCall::sync, EIO},
                                              {FileCall::read, EIO},   {FileCall::write, EIO},       {FileCall::rename, EIO}};

}  // namespace

TEMPLATE_TEST_CASE("a disk that fills up leaves no half-made backup", "[backup][fault]", SqliteBackend, LevelDbBackend) {
    const TempDir dir;
    auto store = open_at<TestType>(dir / "live");
    for (int i = 0; i < 20; ++i) REQUIRE(store.save(player(std::to_string(i))));
    fs::create_directory(dir / "backups");
    FileFaults faults{dir / "backups"};
    bool full = true;
    int failed = 0;
    for (std::int64_t room = 0; full; room += more_room<TestType>) {
        INFO(room);
        faults.set_room(room);
        const auto report = backup(store, dir / "backups");
        full = faults.struck();
        faults.lift();
        CHECK(report.has_value() == !full);
        if (!report) CHECK(report.error() == Errc::full);
        CHECK(entries_of(dir / "backups") == (full ? 0 : 1));
        failed += full;
    }
    CHECK(failed >= 10);
    CHECK(store.save(player("ada")));
}

TEMPLATE_TEST_CASE("whatever call fails there is a whole backup or none and the older one stays", "[backup][fault]", SqliteBackend,
                   LevelDbBackend) {
    const TempDir dir;
    auto store = open_at<TestType>(dir / "live");
    REQUIRE(store.save(player("ada")));
    REQUIRE(backup(store, dir / "backups", {.name = "older"}));
    FileFaults faults{dir / "backups"};
    for (const FileFault& fault : faults_of_a_disk) {
        bool struck = true;
        for (std::int64_t n = 1; struck; ++n) {
            INFO(fault.calls << ' ' << n);
            faults.fail(fault, n);
            const auto report = backup(store, dir / "backups");
            struck = faults.struck();
            faults.lift();
            std::size_t whole = 0;
            for (const auto& entry : fs::directory_iterator{dir / "backups"}) {
                const std::string name = entry.path().filename().string();
                if (!name.starts_with("joinly-") || !name.ends_with("Z")) continue;
                ++whole;
                CHECK(read_backup_manifest(entry.path().string()));
                fs::remove_all(entry.path());
            }
            CHECK(whole == (report ? 1 : 0));
        }
    }
    CHECK(backup(store, dir / "backups"));
    CHECK(entries_of(dir / "backups") == 2);
}

TEMPLATE_TEST_CASE("whatever call of a restore fails the old database or the restored one is there", "[restore][fault]",
                   SqliteBackend, LevelDbBackend) {
    const TempDir dir;
    const std::string target = dir / "target/live";
    fs::create_directory(dir / "target");
    std::string backup_path;
    {
        auto store = open_at<TestType>(target);
        REQUIRE(store.save(player("ada", 1)));
        backup_path = backup(store, dir / "backups")->path;
        REQUIRE(store.save(player("ada", 2)));
    }
    fs::copy(target, dir / "original", fs::copy_options::recursive);
    FileFaults faults{dir / "target"};
    for (const FileFault& fault : faults_of_a_disk) {
        bool struck = true;
        for (std::int64_t n = 1; struck; ++n) {
            INFO(fault.calls << ' ' << n);
            fs::remove_all(dir / "target");
            fs::create_directory(dir / "target");
            fs::copy(dir / "original", target, fs::copy_options::recursive);
            faults.fail(fault, n);
            const auto report = restore<TestType>(backup_path, {.path = target}, {.keep_replaced = false});
            struck = faults.struck();
            faults.lift();
            auto store = open_at<TestType>(target);
            CHECK((*store.template load<Player>("ada"))->skill_rating == (report ? 1 : 2));
        }
    }
}

TEMPLATE_TEST_CASE("a disk that fills up leaves a restore's target as it was", "[restore][fault]", SqliteBackend, LevelDbBackend) {
    const TempDir dir;
    const std::string target = dir / "target/live";
    fs::create_directory(dir / "target");
    auto store = open_at<TestType>(dir / "source");
    for (int i = 0; i < 20; ++i) REQUIRE(store.save(player(std::to_string(i))));
    const std::string backup_path = backup(store, dir / "backups")->path;
    FileFaults faults{dir / "target"};
    bool full = true;
    for (std::int64_t room = 0; full; room += more_room<TestType>) {
        INFO(room);
        faults.set_room(room);
        const auto report = restore<TestType>(backup_path, {.path = target});
        full = faults.struck();
        faults.lift();
        CHECK(report.has_value() == !full);
        if (!report) CHECK((report.error() == Errc::full || report.error() == Errc::io));  // SQLite's word for the log's index
        CHECK(entries_of(dir / "target") == (full ? 0 : 1));
    }
}
