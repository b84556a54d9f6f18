// Index terms and entries, ranges and expiry in SQLite's table. What every backend promises of them is in
// tests/conformance/backend_index_suite.hpp.

#include <joinly/backend/sqlite.hpp>

#include <chrono>
#include <cstddef>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tests/support/catch.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>
#include <vector>

using namespace std::chrono_literals;
using joinly::absent;
using joinly::Batch;
using joinly::Errc;
using joinly::Expiry;
using joinly::KeyRange;
using joinly::RangeDigest;
using joinly::RecordView;
using joinly::SqliteBackend;
using joinly::SqliteOptions;
using joinly::Status;
using joinly::Version;
using joinly::WallTime;
using joinly::detail::SqliteSql;
using joinly::test::SqliteProbe;
using joinly::test::TempDir;

namespace {

SqliteOptions at(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    options.sync = joinly::Sync::process_crash;
    return options;
}
SqliteBackend open(const std::string& path) { return SqliteBackend::open(at(path)).value(); }

std::string terms_of(std::initializer_list<std::string_view> terms) {
    std::string packed;
    for (const std::string_view term : terms) joinly::append_index_term(packed, term);
    return packed;
}

Batch put(std::string key, std::initializer_list<std::string_view> terms, std::string value = "value") {
    Batch batch = Batch{}.put(std::move(key), std::move(value));
    batch.changes[0].index_terms = terms_of(terms);
    return batch;
}

const KeyRange all_entries = KeyRange::prefix(joinly::index_entry_prefix);

/// The records that the entries lead to, in the order of the entries.
std::string followed(SqliteBackend& backend, const KeyRange& range = all_entries) {
    std::string keys;
    REQUIRE(backend.follow(range, [&](std::string_view, std::string_view key, const RecordView&) {
        keys.append(keys.empty() ? "" : " ").append(key);
        return true;
    }));
    return keys;
}

std::string entries_in(const std::string& path) { return SqliteProbe{path}.rows("SELECT count(*) FROM index_entry"); }

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string plan_of(const std::string& path, SqliteSql statement) {
    return SqliteProbe{path}.rows(std::string{"EXPLAIN QUERY PLAN "} +
                                  joinly::detail::sqlite_texts[static_cast<std::size_t>(statement)]);
}

}  // namespace

TEST_CASE("terms and entries are rows as the documentation says", "[sqlite][format][index]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("lobby:1", {"a", "bc"})));
    SqliteProbe probe{dir / "db"};
    CHECK(probe.rows("SELECT hex(key), hex(value), version FROM index_entry ORDER BY key") ==
          "00696C6F6262793A6131|0009|1\n"
          "00696C6F6262793A626331|000A|1");
    CHECK(probe.rows("SELECT typeof(index_terms), hex(index_terms) FROM record") == "blob|00016100026263");
    const auto expected = joinly::detail::record_checksum("lobby:1", "value", 1, Expiry{}, terms_of({"a", "bc"}));
    CHECK(probe.rows("SELECT checksum FROM record") == std::to_string(expected));

    REQUIRE(backend.write(put("lobby:1", {})));
    CHECK(probe.rows("SELECT CAST(key AS TEXT), index_terms FROM record") == "lobby:1|NULL");
}

TEST_CASE("a database of the second format opens and is read", "[sqlite][format][golden][index]") {
    const TempDir dir;
    std::ifstream golden{JOINLY_TEST_SOURCE_DIR "/golden/sqlite_v2.sql", std::ios::binary};
    SqliteProbe{dir / "db"}.run({std::istreambuf_iterator<char>{golden}, {}});
    SqliteBackend backend = open(dir / "db");
    CHECK(backend.verify_integrity());
    CHECK(followed(backend) == "lobby:1 lobby:1");
    CHECK(backend.read("lobby:1").value().value == "hello");
    CHECK(backend.expired(WallTime{1'700'000'000'000ms}, 9).value().at(0).key == "lobby:2");
    REQUIRE(backend.write(put("lobby:1", {"new"})));
    CHECK(followed(backend) == "lobby:1");
    CHECK(backend.verify_integrity());
}

TEST_CASE("a change without terms costs no look for former ones", "[sqlite][index]") {
    const TempDir dir;
    { open(dir / "db"); }
    auto connection = joinly::detail::sqlite_open(at(dir / "db"), false);
    REQUIRE(connection);
    const auto statements_of = [&](const Batch& batch) {
        int count = 0;
        joinly::detail::PendingWrite write{&batch};
        joinly::detail::PendingWrite* group[]{&write};
        (*connection)->run(SqliteSql::begin_write);
        const auto add = [](unsigned, void* counter, void*, void*) { return ++*static_cast<int*>(counter), 0; };
        sqlite3_trace_v2((*connection)->handle(), SQLITE_TRACE_STMT, add, &count);
        CHECK(joinly::detail::sqlite_apply_group(**connection, group));
        sqlite3_trace_v2((*connection)->handle(), 0, nullptr, nullptr);
        return count;
    };
    CHECK(statements_of(Batch{}.put("plain", "value")) == 4);  // last version, put, last version again, commit
    CHECK(statements_of(put("indexed", {"a"})) == 6);          // the former terms and an entry besides
    CHECK(statements_of(put("indexed", {"a"})) == 5);          // a term that stays costs nothing
}

