// LevelDB databases whose files are damaged (see damage_suite.hpp), or that a later version of the library wrote.

#include "tests/damage/damage_suite.hpp"

#include <joinly/backend/leveldb.hpp>

#include <memory>

namespace {

using namespace joinly;
using namespace joinly::test;
using namespace std::string_view_literals;
namespace fs = std::filesystem;

struct LevelDb {
    using Backend = LevelDbBackend;
    static constexpr const char* name = "LevelDB";
    static constexpr std::size_t block_bytes = 4096;

    static LevelDbOptions options(const std::string& directory) {
        LevelDbOptions options;
        options.path = directory;
        options.sync = Sync::process_crash;
        return options;
    }
    static Result<LevelDbBackend> open(const std::string& directory) { return LevelDbBackend::open(options(directory)); }
    static Status repair(const std::string& directory) {
        const auto repaired = LevelDbBackend::repair(options(directory));
        return repaired ? Status{} : failure(repaired.error());
    }
    static bool may_damage(const std::string& file) { return !file.starts_with("LO"); }  // LOCK, LOG
    static bool may_remove(const std::string&) { return true; }
};

/// The database without the adapter.
std::unique_ptr<leveldb::DB> raw(const std::string& path) {
    leveldb::DB* db = nullptr;
    const auto opened = leveldb::DB::Open({}, path, &db);
    if (!opened.ok()) FAIL(opened.ToString());
    return std::unique_ptr<leveldb::DB>{db};
}

Files raw_entries(const std::string& path) {
    Files entries;
    const auto db = raw(path);
    const std::unique_ptr<leveldb::Iterator> all{db->NewIterator({})};
    for (all->SeekToFirst(); all->Valid(); all->Next()) entries[all->key().ToString()] = all->value().ToString();
    return entries;
}

void write_ten_keys(const std::string& path) {
    auto backend = LevelDb::open(path);
    REQUIRE(backend);
    for (int i = 0; i < 10; ++i) REQUIRE(backend->write(Batch{}.put("key" + std::to_string(i), "value")));
}

}  // namespace

TEST_CASE("a damaged LevelDB database gives no wrong answer, and repair makes it whole", "[leveldb][damage]") {
    run_damage_trials<LevelDb>();
}

TEST_CASE("a damaged batch in the log is repaired away whole, and takes no other key with it", "[leveldb][damage][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_ten_keys(path);
    REQUIRE(LevelDb::open(path)->write(Batch{}.erase("key4").put("key6", "new")));
    const Files before = files_in(path);
    for (const auto& [name, bytes] : before) {
        const auto erased = bytes.find("\x04key4"sv);
        if (!name.ends_with(".log") || erased == bytes.npos) continue;
        Files damaged = before;
        damaged[name][erased + 4] = '5';
        make_directory(path, damaged);
    }
    REQUIRE(files_in(path) != before);
    REQUIRE(LevelDb::open(path).error() == Errc::corrupt);

    REQUIRE(LevelDb::repair(path));
    auto backend = LevelDb::open(path);
    REQUIRE(backend);
    for (int i = 0; i < 10; ++i) CHECK(backend->read("key" + std::to_string(i)).value().value == "value");
    CHECK(backend->verify_integrity());
}

TEST_CASE("each later format of a LevelDB database is refused by name, by opening and by repair", "[leveldb][format]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_ten_keys(path);
    for (int format = 3; format < 256; format += format < 8 || format > 240 ? 1 : 29) {
        const char byte = static_cast<char>(format);
        REQUIRE(raw(path)->Put({}, detail::to_slice(detail::leveldb_format_key), {&byte, 1}).ok());
        const Files before = raw_entries(path);
        const auto opened = LevelDb::open(path);
        REQUIRE(opened.error() == Errc::incompatible);
        CHECK(opened.error().message().find(path + ": the database has format " + std::to_string(format) + ';') == 0);
        CHECK(LevelDb::repair(path).error() == Errc::incompatible);
        CHECK(raw_entries(path) == before);
    }
}

TEST_CASE("each later format and each later flag of a record in LevelDB is refused by name", "[leveldb][format]") {
    std::string bytes;
    detail::encode_leveldb_value("lobby:1", {"hello", 258, {}}, bytes);
    for (int format = 1; format < 256; ++format) {
        for (int flags = 0; flags < 256; ++flags) {
            if (format == 1 && flags < 4) continue;
            bytes[0] = static_cast<char>(format);
            bytes[1] = static_cast<char>(flags);
            const auto record = detail::decode_leveldb_value("lobby:1", bytes);
            if (record || record.error() != Errc::incompatible || record.error().message().find("lobby:1") == std::string::npos)
                FAIL("format " << format << ", flags " << flags);
        }
    }
}
