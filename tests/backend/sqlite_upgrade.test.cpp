// Databases of the first format, which the newest one grew out of: they are read as they are, and upgraded before they are
// written.

#include <joinly/backend/sqlite.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/faulty_sqlite_vfs.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>
#include <vector>

using namespace std::chrono_literals;
using joinly::Batch;
using joinly::Errc;
using joinly::Expiry;
using joinly::RecordView;
using joinly::SqliteBackend;
using joinly::SqliteOptions;
using joinly::WallTime;
using joinly::test::ChildProcess;
using joinly::test::FaultySqliteVfs;
using joinly::test::ProcessGate;
using joinly::test::SqliteProbe;
using joinly::test::TempDir;
namespace fs = std::filesystem;

namespace {

SqliteOptions at(const std::string& path, std::chrono::milliseconds busy_timeout = 20s) {
    SqliteOptions options;
    options.path = path;
    options.sync = joinly::Sync::process_crash;
    options.busy_timeout = busy_timeout;
    return options;
}
SqliteOptions reading(const std::string& path) {
    SqliteOptions options = at(path);
    options.read_only = true;
    return options;
}
SqliteBackend open(const std::string& path) { return SqliteBackend::open(at(path)).value(); }

/// A database of the first format, with "lobby:1" and "lobby:2".
void make_old(const std::string& path) {
    std::ifstream golden{JOINLY_TEST_SOURCE_DIR "/golden/sqlite_v1.sql", std::ios::binary};
    SqliteProbe{path}.run({std::istreambuf_iterator<char>{golden}, {}});
}

std::string format_of(const std::string& path) { return SqliteProbe{path}.rows("PRAGMA user_version"); }

constexpr const char* schema =
    "SELECT name, type, \"notnull\", pk FROM pragma_table_info('record') UNION ALL "
    "SELECT name, seqno, cid, '' FROM pragma_index_info('record_expires_at') UNION ALL "
    "SELECT name, partial, '', '' FROM pragma_index_list('record') WHERE origin = 'c' UNION ALL "
    "SELECT value, '', '', '' FROM meta WHERE name = 'format' UNION ALL "
    "SELECT user_version, '', '', '' FROM pragma_user_version";

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// The two records are what they were; what is wrong otherwise.
std::string complaint_about(SqliteBackend& backend) {
    const auto first = backend.read("lobby:1");
    const auto second = backend.read("lobby:2");
    if (!first || first->value != "hello" || first->version != 258 || !first->expires_at.is_never()) return "lobby:1";
    if (!second || second->value != "hello" || second->expires_at != Expiry{WallTime{1'700'000'000'000ms}}) return "lobby:2";
    const auto intact = backend.verify_integrity();
    return intact ? "" : std::string{intact.error().message()};
}

Batch put_with_terms(const char* key) {
    Batch batch = Batch{}.put(key, "value");
    batch.changes[0].index_terms.emplace();
    joinly::append_index_term(*batch.changes[0].index_terms, "term");
    return batch;
}

}  // namespace

TEST_CASE("a database of the first format is upgraded when it is opened, and is then as a new one", "[sqlite][upgrade][golden]") {
    const TempDir dir;
    make_old(dir / "db");
    {
        SqliteBackend backend = open(dir / "db");
        CHECK(complaint_about(backend) == "");
        CHECK(backend.last_version() == joinly::Version{300});
        CHECK(backend.write(put_with_terms("lobby:3")) == joinly::Version{301});
        CHECK(backend.verify_integrity());
    }
    { open(dir / "new"); }
    CHECK(SqliteProbe{dir / "db"}.rows(schema) == SqliteProbe{dir / "new"}.rows(schema));
    SqliteBackend again = open(dir / "db");
    CHECK(complaint_about(again) == "");
    CHECK(again.read("lobby:3"));
}

