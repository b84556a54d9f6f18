// What is SQLite's own: the table on disk, refusals, damage, size, backup. The contract of every backend is in
// tests/conformance/; processes, faults and group commit are in sqlite_process.test.cpp and sqlite_fault.test.cpp.

#define check(condition) static_assert(sizeof(condition) < 0, "the engine's macro was used")  // as Unreal has it
#include <joinly/backend/sqlite.hpp>
#ifndef check
#error "the including file's own macro is gone"
#endif
#undef check

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>
#include <vector>

using namespace std::chrono_literals;
using joinly::absent;
using joinly::Batch;
using joinly::Change;
using joinly::Errc;
using joinly::Expiry;
using joinly::KeyRange;
using joinly::RecordView;
using joinly::SqliteBackend;
using joinly::SqliteOptions;
using joinly::Status;
using joinly::Sync;
using joinly::ValueForm;
using joinly::Version;
using joinly::WallTime;
using joinly::test::ChildProcess;
using joinly::test::SqliteProbe;
using joinly::test::TempDir;
namespace fs = std::filesystem;

static_assert(joinly::storage_backend<SqliteBackend>);
static_assert(joinly::backs_up<SqliteBackend>);
static_assert(joinly::verifies_integrity<SqliteBackend>);
static_assert(joinly::compacts<SqliteBackend>);

namespace {

SqliteOptions at(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    options.sync = Sync::process_crash;
    options.busy_timeout = 50ms;
    return options;
}

SqliteBackend open(const std::string& path) { return SqliteBackend::open(at(path)).value(); }

Version put(SqliteBackend& backend, std::string key, std::string value) {
    return backend.write(Batch{}.put(std::move(key), std::move(value))).value();
}

std::string bytes_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}
void set_bytes_of(const std::string& path, const std::string& bytes) {
    std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

std::vector<std::string> names_in(const TempDir& dir) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{dir.path()}) names.push_back(entry.path().filename().string());
    return names;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// A database with "a" to "e" under these keys, closed.
void make_database(const std::string& path) {
    SqliteBackend backend = open(path);
    for (const char* key : {"a", "b", "c", "d", "e"}) put(backend, key, std::string(100, key[0]));
}

/// Runs `work` as a user whom file permissions bind: root does not feel them.
template <class Work>
int as_ordinary_user(Work&& work) {
    return ChildProcess{[&] {
               if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 98;
               return work();
           }}
        .wait();
}

}  // namespace

TEST_CASE("the table is what the documentation says", "[sqlite][format]") {
    const TempDir dir;
    { open(dir / "db"); }
    SqliteProbe probe{dir / "db"};
    CHECK(probe.rows("SELECT name, type, \"notnull\", pk FROM pragma_table_info('record')") ==
          "key|BLOB|1|1\nvalue|ANY|1|0\nversion|INTEGER|1|0\nexpires_at|INTEGER|0|0\nchecksum|INTEGER|1|0\nindex_terms|BLOB|0|0");
    CHECK(probe.rows("SELECT name, type, \"notnull\", pk FROM pragma_table_info('meta')") == "name|TEXT|1|1\nvalue|ANY|1|0");
    CHECK(probe.rows("SELECT name, wr, strict FROM pragma_table_list WHERE name IN ('record', 'meta') ORDER BY name") ==
          "meta|0|1\nrecord|0|1");
    CHECK(probe.rows("SELECT name, partial FROM pragma_index_list('record') WHERE origin = 'c'") == "record_expires_at|1");
    CHECK(probe.rows("SELECT name FROM pragma_index_info('record_expires_at')") == "expires_at\nkey");
    CHECK(probe.rows("SELECT name, value, typeof(value) FROM meta ORDER BY name") == "format|2|integer\nlast_version|0|integer");
    CHECK(probe.rows("PRAGMA application_id") == std::to_string(0x4a4f494e));
    CHECK(probe.rows("PRAGMA user_version") == "2");
    CHECK(probe.rows("PRAGMA journal_mode") == "wal");
}

