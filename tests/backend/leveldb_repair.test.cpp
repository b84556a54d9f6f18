// A repair of a LevelDB database on a disk that is full or fails. LevelDB's own repair says nothing of what
// it could not write: it puts the log or the table aside and calls the rest, or an empty database, repaired.

#include <joinly/backend/leveldb.hpp>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "../support/catch.hpp"
#include "../support/file_faults.hpp"
#include "../support/temp_dir.hpp"
#include "damaged_leveldb.hpp"

using namespace joinly;
using namespace joinly::test;
namespace fs = std::filesystem;

namespace {

/// A damaged database, any number of times, on a disk that may fail; and what a repair brings back of it where nothing does.
class Scene {
public:
    explicit Scene(Damage damage) {
        make_damaged(dir_ / "original", damage);
        renew();
        REQUIRE(LevelDbBackend::repair(at(path)));
        keys = keys_in(path);
        REQUIRE(keys >= 2 * keys_of_each - 10);
        REQUIRE((damage == Damage::no_current || damage == Damage::cut_short) == (keys == 2 * keys_of_each));
    }
    void renew() {
        fs::remove_all(dir_ / "disk");
        fs::create_directory(dir_ / "disk");
        fs::copy(dir_ / "original", path, fs::copy_options::recursive);
    }
    /// Repairs while `faults` are armed; a repair that says so has done it, and otherwise the next one does.
    void repair_and_check(FileFaults& faults) {
        const auto repaired = LevelDbBackend::repair(at(path));
        faults.lift();
        if (repaired) {
            CHECK(keys_in(path) == keys);
            return;
        }
        INFO(repaired.error().message());
        const int there = keys_in(path);
        CHECK((there == keys || there == -1));  // it opens with everything, or not at all
        REQUIRE(LevelDbBackend::repair(at(path)));
        CHECK(keys_in(path) == keys);
    }

private:
    TempDir dir_;

public:
    const std::string disk = dir_ / "disk";
    const std::string path = dir_ / "disk/db";
    int keys = 0;
};

}  // namespace

TEST_CASE("a repair that finds the disk full says so and loses nothing", "[leveldb][repair][fault]") {
    Scene scene{GENERATE(Damage::no_current, Damage::a_block, Damage::both)};
    FileFaults faults{scene.disk};
    bool full = true;
    int failed = 0;
    for (std::int64_t room = 0; full; room += 1'500) {
        INFO(room);
        scene.renew();
        faults.set_room(room);
        const auto repaired = LevelDbBackend::repair(at(scene.path));
        full = faults.struck();
        CHECK(repaired.has_value() == !full);
        faults.set_room(room);
        scene.repair_and_check(faults);
        failed += full;
    }
    CHECK(failed >= 10);
}

TEST_CASE("whatever call of a repair fails nothing is lost", "[leveldb][repair][fault]") {
    Scene scene{GENERATE(Damage::no_current, Damage::a_block, Damage::both, Damage::cut_short)};
    FileFaults faults{scene.disk};
    // Of a disk that stays full: what has a name can get another one.
    const FileFault no_room{1U << static_cast<unsigned>(FileCall::open_write) | 1U << static_cast<unsigned>(FileCall::write),
                            ENOSPC, false};
    for (const FileFault& fault : {FileFault::on_change(ENOSPC), no_room, FileFault{FileCall::write, EIO},
                                   FileFault{FileCall::sync, EIO}, FileFault{FileCall::rename, EIO}}) {
        const bool renames = (fault.calls >> static_cast<unsigned>(FileCall::rename) & 1U) != 0;
        for (const Failing failing : {Failing::once, Failing::forever}) {
            if (renames && failing == Failing::forever) continue;
            bool struck = true;
            for (std::int64_t n = 1; struck; ++n) {
                INFO(fault.calls << ' ' << n << (failing == Failing::once ? " once" : " and all others"));
                scene.renew();
                faults.fail(fault, n, failing);
                const auto repaired = LevelDbBackend::repair(at(scene.path));
                struck = faults.struck();
                faults.lift();
                if (repaired) {
                    CHECK(keys_in(scene.path) == scene.keys);
                } else {
                    scene.repair_and_check(faults);
                }
            }
        }
    }
}

TEST_CASE("a repair brings nothing back from before the database was opened again", "[leveldb][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    make_damaged(path, Damage::no_current);
    fs::create_directory(path + "/lost");
    std::ofstream{path + "/lost/unfinished"} << "MANIFEST-000002\n000003.log\n";  // of a repair that was killed
    REQUIRE(LevelDbBackend::repair(at(path)));
    CHECK_FALSE(fs::exists(path + "/lost/unfinished"));
    REQUIRE(keys_in(path) == 2 * keys_of_each);  // opened
    std::ofstream{path + "/lost/unfinished"} << "\nnotes\n";
    std::ofstream{path + "/lost/notes"} << "old";  // which LevelDB's repair would not move there again
    REQUIRE(LevelDbBackend::repair(at(path)));
    CHECK(fs::exists(path + "/lost/notes"));
    CHECK(keys_in(path) == 2 * keys_of_each);
}

TEST_CASE("what a repair has not come to its end with does not open before one has", "[leveldb][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, "key");
    fs::create_directory(path + "/lost");
    std::ofstream{path + "/lost/unfinished"} << "\n";  // killed before anything else
    CHECK(LevelDbBackend::open(at(path)).error() == Errc::corrupt);
    REQUIRE(LevelDbBackend::repair(at(path)));
    CHECK(keys_in(path) == keys_of_each);
}

TEST_CASE("a repair does not wait for what LevelDB takes for no file of its own", "[leveldb][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, "key");
    const auto copy = [&](const std::string& extension) {
        for (const auto& entry : fs::directory_iterator{path}) {
            if (entry.path().extension() != extension) continue;
            fs::copy_file(entry.path(), path + '/' + entry.path().stem().string() + "-copy" + extension);
            return;
        }
    };
    copy(".log");
    write_keys(path, "other");  // makes a table of the log
    copy(".ldb");
    REQUIRE(LevelDbBackend::repair(at(path)));
    CHECK(keys_in(path) == 2 * keys_of_each);
}
