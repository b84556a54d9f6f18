// A repair of a LevelDB database on a disk that is full or fails. LevelDB's own repair says nothing of what
// it could not write: it puts the log or the table aside and calls the rest, or an empty database, repaired.

#include <joinly/backend/leveldb.hpp>

#include <leveldb/comparator.h>
#include <leveldb/db.h>
#include <leveldb/env.h>
#include <leveldb/table_builder.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

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

class AnyOrder final : public leveldb::Comparator {
public:
    int Compare(const leveldb::Slice&, const leveldb::Slice&) const override { return 1; }
    const char* Name() const override { return leveldb::BytewiseComparator()->Name(); }
    void FindShortestSeparator(std::string*, const leveldb::Slice&) const override {}
    void FindShortSuccessor(std::string*) const override {}
};

fs::path file_ending(const std::string& path, const std::string& extension) {
    for (const auto& entry : fs::directory_iterator{path}) {
        if (entry.path().extension() == extension) return entry.path();
    }
    FAIL("there is no " << extension);
    return {};
}

void overwrite(const fs::path& file, std::uint64_t offset, const std::string& bytes) {
    std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
    stream.seekp(static_cast<std::streamoff>(offset)) << bytes;
}

/// With a table of 30 keys, a log of as many, and nothing wrong.
std::string make_sound(const TempDir& dir) {
    write_keys(dir / "db", "old");
    write_keys(dir / "db", "new");
    return dir / "db";
}

void check_whole(const LevelDbRepair& repair, std::uint64_t records) {
    CHECK(repair.records == records);
    CHECK(repair.lost == 0);
    CHECK(repair.lost_keys.empty());
    CHECK(repair.gaps == std::vector<std::string>{});
    CHECK_FALSE(repair.may_lack_names);
}

/// What it could not read, in one place.
std::string only_gap(const Result<LevelDbRepair>& repair) {
    INFO((repair ? "" : std::string{repair.error().message()}));
    REQUIRE(repair);
    CHECK(repair->may_lack_names);
    REQUIRE(repair->gaps.size() == 1);
    return repair->gaps[0];
}

}  // namespace

TEST_CASE("a repair that has left nothing out tells how many records there are", "[leveldb][repair]") {
    const TempDir dir;
    const std::string path = make_sound(dir);
    SECTION("of a sound database") {}
    SECTION("without CURRENT") { fs::remove(path + "/CURRENT"); }
    SECTION("whose log was cut short by a crash") {
        const fs::path log = file_ending(path, ".log");
        fs::resize_file(log, fs::file_size(log) - 500);
        check_whole(LevelDbBackend::repair(at(path)).value(), 2 * keys_of_each - 1);
        return;
    }
    check_whole(LevelDbBackend::repair(at(path)).value(), 2 * keys_of_each);
    check_whole(LevelDbBackend::repair(at(path)).value(), 2 * keys_of_each);
}

TEST_CASE("a repair names the table that has a block which cannot be read, and the keys around it", "[leveldb][repair][damage]") {
    const TempDir dir;
    const std::string path = make_sound(dir);
    const fs::path table = file_ending(path, ".ldb");
    overwrite(table, fs::file_size(table) / 2, "damage");
    const auto repair = LevelDbBackend::repair(at(path));
    const std::string gap = only_gap(repair);
    INFO(gap);
    CHECK(gap.starts_with(table.filename().string() + ": Corruption: block checksum mismatch: behind 'old1"));
    const auto key_after = [&](const std::string& words) { return std::stoull(gap.substr(gap.find(words) + words.size())); };
    const auto missing = key_after(" and before 'old") - key_after(" behind 'old") - 1;
    CHECK(missing > 0);
    CHECK(repair->records + missing == 2 * keys_of_each);
    CHECK(keys_in(path) == static_cast<int>(repair->records));
}

TEST_CASE("a repair names each block of a table that cannot be read", "[leveldb][repair][damage]") {
    const TempDir dir;
    const std::string path = make_sound(dir);
    const fs::path table = file_ending(path, ".ldb");
    for (const std::uint64_t tenths : {2U, 7U}) overwrite(table, fs::file_size(table) * tenths / 10, "damage");
    const auto repair = LevelDbBackend::repair(at(path));
    REQUIRE(repair);
    CHECK(repair->gaps.size() == 2);
}

TEST_CASE("a repair names the table of which nothing can be read, and the keys that it had", "[leveldb][repair][damage]") {
    const TempDir dir;
    const std::string path = make_sound(dir);
    const fs::path table = file_ending(path, ".ldb");
    std::string what = "its footer is damaged";
    SECTION("its footer is damaged") { overwrite(table, fs::file_size(table) - 48, std::string(40, '\xff')); }
    SECTION("it is missing") {
        fs::remove(table);
        what = "it is missing";
    }
    SECTION("it is missing, and so is CURRENT") {
        fs::remove(table);
        fs::remove(path + "/CURRENT");
        what = "it is missing";
    }
    const auto repair = LevelDbBackend::repair(at(path));
    const std::string gap = only_gap(repair);
    CHECK(gap.starts_with(table.filename().string() + ": " + what + "; it had keys from '"));
    CHECK(gap.ends_with(" to 'old129'"));
    CHECK(repair->records == keys_of_each);
}