TEST_CASE("a record's columns hold what the documentation says", "[sqlite][format]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    Batch batch;
    batch.put("player:ada", "bytes", Expiry{WallTime{1234567ms}});
    batch.changes.push_back({"player:bob", R"({"rating":1200})", Expiry{}, 3, ValueForm::text});
    batch.version = 9;
    REQUIRE(backend.write(batch) == Version{9});
    SqliteProbe probe{dir / "db"};
    CHECK(probe.rows("SELECT typeof(key), CAST(key AS TEXT), typeof(value), value, version, expires_at, index_terms FROM record "
                     "ORDER BY key") ==
          "blob|player:ada|blob|bytes|9|1234567|NULL\nblob|player:bob|text|{\"rating\":1200}|3|NULL|NULL");
    CHECK(probe.rows("SELECT value ->> 'rating' FROM record WHERE key = CAST('player:bob' AS BLOB)") == "1200");
    CHECK(probe.rows("SELECT value FROM meta WHERE name = 'last_version'") == "9");
    const auto expected = joinly::detail::record_checksum("player:ada", "bytes", 9, Expiry{WallTime{1234567ms}});
    CHECK(probe.rows("SELECT checksum FROM record WHERE version = 9") == std::to_string(expected));
}

TEST_CASE("text and bytes come back as they were, empty ones and strange ones too", "[sqlite]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    const std::string strange{"\0\xff\xfe'\";--\0", 8};
    for (const ValueForm form : {ValueForm::bytes, ValueForm::text}) {
        for (const std::string& value : {std::string{}, strange}) {
            Batch batch;
            batch.changes.push_back({strange, value, Expiry{}, absent, form});
            REQUIRE(backend.write(batch));
            const auto record = backend.read(strange);
            REQUIRE(record);
            CHECK(record->value == value);
        }
    }
}

TEST_CASE("a scan seeks to its range in the index, in both directions", "[sqlite]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    SqliteProbe probe{dir / "db"};
    using joinly::detail::SqliteSql;
    for (const SqliteSql scan :
         {SqliteSql::scan_forward, SqliteSql::scan_forward_to, SqliteSql::scan_backward, SqliteSql::scan_backward_to}) {
        const std::string plan =
            probe.rows(std::string{"EXPLAIN QUERY PLAN "} + joinly::detail::sqlite_texts[static_cast<std::size_t>(scan)]);
        CAPTURE(plan);
        CHECK(contains(plan, "SEARCH record USING INDEX sqlite_autoindex_record_1 (key>"));
        CHECK_FALSE(contains(plan, "B-TREE"));
    }
    for (const SqliteSql scan : {SqliteSql::scan_entries_forward_to, SqliteSql::scan_entries_backward_to}) {
        const std::string plan =
            probe.rows(std::string{"EXPLAIN QUERY PLAN "} + joinly::detail::sqlite_texts[static_cast<std::size_t>(scan)]);
        CAPTURE(plan);
        CHECK(contains(plan, "SEARCH index_entry USING PRIMARY KEY (key>"));
        CHECK_FALSE(contains(plan, "B-TREE"));
    }
}

TEST_CASE("records and versions last over reopening", "[sqlite]") {
    const TempDir dir;
    {
        SqliteBackend backend = open(dir / "db");
        CHECK(put(backend, "key", "one") == 1);
        CHECK(backend.write(Batch{}.erase("key")) == Version{2});
    }
    CHECK(names_in(dir) == std::vector<std::string>{"db"});  // the log was written back and removed
    SqliteBackend backend = open(dir / "db");
    CHECK(backend.last_version() == Version{2});
    CHECK(put(backend, "key", "two") == 3);
}

TEST_CASE("a relative path stays the same file when the process changes its directory", "[sqlite]") {
    const TempDir dir;
    const fs::path before = fs::current_path();
    fs::current_path(dir.path());
    SqliteBackend backend = open("file:db?mode=ro");  // no URI either, but a name
    fs::current_path(before);
    put(backend, "key", "value");
    CHECK(backend.read("key").value().value == "value");  // by a connection that was opened after the change
    CHECK(fs::exists(dir / "file:db?mode=ro"));
}

