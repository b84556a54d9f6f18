// SQL that somebody types: what it may read, what it may cost, and that it can do nothing else.

#include <joinly/backend/sqlite.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using joinly::Batch;
using joinly::Change;
using joinly::Errc;
using joinly::Expiry;
using joinly::QueryOptions;
using joinly::SqliteBackend;
using joinly::SqliteOptions;
using joinly::SqlRow;
using joinly::SqlValue;
using joinly::Sync;
using joinly::ValueForm;
using joinly::test::TempDir;
namespace fs = std::filesystem;

namespace {

SqliteOptions at(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    options.sync = Sync::process_crash;
    return options;
}

/// Three players, as the Json codec stores them.
SqliteBackend open(const std::string& path) {
    SqliteBackend backend = SqliteBackend::open(at(path)).value();
    Batch batch;
    for (const char* id : {"ada", "bob", "eve"}) {
        const std::string value = R"({"player_id":")" + std::string{id} + R"(","skill_rating":1200,"tags":["a","b"]})";
        batch.changes.push_back({"player:" + std::string{id}, value, Expiry{}, joinly::absent, ValueForm::text});
    }
    REQUIRE(backend.write(batch));
    return backend;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::set<std::string> files_in(const fs::path& dir) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator{dir}) names.insert(entry.path().filename().string());
    return names;
}

std::string repeated(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
}

/// `depth` common table expressions, each of which names the one before twice.
std::string doubling(int depth) {
    std::string sql = "WITH c0 AS (SELECT 1 AS x)";
    for (int i = 1; i < depth; ++i) {
        const std::string before = std::to_string(i - 1);
        sql += ", c" + std::to_string(i) + " AS (SELECT a.x FROM c" + before + " AS a, c" + before + " AS b)";
    }
    return sql + " SELECT * FROM c" + std::to_string(depth - 1);
}

/// A column that is 64 times the one within, which is 64 times the one within.
std::string nested_sums(int depth) {
    std::string sum = "x";
    for (int i = 0; i < 6; ++i) sum = '(' + sum + '+' + sum + ')';
    std::string sql = "SELECT 1 AS x";
    for (int i = 0; i < depth; ++i) sql = "SELECT " + sum + " AS x FROM (" + sql + ')';
    return sql;
}

/// `part` so many times, with `between` between; each `#` of it is its number.
std::string listed(std::string_view part, int times, std::string_view between = ",") {
    std::string all;
    for (int i = 0; i < times; ++i) {
        if (i > 0) all += between;
        for (const char c : part) all += c == '#' ? std::to_string(i) : std::string(1, c);
    }
    return all;
}

QueryOptions little_memory() {
    QueryOptions options;
    options.timeout = 60s;
    options.max_memory_bytes = 16 << 20;
    return options;
}

}  // namespace

TEST_CASE("a query gives rows with named, typed columns", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    const auto rows = backend.query(
        "SELECT 7 AS whole, 1.5 AS part, 'text' AS words, x'0102' AS bytes, NULL AS vacant, 1 AS yes UNION ALL "
        "SELECT -1, 2, '', x'', 3, 0");
    REQUIRE(rows);
    CHECK(rows->columns() == std::vector<std::string>{"whole", "part", "words", "bytes", "vacant", "yes"});
    REQUIRE(rows->size() == 2);
    CHECK(rows->complete());

    const SqlRow& first = (*rows)[0];
    CHECK(first.get<std::int64_t>("whole") == 7);
    CHECK(first.get<std::uint8_t>("whole") == std::uint8_t{7});
    CHECK(first.get<double>("part") == 1.5);
    CHECK(first.get<std::string>("words") == "text");
    CHECK(first.get<std::string_view>("words") == "text");
    CHECK(first.get<std::vector<std::byte>>("bytes") == std::vector<std::byte>{std::byte{1}, std::byte{2}});
    CHECK_FALSE(first.get<std::optional<int>>("vacant").value().has_value());
    CHECK(first.get<bool>("yes") == true);
    CHECK(first[4].is_null());

    const SqlRow& second = (*rows)[1];
    CHECK(second.get<double>("part") == 2.0);
    CHECK(second.get<std::string>(2) == "");
    CHECK(second.get<std::vector<std::byte>>("bytes") == std::vector<std::byte>{});
    CHECK(second.get<std::optional<int>>("vacant").value() == 3);
}