TEST_CASE("a batch that is refused half-way leaves no entries and takes none", "[sqlite][index][sql]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("lobby:1", {"old"})));
    REQUIRE(
        backend.execute("CREATE TRIGGER refuses BEFORE INSERT ON record WHEN NEW.key = CAST('lobby:9' AS BLOB) "
                        "BEGIN SELECT raise(ABORT, 'no'); END"));
    Batch batch = put("lobby:1", {"new"});
    batch.changes.push_back(put("lobby:2", {"new"}).changes[0]);
    batch.changes.push_back(put("lobby:9", {"new"}).changes[0]);
    CHECK(backend.write(batch).error() == Errc::invalid_argument);
    CHECK(followed(backend) == "lobby:1");
    CHECK(entries_in(dir / "db") == "1");
    CHECK(backend.verify_integrity());
}

TEST_CASE("changed terms are found out by the checksum", "[sqlite][damage][index]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("lobby:1", {"a"})));
    const std::string terms = GENERATE(as<std::string>{}, "NULL", "x'000162'");
    SqliteProbe{dir / "db"}.run("UPDATE record SET index_terms = " + terms);
    CHECK(backend.read("lobby:1").error() == Errc::corrupt);
    CHECK(backend.scan({}, [](std::string_view, const RecordView&) { return true; }).error() == Errc::corrupt);
    CHECK(backend.follow(all_entries, [](std::string_view, std::string_view, const RecordView&) { return true; }).error() ==
          Errc::corrupt);
    CHECK(backend.verify_integrity().error() == Errc::corrupt);
}

TEST_CASE("an entry that leads nowhere is corrupt where it is met, and named", "[sqlite][damage][index]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("lobby:1", {"a"})));
    const auto entry = joinly::index_entry(GENERATE(as<std::string>{}, "lobby:1", "lobby:2"), "z");
    REQUIRE(backend.write(Batch{}.put(entry.key, entry.value)));
    std::string seen;
    const Status status = backend.follow(all_entries, [&](std::string_view, std::string_view key, const RecordView&) {
        seen += key;
        return true;
    });
    REQUIRE_FALSE(status);
    CHECK(status.error() == Errc::corrupt);
    CHECK(contains(status.error().message(), "\\x00ilobby:z"));
    CHECK(seen == "lobby:1");
    const Status verified = backend.verify_integrity();
    REQUIRE_FALSE(verified);
    CHECK(verified.error() == Errc::corrupt);
    CHECK(contains(verified.error().message(), "\\x00ilobby:z"));
}

TEST_CASE("the integrity check finds a term without its entry, and names the key", "[sqlite][damage][index]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("lobby:1", {"a"})));
    REQUIRE(backend.write(put("lobby:2", {"a", "b"})));
    REQUIRE(backend.verify_integrity());
    REQUIRE(backend.write(Batch{}.erase(joinly::index_entry("lobby:2", "b").key)));
    const Status verified = backend.verify_integrity();
    REQUIRE_FALSE(verified);
    CHECK(verified.error() == Errc::corrupt);
    CHECK(contains(verified.error().message(), "'lobby:2'"));
    CHECK(backend.backup_to(dir / "copy").error() == Errc::corrupt);
}

TEST_CASE("the integrity check finds records that claim the same entry", "[sqlite][damage][index]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("lobby:12", {"a"})));
    REQUIRE(backend.write(put("lobby:2", {"a1"})));  // terms that do not tell where they end
    const Status verified = backend.verify_integrity();
    REQUIRE_FALSE(verified);
    CHECK(contains(verified.error().message(), "'lobby:12'"));
}

TEST_CASE("following goes on in its snapshot while the records change, and the visitor may do so itself", "[sqlite][index]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    for (const char* key : {"lobby:1", "lobby:2", "lobby:3"}) REQUIRE(backend.write(put(key, {"a"}, "old")));
    std::string seen;
    REQUIRE(backend.follow(all_entries, [&](std::string_view, std::string_view key, const RecordView& record) {
        seen.append(key).append(record.value).append(" ");
        CHECK(backend.write(put("lobby:2", {"z"}, "new")));
        CHECK(backend.write(Batch{put("lobby:3", {})}));
        return true;
    }));
    CHECK(seen == "lobby:1old lobby:2old lobby:3old ");
    CHECK(followed(backend) == "lobby:1 lobby:2");
}