TEST_CASE("a path that is no file is refused", "[sqlite][refusal]") {
    const TempDir dir;
    fs::create_directory(dir / "directory");
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    for (const std::string& path :
         {std::string{}, std::string{":memory:"}, dir / std::string_view{"a\0b", 3}, dir / "directory", dir / "fifo"}) {
        const auto backend = SqliteBackend::open(at(path));
        CAPTURE(path);
        REQUIRE_FALSE(backend);
        CHECK(backend.error() == Errc::invalid_argument);
    }
    CHECK(names_in(dir).size() == 2);
}

TEST_CASE("a missing directory is named and not made", "[sqlite][refusal]") {
    const TempDir dir;
    const auto backend = SqliteBackend::open(at(dir / "missing/db"));
    REQUIRE_FALSE(backend);
    CHECK(backend.error() == Errc::io);
    CHECK(contains(backend.error().message(), "missing does not exist"));
    CHECK(names_in(dir).empty());
}

TEST_CASE("opening what is not there for reading makes nothing", "[sqlite][refusal]") {
    const TempDir dir;
    SqliteOptions options = at(dir / "db");
    options.read_only = true;
    const auto backend = SqliteBackend::open(options);
    REQUIRE_FALSE(backend);
    CHECK(backend.error() == Errc::not_found);
    CHECK(names_in(dir).empty());
}

TEST_CASE("a file that is no database is left as it is", "[sqlite][refusal]") {
    const TempDir dir;
    for (const std::size_t size : {1u, 100u, 5000u}) {
        const std::string text(size, 'x');
        set_bytes_of(dir / "db", text);
        const auto backend = SqliteBackend::open(at(dir / "db"));
        REQUIRE_FALSE(backend);
        CHECK(backend.error() == Errc::incompatible);
        CHECK(bytes_of(dir / "db") == text);
        CHECK(names_in(dir).size() == 1);
    }
}

TEST_CASE("somebody else's database is left as it is", "[sqlite][refusal]") {
    const TempDir dir;
    {
        SqliteProbe other{dir / "db"};
        SECTION("with a rollback journal") { other.run("CREATE TABLE record(a); CREATE TABLE meta(b);"); }
        SECTION("with a log that was not written back") { other.run("PRAGMA journal_mode = WAL; CREATE TABLE customer(name)"); }
        SECTION("with an application_id of its own") { other.run("PRAGMA application_id = 7"); }
        SECTION("with a user_version of its own") { other.run("PRAGMA user_version = 1"); }
    }
    const std::string before = bytes_of(dir / "db") + bytes_of(dir / "db-wal");
    const auto backend = SqliteBackend::open(at(dir / "db"));
    REQUIRE_FALSE(backend);
    CHECK(backend.error() == Errc::incompatible);
    CHECK(contains(backend.error().message(), "something else"));
    CHECK(bytes_of(dir / "db") + bytes_of(dir / "db-wal") == before);
}

TEST_CASE("a newer format is refused, and both versions named", "[sqlite][refusal]") {
    const TempDir dir;
    make_database(dir / "db");
    SqliteProbe{dir / "db"}.run("PRAGMA user_version = 17");
    const auto backend = SqliteBackend::open(at(dir / "db"));
    REQUIRE_FALSE(backend);
    CHECK(backend.error() == Errc::incompatible);
    CHECK(contains(backend.error().message(), "format version 17; this library knows 1 to 2"));
}

TEST_CASE("a database that is locked throughout the busy timeout is busy", "[sqlite][refusal]") {
    const TempDir dir;
    make_database(dir / "db");
    SqliteProbe other{dir / "db"};
    other.run("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; PRAGMA user_version = 1; COMMIT");
    const auto begun = std::chrono::steady_clock::now();
    const auto backend = SqliteBackend::open(at(dir / "db"));
    REQUIRE_FALSE(backend);
    CHECK(backend.error() == Errc::busy);
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
}