TEST_CASE("a repair says where nobody knows which files are missing", "[leveldb][repair][damage]") {
    const TempDir dir;
    const std::string path = make_sound(dir);
    fs::path manifest;
    for (const auto& entry : fs::directory_iterator{path}) {
        if (entry.path().filename().string().starts_with("MANIFEST-")) manifest = entry.path();
    }
    SECTION("it is gone") { fs::remove(manifest); }
    SECTION("it is empty") { fs::resize_file(manifest, 0); }
    SECTION("it is damaged") { overwrite(manifest, 0, "damage"); }
    CHECK(only_gap(LevelDbBackend::repair(at(path))) ==
          "MANIFEST: it cannot be read: whether a table or a log is missing is not known");
}

TEST_CASE("a repair names the log that is missing", "[leveldb][repair][damage]") {
    const TempDir dir;
    const std::string path = make_sound(dir);
    const fs::path log = file_ending(path, ".log");
    fs::remove(log);
    const auto repair = LevelDbBackend::repair(at(path));
    CHECK(only_gap(repair) == log.filename().string() + ": the file is missing");
    CHECK(repair->records == keys_of_each);
}

TEST_CASE("looking for what cannot be read ends in a table whose keys lead back, too", "[leveldb][repair][damage]") {
    const TempDir dir;
    const std::string path = make_sound(dir);
    const std::string table = path + "/000099.ldb";
    std::vector<std::uint64_t> blocks;
    {
        AnyOrder any_order;  // for a key that is there twice, around a damaged block
        leveldb::Options options;
        options.comparator = &any_order;
        options.compression = leveldb::kNoCompression;
        leveldb::WritableFile* raw = nullptr;
        REQUIRE(leveldb::Env::Default()->NewWritableFile(table, &raw).ok());
        const std::unique_ptr<leveldb::WritableFile> file{raw};
        leveldb::TableBuilder builder{options, raw};
        for (const char* key : {"k", "kk", "k", "z"}) {
            blocks.push_back(builder.FileSize());
            builder.Add(key + std::string{"\x01\x01\0\0\0\0\0\0", 8}, std::string(200, 'v'));
            builder.Flush();
        }
        REQUIRE(builder.Finish().ok());
        REQUIRE(file->Close().ok());
    }
    overwrite(table, blocks[1] + 50, "damage");
    const auto gaps = detail::LevelDbRepairSurvey{path, {}}.run({}, true);
    REQUIRE(gaps.size() == 2);
    CHECK(gaps[0].ends_with(": behind 'k' and before 'k'"));
    CHECK(gaps[1].ends_with(": behind 'k' and before 'k', and whether anywhere behind that is not known"));
}

TEST_CASE("a repair that finds very many gaps names the first, and says that there are more", "[leveldb][repair][damage]") {
    const TempDir dir;
    const std::string path = make_sound(dir);
    const fs::path log = file_ending(path, ".log");
    std::vector<std::string> known;
    for (std::size_t i = 1; i < LevelDbRepair::most_gaps; ++i) known.push_back("gap " + std::to_string(i));
    overwrite(log, 20, "damage");
    fs::remove(file_ending(path, ".ldb"));
    auto gaps = detail::LevelDbRepairSurvey{path, known}.run({}, true);
    REQUIRE(gaps.size() == LevelDbRepair::most_gaps + 1);
    CHECK(gaps[LevelDbRepair::most_gaps - 1].find("it is missing") != std::string::npos);
    CHECK(gaps.back() == "more: not all are told");
    CHECK(detail::LevelDbRepairSurvey{path, gaps}.run({}, false) == gaps);
}

TEST_CASE("a repair names the log that is damaged, and says so again when it did not come to its end",
          "[leveldb][repair][damage]") {
    const TempDir dir;
    const std::string path = make_sound(dir);
    const fs::path log = file_ending(path, ".log");
    std::ostringstream bytes;
    bytes << std::ifstream{log, std::ios::binary}.rdbuf();
    overwrite(log, bytes.str().find("new115") + 100, "damage");
    const std::string begin = log.filename().string() + ": damaged at byte ";
    SECTION("at once") {
        const auto repair = LevelDbBackend::repair(at(path));
        CHECK(only_gap(repair).starts_with(begin));
        CHECK(repair->records == 2 * keys_of_each - 1);
    }
    SECTION("after one that met a full disk") {
        FileFaults faults{dir.path()};
        faults.set_room(40'000);  // the log is voided, and no table made of it
        const auto failed = LevelDbBackend::repair(at(path));
        REQUIRE(faults.struck());
        REQUIRE_FALSE(failed);
        faults.lift();
        CHECK(only_gap(LevelDbBackend::repair(at(path))).starts_with(begin));
    }
    check_whole(LevelDbBackend::repair(at(path)).value(), 2 * keys_of_each - 1);
}

TEST_CASE("a record that does not match its checksum is named by a repair", "[leveldb][repair][damage]") {
    const TempDir dir;
    const std::string path = make_sound(dir);
    {
        leveldb::DB* raw = nullptr;
        REQUIRE(leveldb::DB::Open({}, path, &raw).ok());
        const std::unique_ptr<leveldb::DB> db{raw};
        std::string value;
        REQUIRE(db->Get({}, "old107", &value).ok());
        REQUIRE(db->Put({}, "old108", value).ok());
    }
    const auto repair = LevelDbBackend::repair(at(path));
    REQUIRE(repair);
    CHECK(repair->lost == 1);
    CHECK(repair->lost_keys == std::vector<std::string>{"old108"});
    CHECK(repair->records == 2 * keys_of_each - 1);
    CHECK_FALSE(repair->may_lack_names);
}

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