TEST_CASE("a database of the first format that is only read stays what it is, and answers all that is read", "[sqlite][upgrade]") {
    const TempDir dir;
    make_old(dir / "db");
    {
        SqliteBackend backend = SqliteBackend::open(reading(dir / "db")).value();
        CHECK(complaint_about(backend) == "");
        for (const auto direction : {joinly::Direction::forward, joinly::Direction::backward}) {
            std::string seen;
            CHECK(backend.scan({"lobby:", direction == joinly::Direction::forward ? "lobby;" : "", direction},
                               [&](std::string_view key, const RecordView& record) {
                                   seen += key;
                                   return record.index_terms.empty();
                               }));
            CHECK(seen == (direction == joinly::Direction::forward ? "lobby:1lobby:2" : "lobby:2lobby:1"));
        }
        CHECK(backend.expired(WallTime{1'700'000'000'000ms}, 10).value().at(0).key == "lobby:2");
        CHECK(backend.backup_to(dir / "copy"));
    }
    CHECK(format_of(dir / "db") == "1");
    CHECK(format_of(dir / "copy") == "1");
}

TEST_CASE("who reads a database of the first format goes on reading it while another upgrades it", "[sqlite][upgrade]") {
    const TempDir dir;
    make_old(dir / "db");
    SqliteBackend reader = SqliteBackend::open(reading(dir / "db")).value();
    CHECK(complaint_about(reader) == "");  // each statement is prepared, for a table without the column
    SqliteBackend writer = open(dir / "db");
    CHECK(complaint_about(reader) == "");
    REQUIRE(writer.write(put_with_terms("lobby:3")));
    CHECK(reader.read("lobby:3"));
    CHECK(complaint_about(reader) == "");
    CHECK(reader.follow(joinly::KeyRange::prefix(joinly::index_entry_prefix),
                        [](std::string_view, std::string_view key, const RecordView&) { return key == "lobby:3"; }));
}

TEST_CASE("a scan of the first format's table sorts nothing", "[sqlite][upgrade]") {
    const TempDir dir;
    make_old(dir / "db");
    SqliteProbe probe{dir / "db"};
    using joinly::detail::SqliteSql;
    for (const SqliteSql scan : {SqliteSql::scan_forward, SqliteSql::scan_forward_to, SqliteSql::scan_backward,
                                 SqliteSql::scan_backward_to, SqliteSql::read_record, SqliteSql::read_index_terms}) {
        const std::string text = joinly::detail::sqlite_texts[static_cast<std::size_t>(scan)];
        const std::string plan = probe.rows("EXPLAIN QUERY PLAN " + joinly::detail::sqlite_text_for_first_format(text));
        CAPTURE(plan);
        CHECK(contains(plan, "SEARCH record USING "));
        CHECK_FALSE(contains(plan, "B-TREE"));
    }
}

TEST_CASE("processes that open a database of the first format at the same moment all open it", "[sqlite][upgrade][processes]") {
    const TempDir dir;
    const auto rounds = joinly::test::setting("JOINLY_ROUNDS", 6);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const std::string path = dir / std::to_string(round);
        make_old(path);
        ProcessGate gate;
        std::vector<std::unique_ptr<ChildProcess>> children;
        for (int number = 0; number < 4; ++number) {
            children.push_back(std::make_unique<ChildProcess>([&, number] {
                gate.pass();
                auto backend = SqliteBackend::open(at(path));
                const std::string key = "player:" + std::to_string(number);
                return backend && complaint_about(*backend).empty() && backend->write(put_with_terms(key.c_str())) ? 0 : 1;
            }));
        }
        gate.open();
        for (const auto& child : children) CHECK(child->wait() == 0);
        SqliteBackend backend = open(path);
        CHECK(complaint_about(backend) == "");
        CHECK(backend.last_version() == joinly::Version{304});
    }
}

TEST_CASE("a database is not upgraded under somebody who has it open for writing", "[sqlite][upgrade]") {
    const TempDir dir;
    make_old(dir / "db");
    std::optional<joinly::detail::SqliteWriterLock> older{dir / "db"};
    REQUIRE(older->share(0ms));
    const auto refused = SqliteBackend::open(at(dir / "db", 0ms));
    REQUIRE(refused.error() == Errc::busy);
    CHECK(contains(refused.error().message(), "has format 1, and cannot be upgraded"));
    CHECK(format_of(dir / "db") == "1");
    CHECK(SqliteBackend::open(reading(dir / "db")));

    older.reset();
    SqliteBackend backend = SqliteBackend::open(at(dir / "db", 0ms)).value();
    CHECK(complaint_about(backend) == "");
    CHECK(format_of(dir / "db") == "2");
}