TEST_CASE("a write that another connection keeps out is busy and changes nothing", "[sqlite]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    put(backend, "key", "one");
    SqliteProbe other{dir / "db"};
    other.run("BEGIN IMMEDIATE");
    CHECK(backend.write(Batch{}.put("key", "two")).error() == Errc::busy);
    CHECK(backend.read("key").value().value == "one");  // readers do not wait
    other.run("ROLLBACK");
    CHECK(put(backend, "key", "two") == 2);
}

TEST_CASE("a file or directory without write permission is read_only", "[sqlite][refusal]") {
    const TempDir dir;
    make_database(dir / "db");
    SECTION("the file") {
        fs::permissions(dir / "db", fs::perms{0444});
        fs::permissions(dir.path(), fs::perms{0777});
    }
    SECTION("the directory of a database") {
        fs::permissions(dir / "db", fs::perms{0666});
        fs::permissions(dir.path(), fs::perms{0555});
    }
    SECTION("the directory, and no database yet") {
        fs::remove(dir / "db");
        fs::permissions(dir.path(), fs::perms{0555});
    }
    const int code = as_ordinary_user([&] {
        const auto backend = SqliteBackend::open(at(dir / "db"));
        return backend ? 1 : 10 + static_cast<int>(backend.error().code());
    });
    CHECK(code == 10 + static_cast<int>(Errc::read_only));
    fs::permissions(dir.path(), fs::perms{0755});
}

TEST_CASE("a log that another user has left, and that cannot be written, is read_only when the database is opened",
          "[sqlite][refusal]") {
    const TempDir dir;
    make_database(dir / "db");
    fs::permissions(dir.path(), fs::perms{0777});
    fs::permissions(dir / "db", fs::perms{0666});
    const std::string log = dir / (GENERATE(true, false) ? "db-wal" : "db-shm");
    std::ofstream{log}.close();
    fs::permissions(log, fs::perms{0444});
    const int code = as_ordinary_user([&] {
        const auto backend = SqliteBackend::open(at(dir / "db"));
        if (backend) return 1;
        return contains(backend.error().message(), log) ? 10 + static_cast<int>(backend.error().code()) : 2;
    });
    CHECK(code == 10 + static_cast<int>(Errc::read_only));
}

TEST_CASE("a database opened for reading answers reads and refuses the rest", "[sqlite]") {
    const TempDir dir;
    make_database(dir / "db");
    SqliteOptions options = at(dir / "db");
    options.read_only = true;
    SqliteBackend backend = SqliteBackend::open(options).value();
    CHECK(backend.read("a").value().value == std::string(100, 'a'));
    CHECK(backend.last_version() == Version{5});
    CHECK(backend.verify_integrity());
    CHECK(backend.write(Batch{}.put("a", "b")).error() == Errc::read_only);
    CHECK(backend.compact().error() == Errc::read_only);
    CHECK(backend.execute("CREATE TABLE t(a)").error() == Errc::read_only);
}

TEST_CASE("a log whose database is missing or empty is not thrown away", "[sqlite][refusal]") {
    const TempDir dir;
    {
        SqliteBackend backend = open(dir / "db");
        put(backend, "key", "value");
        fs::copy_file(dir / "db-wal", dir / "copy-wal");
    }
    SECTION("missing") {}
    SECTION("empty") { set_bytes_of(dir / "copy", ""); }
    const std::string before = bytes_of(dir / "copy-wal");
    REQUIRE_FALSE(before.empty());
    CHECK(SqliteBackend::open(at(dir / "copy")).error() == Errc::corrupt);
    CHECK(bytes_of(dir / "copy-wal") == before);
}

