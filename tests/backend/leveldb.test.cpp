// What is LevelDB's own: bytes on disk, opening, failing, repairing. What all backends share is in tests/conformance/.

#include <joinly/backend/leveldb.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "../support/catch.hpp"
#include "../support/temp_dir.hpp"

using namespace joinly;
using joinly::test::TempDir;
using namespace std::string_literals;
using namespace std::string_view_literals;
namespace fs = std::filesystem;

namespace {

LevelDbBackend open_or_fail(const LevelDbOptions& options) {
    auto backend = LevelDbBackend::open(options);
    if (!backend) FAIL(backend.error().message());
    return std::move(*backend);
}

Batch put(std::string key, std::string value) { return Batch{}.put(std::move(key), std::move(value)); }

std::string packed(std::string_view term) {
    std::string terms;
    append_index_term(terms, term);
    return terms;
}

/// A record with one index term.
Batch put_indexed(std::string key, std::string value, std::string_view term, Expiry expires_at = {}) {
    Batch batch;
    batch.changes.push_back({std::move(key), std::move(value), expires_at, absent, ValueForm::bytes, packed(term)});
    return batch;
}

Expiry at_ms(std::int64_t ms) { return Expiry{WallTime{std::chrono::milliseconds{ms}}}; }

std::map<std::string, std::string> contents(LevelDbBackend& backend) {
    std::map<std::string, std::string> found;
    const auto scanned = backend.scan({}, [&](std::string_view key, const RecordView& record) {
        found.emplace(key, record.value);
        return true;
    });
    if (!scanned) FAIL(scanned.error().message());
    return found;
}

/// The database without the adapter.
std::unique_ptr<leveldb::DB> raw(const std::string& path) {
    leveldb::Options options;
    options.create_if_missing = true;
    leveldb::DB* db = nullptr;
    const auto opened = leveldb::DB::Open(options, path, &db);
    if (!opened.ok()) FAIL(opened.ToString());
    return std::unique_ptr<leveldb::DB>{db};
}

std::string raw_get(leveldb::DB& db, std::string_view key) {
    std::string value;
    const auto got = db.Get({}, detail::to_slice(key), &value);
    return got.ok() ? value : got.ToString();
}

using Entries = std::map<std::string, std::string>;

Entries raw_entries(const std::string& path) {
    Entries entries;
    const auto db = raw(path);
    const std::unique_ptr<leveldb::Iterator> all{db->NewIterator({})};
    for (all->SeekToFirst(); all->Valid(); all->Next()) entries[all->key().ToString()] = all->value().ToString();
    return entries;
}

void raw_put(const std::string& path, std::string_view key, std::string_view value) {
    if (!raw(path)->Put({}, detail::to_slice(key), detail::to_slice(value)).ok()) FAIL("raw put");
}

/// A database as the library made it when its format was 1.
void make_format_1(const std::string& path, int more = 0) {
    const auto db = raw(path);
    const auto add = [&](std::string_view key, const RecordView& record) {
        std::string bytes;
        detail::encode_leveldb_value(key, record, bytes);
        if (!db->Put({}, detail::to_slice(key), bytes).ok()) FAIL("raw put");
    };
    if (!db->Put({}, detail::to_slice("\0\0joinly.format"sv), "\x01").ok()) FAIL("raw put");
    add("\0\0joinly.last_version"sv, {"", 9, {}});
    add("k", {"v", 7, {}});
    add("soon", {"s", 8, at_ms(258)});
    add("past", {"p", 9, at_ms(-1)});
    for (int i = 0; i < more; ++i) add("more" + std::to_string(i), {"", 9, at_ms(300 + i)});
}

std::string keys_expired(LevelDbBackend& backend, std::int64_t now, std::size_t limit = 1000) {
    const auto found = backend.expired(WallTime{std::chrono::milliseconds{now}}, limit);
    if (!found) FAIL(found.error().message());
    std::string keys;
    for (const auto& record : *found) keys += record.key + ' ';
    return keys;
}

std::string read_file(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(const fs::path& path, std::string_view bytes) {
    std::ofstream{path, std::ios::binary}.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

fs::path file_ending(const std::string& directory, std::string_view ending) {
    fs::path last;
    for (const auto& entry : fs::directory_iterator{directory}) {
        if (entry.path().string().ends_with(ending) && entry.path() > last) last = entry.path();
    }
    if (last.empty()) FAIL("no file ends in " << ending);
    return last;
}

/// Files may grow to this size and no further: the write that would do so stops in the middle.
class FileSizeLimit {
public:
    explicit FileSizeLimit(std::uintmax_t bytes) {
        ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit limit = before_;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

/// The process works in another directory.
class WorkingDirectory {
public:
    explicit WorkingDirectory(const fs::path& path) : before_{fs::current_path()} { fs::current_path(path); }
    ~WorkingDirectory() { fs::current_path(before_); }

private:
    fs::path before_;
};

/// Writes 10 kB at a time until one write fails, 100 at most. @return how many were acknowledged.
std::size_t write_many(LevelDbBackend& backend) {
    std::size_t written = 0;
    while (written < 100 && backend.write(put("key" + std::to_string(written), std::string(10'000, 'x')))) ++written;
    return written;
}

/// What a lone write answers when it finds room for ten bytes only.
Result<Version> write_into_full_disk(LevelDbBackend& backend, const std::string& path, const Batch& batch) {
    const FileSizeLimit limit{fs::file_size(file_ending(path, ".log")) + 10};
    return backend.write(batch);
}

}  // namespace

TEST_CASE("a record's bytes in LevelDB are those of the README", "[leveldb][golden]") {
    std::string bytes;
    detail::encode_leveldb_value("lobby:1", {"hello", 0x0102, {}}, bytes);
    CHECK(bytes ==
          "\x01\x00"
          "\x02\x01\x00\x00\x00\x00\x00\x00"
          "\x19\xb9\x23\x3a"
          "hello"sv);
    detail::encode_leveldb_value("lobby:1", {"hello", 0x0102, at_ms(1'700'000'000'000)}, bytes);
    CHECK(bytes ==
          "\x01\x01"
          "\x02\x01\x00\x00\x00\x00\x00\x00"
          "\x00\x68\xe5\xcf\x8b\x01\x00\x00"
          "\x0d\x01\x30\x16"
          "hello"sv);
    detail::encode_leveldb_value("lobby:1", {"hello", 0x0102, at_ms(1'700'000'000'000), packed("\0\2eu\0\1"sv)}, bytes);
    CHECK(bytes ==
          "\x01\x03"
          "\x02\x01\x00\x00\x00\x00\x00\x00"
          "\x00\x68\xe5\xcf\x8b\x01\x00\x00"
          "\x2a\x61\x97\xdd"
          "\x08\x00\x00\x00\x00\x06\x00\x02\x65\x75\x00\x01"
          "hello"sv);
    detail::encode_leveldb_value("lobby:1", {"hello", 0x0102, {}, packed("\0\2eu\0\1"sv)}, bytes);
    CHECK(bytes ==
          "\x01\x02"
          "\x02\x01\x00\x00\x00\x00\x00\x00"
          "\x3c\x76\xa3\xf5"
          "\x08\x00\x00\x00\x00\x06\x00\x02\x65\x75\x00\x01"
          "hello"sv);
}

TEST_CASE("a database holds records, index entries, expiry order, format and last version, and nothing else", "[leveldb][golden]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write(put("k", "v").put("soon", "s", at_ms(258)).put("past", "p", at_ms(-1))) ==
            Version{1});
    REQUIRE(open_or_fail({.path = path}).write(put_indexed("lobby:1", "hello", "\1eu")) == Version{2});

    const auto record = [](std::string_view key, const RecordView& view) {
        std::string bytes;
        detail::encode_leveldb_value(key, view, bytes);
        return bytes;
    };
    const std::string last_version = "\0\0joinly.last_version"s;
    const std::string entry = "\0ilobby:\1eu1"s;
    CHECK(raw_entries(path) == Entries{{"\0\0joinly.expiry\x7f\xff\xff\xff\xff\xff\xff\xffpast"s, ""},
                                       {"\0\0joinly.expiry\x80\0\0\0\0\0\x01\x02soon"s, ""},
                                       {"\0\0joinly.format"s, "\x02"},
                                       {last_version, record(last_version, {"", 2, {}})},
                                       {entry, record(entry, {"\0\x0b"sv, 2, {}})},
                                       {"k", record("k", {"v", 1, {}})},
                                       {"lobby:1", record("lobby:1", {"hello", 2, {}, packed("\1eu")})},
                                       {"past", record("past", {"p", 1, at_ms(-1)})},
                                       {"soon", record("soon", {"s", 1, at_ms(258)})}});
}

TEST_CASE("a change to a record that its batch requires replaces that record's index entries", "[leveldb][index]") {
    const TempDir dir;
    LevelDbOptions options;
    options.path = dir / "db";
    LevelDbBackend backend = open_or_fail(options);
    const auto entries = [&] {
        std::vector<std::string> keys;
        const auto scanned =
            backend.scan(KeyRange::prefix(std::string{index_entry_prefix}), [&](std::string_view key, const RecordView&) {
                keys.emplace_back(key);
                return true;
            });
        REQUIRE(scanned);
        return keys;
    };
    const auto entry = [](std::string_view term) { return index_entry("player:ada", term).key; };

    const auto first = backend.write(put_indexed("player:ada", "1", "one").require("player:ada", absent));
    REQUIRE(first);
    CHECK(entries() == std::vector{entry("one")});
    const auto second = backend.write(put_indexed("player:ada", "2", "two").require("player:ada", *first));
    REQUIRE(second);
    CHECK(entries() == std::vector{entry("two")});

    Batch twice = put_indexed("player:ada", "3", "three").require("player:ada", *second);
    twice.changes.push_back(put_indexed("player:ada", "4", "four").changes.front());
    const auto third = backend.write(twice);
    REQUIRE(third);
    CHECK(entries() == std::vector{entry("four")});
    Batch last;
    last.require("player:ada", *third).erase("player:ada").changes.front().index_terms.emplace();
    REQUIRE(backend.write(last));
    CHECK(entries().empty());
}

TEST_CASE("a database of format 1 gets its expiry order when it is opened", "[leveldb][open]") {
    const TempDir dir;
    const std::string path = dir / "db";
    make_format_1(path);
    const Entries before = raw_entries(path);
    {
        auto backend = open_or_fail({.path = path});
        CHECK(backend.last_version() == Version{9});
        CHECK(contents(backend) == std::map<std::string, std::string>{{"k", "v"}, {"past", "p"}, {"soon", "s"}});
    }
    Entries expected = before;
    expected["\0\0joinly.format"s] = "\x02";
    expected["\0\0joinly.expiry\x7f\xff\xff\xff\xff\xff\xff\xffpast"s] = "";
    expected["\0\0joinly.expiry\x80\0\0\0\0\0\x01\x02soon"s] = "";
    CHECK(raw_entries(path) == expected);

    auto backend = open_or_fail({.path = path});
    CHECK(keys_expired(backend, 1000) == "past soon ");
    REQUIRE(backend.write(put_indexed("soon", "s", "\x01")));
    CHECK(keys_expired(backend, 1000) == "past ");
    CHECK(backend.verify_integrity());
}

TEST_CASE("a damaged record does not keep a database of format 1 from being upgraded", "[leveldb][open][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    make_format_1(path);
    raw_put(path, "past", "damaged");
    auto backend = open_or_fail({.path = path});
    CHECK(backend.read("past").error() == Errc::corrupt);
    CHECK(keys_expired(backend, 1000) == "soon ");
}

TEST_CASE("a database of format 1 that cannot be upgraded stays one", "[leveldb][open][fault]") {
    const TempDir dir;
    const std::string path = dir / "db";
    make_format_1(path, 300);
    (void)raw(path);  // makes a table of its log, so that opening has little else to write
    {
        const FileSizeLimit limit{4000};
        CHECK(LevelDbBackend::open({.path = path}).error() == Errc::io);
    }
    CHECK(raw_get(*raw(path), "\0\0joinly.format"sv) == "\x01");
    auto backend = open_or_fail({.path = path});
    CHECK(keys_expired(backend, 1000, 3) == "past soon more0 ");
    CHECK(backend.expired(WallTime{std::chrono::milliseconds{1000}}, 1000)->size() == 302);
}

TEST_CASE("no changed bit of a stored record goes unnoticed", "[leveldb][damage]") {
    std::string bytes;
    const std::string terms = GENERATE(""s, packed("a term"));
    detail::encode_leveldb_value("key", {"value", 77, at_ms(12345), terms}, bytes);
    REQUIRE(detail::decode_leveldb_value("key", bytes)->expires_at == at_ms(12345));
    REQUIRE(detail::decode_leveldb_value("key", bytes)->index_terms == terms);
    REQUIRE(detail::decode_leveldb_value("key", bytes)->value == "value");
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
        if (detail::decode_leveldb_value("key", damaged)) FAIL("bit " << bit);
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        if (detail::decode_leveldb_value("key", std::string_view{bytes}.substr(0, size))) FAIL("cut to " << size);
    }
    SUCCEED();
}

TEST_CASE("a record under another key than its own is corrupt, and the message names the key", "[leveldb][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write(put("lobby:1", "v")));
    const std::string stored = raw_get(*raw(path), "lobby:1");
    raw_put(path, "lobby:2", stored);

    auto backend = open_or_fail({.path = path});
    CHECK(backend.read("lobby:1")->value == "v");
    const auto moved = backend.read("lobby:2");
    REQUIRE(moved.error() == Errc::corrupt);
    CHECK(moved.error().message().find("lobby:2") != std::string_view::npos);
    const auto scanned = backend.scan({}, [](std::string_view, const RecordView&) { return true; });
    REQUIRE(scanned.error() == Errc::corrupt);
    CHECK(scanned.error().message().find("lobby:2") != std::string_view::npos);
    CHECK(backend.verify_integrity().error() == Errc::corrupt);
    CHECK(backend.write(Batch{}.require("lobby:2", 1)).error() == Errc::corrupt);
}

TEST_CASE("a record of a newer format is incompatible", "[leveldb]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write({}));
    raw_put(path, "k", "\x02 and whatever the future holds");
    CHECK(open_or_fail({.path = path}).read("k").error() == Errc::incompatible);
}

TEST_CASE("a database in a directory that is missing is not made, and the message says so", "[leveldb][open]") {
    const TempDir dir;
    const auto opened = LevelDbBackend::open({.path = dir / "missing/db"});
    REQUIRE(opened.error() == Errc::io);
    CHECK(opened.error().message().find("missing/db: the directory that it would be made in does not exist") !=
          std::string_view::npos);
    CHECK_FALSE(fs::exists(dir / "missing"));
}

TEST_CASE("a database of a newer format is not opened", "[leveldb][open]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write(put("k", "v")));
    raw_put(path, "\0\0joinly.format"sv, "\x03");
    const auto opened = LevelDbBackend::open({.path = path});
    REQUIRE(opened.error() == Errc::incompatible);
    CHECK(opened.error().message().find("format 3") != std::string_view::npos);
    CHECK(LevelDbBackend::repair({.path = path}).error() == Errc::incompatible);
    CHECK(raw_get(*raw(path), "\0\0joinly.format"sv) == "\x03");
}

TEST_CASE("the adapter's own keys cannot be read, scanned or written", "[leveldb]") {
    const TempDir dir;
    auto backend = open_or_fail({.path = dir / "db"});
    REQUIRE(backend.write(put("\0index"s, "i").put("\0\0joinlz"s, "z").put("k", "v", at_ms(5)).put("\0"s, "first")));

    const std::vector<std::string> keys{"\0"s, "\0\0joinlz"s, "\0index"s, "k"s};
    for (const Direction direction : {Direction::forward, Direction::backward}) {
        std::vector<std::string> seen;
        for (const std::string& begin : {""s, "\0\0joinly"s, "\0\0joinly.g"s}) {
            REQUIRE(backend.scan({begin, "", direction}, [&](std::string_view key, const RecordView&) {
                seen.insert(direction == Direction::forward ? seen.end() : seen.begin(), std::string{key});
                return true;
            }));
            CHECK(std::equal(keys.rbegin(), keys.rend() - (begin.empty() ? 0 : 1), seen.rbegin(), seen.rend()));
            seen.clear();
        }
        REQUIRE(backend.scan({"", "\0\0joinly.g"s, direction}, [&](std::string_view key, const RecordView&) {
            seen.emplace_back(key);
            return true;
        }));
        CHECK(seen == std::vector{"\0"s});
    }
    for (const std::string& own : {"\0\0joinly.format"s, "\0\0joinly.last_version"s, "\0\0joinly"s, "\0\0joinly.expiry"s}) {
        CHECK(backend.read(own).error() == Errc::not_found);
        CHECK(backend.write(put(own, "v")).error() == Errc::invalid_argument);
        CHECK(backend.write(Batch{}.erase(own)).error() == Errc::invalid_argument);
        CHECK(backend.write(Batch{}.require(own, absent)).error() == Errc::invalid_argument);
    }
    CHECK(backend.last_version() == Version{1});
}

TEST_CASE("a backward scan begins before the end of its range", "[leveldb][scan]") {
    const TempDir dir;
    auto backend = open_or_fail({.path = dir / "db"});
    REQUIRE(backend.write(put("a", "").put("b", "").put("c", "").put("d", "")));
    const auto keys = [&](const KeyRange& range) {
        std::string found;
        REQUIRE(backend.scan(range, [&](std::string_view key, const RecordView&) {
            found += key;
            return true;
        }));
        return found;
    };
    CHECK(keys({"", "", Direction::backward}) == "dcba");
    CHECK(keys({"b", "d", Direction::backward}) == "cb");
    CHECK(keys({"b", "cc", Direction::backward}) == "cb");
    CHECK(keys({"b", "z", Direction::backward}) == "dcb");
    CHECK(keys({"c", "b", Direction::backward}).empty());
    CHECK(keys({"b", "d", Direction::forward}) == "bc");
}

TEST_CASE("a visitor that throws leaves nothing behind that the database would wait for", "[leveldb][scan]") {
    const TempDir dir;
    {
        auto backend = open_or_fail({.path = dir / "db"});
        REQUIRE(backend.write(put("a", "1")));
        const auto thrower = [](std::string_view, const RecordView&) -> bool { throw std::runtime_error{"enough"}; };
        CHECK_THROWS_WITH((void)backend.scan({}, thrower), "enough");
        const std::string_view keys[] = {"a"};
        CHECK_THROWS((void)backend.read_many(keys, [](std::size_t, Result<Record>) { throw std::runtime_error{"enough"}; }));
    }  // LevelDB aborts here if an iterator is left
    CHECK(open_or_fail({.path = dir / "db"}).read("a")->value == "1");
}

TEST_CASE("a visitor may write, and the scan does not see it", "[leveldb][scan]") {
    const TempDir dir;
    auto backend = open_or_fail({.path = dir / "db"});
    REQUIRE(backend.write(put("a", "").put("b", "")));
    std::string seen;
    REQUIRE(backend.scan({}, [&](std::string_view key, const RecordView&) {
        seen += key;
        return backend.write(put("c" + std::string{key}, "")).has_value() && backend.read("b").has_value();
    }));
    CHECK(seen == "ab");
    CHECK(contents(backend).size() == 4);
}

TEST_CASE("batches of one group are decided one after the other", "[leveldb][write]") {
    const TempDir dir;
    auto engine = detail::LevelDbEngine::open({.path = dir / "db"});
    REQUIRE(engine);
    const Batch first = put("k", "1").put("gone", "x");
    const Batch second = put("k", "2").erase("gone").require("k", 1).require("gone", 1);
    const Batch late = put("k", "late").require("k", 1);
    const Batch third = put("gone", "again").require("gone", absent).require("k", 2);
    detail::LevelDbWriter writer{**engine, false};
    CHECK(writer.add(first) == Version{1});
    CHECK(writer.add(second) == Version{2});
    const auto refused = writer.add(late);
    REQUIRE(refused.error() == Errc::conflict);
    CHECK(refused.error().message() == "k is at version 2, not at version 1");
    CHECK(writer.add(third) == Version{3});
    REQUIRE(writer.write(Sync::process_crash).ok());
    CHECK((*engine)->last_version() == 3);

    std::string value;
    REQUIRE((*engine)->db().Get({}, "k", &value).ok());
    CHECK(detail::decode_leveldb_value("k", value)->value == "2");
    REQUIRE((*engine)->db().Get({}, "gone", &value).ok());
    CHECK(detail::decode_leveldb_value("gone", value)->version == 3);
}

TEST_CASE("a batch that follows another version than the last one is a conflict and changes nothing", "[leveldb][write]") {
    const TempDir dir;
    auto backend = open_or_fail({.path = dir / "db"});
    const auto after = [](Version version, std::string value) {
        Batch batch = put("k", std::move(value));
        batch.after = version;
        return batch;
    };
    CHECK(backend.write(after(absent, "1")) == Version{1});
    CHECK(backend.write(put("other", "")) == Version{2});
    for (const Version version : {Version{0}, Version{1}, Version{3}}) {
        const auto refused = backend.write(after(version, "refused"));
        REQUIRE(refused.error() == Errc::conflict);
        CHECK(refused.error().message() ==
              "the database is at version 2, not " + std::to_string(version) + ": another writer was here");
    }
    CHECK(backend.read("k")->value == "1");
    CHECK(backend.last_version() == Version{2});
    CHECK(backend.write(after(2, "2")) == Version{3});
}

TEST_CASE("the version that a batch follows counts the earlier batches of its group", "[leveldb][write]") {
    const TempDir dir;
    auto engine = detail::LevelDbEngine::open({.path = dir / "db"});
    REQUIRE(engine);
    const Batch first = put("k", "1");
    Batch second = put("k", "2");
    detail::LevelDbWriter writer{**engine, false};
    CHECK(writer.add(first) == Version{1});
    second.after = absent;
    CHECK(writer.add(second).error() == Errc::conflict);
    second.after = 1;
    CHECK(writer.add(second) == Version{2});
}

TEST_CASE("a record that an earlier batch of the group lets expire is absent to the next", "[leveldb][write]") {
    const TempDir dir;
    auto engine = detail::LevelDbEngine::open({.path = dir / "db"});
    REQUIRE(engine);
    const Batch first = Batch{}.put("k", "1", at_ms(1000));
    Batch second = put("k", "2").require("k", absent);
    detail::LevelDbWriter writer{**engine, false};
    REQUIRE(writer.add(first));
    second.now = WallTime{std::chrono::milliseconds{999}};
    CHECK(writer.add(second).error() == Errc::conflict);
    second.now = WallTime{std::chrono::milliseconds{1000}};
    CHECK(writer.add(second) == Version{2});
}

TEST_CASE("a batch sees the index entries and ranges that earlier batches of its group left", "[leveldb][write]") {
    const TempDir dir;
    auto engine = detail::LevelDbEngine::open({.path = dir / "db"});
    REQUIRE(engine);
    const Batch first = put_indexed("player:a", "1", "x").put("player:b", "1");
    Batch moved = put_indexed("player:a", "2", "y").erase("player:b");
    Batch late = put("late", "");
    Batch last = put_indexed("player:a", "3", "z");
    const auto holds = [](const KeyRange& range, std::vector<std::pair<std::string, Version>> records) {
        RangeDigest digest{42};
        for (const auto& [key, version] : records) digest.add(key, version);
        return RangeRequirement{range, 42, digest.value()};
    };
    moved.ranges = {holds(KeyRange::prefix("player:"), {{"player:a", 1}, {"player:b", 1}}), holds(KeyRange::prefix("x"), {})};
    late.ranges = {holds(KeyRange::prefix("player:"), {{"player:a", 1}, {"player:b", 1}})};
    last.ranges = {holds(KeyRange::prefix("player:"), {{"player:a", 2}}),
                   holds(KeyRange::prefix(index_entry_prefix), {{index_entry("player:a", "y").key, 2}})};
    {
        detail::LevelDbWriter writer{**engine, false};
        CHECK(writer.add(first) == Version{1});
        CHECK(writer.add(moved) == Version{2});
        const auto refused = writer.add(late);
        REQUIRE(refused.error() == Errc::conflict);
        CHECK(refused.error().message() == "the records from player: up to player; have changed since they were read");
        CHECK(writer.add(last) == Version{3});
        REQUIRE(writer.write(Sync::process_crash).ok());
    }
    engine->reset();
    auto backend = open_or_fail({.path = dir / "db"});
    const Entries found = contents(backend);
    CHECK(found == Entries{{"player:a", "3"}, {index_entry("player:a", "z").key, index_entry("player:a", "z").value}});
}

TEST_CASE("a damaged record can be replaced and erased, and its index entries go with it", "[leveldb][write][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    {
        auto backend = open_or_fail({.path = path});
        REQUIRE(backend.write(put_indexed("player:ada", "1", "x")));
        REQUIRE(backend.write(put_indexed("player:bob", "1", "x")));
        REQUIRE(backend.write(put_indexed("player:eve", "1", "x")));
    }
    for (const char* key : {"player:ada", "player:bob"}) raw_put(path, key, "damaged");
    auto backend = open_or_fail({.path = path});
    const auto followed = [&] {
        std::string keys;
        auto status =
            backend.follow(KeyRange::prefix(index_entry_prefix), [&](std::string_view, std::string_view key, const RecordView&) {
                keys.append(key) += ' ';
                return true;
            });
        return status ? keys : std::string{to_string(status.error().code())};
    };
    CHECK(followed() == "corrupt");
    REQUIRE(backend.write(put_indexed("player:ada", "2", "y")));
    Batch erase = Batch{}.erase("player:bob");
    erase.changes.front().index_terms.emplace();
    REQUIRE(backend.write(erase));
    CHECK(followed() == "player:eve player:ada ");
}

TEST_CASE("places in the expiry order that have become stale are erased by the search for expired records", "[leveldb][expiry]") {
    const TempDir dir;
    const std::string path = dir / "db";
    {
        auto backend = open_or_fail({.path = path});
        for (int i = 0; i < 300; ++i) REQUIRE(backend.write(Batch{}.put("renewed", "", at_ms(i))));
        REQUIRE(backend.write(Batch{}.put("erased", "", at_ms(400)).put("later", "", at_ms(2000))));
        REQUIRE(backend.write(Batch{}.erase("erased").put("later", "", at_ms(3000))));
        CHECK(keys_expired(backend, 1000) == "renewed ");
    }
    const Entries left = raw_entries(path);
    CHECK(std::count_if(left.begin(), left.end(), [](const auto& entry) { return detail::is_leveldb_expiry_key(entry.first); }) ==
          3);
    CHECK(left.count(detail::leveldb_expiry_key(at_ms(299), "renewed")) == 1);
    CHECK(left.count(detail::leveldb_expiry_key(at_ms(2000), "later")) == 1);
}

TEST_CASE("a damaged record does not keep others from being found expired", "[leveldb][expiry][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write(Batch{}.put("a", "", at_ms(1)).put("b", "", at_ms(2))));
    raw_put(path, "a", "damaged");
    auto backend = open_or_fail({.path = path});
    CHECK(keys_expired(backend, 10, 1) == "b ");
    CHECK(backend.verify_integrity().error() == Errc::corrupt);
}

TEST_CASE("a search for expired records that cannot erase stale places fails as a write does", "[leveldb][expiry][fault]") {
    const TempDir dir;
    const LevelDbOptions options{.path = dir / "db"};
    auto backend = open_or_fail(options);
    REQUIRE(backend.write(Batch{}.put("k", "", at_ms(1))));
    REQUIRE(backend.write(Batch{}.put("k", "", at_ms(2))));
    {
        const FileSizeLimit limit{fs::file_size(file_ending(options.path, ".log")) + 10};
        CHECK(backend.expired(WallTime{std::chrono::milliseconds{10}}, 10).error() == Errc::io);
    }
    CHECK(keys_expired(backend, 10) == "k ");
    REQUIRE(backend.write(put("after", "")));
    CHECK(keys_expired(backend, 10) == "k ");
}

TEST_CASE("verify_integrity finds a record that is missing in the expiry order", "[leveldb][expiry][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write(Batch{}.put("soon", "", at_ms(5))));
    REQUIRE(raw(path)->Delete({}, detail::leveldb_expiry_key(at_ms(5), "soon")).ok());
    const auto verified = open_or_fail({.path = path}).verify_integrity();
    REQUIRE(verified.error() == Errc::corrupt);
    CHECK(verified.error().message().find("soon is missing in the order of expiry") != std::string_view::npos);
    REQUIRE(LevelDbBackend::repair({.path = path}));
    auto backend = open_or_fail({.path = path});
    CHECK(backend.verify_integrity());
    CHECK(keys_expired(backend, 10) == "soon ");
}

TEST_CASE("repair makes index entries agree with the records that are left", "[leveldb][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    {
        auto backend = open_or_fail({.path = path});
        for (const char* id : {"kept", "damaged", "lost", "unindexed"}) {
            REQUIRE(backend.write(put_indexed("player:" + std::string{id}, id, "x")));
        }
    }
    raw_put(path, "player:damaged", "not a record");
    REQUIRE(raw(path)->Delete({}, "player:lost").ok());
    REQUIRE(raw(path)->Delete({}, index_entry("player:unindexed", "x").key).ok());

    REQUIRE(LevelDbBackend::repair({.path = path}));
    auto backend = open_or_fail({.path = path});
    const auto kept = index_entry("player:kept", "x");
    const auto made_again = index_entry("player:unindexed", "x");
    CHECK(contents(backend) == Entries{{kept.key, kept.value},
                                       {made_again.key, made_again.value},
                                       {"player:kept", "kept"},
                                       {"player:unindexed", "unindexed"}});
    CHECK(backend.verify_integrity());
}

TEST_CASE("versions go on after everything was erased and the database reopened", "[leveldb][write]") {
    const TempDir dir;
    const LevelDbOptions options{.path = dir / "db", .sync = Sync::process_crash};
    REQUIRE(open_or_fail(options).write(put("k", "v")) == Version{1});
    REQUIRE(open_or_fail(options).write(Batch{}.erase("k")) == Version{2});
    auto backend = open_or_fail(options);
    CHECK(backend.last_version() == Version{2});
    CHECK(backend.write(put("k", "v")) == Version{3});
}

TEST_CASE("opening refuses what is no database, and touches nothing", "[leveldb][open]") {
    const TempDir dir;
    const std::string path = dir / "db";
    SECTION("an empty path") { CHECK(LevelDbBackend::open({}).error() == Errc::invalid_argument); }
    SECTION("a file") {
        write_file(path, "text");
        CHECK(LevelDbBackend::open({.path = path}).error() == Errc::incompatible);
        CHECK(read_file(path) == "text");
    }
    SECTION("a directory of something else") {
        fs::create_directory(path);
        write_file(path + "/notes.txt", "text");
        const auto opened = LevelDbBackend::open({.path = path});
        REQUIRE(opened.error() == Errc::incompatible);
        CHECK(opened.error().message().find("notes.txt") != std::string_view::npos);
        CHECK(std::distance(fs::directory_iterator{path}, {}) == 1);
    }
    SECTION("a path whose parent is missing") {
        CHECK(LevelDbBackend::open({.path = path + "/deeper"}).error() == Errc::io);
        CHECK(!fs::exists(path));
    }
    SECTION("another program's LevelDB database") {
        raw_put(path, "theirs", "value");
        CHECK(LevelDbBackend::open({.path = path}).error() == Errc::incompatible);
        CHECK(raw_get(*raw(path), "theirs") == "value");
        CHECK(raw_get(*raw(path), "\0\0joinly.format"sv) == "NotFound: ");
    }
}

TEST_CASE("a directory that cannot be written is read_only", "[leveldb][open]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write(put("k", "v")));
    fs::permissions(dir.path(), fs::perms::all);
    for (const auto& entry : fs::directory_iterator{path}) fs::permissions(entry.path(), fs::perms{0444});
    fs::permissions(path, fs::perms{0555});
    const bool root = ::geteuid() == 0;
    if (root) REQUIRE(::seteuid(65534) == 0);  // root may write everywhere
    const auto opened = LevelDbBackend::open({.path = path});
    if (root) REQUIRE(::seteuid(0) == 0);
    fs::permissions(path, fs::perms::all);
    REQUIRE(!opened);
    CHECK(opened.error() == Errc::read_only);
}

TEST_CASE("a creation that was cut short is taken up again", "[leveldb][open]") {
    const TempDir dir;
    const std::string path = dir / "db";
    fs::create_directory(path);
    for (const char* name : {"LOCK", "LOG", "MANIFEST-000001", "000001.dbtmp"}) write_file(path + '/' + name, "");
    CHECK(open_or_fail({.path = path}).write(put("k", "v")));
}

TEST_CASE("a lost CURRENT is corrupt, loses nothing, and can be repaired", "[leveldb][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write(put("k", "v")));
    fs::remove(path + "/CURRENT");
    const auto opened = LevelDbBackend::open({.path = path});
    REQUIRE(opened.error() == Errc::corrupt);
    CHECK(opened.error().message().find("repair") != std::string_view::npos);

    REQUIRE(LevelDbBackend::repair({.path = path}));
    auto backend = open_or_fail({.path = path});
    CHECK(backend.read("k")->value == "v");
    CHECK(backend.write(put("k", "w")) == Version{2});
}

TEST_CASE("a database that is open is busy, under every spelling of its path", "[leveldb][open]") {
    const TempDir dir;
    const std::string path = dir / "db";
    auto backend = open_or_fail({.path = path});
    CHECK(LevelDbBackend::open({.path = path}).error() == Errc::busy);
    CHECK(LevelDbBackend::open({.path = path + "/."}).error() == Errc::busy);
    CHECK(LevelDbBackend::repair({.path = path}).error() == Errc::busy);
    CHECK(backend.write(put("k", "v")));
}

TEST_CASE("a second attempt to open a database does not take the lock from the first", "[leveldb][open]") {
    const TempDir dir;
    const std::string path = dir / "db";
    const auto backend = open_or_fail({.path = path});
    REQUIRE(LevelDbBackend::open({.path = path}).error() == Errc::busy);
    const std::string lock_path = path + "/LOCK";
    const pid_t child = ::fork();
    if (child == 0) {  // another process, as LevelDB would ask
        const int fd = ::open(lock_path.c_str(), O_RDWR);
        struct flock wanted {};
        wanted.l_type = F_WRLCK;
        wanted.l_whence = SEEK_SET;
        ::_exit(fd >= 0 && ::fcntl(fd, F_SETLK, &wanted) == 0 ? 1 : 0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("after a failed write the database is reopened, and what is acknowledged then lasts", "[leveldb][fault]") {
    const TempDir dir;
    const LevelDbOptions options{.path = dir / "db"};
    {
        auto backend = open_or_fail(options);
        REQUIRE(backend.write(put("before", "1")));
        const auto failed = write_into_full_disk(backend, options.path, put("failed", std::string(100'000, 'x')));
        REQUIRE(!failed);
        CHECK(failed.error() == Errc::io);
        CHECK(failed.error().message().find("LevelDB") != std::string_view::npos);
        const auto after = backend.write(put("after", "2"));
        REQUIRE(after);
        CHECK(*after == *backend.last_version());
        CHECK(backend.read("before")->value == "1");
    }
    auto backend = open_or_fail(options);
    CHECK(contents(backend) == std::map<std::string, std::string>{{"before", "1"}, {"after", "2"}});
}

TEST_CASE("nothing is acknowledged after a failed write while a scan keeps the database open", "[leveldb][fault]") {
    const TempDir dir;
    const LevelDbOptions options{.path = dir / "db"};
    auto backend = open_or_fail(options);
    REQUIRE(backend.write(put("a", "1").put("b", "2")));
    std::string seen;
    REQUIRE(backend.scan({}, [&](std::string_view key, const RecordView&) {
        if (seen.empty()) {
            CHECK(!write_into_full_disk(backend, options.path, put("failed", std::string(100'000, 'x'))));
            CHECK(backend.write(put("meanwhile", "3")).error() == Errc::io);
        }
        seen += key;
        return true;
    }));
    CHECK(seen == "ab");
    CHECK(backend.write(put("after", "4")));
    CHECK(contents(backend) == std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}, {"after", "4"}});
}

TEST_CASE("a backend whose database cannot be reopened says so, and recovers when it can", "[leveldb][fault]") {
    const TempDir dir;
    const LevelDbOptions options{.path = dir / "db"};
    auto backend = open_or_fail(options);
    REQUIRE(backend.write(put("a", "1")));
    {
        const FileSizeLimit limit{16};
        REQUIRE(!backend.write(put("b", "2")));
        const auto read = backend.read("a");
        REQUIRE(read.error() == Errc::io);
        CHECK(read.error().message().find("reopening after a failed write") == 0);
    }
    while (!backend.read("a")) std::this_thread::yield();  // until it is opened again
    CHECK(backend.read("a")->value == "1");
    CHECK(backend.write(put("c", "3")));
}

TEST_CASE("a database opened by a relative path stays where it is when the process changes directory", "[leveldb][fault]") {
    const TempDir first;
    const TempDir second;
    {
        const WorkingDirectory at_first{first.path()};
        auto backend = open_or_fail({.path = "db", .write_buffer_bytes = 64 << 10, .compression = false});
        REQUIRE(backend.write(put("before", "1")));
        const WorkingDirectory at_second{second.path()};
        CHECK(write_many(backend) == 100);  // logs are rotated, tables written
        CHECK(!write_into_full_disk(backend, first / "db", put("failed", std::string(100'000, 'x'))));
        CHECK(backend.read("before")->value == "1");
        CHECK(backend.size_on_disk().value() > 0);
    }
    CHECK(fs::is_empty(second.path()));
    auto backend = open_or_fail({.path = first / "db"});
    CHECK(contents(backend).size() == 101);
    CHECK(backend.last_version().value() >= 101);
}

TEST_CASE("a database that was moved away is not created anew, and is found again when it is back", "[leveldb][fault]") {
    const TempDir dir;
    const std::string path = dir / "db";
    const std::string elsewhere = dir / "elsewhere";
    auto backend = open_or_fail({.path = path, .write_buffer_bytes = 64 << 10, .compression = false});
    REQUIRE(backend.write(put("before", "1")));
    fs::rename(path, elsewhere);
    const bool empty_instead = GENERATE(false, true);
    const std::size_t written = write_many(backend);
    REQUIRE(written < 100);
    if (empty_instead) fs::create_directory(path);

    const auto read = backend.read("before");
    REQUIRE(read.error() == Errc::io);
    CHECK(read.error().message().find(path + ": the database is no longer there") != std::string_view::npos);
    CHECK(backend.write(put("k", "v")).error() == Errc::io);
    CHECK(fs::exists(path) == empty_instead);
    CHECK((!empty_instead || fs::is_empty(path)));

    if (empty_instead) fs::remove(path);
    fs::rename(elsewhere, path);
    CHECK(backend.write(put("after", "2")).value() > written + 1);
    CHECK(contents(backend).size() >= written + 2);
}

TEST_CASE("after a failed write an older database in the place of the open one is refused", "[leveldb][fault]") {
    const TempDir dir;
    const std::string path = dir / "db";
    const std::string elsewhere = dir / "elsewhere";
    const std::string older = dir / "older";
    auto backend = open_or_fail({.path = path});
    REQUIRE(backend.write(put("k", "1")));
    REQUIRE(backend.backup_to(older));
    REQUIRE(backend.write(put("k", "2")));
    fs::rename(path, elsewhere);
    fs::rename(older, path);
    REQUIRE(!write_into_full_disk(backend, elsewhere, put("failed", std::string(100'000, 'x'))));

    const auto read = backend.read("k");
    REQUIRE(read.error() == Errc::corrupt);
    CHECK(read.error().message().find("version 1, below 2") != std::string_view::npos);
    CHECK(backend.write(put("k", "3")).error() == Errc::corrupt);

    fs::rename(path, older);
    fs::rename(elsewhere, path);
    while (!backend.read("k")) std::this_thread::yield();  // until it is opened again
    CHECK(backend.read("k")->value == "2");
    CHECK(open_or_fail({.path = older}).read("k")->value == "1");
}

TEST_CASE("an engine database without our format in the place of the open one is not made ours", "[leveldb][fault]") {
    const TempDir dir;
    const std::string path = dir / "db";
    auto backend = open_or_fail({.path = path});
    fs::rename(path, dir / "elsewhere");
    (void)raw(dir / "blank");
    fs::rename(dir / "blank", path);
    REQUIRE(!write_into_full_disk(backend, dir / "elsewhere", put("failed", std::string(100'000, 'x'))));
    CHECK(backend.read("k").error() == Errc::io);
    CHECK(raw_get(*raw(path), "\0\0joinly.format"sv) == "NotFound: ");
}

TEST_CASE("threads that write, read and scan while writes fail lose nothing acknowledged", "[leveldb][fault][threads]") {
    const TempDir dir;
    const LevelDbOptions options{.path = dir / "db", .sync = Sync::process_crash};
    std::vector<std::vector<std::string>> acknowledged(3);
    {
        auto backend = open_or_fail(options);
        REQUIRE(backend.write(put("first", "")));
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        for (auto& keys : acknowledged) {
            threads.emplace_back([&backend, &keys, who = threads.size()] {
                for (int i = 0; i < 150; ++i) {
                    std::string key = std::to_string(who) + '/' + std::to_string(i);
                    if (backend.write(put(key, key))) keys.push_back(std::move(key));
                }
            });
        }
        std::thread reader{[&] {
            while (!stop) {
                (void)backend.read("0/0");
                (void)backend.scan({}, [](std::string_view, const RecordView&) { return true; });
            }
        }};
        for (int i = 0; i < 5; ++i) (void)write_into_full_disk(backend, options.path, put("big", std::string(100'000, 'x')));
        for (auto& thread : threads) thread.join();
        stop = true;
        reader.join();
    }
    auto backend = open_or_fail(options);
    std::size_t missing = 0;
    for (const auto& keys : acknowledged) {
        CHECK(!keys.empty());
        for (const auto& key : keys) missing += !backend.read(key).has_value();
    }
    CHECK(missing == 0);
}

TEST_CASE("a log that was cut short opens without its last write", "[leveldb][torn]") {
    const TempDir dir;
    const std::string path = dir / "db";
    {
        auto backend = open_or_fail({.path = path});
        REQUIRE(backend.write(put("a", "1")));
        REQUIRE(backend.write(put("b", std::string(2000, 'b'))));
    }
    const fs::path log = file_ending(path, ".log");
    fs::resize_file(log, fs::file_size(log) - 500);
    auto backend = open_or_fail({.path = path});
    CHECK(contents(backend) == std::map<std::string, std::string>{{"a", "1"}});
    CHECK(backend.write(put("c", "3")) == Version{2});
}

TEST_CASE("a log that ends in zeros after a power failure opens without its last write", "[leveldb][torn]") {
    for (const std::size_t size : {3000u, 100'000u}) {  // one frame of the log, or four
        for (const std::size_t sectors_written : {1u, 2u, 4u, 5u}) {
            const TempDir dir;
            const std::string path = dir / "db";
            std::size_t start = 0;
            {
                auto backend = open_or_fail({.path = path});
                REQUIRE(backend.write(put("a", "1")));
                start = fs::file_size(file_ending(path, ".log"));
                REQUIRE(backend.write(put("b", std::string(size, 'b'))));
            }
            const fs::path log = file_ending(path, ".log");
            std::string bytes = read_file(log);
            const std::size_t kept = (start / 512 + sectors_written) * 512;
            bytes.replace(kept, std::string::npos, bytes.size() - kept, '\0');
            write_file(log, bytes);
            auto backend = open_or_fail({.path = path});
            CHECK(contents(backend) == std::map<std::string, std::string>{{"a", "1"}});
        }
    }
}

TEST_CASE("a log that a power failure tears while the database is being opened again opens without its last write",
          "[leveldb][torn]") {
    const TempDir dir;
    const std::string path = dir / "db";
    std::size_t start = 0;
    {
        auto backend = open_or_fail({.path = path});
        REQUIRE(backend.write(put("a", "1")));
        start = fs::file_size(file_ending(path, ".log"));
        REQUIRE(backend.write(put("b", std::string(3000, 'b'))));
    }
    const fs::path log = file_ending(path, ".log");
    std::string bytes = read_file(log);
    const std::size_t kept = (start / 512 + 2) * 512;
    bytes.replace(kept, 512, 512, '\0');
    write_file(log, bytes);
    write_file(path + "/000099.log", "");  // opening makes the next log before it has done with this one
    auto backend = open_or_fail({.path = path});
    CHECK(contents(backend) == std::map<std::string, std::string>{{"a", "1"}});
}

TEST_CASE("a MANIFEST whose last record a power failure left in part opens as it was before", "[leveldb][torn]") {
    const TempDir dir;
    const std::string path = dir / "db";
    const std::string copy = dir / "copy";
    const std::map<std::string, std::string> all{{std::string(1000, 'a'), "1"}, {std::string(1000, 'z'), "2"}};
    const auto manifest_of = [](const std::string& directory) {
        std::string name = read_file(directory + "/CURRENT");
        name.pop_back();
        return directory + '/' + name;
    };
    std::string before;
    std::string after;
    {
        auto backend = open_or_fail({.path = path});
        for (const auto& [key, value] : all) REQUIRE(backend.write(put(key, value)));
        before = read_file(manifest_of(path));
        fs::copy(path, copy);
        REQUIRE(backend.compact());  // a record in the MANIFEST that names both keys
        after = read_file(manifest_of(path));
    }
    REQUIRE(after.size() > before.size() + 2 * 512);
    for (std::size_t lost = before.size() / 512; lost < after.size() / 512; ++lost) {
        CAPTURE(lost);
        const std::string cut = dir / "cut";
        fs::remove_all(cut);
        fs::copy(copy, cut);
        std::string bytes = after;
        for (std::size_t i = (std::max)(lost * 512, before.size()); i < (lost + 1) * 512; ++i) bytes[i] = '\0';
        write_file(manifest_of(cut), bytes);
        auto backend = open_or_fail({.path = cut});
        CHECK(contents(backend) == all);
    }
}

TEST_CASE("a log damaged before its end is corrupt, and repair saves the rest", "[leveldb][torn][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    {
        auto backend = open_or_fail({.path = path});
        for (int i = 0; i < 10; ++i) REQUIRE(backend.write(put("key" + std::to_string(i), std::string(100, 'v'))));
    }
    const fs::path log = file_ending(path, ".log");
    std::string bytes = read_file(log);
    const auto victim = bytes.find("key4");
    REQUIRE(victim != std::string::npos);
    bytes[victim + 50] = '?';
    write_file(log, bytes);

    const auto opened = LevelDbBackend::open({.path = path});
    REQUIRE(opened.error() == Errc::corrupt);
    CHECK(opened.error().message().find("LevelDbBackend::repair") != std::string_view::npos);
    CHECK(read_file(log) == bytes);

    REQUIRE(LevelDbBackend::repair({.path = path}));
    auto backend = open_or_fail({.path = path});
    CHECK(backend.read("key4").error() == Errc::not_found);
    CHECK(contents(backend).size() == 9);
    CHECK(backend.write(put("new", "")) == Version{11});
    CHECK(backend.verify_integrity());
}

TEST_CASE("a last log record with a flipped bit is damage, not a torn write", "[leveldb][torn]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write(put("k", std::string(2000, 'v'))));
    const fs::path log = file_ending(path, ".log");
    std::string bytes = read_file(log);
    bytes[bytes.size() - 1000] = '?';
    write_file(log, bytes);
    CHECK(LevelDbBackend::open({.path = path}).error() == Errc::corrupt);
}

TEST_CASE("repair gives no version twice, even when the last one was lost", "[leveldb][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    {
        auto backend = open_or_fail({.path = path});
        for (int i = 0; i < 5; ++i) REQUIRE(backend.write(put("key" + std::to_string(i), "v")));
    }
    raw_put(path, "\0\0joinly.last_version"sv, "damaged");
    CHECK(LevelDbBackend::open({.path = path}).error() == Errc::corrupt);
    REQUIRE(LevelDbBackend::repair({.path = path}));
    auto backend = open_or_fail({.path = path});
    CHECK(backend.last_version() == Version{5});
    CHECK(contents(backend).size() == 5);
}

TEST_CASE("repair drops no entry of a database that is not ours", "[leveldb][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    raw_put(path, "theirs", "value");
    CHECK(LevelDbBackend::repair({.path = path}).error() == Errc::incompatible);
    CHECK(raw_get(*raw(path), "theirs") == "value");
    CHECK(LevelDbBackend::repair({.path = dir / "nowhere"}).error() == Errc::invalid_argument);
    CHECK(!fs::exists(dir / "nowhere"));
}

TEST_CASE("a backup is a database of its own with the same records and versions", "[leveldb][backup]") {
    const TempDir dir;
    const std::string copy = dir / "copy";
    auto backend = open_or_fail({.path = dir / "db"});
    REQUIRE(backend.write(put("k", "v").put("large", std::string(5 << 20, 'x'))));
    REQUIRE(backend.write(Batch{}.put("soon", "gone", at_ms(5))));
    REQUIRE(backend.backup_to(copy));
    REQUIRE(backend.write(put("later", "")));

    auto restored = open_or_fail({.path = copy});
    CHECK(contents(restored).size() == 3);
    CHECK(restored.read("k")->version == 1);
    CHECK(restored.read("soon")->expires_at == at_ms(5));
    CHECK(restored.last_version() == Version{2});
    CHECK(std::distance(fs::directory_iterator{dir.path()}, {}) == 2);
}

TEST_CASE("a backup needs a place where nothing is yet", "[leveldb][backup]") {
    const TempDir dir;
    auto backend = open_or_fail({.path = dir / "db"});
    write_file(dir / "copy", "precious");
    CHECK(backend.backup_to(dir / "copy").error() == Errc::invalid_argument);
    CHECK(backend.backup_to("").error() == Errc::invalid_argument);
    CHECK(read_file(dir / "copy") == "precious");
    CHECK(backend.backup_to(dir / "missing/copy").error() == Errc::io);
}

TEST_CASE("what a backup that was cut short left behind does not hinder the next", "[leveldb][backup]") {
    const TempDir dir;
    auto backend = open_or_fail({.path = dir / "db"});
    REQUIRE(backend.write(put("k", "v")));
    raw_put(dir / "copy.joinly-partial", "old", "rest");
    REQUIRE(backend.backup_to(dir / "copy"));
    auto restored = open_or_fail({.path = dir / "copy"});
    CHECK(contents(restored) == std::map<std::string, std::string>{{"k", "v"}});
    CHECK(!fs::exists(dir / "copy.joinly-partial"));
}

TEST_CASE("a damaged database makes no backup", "[leveldb][backup]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write(put("k", "v")));
    raw_put(path, "k", "\x01\x00 not what it should be"sv);
    CHECK(open_or_fail({.path = path}).backup_to(dir / "copy").error() == Errc::corrupt);
    CHECK(!fs::exists(dir / "copy"));
    CHECK(!fs::exists(dir / "copy.joinly-partial"));
}

TEST_CASE("verify_integrity finds a changed byte in a table", "[leveldb][damage]") {
    const TempDir dir;
    const LevelDbOptions options{.path = dir / "db", .compression = false};
    {
        auto backend = open_or_fail(options);
        for (int i = 0; i < 50; ++i) REQUIRE(backend.write(put("key" + std::to_string(i), std::string(500, 'v'))));
        REQUIRE(backend.compact());
        REQUIRE(backend.verify_integrity());
    }
    const fs::path table = file_ending(options.path, ".ldb");
    std::string bytes = read_file(table);
    bytes[bytes.size() / 2] = '?';
    write_file(table, bytes);
    auto backend = open_or_fail(options);
    CHECK(backend.verify_integrity().error() == Errc::corrupt);
}

TEST_CASE("verify_integrity finds a record above the last version", "[leveldb][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    REQUIRE(open_or_fail({.path = path}).write(put("k", "v")));
    std::string bytes;
    detail::encode_leveldb_value("k", {"v", 2, {}}, bytes);
    raw_put(path, "k", bytes);
    CHECK(open_or_fail({.path = path}).verify_integrity().error() == Errc::corrupt);
}

TEST_CASE("compact removes the bytes of erased records", "[leveldb][compact]") {
    const TempDir dir;
    const LevelDbOptions options{.path = dir / "db", .sync = Sync::process_crash, .compression = false};
    const auto on_disk = [&](std::string_view bytes) {
        const auto holds = [&](const auto& entry) { return read_file(entry.path()).find(bytes) != std::string::npos; };
        return std::any_of(fs::directory_iterator{options.path}, fs::directory_iterator{}, holds);
    };
    auto backend = open_or_fail(options);
    REQUIRE(backend.write(put("secret", "a-secret-value").put("other", "another-value")));
    REQUIRE(backend.compact());
    REQUIRE(on_disk("a-secret-value"));
    REQUIRE(backend.write(Batch{}.erase("secret")));
    REQUIRE(backend.compact());
    CHECK(!on_disk("a-secret-value"));
    CHECK(on_disk("another-value"));
}

TEST_CASE("compression makes what compresses well smaller on disk", "[leveldb]") {
    const auto size_with = [](bool compression) {
        const TempDir dir;
        const LevelDbOptions options{.path = dir / "db", .sync = Sync::process_crash, .compression = compression};
        Batch batch;
        for (int i = 0; i < 2'000; ++i) batch.put("key" + std::to_string(i), std::string(2'000, 'x'));
        REQUIRE(open_or_fail(options).write(batch));
        LevelDbBackend backend = open_or_fail(options);
        REQUIRE(backend.compact());
        return backend.size_on_disk().value();
    };
    const std::uint64_t plain = size_with(false);
    CHECK(plain > 4'000'000);
    CHECK(size_with(true) < plain / 4);
}

TEST_CASE("size_on_disk is the size of the directory's files", "[leveldb]") {
    const TempDir dir;
    const std::string path = dir / "db";
    auto backend = open_or_fail({.path = path});
    const auto before = backend.size_on_disk();
    REQUIRE(backend.write(put("k", std::string(100'000, 'x'))));
    const auto after = backend.size_on_disk();
    REQUIRE(before);
    REQUIRE(after);
    CHECK(*after >= *before + 100'000);
    std::uintmax_t total = 0;
    for (const auto& entry : fs::directory_iterator{path}) total += entry.file_size();
    CHECK(*after == total);
}

TEST_CASE("tables have a filter of so many bits a key as the options say, or none", "[leveldb][options]") {
    const auto bytes_of_tables = [](int bits) {
        const TempDir dir;
        LevelDbOptions options;
        options.path = dir / "db";
        options.bloom_bits_per_key = bits;
        options.compression = false;
        auto backend = open_or_fail(options);
        Batch batch;
        for (int i = 0; i < 8000; ++i) batch.put("key" + std::to_string(i), "v");
        REQUIRE(backend.write(batch));
        REQUIRE(backend.compact());
        return fs::file_size(file_ending(options.path, ".ldb"));
    };
    const auto none = bytes_of_tables(0), ten = bytes_of_tables(10), twenty = bytes_of_tables(20);
    CHECK(ten - none >= 8000 * 10 / 8);
    CHECK(twenty - none >= 8000 * 20 / 8);
    CHECK(twenty - none < 8000 * 20 / 8 * 2);
}

#if !defined(JOINLY_TESTS_SANITIZED)  // which takes several times that
TEST_CASE("a record of over 1 GiB is refused by name, and costs nothing that is there", "[leveldb][large]") {
    const TempDir dir;
    auto backend = open_or_fail({.path = dir / "db"});
    REQUIRE(backend.write(put("k", "v")));
    const auto refused = backend.write(put("huge", std::string((std::size_t{1} << 30) - 3, 'x')));  // with its key one byte more
    REQUIRE(refused.error() == Errc::invalid_argument);
    CHECK(refused.error().message().find("huge") != std::string_view::npos);
    CHECK(contents(backend) == std::map<std::string, std::string>{{"k", "v"}});
}
#endif

TEST_CASE("size_by_part tells tables from what is not in one yet", "[leveldb]") {
    static_assert(joinly::tells_size_by_part<joinly::LevelDbBackend>);
    const TempDir dir;
    const std::string path = dir / "db";
    auto backend = open_or_fail({.path = path});
    const auto bytes = [&](std::string_view name) {
        const auto parts = backend.size_by_part();
        REQUIRE(parts);
        for (const joinly::StoragePart& part : *parts) {
            if (part.name == name) return part.bytes;
        }
        FAIL("no part " << name);
        return std::uint64_t{0};
    };
    const auto on_disk = [&](std::string_view file) {
        std::uint64_t sum = 0;
        for (const auto& entry : fs::directory_iterator{path}) {
            if (entry.path().filename().string().find(file) != std::string::npos) sum += entry.file_size();
        }
        return sum;
    };
    REQUIRE(backend.write(put("k", std::string(100'000, 'x'))));
    CHECK(bytes("tables") == 0);
    CHECK(bytes("log") > 100'000);
    REQUIRE(backend.compact());
    CHECK(bytes("tables") == on_disk(".ldb"));
    CHECK(bytes("tables") > 0);
    CHECK(bytes("log") == on_disk(".log"));
    CHECK(bytes("log") < 100'000);
    CHECK(bytes("manifest") == on_disk("MANIFEST-") + on_disk("CURRENT"));
    CHECK(bytes("info_log") == on_disk("LOG"));
    CHECK(bytes("temporary") == 0);
}

TEST_CASE("a moved backend goes on where the first one was", "[leveldb]") {
    const TempDir dir;
    auto first = open_or_fail({.path = dir / "db"});
    REQUIRE(first.write(put("k", "v")));
    auto second = std::move(first);
    CHECK(second.read("k")->value == "v");
    first = open_or_fail({.path = dir / "other"});
    second = std::move(first);  // closes the database it had
    CHECK(second.read("k").error() == Errc::not_found);
    CHECK(open_or_fail({.path = dir / "db"}).read("k")->value == "v");
}
