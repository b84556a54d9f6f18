// What SqliteBackend::salvage saves of damaged databases.

#include <joinly/backend/sqlite.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;

namespace {

namespace fs = std::filesystem;
constexpr std::size_t page_bytes = 4096;
constexpr int record_count = 2'000;

std::string key_of(int i) { return "player:" + std::to_string(10'000 + i); }

/// A database of so many records, some with an expiry or index terms, in some hundred pages. Closed.
void make_database(const std::string& path) {
    auto backend = SqliteBackend::open({.path = path, .sync = Sync::process_crash});
    REQUIRE(backend);
    for (int i = 0; i < record_count; i += 100) {
        Batch batch;
        for (int j = i; j < i + 100; ++j) {
            batch.put(key_of(j), std::string(200, static_cast<char>('a' + j % 26)));
            if (j % 3 == 0) batch.changes.back().expires_at = Expiry{WallTime{std::chrono::milliseconds{1'700'000'000'000 + j}}};
            if (j % 5 == 0) append_index_term(batch.changes.back().index_terms.emplace(), "term");
        }
        REQUIRE(backend->write(batch));
    }
}

std::string bytes_of(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}
void set_bytes(const std::string& path, const std::string& bytes) { std::ofstream{path, std::ios::binary} << bytes; }

/// Pages that are leaves of tables, as their first byte says; not the first page, with the schema.
std::vector<std::size_t> table_leaves(const std::string& bytes) {
    std::vector<std::size_t> pages;
    for (std::size_t at = page_bytes; at < bytes.size(); at += page_bytes) {
        if (bytes[at] == 0x0d) pages.push_back(at);
    }
    return pages;
}

std::map<std::string, Record> records_of(const std::string& path) {
    auto backend = SqliteBackend::open({.path = path});
    INFO((backend ? "" : std::string{backend.error().message()}));
    REQUIRE(backend);
    CHECK(backend->verify_integrity());
    std::map<std::string, Record> records;
    REQUIRE(backend->scan(user_keys(), [&](std::string_view key, const RecordView& record) {
        records[std::string{key}] = {std::string{record.value}, record.version, record.expires_at};
        return true;
    }));
    return records;
}

/// Everything in `saved` is as it was, and what is missing is named.
void check_salvage(const std::string& original, const std::string& saved, const SqliteSalvage& salvage) {
    const auto before = records_of(original);
    const auto after = records_of(saved);
    CHECK(after.size() <= salvage.records);  // and the library's own
    for (const auto& [key, record] : after) {
        REQUIRE(before.contains(key));
        const Record& was = before.at(key);
        CHECK((record.value == was.value && record.version == was.version && record.expires_at == was.expires_at));
    }
    std::size_t unnamed = 0;
    for (const auto& [key, record] : before) {
        if (!after.contains(key))
            unnamed += std::find(salvage.lost_keys.begin(), salvage.lost_keys.end(), key) == salvage.lost_keys.end();
    }
    if (!salvage.may_lack_names) CHECK(unnamed == 0);
    CHECK((salvage.lost > 0 || salvage.may_lack_names || after.size() == before.size()));
}

TEST_CASE("a salvage leaves alone what comes to be at its target meanwhile", "[sqlite][salvage]") {
    const TempDir dir;
    make_database(dir / "db");
    const SqliteSalvageOptions options{.on_progress = [&](std::uint64_t records) {
        if (records > 0 && !std::filesystem::exists(dir / "saved")) {
            auto other = *SqliteBackend::open({.path = dir / "saved"});
            joinly::Batch batch;
            batch.put("precious", "mine");
            REQUIRE(other.write(batch));
        }
        return true;
    }};
    const auto salvage = SqliteBackend::salvage({.path = dir / "db"}, dir / "saved", options);
    REQUIRE(salvage.error() == Errc::invalid_argument);
    CHECK_THAT(std::string{salvage.error().message()}, Catch::Contains("is there already"));
    CHECK(SqliteBackend::open({.path = dir / "saved"})->read("precious")->value == "mine");
}

TEST_CASE("a salvage removes no directory that somebody has named like one of its own", "[sqlite][salvage]") {
    const TempDir dir;
    make_database(dir / "db");
    for (const char* const name : {"saved.salvage-keep", "saved.salvage-7"}) {
        std::filesystem::create_directory(dir / name);
        set_bytes(dir / name + "/lock", "of a journal");
        set_bytes(dir / name + "/data", "mine");
    }
    set_bytes(dir / "saved.salvage-keep/lock", "");
    REQUIRE(SqliteBackend::salvage({.path = dir / "db"}, dir / "saved"));
    CHECK(bytes_of(dir / "saved.salvage-keep/data") == "mine");
    CHECK(bytes_of(dir / "saved.salvage-7/data") == "mine");
}

}  // namespace

TEST_CASE("a sound database is saved whole", "[sqlite][salvage]") {
    const TempDir dir;
    make_database(dir / "db");
    const auto salvage = SqliteBackend::salvage({.path = dir / "db"}, dir / "saved");
    REQUIRE(salvage);
    CHECK(salvage->records == record_count);
    CHECK(salvage->lost == 0);
    CHECK(salvage->gaps.empty());
    CHECK(records_of(dir / "saved").size() == record_count);
    check_salvage(dir / "db", dir / "saved", *salvage);
    CHECK(SqliteBackend::open({.path = dir / "saved"})->last_version().value() >= 20);
}

TEST_CASE("records around unreadable pages are saved and those within are named", "[sqlite][salvage]") {
    const TempDir dir;
    make_database(dir / "db");
    std::string bytes = bytes_of(dir / "db");
    const auto leaves = table_leaves(bytes);
    REQUIRE(leaves.size() > 50);
    for (const std::size_t page : {leaves[10], leaves[11], leaves[30]})
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(page), page_bytes, '\xee');
    set_bytes(dir / "damaged", bytes);

    const auto salvage = SqliteBackend::salvage({.path = dir / "damaged"}, dir / "saved");
    REQUIRE(salvage);
    CHECK(salvage->gaps.size() == 2);
    CHECK(salvage->lost > 20);
    CHECK(salvage->lost < 100);
    CHECK(salvage->records + salvage->lost == record_count);
    CHECK(salvage->lost_keys.size() == salvage->lost);
    check_salvage(dir / "db", dir / "saved", *salvage);
    CHECK(bytes_of(dir / "damaged") == bytes);
}

TEST_CASE("a few sound rows between many that are damaged are saved", "[sqlite][salvage]") {
    const TempDir dir;
    make_database(dir / "db");
    std::string bytes = bytes_of(dir / "db");
    const auto leaves = table_leaves(bytes);
    std::uint64_t lost = 0;
    for (std::size_t leaf = 10; leaf < 50; ++leaf) {
        if (leaf == 12 || leaf == 21 || leaf == 37) continue;
        const auto page = bytes.begin() + static_cast<std::ptrdiff_t>(leaves[leaf]);
        lost += static_cast<unsigned char>(page[3]) * 256U + static_cast<unsigned char>(page[4]);  // rows in the page
        std::fill_n(page, page_bytes, '\xee');
    }
    set_bytes(dir / "damaged", bytes);

    const auto salvage = SqliteBackend::salvage({.path = dir / "damaged"}, dir / "saved");
    REQUIRE(salvage);
    CHECK(salvage->lost == lost);
    CHECK(salvage->records == record_count - lost);
    CHECK(salvage->lost_keys.size() == lost);
    CHECK_FALSE(salvage->may_lack_names);
    check_salvage(dir / "db", dir / "saved", *salvage);
}

TEST_CASE("a record that does not match its checksum is named and left out", "[sqlite][salvage]") {
    const TempDir dir;
    make_database(dir / "db");
    fs::copy(dir / "db", dir / "damaged");
    SqliteProbe{dir / "damaged"}.run("UPDATE record SET value = x'00' WHERE key = CAST('player:10007' AS BLOB)");
    const auto salvage = SqliteBackend::salvage({.path = dir / "damaged"}, dir / "saved");
    REQUIRE(salvage);
    CHECK(salvage->lost_keys == std::vector<std::string>{"player:10007"});
    CHECK(salvage->records == record_count - 1);
    check_salvage(dir / "db", dir / "saved", *salvage);
}

TEST_CASE("what is in the log is saved and text stays text", "[sqlite][salvage]") {
    const TempDir dir;
    {
        auto backend = SqliteBackend::open({.path = dir / "live"});
        Batch batch;
        batch.put("player:ada", "{}").changes.back().form = ValueForm::text;
        REQUIRE(backend->write(batch));
        for (const char* ending : {"", "-wal"}) fs::copy(dir / "live" + ending, dir / "killed" + ending);
        CHECK(SqliteBackend::salvage({.path = dir / "live"}, dir / "other").error() == Errc::busy);
    }
    REQUIRE(SqliteBackend::salvage({.path = dir / "killed"}, dir / "saved"));
    CHECK(records_of(dir / "saved").contains("player:ada"));
    CHECK(SqliteProbe{dir / "saved"}.rows("SELECT typeof(value) FROM record") == "text");
}

TEST_CASE("a salvage replaces nothing and leaves nothing where it cannot help", "[sqlite][salvage]") {
    const TempDir dir;
    make_database(dir / "db");
    set_bytes(dir / "there", "something");
    CHECK(SqliteBackend::salvage({.path = dir / "db"}, dir / "there").error() == Errc::invalid_argument);
    CHECK(SqliteBackend::salvage({.path = dir / "missing"}, dir / "saved").error() == Errc::not_found);
    set_bytes(dir / "garbage", std::string(10 * page_bytes, '\xee'));
    CHECK_FALSE(SqliteBackend::salvage({.path = dir / "garbage"}, dir / "saved"));
    CHECK_FALSE(fs::exists(dir / "saved"));
    CHECK(std::distance(fs::directory_iterator{dir.path()}, {}) == 3);
}

TEST_CASE("a malformed database says how to repair it, and one without a schema that only a backup helps", "[sqlite][salvage]") {
    const TempDir dir;
    make_database(dir / "db");
    std::string bytes = bytes_of(dir / "db");
    bytes.replace(100, page_bytes - 100, page_bytes - 100, '\xee');
    set_bytes(dir / "damaged", bytes);
    const auto opened = SqliteBackend::open({.path = dir / "damaged"});
    REQUIRE(opened.error() == Errc::corrupt);
    CHECK_THAT(std::string{opened.error().message()},
               Catch::Contains("joinly repair or SqliteBackend::salvage saves what can be read"));
    const auto salvage = SqliteBackend::salvage({.path = dir / "damaged"}, dir / "saved");
    REQUIRE(salvage.error() == Errc::corrupt);
    CHECK_THAT(std::string{salvage.error().message()},
               Catch::Contains("; only a backup helps") && !Catch::Contains("joinly repair"));
}

TEST_CASE("a salvage tells how far it is and leaves nothing when it is cancelled", "[sqlite][salvage]") {
    const TempDir dir;
    make_database(dir / "db");
    std::vector<std::uint64_t> told;
    std::size_t calls = 0;
    const SqliteSalvageOptions options{.on_progress = [&](std::uint64_t records) {
        told.push_back(records);
        return told.size() < calls;
    }};
    SECTION("while it copies") { calls = 1; }
    SECTION("while it reads") { calls = 2; }
    SECTION("while it looks for what it has not read") { calls = 4; }
    CHECK(SqliteBackend::salvage({.path = dir / "db"}, dir / "saved", options).error() == Errc::cancelled);
    CHECK(told.size() == calls);
    CHECK(told.front() == 0);
    CHECK((calls == 1 || told.back() > 0));
    CHECK(std::distance(fs::directory_iterator{dir.path()}, {}) == 1);
    calls = 1'000;
    CHECK(SqliteBackend::salvage({.path = dir / "db"}, dir / "saved", options)->records == record_count);
}

TEST_CASE("what a killed salvage has left the next one removes", "[sqlite][salvage][process]") {
    const TempDir dir;
    make_database(dir / "db");
    std::uint64_t killed_at = 0;
    SECTION("while it copies") {}
    SECTION("while it reads") { killed_at = 1; }
    ChildProcess child{[&] {
        const auto killed = [&](std::uint64_t records) { return records < killed_at || ::raise(SIGKILL) == 0; };
        return SqliteBackend::salvage({.path = dir / "db"}, dir / "saved", {.on_progress = killed}) ? 0 : 1;
    }};
    CHECK(child.wait() == -1);
    CHECK_FALSE(fs::exists(dir / "saved"));
    CHECK(std::distance(fs::directory_iterator{dir.path()}, {}) >= 2);
    const auto salvage = SqliteBackend::salvage({.path = dir / "db"}, dir / "saved");
    REQUIRE(salvage);
    CHECK(std::distance(fs::directory_iterator{dir.path()}, {}) == 2);
    check_salvage(dir / "db", dir / "saved", *salvage);
}

TEST_CASE("a salvage leaves what another one works on", "[sqlite][salvage]") {
    const TempDir dir;
    make_database(dir / "db");
    std::optional<Errc> other;
    const auto salvage =
        SqliteBackend::salvage({.path = dir / "db"}, dir / "saved", {.on_progress = [&](std::uint64_t) {
                                   if (!other)
                                       other = SqliteBackend::salvage({.path = dir / "missing"}, dir / "saved").error().code();
                                   return true;
                               }});
    CHECK(other == Errc::not_found);
    REQUIRE(salvage);
    check_salvage(dir / "db", dir / "saved", *salvage);
}

TEST_CASE("whatever is damaged a salvage gives no wrong record", "[sqlite][salvage][damage]") {
    const TempDir dir;
    make_database(dir / "db");
    const std::string original = bytes_of(dir / "db");
    const std::uint64_t seed = setting("JOINLY_SEED", std::random_device{}());
    int saved = 0;
    for (std::uint64_t trial = 0; trial < setting("JOINLY_TRIALS", 12); ++trial) {
        std::mt19937_64 random{seed + trial};
        std::string bytes = original;
        for (std::uint64_t n = random() % 6 + 1; n > 0; --n) {
            const std::size_t at = random() % bytes.size();
            const std::size_t length = (std::min)(static_cast<std::size_t>(random() % (2 * page_bytes) + 1), bytes.size() - at);
            for (std::size_t i = 0; i < length; ++i) bytes[at + i] = static_cast<char>(random() % 3 == 0 ? 0 : random());
        }
        set_bytes(dir / "damaged", bytes);
        fs::remove(dir / "saved");
        INFO("seed " << seed << ", trial " << trial);
        const auto salvage = SqliteBackend::salvage({.path = dir / "damaged"}, dir / "saved");
        CHECK(bytes_of(dir / "damaged") == bytes);
        CHECK(fs::exists(dir / "saved") == salvage.has_value());
        if (salvage) check_salvage(dir / "db", dir / "saved", *salvage);
        saved += salvage.has_value();
    }
    CHECK(saved > 0);
}