TEST_CASE("a changed value, version, expiry or checksum is corrupt on every way to read it", "[sqlite][damage]") {
    const TempDir dir;
    make_database(dir / "db");
    const std::string damage = GENERATE(as<std::string>{}, "value = CAST('changed' AS BLOB)", "value = 5", "version = 2",
                                        "expires_at = 1", "checksum = checksum + 4294967296");
    CAPTURE(damage);
    SqliteProbe{dir / "db"}.run("UPDATE record SET " + damage + " WHERE key = CAST('c' AS BLOB)");
    SqliteBackend backend = open(dir / "db");

    const auto read = backend.read("c");
    REQUIRE_FALSE(read);
    CHECK(read.error() == Errc::corrupt);
    CHECK(contains(read.error().message(), "'c'"));
    int visited = 0;
    const Status scanned = backend.scan({}, [&](std::string_view, const RecordView&) { return ++visited > 0; });
    CHECK(scanned.error() == Errc::corrupt);
    CHECK(visited == 2);
    const std::vector<std::string_view> keys{"b", "c", "d"};
    std::vector<bool> found(3);
    CHECK(backend.read_many(keys, [&](std::size_t i, joinly::Result<joinly::Record> record) { found[i] = record.has_value(); }));
    CHECK(found == std::vector<bool>{true, false, true});
    CHECK(backend.write(Batch{}.put("z", "").require("c", 3)).error() == Errc::corrupt);
    CHECK(backend.verify_integrity().error() == Errc::corrupt);
    CHECK(backend.read("b"));
}

TEST_CASE("records that were swapped between keys are corrupt", "[sqlite][damage]") {
    const TempDir dir;
    make_database(dir / "db");
    SqliteProbe{dir / "db"}.run(
        "UPDATE record SET key = CAST('x' AS BLOB) WHERE key = CAST('a' AS BLOB);"
        "UPDATE record SET key = CAST('a' AS BLOB) WHERE key = CAST('b' AS BLOB)");
    SqliteBackend backend = open(dir / "db");
    CHECK(backend.read("a").error() == Errc::corrupt);
    CHECK(backend.read("x").error() == Errc::corrupt);
}

TEST_CASE("a version above the last one is found by the integrity check", "[sqlite][damage]") {
    const TempDir dir;
    make_database(dir / "db");
    SqliteProbe{dir / "db"}.run("UPDATE meta SET value = 4 WHERE name = 'last_version'");
    CHECK(open(dir / "db").verify_integrity().error() == Errc::corrupt);
}

TEST_CASE("a database without its last version does not open", "[sqlite][damage]") {
    const TempDir dir;
    make_database(dir / "db");
    const std::string damage = GENERATE(as<std::string>{}, "DELETE FROM meta", "UPDATE meta SET value = -1", "DROP TABLE meta");
    SqliteProbe{dir / "db"}.run(damage);
    CHECK(SqliteBackend::open(at(dir / "db")).error() == Errc::corrupt);
}

TEST_CASE("a truncated file is corrupt", "[sqlite][damage]") {
    const TempDir dir;
    make_database(dir / "db");
    const std::string bytes = bytes_of(dir / "db");
    for (const std::size_t size : {bytes.size() / 2, bytes.size() - 4096, std::size_t{5000}}) {
        set_bytes_of(dir / "db", bytes.substr(0, size));
        CAPTURE(size);
        auto backend = SqliteBackend::open(at(dir / "db"));
        CHECK((backend ? backend->verify_integrity() : Status{joinly::failure(backend.error())}).error() == Errc::corrupt);
    }
}

TEST_CASE("no flipped byte gives a wrong answer", "[sqlite][damage]") {
    const TempDir dir;
    make_database(dir / "db");
    const std::string bytes = bytes_of(dir / "db");
    int found_out = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 61) {
        std::string damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
        set_bytes_of(dir / "db", damaged);
        auto backend = SqliteBackend::open(at(dir / "db"));
        if (!backend) {
            ++found_out;
            continue;
        }
        for (const char* key : {"a", "b", "c", "d", "e"}) {
            const auto record = backend->read(key);
            if (!record)
                ++found_out;
            else if (record->value != std::string(100, key[0]))
                FAIL("byte " << i << " changed the value of " << key);
        }
    }
    CHECK(found_out > 10);
}

