// SQLite databases whose files are damaged (see damage_suite.hpp), or that a later version of the library wrote.

#include "tests/damage/damage_suite.hpp"
#include "tests/support/sqlite_probe.hpp"

#include <joinly/backend/sqlite.hpp>

#include <cstdint>

namespace {

using namespace joinly;
using namespace joinly::test;

struct Sqlite {
    using Backend = SqliteBackend;
    static constexpr const char* name = "SQLite";
    static constexpr std::size_t block_bytes = 4096;

    static Result<SqliteBackend> open(const std::string& directory, bool read_only = false) {
        SqliteOptions options;
        options.path = directory + "/db";
        options.sync = Sync::process_crash;
        options.read_only = read_only;
        return SqliteBackend::open(options);
    }
    static bool may_damage(const std::string& file) { return !file.ends_with("-shm"); }  // which only lives while a process does
    static bool may_remove(const std::string& file) { return file.ends_with("-wal"); }
};

constexpr std::int32_t later_formats[]{3,   4,   5,     17,    100,   127,       128, 200,      254,
                                       255, 256, 32767, 32768, 65536, INT32_MAX, -1,  INT32_MIN};

/// The database and what its log holds, without the log's index, which only lives while a process does. A connection for
/// reading leaves an empty log behind.
Files lasting_files(const std::string& directory) {
    Files files = files_in(directory);
    std::erase_if(files, [](const auto& file) { return file.first == "db-shm" || file.second.empty(); });
    return files;
}

void expect_refused(const std::string& directory, std::int32_t format) {
    const Files before = lasting_files(directory);
    for (const bool read_only : {false, true}) {
        const auto opened = Sqlite::open(directory, read_only);
        REQUIRE(opened.error() == Errc::incompatible);
        CHECK(opened.error().message().find(directory + "/db has format version " + std::to_string(format) + ';') == 0);
        CHECK(lasting_files(directory) == before);
    }
}

}  // namespace

TEST_CASE("a damaged SQLite database gives no wrong answer, and its damage is found", "[sqlite][damage]") {
    run_damage_trials<Sqlite>();
}

TEST_CASE("each later format of an SQLite database is refused by name, and not a byte changes", "[sqlite][format]") {
    const TempDir dir;
    const std::string directory = dir / "d";
    make_directory(directory, {});
    REQUIRE(Sqlite::open(directory)->write(Batch{}.put("key", "value")));
    const Files original = lasting_files(directory);
    REQUIRE(original.size() == 1);
    for (const std::int32_t format : later_formats) {
        Files files = original;
        for (std::size_t i = 0; i < 4; ++i)  // user_version, big-endian, in the file's header
            files["db"][60 + i] = static_cast<char>(static_cast<std::uint32_t>(format) >> (24 - 8 * i) & 0xff);
        make_directory(directory, files);
        expect_refused(directory, format);
    }
}

TEST_CASE("a later format that stands in the log is refused too, and the log is left as it is", "[sqlite][format]") {
    const TempDir dir;
    const std::string directory = dir / "d";
    make_directory(directory, {});
    REQUIRE(Sqlite::open(directory)->write(Batch{}.put("key", "value")));
    for (const std::int32_t format : later_formats) {
        SqliteProbe{directory + "/db"}.run("PRAGMA user_version = " + std::to_string(format));
        REQUIRE(lasting_files(directory).at("db-wal").size() > 0);
        expect_refused(directory, format);
    }
}