TEST_CASE("an exception from a follower travels on, and its connection is as good as before", "[sqlite][index]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("lobby:1", {"a"})));
    const auto throws = [](std::string_view, std::string_view, const RecordView&) -> bool { throw std::runtime_error{"mine"}; };
    for (int i = 0; i < 3; ++i) CHECK_THROWS_WITH(backend.follow(all_entries, throws), "mine");
    CHECK(followed(backend) == "lobby:1");
    CHECK(backend.compact());  // no snapshot was left open
}

TEST_CASE("a backup has the terms and the entries", "[sqlite][backup][index]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("lobby:1", {"a", "b"})));
    REQUIRE(backend.backup_to(dir / "copy"));
    SqliteBackend copy = open(dir / "copy");
    CHECK(followed(copy) == "lobby:1 lobby:1");
    REQUIRE(copy.write(put("lobby:1", {"c"})));
    CHECK(followed(copy) == "lobby:1");
}

TEST_CASE("in a group a batch's ranges are decided after the batches before it", "[sqlite][index][group_commit]") {
    const TempDir dir;
    { open(dir / "db"); }
    auto connection = joinly::detail::sqlite_open(at(dir / "db"), false);
    REQUIRE(connection);
    const KeyRange range = KeyRange::prefix("lobby:");
    const Batch first = put("lobby:1", {});
    Batch late = put("late", {});
    late.ranges.push_back({range, 7, RangeDigest{7}.value()});
    Batch next = put("next", {});
    RangeDigest digest{7};
    digest.add("lobby:1", 1);
    next.ranges.push_back({range, 7, digest.value()});
    joinly::detail::PendingWrite writes[]{joinly::detail::PendingWrite{&first}, joinly::detail::PendingWrite{&late},
                                          joinly::detail::PendingWrite{&next}};
    joinly::detail::PendingWrite* group[]{&writes[0], &writes[1], &writes[2]};
    (*connection)->run(SqliteSql::begin_write);
    REQUIRE(joinly::detail::sqlite_apply_group(**connection, group));
    CHECK(writes[0].result == Version{1});
    CHECK(writes[1].result.error() == Errc::conflict);
    CHECK(writes[2].result == Version{2});
}

TEST_CASE("a damaged record in a range that a batch requires is corrupt, not a conflict", "[sqlite][damage][index]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("lobby:1", {})));
    SqliteProbe{dir / "db"}.run("UPDATE record SET version = 2");
    Batch batch = put("other", {});
    batch.ranges.push_back({KeyRange::prefix("lobby:"), 7, 0});
    CHECK(backend.write(batch).error() == Errc::corrupt);
}

TEST_CASE("what has expired is found by the index of expiries, without sorting", "[sqlite][expiry]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    const std::string plan = plan_of(dir / "db", SqliteSql::expired);
    CAPTURE(plan);
    CHECK(contains(plan, "SEARCH record USING INDEX record_expires_at (expires_at<"));
    CHECK_FALSE(contains(plan, "B-TREE"));
    CHECK(contains(plan_of(dir / "db", SqliteSql::read_index_terms), "SEARCH record USING INDEX sqlite_autoindex_record_1 (key="));
}

TEST_CASE("what expires at the same moment comes in the order of keys, and the library's own keys not at all", "[sqlite][expiry]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    Batch batch;
    for (const std::string key : {"c", "a", "b"}) batch.put(key, "value", Expiry{WallTime{7ms}});
    batch.put("late", "value", Expiry{WallTime{9ms}}).put("never", "value").put(std::string("\0x", 2), "", Expiry{WallTime{1ms}});
    batch.put("early", "value", Expiry{WallTime{-1ms}});
    REQUIRE(backend.write(batch));
    const auto keys = [&](WallTime now, std::size_t limit) {
        std::string all;
        const auto expired = backend.expired(now, limit).value();
        for (const auto& record : expired) all += record.key + ' ';
        return all;
    };
    CHECK(keys(WallTime{7ms}, (std::numeric_limits<std::size_t>::max)()) == "early a b c ");
    CHECK(keys((WallTime::max)(), 100) == "early a b c late ");
    CHECK(keys(WallTime{7ms}, 2) == "early a ");
    CHECK(keys(WallTime{7ms}, 0) == "");
    CHECK(keys(WallTime{-2ms}, 9) == "");
    const auto first = backend.expired(WallTime{0ms}, 1).value().at(0);
    CHECK(first.version == 1);
    CHECK(first.expires_at == Expiry{WallTime{-1ms}});
}