TEST_CASE("a conflict tells the key, what is there and what was wanted", "[sqlite]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    put(backend, "lobby:42", "value");
    CHECK(backend.write(Batch{}.require("lobby:42", 7)).error().message() == "key 'lobby:42' is at version 1, not at version 7");
    CHECK(backend.write(Batch{}.require("lobby:42", absent)).error().message() == "key 'lobby:42' is at version 1, not absent");
    CHECK(backend.write(Batch{}.require("lobby:43", 7)).error().message() == "key 'lobby:43' is absent, not at version 7");
}

TEST_CASE("a batch for the only writer conflicts when another has written, and changes nothing", "[sqlite]") {
    const TempDir dir;
    SqliteBackend mine = open(dir / "db");
    SqliteBackend theirs = open(dir / "db");
    const auto put_after = [&](Version version) {
        Batch batch = Batch{}.put("key", "mine");
        batch.after = version;
        return mine.write(batch);
    };
    CHECK(put_after(0) == Version{1});
    CHECK(put_after(1) == Version{2});
    CHECK(put(theirs, "key", "theirs") == 3);

    const auto late = put_after(2);
    CHECK(late.error() == Errc::conflict);
    CHECK(late.error().message() == "the database is at version 3, not 2: another writer was here");
    CHECK(put_after(4).error() == Errc::conflict);
    CHECK(mine.read("key").value().value == "theirs");
    CHECK(mine.last_version() == Version{3});
    CHECK(put_after(3) == Version{4});
}

TEST_CASE("a requirement of a record of the library's own is decided by what is there when the batch is", "[sqlite]") {
    const TempDir dir;
    SqliteBackend mine = open(dir / "db");
    SqliteBackend theirs = open(dir / "db");
    const std::string own{"\0own", 4};
    const auto met = [&](Version version) {
        const auto written = mine.write(Batch{}.require(own, version).put("key", "value"));
        if (!written) CHECK(written.error() == Errc::conflict);
        return written.has_value();
    };
    for (int i = 0; i < 3; ++i) CHECK(met(absent));
    CHECK_FALSE(met(1));
    put(theirs, "key", "theirs");
    CHECK(met(absent));

    Version version = put(theirs, own, "theirs");
    CHECK_FALSE(met(absent));
    for (int i = 0; i < 2; ++i) CHECK(met(version));
    const Version before = version;
    version = put(mine, own, "mine");
    CHECK_FALSE(met(before));
    for (int i = 0; i < 2; ++i) CHECK(met(version));

    SECTION("what the program's own schema has undone was not done") {
        REQUIRE(
            mine.execute("CREATE TRIGGER picky BEFORE INSERT ON record WHEN new.key = CAST('bad' AS BLOB) "
                         "BEGIN SELECT raise(ABORT, 'no'); END"));
        CHECK_FALSE(mine.write(Batch{}.require(own, version).put(own, "changed").put("bad", "")));
        CHECK(met(version));
    }
    SECTION("nor was a batch that conflicts") {
        CHECK_FALSE(mine.write(Batch{}.require(own, version).put(own, "changed").require("key", 1)));
        CHECK(met(version));
    }
    SECTION("erased") {
        REQUIRE(theirs.write(Batch{}.erase(own)));
        CHECK_FALSE(met(version));
        CHECK(met(absent));
        put(mine, own, "again");
        CHECK_FALSE(met(absent));
        REQUIRE(mine.write(Batch{}.erase(own)));
        CHECK(met(absent));
    }
    SECTION("of more of them than one would think of") {
        for (int i = 0; i < 200; ++i) CHECK(mine.write(Batch{}.require(own + std::to_string(i), absent).put("key", "value")));
        CHECK(met(version));
    }
}