TEST_CASE("a value of another type than was asked for is an error that names the column", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    const auto rows = backend.query("SELECT 300 AS number, -1 AS negative, 'text' AS words, NULL AS vacant").value();
    const SqlRow& row = rows[0];
    const auto message = [](const auto& result) { return std::string{result.error().message()}; };

    CHECK(row.get<int>("words").error() == Errc::invalid_argument);
    CHECK(message(row.get<int>("words")) == "column 'words': it is text, not an integer");
    CHECK(message(row.get<std::string>("number")) == "column 'number': it is integer, not text");
    CHECK(message(row.get<std::int8_t>("number")) == "column 'number': 300 does not fit");
    CHECK(message(row.get<std::uint64_t>("negative")) == "column 'negative': -1 does not fit");
    CHECK(contains(message(row.get<double>("vacant")), "NULL (ask for a std::optional)"));
    CHECK(row.get<std::optional<int>>("words").error() == Errc::invalid_argument);
    CHECK(contains(message(row.get<int>("wrods")), "no column 'wrods'; there are 'number' 'negative' 'words' 'vacant'"));
    CHECK(row.get<int>(4).error() == Errc::invalid_argument);
}

TEST_CASE("arguments stand for the parameters of a statement, whatever they hold", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    const std::string hostile = "'; DROP TABLE record; --";
    const std::vector<std::byte> bytes{std::byte{0}, std::byte{255}};
    const auto rows = backend.query("SELECT ?, ?, ?, ?, ?, ?, ?, typeof(?), typeof(?)", 1, -2.5, true, nullptr, hostile, "literal",
                                    bytes, std::string_view{}, std::span<const std::byte>{});
    REQUIRE(rows);
    const SqlRow& row = (*rows)[0];
    CHECK(row.get<int>(0) == 1);
    CHECK(row.get<double>(1) == -2.5);
    CHECK(row.get<bool>(2) == true);
    CHECK(row[3].is_null());
    CHECK(row.get<std::string>(4) == hostile);
    CHECK(row.get<std::string>(5) == "literal");
    CHECK(row.get<std::vector<std::byte>>(6) == bytes);
    CHECK(row.get<std::string>(7) == "text");
    CHECK(row.get<std::string>(8) == "blob");
    CHECK(backend.query("SELECT ?", (std::numeric_limits<std::uint32_t>::max)()).value()[0].get<std::int64_t>(0) == 4294967295);
}

TEST_CASE("arguments that do not fit the statement are refused", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    CHECK(backend.query("SELECT ?, ?", 1).error() == Errc::invalid_argument);
    CHECK(contains(backend.query("SELECT ?, ?", 1).error().message(), "it has 2 parameters, and 1 arguments were given"));
    CHECK(backend.query("SELECT 1", 1).error() == Errc::invalid_argument);
    CHECK(contains(backend.query("SELECT ?", (std::numeric_limits<std::uint64_t>::max)()).error().message(), "above 2^63 - 1"));
    CHECK(backend.query("SELECT length(?)", std::string(2'000'000, 'a')).error() == Errc::invalid_argument);
}

TEST_CASE("what is wrong with a statement is told in SQLite's words", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    const auto message = [&](const char* sql) {
        const auto rows = backend.query(sql);
        REQUIRE_FALSE(rows);
        CHECK(rows.error() == Errc::invalid_argument);
        return std::string{rows.error().message()};
    };
    CHECK(message("SELEC 1") == "near \"SELEC\": syntax error");
    CHECK(message("SELECT * FROM nowhere") == "no such table: nowhere");
    CHECK(message("SELECT json_extract('no json', '$.a')") == "malformed JSON");
    CHECK(contains(message("DELETE FROM record"), "writing to record is refused"));
    CHECK(contains(message("SELECT load_extension('x')"), "the function load_extension is refused"));
    CHECK(contains(message("PRAGMA journal_mode = DELETE"), "PRAGMA journal_mode is refused"));
}