TEST_CASE("an upgrade that is killed at any of its writes leaves the old format or the new one, whole",
          "[sqlite][upgrade][processes]") {
    const TempDir dir;
    make_old(dir / "old");
    {
        SqliteProbe probe{dir / "old"};  // more pages for the upgrade to change
        for (int i = 0; i < 300; ++i) {
            const std::string key = "queue:" + std::to_string(i);
            const auto checksum = joinly::detail::record_checksum(key, "", 1, Expiry{WallTime{1ms}});
            probe.run("INSERT INTO record VALUES(CAST('" + key + "' AS BLOB), x'', 1, 1, " + std::to_string(checksum) + ')');
        }
        probe.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    int old_ones = 0;
    int killed = 0;
    for (;; ++killed) {
        const std::string path = dir / std::to_string(killed);
        fs::copy_file(dir / "old", path);
        ChildProcess child{[&] {
            FaultySqliteVfs vfs;
            vfs.writes_until_killed = killed + 1;
            return SqliteBackend::open(at(path)) ? 0 : 1;
        }};
        const int ended = child.wait();
        REQUIRE((ended == 0 || ended == -1));
        CAPTURE(killed);
        {
            SqliteBackend as_it_is = SqliteBackend::open(reading(path)).value();
            CHECK(complaint_about(as_it_is) == "");
            old_ones += format_of(path) == "1";
        }
        SqliteBackend backend = open(path);
        CHECK(complaint_about(backend) == "");
        CHECK(backend.expired(WallTime{1ms}, 1000).value().size() == 300);
        if (ended == 0) break;
    }
    CHECK(old_ones >= 5);
    CHECK(killed > old_ones);  // some died after the commit
}

TEST_CASE("a full disk fails the upgrade and nothing else", "[sqlite][upgrade][fault]") {
    const TempDir dir;
    make_old(dir / "db");
    FaultySqliteVfs vfs;
    { SqliteProbe{dir / "db"}.run("PRAGMA wal_checkpoint(TRUNCATE)"); }
    vfs.disk_full = true;
    CHECK(SqliteBackend::open(at(dir / "db")).error() == Errc::full);
    vfs.disk_full = false;
    CHECK(format_of(dir / "db") == "1");
    SqliteBackend backend = open(dir / "db");
    CHECK(complaint_about(backend) == "");
}

TEST_CASE("a table that is not of the format that the file tells is corrupt", "[sqlite][upgrade][damage]") {
    const TempDir dir;
    SECTION("the first format with the new column") {
        { open(dir / "db"); }
        SqliteProbe{dir / "db"}.run("PRAGMA user_version = 1");
    }
    SECTION("the second format without it") {
        make_old(dir / "db");
        SqliteProbe{dir / "db"}.run("PRAGMA user_version = 2");
    }
    const auto opened = SqliteBackend::open(at(dir / "db"));
    REQUIRE_FALSE(opened);
    CHECK(opened.error() == Errc::corrupt);
    CHECK(contains(opened.error().message(), dir / "db"));
}

TEST_CASE("what a program has added to a database outlives the upgrade", "[sqlite][upgrade][sql]") {
    const TempDir dir;
    make_old(dir / "db");
    SqliteProbe probe{dir / "db"};
    probe.run(
        "CREATE VIEW keys AS SELECT CAST(key AS TEXT) AS key FROM record;"
        "CREATE VIEW broken AS SELECT * FROM nowhere;"
        "CREATE INDEX by_name ON record(value ->> 'name') WHERE json_valid(value) AND typeof(value) = 'text';"
        "CREATE TABLE counts(n); INSERT INTO counts VALUES(0);"
        "CREATE TRIGGER counted AFTER INSERT ON record BEGIN UPDATE counts SET n = n + 1; END");
    SqliteBackend backend = open(dir / "db");
    CHECK(complaint_about(backend) == "");
    REQUIRE(backend.write(Batch{}.put("lobby:3", "value")));
    CHECK(probe.rows("SELECT key FROM keys ORDER BY key") == "lobby:1\nlobby:2\nlobby:3");
    CHECK(probe.rows("SELECT n FROM counts") == "1");
}