TEST_CASE("what SQLite could not store is refused before the transaction", "[sqlite]") {
    using joinly::detail::sqlite_validate;
    CHECK(sqlite_validate(Batch{}.put("key", "seven b"), 10));
    const Status refused = sqlite_validate(Batch{}.put("key", "eight by"), 10);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(contains(refused.error().message(), "'key' has 11 bytes"));
    Batch with_terms = Batch{}.put("key", "value");
    with_terms.changes[0].index_terms = "as";
    CHECK(sqlite_validate(with_terms, 10));
    with_terms.changes[0].index_terms = "asd";
    CHECK(sqlite_validate(with_terms, 10).error() == Errc::invalid_argument);
    CHECK(sqlite_validate(Batch{}.erase(""), 10).error() == Errc::invalid_argument);
    CHECK(sqlite_validate(Batch{}.require("", 1), 10).error() == Errc::invalid_argument);
    Batch too_new;
    too_new.version = Version{1} << 63;
    CHECK(sqlite_validate(too_new, 10).error() == Errc::invalid_argument);
}

TEST_CASE("the last version that fits is the last", "[sqlite]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    Batch last;
    last.version = (Version{1} << 63) - 1;
    CHECK(backend.write(last) == last.version);
    CHECK(backend.write(Batch{}.put("key", "value")).error() == Errc::full);
}