TEST_CASE("a query takes exactly one statement", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    for (const char* sql : {"SELECT 1;", "  SELECT 1 ; -- the end", "/* before */ SELECT 1 /* after */;;", "SELECT 1 -- ; DELETE"})
        CHECK(backend.query(sql));
    for (const char* sql :
         {"", " ", ";", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1; DELETE FROM record", "SELECT 1; nonsense"}) {
        CAPTURE(sql);
        CHECK(backend.query(sql).error() == Errc::invalid_argument);
    }
    CHECK(backend.query(std::string_view{}).error() == Errc::invalid_argument);
    CHECK(backend.query(std::string_view{"SELECT 1\0; SELECT 2", 19}).error() == Errc::invalid_argument);
    CHECK(backend.query("SELECT 1" + std::string(40'000, ' ')).error() == Errc::invalid_argument);
}

TEST_CASE("JSON, dates, recursion, windows and the schema can be queried", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    const auto one = [&](const char* sql) {
        CAPTURE(sql);
        const auto rows = backend.query(sql);
        if (!rows) FAIL(rows.error().message());
        return rows->empty() ? std::string{} : (*rows)[0][0].to_text();
    };
    CHECK(one("SELECT value ->> 'player_id' FROM record ORDER BY key DESC") == "eve");
    CHECK(one("SELECT count(*) FROM record, json_each(record.value, '$.tags') AS tag WHERE tag.value = 'a'") == "3");
    CHECK(one("SELECT json_group_array(json_extract(value, '$.player_id')) FROM record") == R"(["ada","bob","eve"])");
    CHECK(one("SELECT sum(json_extract(value, '$.skill_rating')) FROM record WHERE json_valid(value)") == "3600");
    CHECK(one("SELECT fullkey FROM json_tree('{\"a\":[1]}') WHERE atom = 1") == "$.a[0]");
    CHECK(one("SELECT datetime(0, 'unixepoch')") == "1970-01-01 00:00:00");
    CHECK(one("WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c WHERE x < 1000) SELECT sum(x) FROM c") == "500500");
    CHECK(one("SELECT rank() OVER (ORDER BY key DESC) FROM record ORDER BY key LIMIT 1") == "3");
    CHECK(one("SELECT name FROM sqlite_schema WHERE name = 'record'") == "record");
    CHECK(one("SELECT name FROM pragma_table_info('record')") == "key");
    CHECK(one("PRAGMA table_info(record)") == "0");
    CHECK(contains(backend.query("EXPLAIN QUERY PLAN SELECT * FROM record WHERE key = x'00'").value()[0][3].to_text(),
                   "SEARCH record"));
    CHECK(one("SELECT hex(x'0aff')") == "0AFF");
}

TEST_CASE("a query sees what is committed, and its own moment only", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    int seen = 0;
    const auto done =
        backend.query("SELECT key FROM record WHERE key > ?", {std::as_bytes(std::span{"player:", 7})}, [&](const SqlRow&) {
            ++seen;
            CHECK(backend.write(Batch{}.put("player:zoe" + std::to_string(seen), "{}")));
            return true;
        });
    REQUIRE(done);
    CHECK(seen == 3);
    CHECK(backend.query("SELECT count(*) FROM record").value()[0].get<int>(0) == 6);
}

TEST_CASE("queries run beside writes, each on one state of the database", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    std::atomic<bool> done{false};
    std::atomic<int> torn{0};
    const auto count_pairs = [&] {
        while (!done) {
            const auto rows =
                backend.query("SELECT (SELECT count(*) FROM record WHERE key = x'61'), value FROM record WHERE key = x'62'");
            if (!rows || (!rows->empty() && (*rows)[0].get<int>(0) != 1)) ++torn;
        }
    };
    std::thread first{count_pairs};
    std::thread second{count_pairs};
    for (int i = 0; i < 50; ++i) {
        CHECK(backend.write(Batch{}.put("a", "1").put("b", "1")));
        CHECK(backend.write(Batch{}.erase("a").erase("b")));
    }
    done = true;
    first.join();
    second.join();
    CHECK(torn == 0);
}

TEST_CASE("a visitor stops a query, and what it throws travels on", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    int seen = 0;
    CHECK(backend.query("SELECT key FROM record", {}, [&](const SqlRow&) { return ++seen < 2; }));
    CHECK(seen == 2);
    const auto throws = [](const SqlRow&) -> bool { throw std::runtime_error{"the visitor's own"}; };
    CHECK_THROWS_WITH(backend.query("SELECT key FROM record", {}, throws).has_value(), "the visitor's own");
    CHECK(backend.query("SELECT 1"));
}

TEST_CASE("a collected result keeps as many rows as it may, and says whether there were more", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    QueryOptions options;
    options.max_rows = 3;
    CHECK(backend.query(options, "SELECT key FROM record").value().complete());
    options.max_rows = 2;
    const auto rows = backend.query(options, "SELECT key FROM record").value();
    CHECK(rows.size() == 2);
    CHECK_FALSE(rows.complete());
    CHECK(backend.query("SELECT key FROM record WHERE 0").value().columns() == std::vector<std::string>{"key"});
}

TEST_CASE("a query ends after its timeout, and the next one works", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    QueryOptions options;
    options.timeout = 50ms;
    const std::string forever = "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c) ";
    for (const std::string& sql :
         {forever + "SELECT max(x) FROM c", forever + "SELECT x FROM c ORDER BY x",
          std::string{"SELECT count(*) FROM record a, record b, record c, record d, record e, record f,"
                      " record g, record h, record i, record j, record k, record l, record m, record n"}}) {
        const auto begun = std::chrono::steady_clock::now();
        const auto rows = backend.query(options, sql);
        CAPTURE(sql);
        CHECK(rows.error() == Errc::timed_out);
        CHECK(std::chrono::steady_clock::now() - begun < 20s);
        CHECK(backend.query("SELECT count(*) FROM record").value()[0].get<int>(0) == 3);
        CHECK(backend.write(Batch{}.put("other", "1").erase("other")));
    }
    options.timeout = std::chrono::milliseconds{0};
    CHECK(backend.query(options, forever + "SELECT max(x) FROM c").error() == Errc::timed_out);
    options.timeout = (std::chrono::milliseconds::max)();
    CHECK(backend.query(options, "SELECT 1"));
}

TEST_CASE("a query ends when it takes more memory than it may", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    QueryOptions options;
    options.timeout = 60s;
    options.max_memory_bytes = 16 << 20;
    const std::string forever = "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c) ";
    for (const char* sql : {"SELECT x FROM c ORDER BY randomblob(10000)", "SELECT DISTINCT randomblob(10000) FROM c",
                            "SELECT json_group_array(hex(zeroblob(100000))) FROM c"}) {
        CAPTURE(sql);
        CHECK(backend.query(options, forever + sql).error() == Errc::full);
    }
    options.max_rows = (std::numeric_limits<std::size_t>::max)();
    CHECK(backend.query(options, forever + "SELECT zeroblob(100000) FROM c").error() == Errc::full);
}

TEST_CASE("a value longer than the options allow is neither read nor made", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(Batch{}.put("large", std::string(2'000'000, 'a'))));
    const auto refused = backend.query("SELECT value FROM record WHERE key = CAST('large' AS BLOB)");
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(contains(refused.error().message(), "1048576"));
    QueryOptions options;
    options.max_value_bytes = 4'000'000;
    CHECK(backend.query(options, "SELECT value FROM record WHERE key = CAST('large' AS BLOB)"));
    CHECK(backend.query(options, "SELECT length(zeroblob(5000000))").error() == Errc::invalid_argument);
}

TEST_CASE("functions that take the square of their arguments' length end in time, too", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    QueryOptions options;
    options.timeout = 100ms;
    for (const char* sql : {"SELECT instr(hex(zeroblob(400000)), hex(zeroblob(200000)) || '1')",
                            "SELECT trim(hex(zeroblob(400000)), replace(hex(zeroblob(200000)), '0', '1') || '0')"}) {
        const auto begun = std::chrono::steady_clock::now();
        CAPTURE(sql);
        CHECK(backend.query(options, sql).error() == Errc::invalid_argument);
        CHECK(std::chrono::steady_clock::now() - begun < 20s);
    }
    CHECK(backend.query(options, "SELECT trim('  a '), instr('abc', 'c'), replace('aa', 'a', 'b')"));
}

TEST_CASE("a statement that would grow without end while it is compiled is refused", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    CHECK(backend.query(doubling(30)).error() == Errc::invalid_argument);
    CHECK(backend.query(nested_sums(6)).error() == Errc::invalid_argument);
    CHECK(backend.query(doubling(8)));
    CHECK(backend.query(nested_sums(1)));
    CHECK(
        backend.query("WITH good AS (SELECT key, value ->> 'skill_rating' AS rating FROM record WHERE key >= x'00'),"
                      " best AS (SELECT key, rating FROM good WHERE rating >= (SELECT max(rating) FROM good)),"
                      " counted AS (SELECT count(*) AS n, avg(rating) AS mean, min(rating) AS least FROM good)"
                      " SELECT best.key, best.rating, counted.n, counted.mean FROM best, counted"
                      " UNION ALL SELECT key, rating, 0, 0 FROM good ORDER BY 2, 1"));
}

TEST_CASE("a statement of which long parts would be copied often is refused", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    const std::string ones = listed("1", 3000);
    REQUIRE(backend.execute("CREATE VIEW wide AS SELECT version IN (" + ones + ") AS x FROM record"));
    for (const std::string& sql : {
             "SELECT 1 IN (" + listed("x", 2000) + ") FROM (SELECT version IN (" + ones + ") AS x FROM record)",
             "SELECT 1 IN (" + listed("\"and\"", 2000) + ") FROM (SELECT version IN (" + ones + ") AS \"and\" FROM record)",
             "SELECT 1 IN (" + listed("\"1\"", 2000) + ") FROM (SELECT version IN (" + ones + ") AS \"1\" FROM record)",
             "SELECT 1 IN (" + listed("s.'x'", 2000) + ") FROM (SELECT version IN (" + ones + ") AS x FROM record) AS s",
             "SELECT 1 IN (" + listed("x", 2000) + ") FROM wide",
             "SELECT version IN (" + ones + ") AS x FROM record WHERE 1 IN (" + listed("x", 2000) + ")",
             "SELECT version IN (" + ones + ") AS x FROM record ORDER BY " + listed("1", 190),
             "SELECT " + listed("sum(1) OVER w", 190) + " FROM record WINDOW w AS (PARTITION BY version IN (" + ones + "))",
             "WITH a AS (SELECT * FROM 'b'), b AS (SELECT version IN (" + ones + ") AS x FROM record) SELECT 1 IN (" +
                 listed("x", 2000) + ") FROM a",
         }) {
        CAPTURE(sql.substr(0, 60));
        const auto refused = backend.query(little_memory(), sql);
        REQUIRE_FALSE(refused);
        CHECK(contains(refused.error().message(), "so often that copies"));
    }
}

TEST_CASE("long lists, views and common table expressions are no reason to refuse a statement", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(
        backend.execute("CREATE VIEW player AS SELECT json_extract(value, '$.player_id') AS id,"
                        " json_extract(value, '$.skill_rating') AS rating, key FROM record"));
    for (const std::string& sql : {
             "SELECT value FROM record WHERE version IN (" + listed("#", 5000) + ") ORDER BY version",
             "SELECT value FROM record WHERE key IN (" + listed("x'00ff#0'", 9) + ')',
             "SELECT id, rating FROM player WHERE id IN (" + listed("'p#'", 3000) + ") ORDER BY rating DESC, 1",
             std::string{"WITH ranked AS (SELECT id, rating, rank() OVER (ORDER BY rating DESC) AS place FROM player),"
                         " buckets AS (SELECT rating / 100 AS bucket, count(*) AS n, avg(rating) AS mean, min(rating) AS least,"
                         " max(rating) AS best FROM player GROUP BY bucket),"
                         " joined AS (SELECT bucket, n, mean, min(place) AS top FROM ranked JOIN buckets"
                         " ON ranked.rating / 100 = buckets.bucket GROUP BY bucket)"
                         " SELECT bucket, n, mean, (SELECT id FROM ranked WHERE place = top LIMIT 1) FROM joined"
                         " UNION ALL SELECT -1, count(*), avg(rating), 'all' FROM player ORDER BY bucket"},
             std::string{"WITH a AS (SELECT id FROM b), b AS (SELECT id FROM player) SELECT count(*) FROM a"},
         }) {
        CAPTURE(sql.substr(0, 60));
        const auto rows = backend.query(sql);
        if (!rows) FAIL(rows.error().message());
    }
}

TEST_CASE("a row that would call many functions takes shorter values", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(
        Batch{}.put("large", '[' + std::string(100'000, '1') + ']').put("larger", '[' + std::string(1'000'000, '1') + ']')));
    const std::string larger = " FROM record WHERE key = CAST('larger' AS BLOB)";
    CHECK(backend.query("SELECT json_valid(value || '')" + larger));
    CHECK(backend.query("SELECT " + listed("json_valid(value || #)", 100, " + ") + larger).error() == Errc::invalid_argument);
    // SQLite copies the column.
    CHECK(
        backend.query("SELECT " + listed("x", 100, " + ") + " FROM (SELECT json_valid(value || '') AS x" + larger + ')').error() ==
        Errc::invalid_argument);
    CHECK(
        backend.query("SELECT value LIKE '%2%', length(value), value ->> '$[0]', json_valid(value) FROM record"
                      " WHERE key = CAST('large' AS BLOB)"));
}

TEST_CASE("a row that would hold many values takes shorter ones", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(Batch{}.put("large", std::string(200'000, 'a')).put("larger", std::string(20'000'000, 'a'))));
    const std::string held = "SELECT " + listed("length(value || #)", 200, " + ") + " FROM record";
    QueryOptions options = little_memory();
    const auto refused = backend.query(options, held + " WHERE key = CAST('large' AS BLOB)");
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(contains(refused.error().message(), "too big"));

    options.max_value_bytes = std::size_t{1} << 30;
    options.max_memory_bytes = 64 << 20;
    CHECK(backend.query(options, "SELECT value FROM record WHERE key = CAST('larger' AS BLOB)"));
}

TEST_CASE("a statement whose program is too large is refused", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    std::string columns;
    for (int i = 0; i < 20; ++i) columns += (i == 0 ? "" : ",") + listed("random()", 100, "+");
    const std::string sql = "WITH c AS NOT MATERIALIZED (SELECT " + columns + ") " + listed("SELECT * FROM c", 40, " UNION ALL ");
    QueryOptions options;
    options.timeout = 60s;
    options.max_memory_bytes = std::size_t{1} << 30;
    CHECK(backend.query(options, sql).error() == Errc::full);
}

TEST_CASE("no statement changes the database, or touches another file", "[sqlite][query][hostile]") {
    const TempDir dir;
    const TempDir elsewhere;
    SqliteBackend backend = open(dir / "db");
    const std::string other = elsewhere / "other.db";
    const auto everything = [&] {
        std::string text;
        REQUIRE(
            backend.query("SELECT * FROM record UNION ALL SELECT name, value, 0, 0, 0, 0 FROM meta", {}, [&](const SqlRow& row) {
                for (std::size_t i = 0; i < row.size(); ++i) text += row[i].to_text() + '|';
                return true;
            }));
        REQUIRE(backend.query("SELECT sql FROM sqlite_schema", {}, [&](const SqlRow& row) {
            text += row[0].to_text();
            return true;
        }));
        return text;
    };
    const std::string before = everything();
    const std::set<std::string> files = files_in(dir.path());
    const std::string forever = "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c) ";

    const std::vector<std::string> hostile{
        "DELETE FROM record",
        "DELETE FROM record RETURNING key",
        "INSERT INTO meta VALUES('a', 1)",
        "INSERT INTO meta VALUES('a', 1) RETURNING name",
        "REPLACE INTO meta VALUES('format', 9)",
        "UPDATE record SET version = 9",
        "UPDATE record SET version = 9 RETURNING version",
        "WITH x AS (SELECT 1) DELETE FROM record",
        "EXPLAIN DELETE FROM record",
        "DROP TABLE record",
        "ALTER TABLE record RENAME TO r",
        "ALTER TABLE record ADD COLUMN c",
        "CREATE TABLE t(x)",
        "CREATE TABLE t AS SELECT * FROM record",
        "CREATE TEMP TABLE t(x)",
        "CREATE TEMP TABLE t AS SELECT * FROM record",
        "CREATE TEMP VIEW v AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE INDEX i ON record(version)",
        "CREATE TRIGGER t AFTER INSERT ON record BEGIN SELECT 1; END",
        "CREATE TEMP TRIGGER t AFTER INSERT ON record BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE v USING fts5(x)",
        "CREATE VIRTUAL TABLE temp.v USING dbstat",
        "INSERT INTO sqlite_schema VALUES('view', 'v', 'v', 0, 'CREATE VIEW v AS SELECT 1')",
        "UPDATE sqlite_schema SET sql = '' RETURNING *",
        "DELETE FROM sqlite_schema RETURNING *",
        "EXPLAIN UPDATE sqlite_schema SET sql = ''",
        "BEGIN",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "RELEASE s",
        "VACUUM",
        "VACUUM INTO '" + other + "'",
        "ANALYZE",
        "REINDEX",
        "ATTACH '" + other + "' AS other",
        "ATTACH '' AS other",
        "ATTACH ':memory:' AS other",
        "DETACH main",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA journal_mode",
        "PRAGMA user_version = 7",
        "PRAGMA application_id = 7",
        "PRAGMA schema_version = 7",
        "PRAGMA writable_schema = ON",
        "PRAGMA query_only = OFF",
        "PRAGMA temp_store_directory = '/'",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA incremental_vacuum",
        "PRAGMA optimize",
        "PRAGMA integrity_check",
        "PRAGMA trusted_schema = OFF",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA cache_size = 1000000",
        "PRAGMA mmap_size = 1000000",
        "PRAGMA hard_heap_limit = 1",
        "PRAGMA soft_heap_limit = 1",
        "SELECT * FROM pragma_journal_mode",
        "SELECT * FROM pragma_user_version(7)",
        "SELECT load_extension('libm.so.6')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('" + other + "', 'x')",
        "SELECT edit('x')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT fts3_tokenizer('simple', x'4141414141414141')",
        "SELECT sqlite_log(1, 'x')",
        "SELECT * FROM fsdir('/')",
        "SELECT zeroblob(1000000000)",
        "SELECT printf('%*d', 1000000000, 1)",
        "SELECT length(format('%.*c', 2000000000, 'x'))",
        "SELECT hex(randomblob(1000000000))",
        "SELECT replace(hex(zeroblob(100000)), '0', hex(zeroblob(100000)))",
        forever + "SELECT group_concat(hex(zeroblob(10000))) FROM c",
        forever + "SELECT x FROM c",
        "SELECT " + repeated("(", 5000) + "1" + repeated(")", 5000),
        "SELECT 1" + repeated("+1", 5000),
        "SELECT 1" + repeated(" UNION SELECT 1", 1000),
        "SELECT " + repeated("1,", 5000) + "1",
        "SELECT max(" + repeated("1,", 500) + "1)",
        "SELECT 'a' LIKE '" + repeated("%a", 5000) + "'",
        "SELECT ?32767",
        doubling(26),
    };
    QueryOptions options;
    options.timeout = 200ms;
    options.max_rows = 100'000'000;
    options.max_memory_bytes = 32 << 20;
    for (const std::string& sql : hostile) {
        CAPTURE(sql.substr(0, 100));
        const auto rows = backend.query(options, sql);
        REQUIRE_FALSE(rows);
        CHECK((rows.error() == Errc::invalid_argument || rows.error() == Errc::timed_out || rows.error() == Errc::full));
        CHECK(files_in(dir.path()) == files);
        CHECK(files_in(elsewhere.path()).empty());
    }
    // These are no errors, and harmless.
    for (const char* sql : {"PRAGMA user_version", "EXPLAIN SELECT * FROM record", "SELECT * FROM dbstat",
                            "SELECT last_insert_rowid(), changes(), total_changes()", "SELECT 'a' || 'b' LIKE 'A%' COLLATE NOCASE"})
        CHECK(backend.query(options, sql));
    CHECK(everything() == before);
    CHECK(files_in(dir.path()) == files);
    CHECK(backend.verify_integrity());
    CHECK(backend.write(Batch{}.put("player:zoe", "{}")));
}

TEST_CASE("a view of somebody's that does more than read is refused within a query as well", "[sqlite][query][hostile]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.execute("CREATE VIEW sly AS SELECT load_extension('libm.so.6')"));
    CHECK(backend.query("SELECT * FROM sly").error() == Errc::invalid_argument);
}

TEST_CASE("a database that is opened for reading only is queried as well", "[sqlite][query]") {
    const TempDir dir;
    { open(dir / "db"); }
    SqliteOptions options = at(dir / "db");
    options.read_only = true;
    SqliteBackend backend = SqliteBackend::open(options).value();
    CHECK(backend.query("SELECT count(*) FROM record").value()[0].get<int>(0) == 3);
}

TEST_CASE("a value is shown to people as SQLite would", "[sqlite][query]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    const auto row = backend.query("SELECT 1, -1.5, 'a''b', x'0aF0', NULL").value()[0];
    CHECK(row[0].to_text() == "1");
    CHECK(row[1].to_text() == "-1.5");
    CHECK(row[2].to_text() == "a'b");
    CHECK(row[3].to_text() == "x'0af0'");
    CHECK(row[4].to_text() == "NULL");
    CHECK(row[0] == SqlValue{std::int64_t{1}});
}