TEST_CASE("the size counts the log and its index, without opening them", "[sqlite]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    put(backend, "key", std::string(100'000, 'x'));
    const auto size = backend.size_on_disk();
    CHECK(size == fs::file_size(dir / "db") + fs::file_size(dir / "db-wal") + fs::file_size(dir / "db-shm"));
    CHECK(size.value() > 100'000);

    static_assert(joinly::tells_size_by_part<SqliteBackend>);
    const auto parts = backend.size_by_part();
    REQUIRE(parts);
    REQUIRE(parts->size() == 3);
    const auto is = [&](std::size_t at, std::string_view name, const char* file) {
        return (*parts)[at].name == name && (*parts)[at].bytes == fs::file_size(dir / file);
    };
    CHECK(is(0, "database", "db"));
    CHECK(is(1, "wal", "db-wal"));
    CHECK(is(2, "shm", "db-shm"));
}

TEST_CASE("compacting gives space and log back", "[sqlite]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    for (int i = 0; i < 100; ++i) put(backend, std::to_string(i), std::string(10'000, 'x'));
    put(backend, "kept", "value");
    for (int i = 0; i < 100; ++i) REQUIRE(backend.write(Batch{}.erase(std::to_string(i))));
    REQUIRE(backend.compact());
    CHECK(fs::file_size(dir / "db") < 100'000);
    CHECK(fs::file_size(dir / "db-wal") == 0);
    CHECK(backend.read("kept").value().value == "value");
}

TEST_CASE("a scan that keeps the log in use makes compacting busy, not broken", "[sqlite]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    put(backend, "a", "1");
    put(backend, "b", "2");
    Status compacted;
    const Status scanned = backend.scan({}, [&](std::string_view, const RecordView&) {
        put(backend, "c", "3");
        compacted = backend.compact();
        return false;
    });
    CHECK(scanned);
    CHECK(compacted.error() == Errc::busy);
    CHECK(backend.compact());
    CHECK(backend.verify_integrity());
}

TEST_CASE("a backup is a complete database of one moment, and replaces nothing", "[sqlite][backup]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    put(backend, "key", "value");
    REQUIRE(backend.backup_to(dir / "copy"));
    put(backend, "key", "later");

    SqliteBackend copy = open(dir / "copy");
    CHECK(copy.read("key").value().value == "value");
    CHECK(copy.last_version() == Version{1});
    const auto again = backend.backup_to(dir / "copy");
    REQUIRE_FALSE(again);
    CHECK(again.error() == Errc::invalid_argument);
    CHECK(copy.read("key").value().value == "value");
}

TEST_CASE("a backup is refused beside the log of another database", "[sqlite][backup]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    set_bytes_of(dir / "copy-wal", "old");
    CHECK(backend.backup_to(dir / "copy").error() == Errc::invalid_argument);
    CHECK(backend.backup_to(dir / "missing/copy").error() == Errc::io);
    CHECK_FALSE(fs::exists(dir / "copy"));
}

TEST_CASE("a damaged database is not backed up", "[sqlite][backup]") {
    const TempDir dir;
    make_database(dir / "db");
    SqliteProbe{dir / "db"}.run("UPDATE record SET version = 1");
    CHECK(open(dir / "db").backup_to(dir / "copy").error() == Errc::corrupt);
    CHECK(names_in(dir).size() == 1);  // no partial copy is left behind either
}

TEST_CASE("the connection for SQL reads what is committed, cannot write, and may outlive the backend", "[sqlite][sql]") {
    const TempDir dir;
    std::optional<SqliteBackend> backend = open(dir / "db");
    SQLite::Database database = backend->database().value();
    put(*backend, "key", "value");
    CHECK(database.execAndGet("SELECT CAST(value AS TEXT) FROM record").getString() == "value");
    CHECK_THROWS_AS(database.exec("DELETE FROM record"), SQLite::Exception);
    backend.reset();
    CHECK(database.execAndGet("SELECT count(*) FROM record").getInt() == 1);
}

TEST_CASE("a program's own views are kept, and one that fails leaves nothing", "[sqlite][sql]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.execute("CREATE VIEW keys AS SELECT CAST(key AS TEXT) AS key FROM record"));
    const Status failed = backend.execute("CREATE TABLE first(a); CREATE TABLE first(a)");
    REQUIRE_FALSE(failed);
    CHECK(contains(failed.error().message(), "already exists"));
    put(backend, "ada", "value");
    SqliteProbe probe{dir / "db"};
    CHECK(probe.rows("SELECT key FROM keys") == "ada");
    CHECK(probe.rows("SELECT count(*) FROM sqlite_schema WHERE name = 'first'") == "0");
}

TEST_CASE("each connection has a page cache of the size that the options say", "[sqlite][options]") {
    const TempDir dir;
    for (const std::size_t mebibytes : {1u, 8u}) {
        SqliteOptions options;
        options.path = dir / "db";
        options.page_cache_bytes = mebibytes << 20;
        auto backend = SqliteBackend::open(options);
        REQUIRE(backend);
        auto database = backend->database();
        REQUIRE(database);
        const int kibibytes = -database->execAndGet("PRAGMA cache_size").getInt();
        CHECK(static_cast<std::size_t>(kibibytes) == mebibytes * 1024 + 1);
    }
}

TEST_CASE("a program's own views and indexes may look into Json", "[sqlite][sql]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(
        backend.execute("CREATE INDEX by_name ON record(value ->> 'name');"
                        "CREATE VIEW names AS SELECT value ->> 'name' AS name FROM record"));
    put(backend, "player:1", R"({"name":"ada"})");
    auto database = backend.database();
    REQUIRE(database);
    CHECK(database->execAndGet("SELECT name FROM names").getString() == "ada");
    CHECK(database->execAndGet("SELECT CAST(key AS TEXT) FROM record INDEXED BY by_name WHERE value ->> 'name' = 'ada'")
              .getString() == "player:1");
    CHECK(backend.execute("CREATE TABLE copy AS SELECT name FROM names"));
    CHECK(backend.verify_integrity());
}

TEST_CASE("an index on Json that another program adds meanwhile troubles nobody", "[sqlite][sql]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    put(backend, "player:1", R"({"name":"ada"})");
    SqliteProbe{dir / "db"}.run("CREATE INDEX by_name ON record(value ->> 'name')");
    CHECK(backend.write(Batch{}.put("player:2", R"({"name":"bob"})")));
    CHECK(backend.read("player:2"));
    CHECK(backend.verify_integrity());
    CHECK(SqliteBackend::open(at(dir / "db")));
}

TEST_CASE("a write that breaks a constraint of the program's own is invalid, in the engine's words", "[sqlite][sql]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.execute("CREATE UNIQUE INDEX one ON record(value)"));
    put(backend, "a", "same");
    const auto refused = backend.write(Batch{}.put("new", "other").put("b", "same"));
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(contains(refused.error().message(), "UNIQUE constraint failed: record.value"));
    CHECK(backend.read("new").error() == Errc::not_found);
    CHECK(backend.last_version() == Version{1});
    CHECK(put(backend, "b", "other") == 2);
}
