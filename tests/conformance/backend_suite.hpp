// What every storage backend promises: the comments of `storage_backend` and design.md, one test each.
//
// A test file names the backend and includes this, once:
//
//     struct Sqlite {
//         using Backend = joinly::SqliteBackend;
//         static constexpr bool durable = true;      // a reopened database still has its records
//         static Backend::Options options(const joinly::test::TempDir& dir) { return {.path = dir / "records.db"}; }
//     };
//     #define JOINLY_TESTED_BACKEND Sqlite
//     #include "tests/conformance/backend_suite.hpp"
//
// It is a macro because Catch2 makes the name of a test from it: "keys are ordered as unsigned bytes - Sqlite". Assertions
// are made on the main thread only: Catch2's are not thread-safe.
#ifndef JOINLY_TESTED_BACKEND
#error "define JOINLY_TESTED_BACKEND before including this"
#endif

#include <joinly/backend/concepts.hpp>
#include <joinly/core/key.hpp>
#include <tests/conformance/backend_database.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::string_literals;
using joinly::absent;
using joinly::Batch;
using joinly::Change;
using joinly::Direction;
using joinly::Errc;
using joinly::Expiry;
using joinly::KeyRange;
using joinly::Record;
using joinly::RecordView;
using joinly::Result;
using joinly::Status;
using joinly::Version;
using joinly::WallTime;
using namespace joinly::test;

std::string random_bytes(std::size_t size) {
    std::mt19937 random{42};
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() & 0xff);
    return bytes;
}

std::string every_byte() {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
    return bytes;
}

// ---- Records ----

TEMPLATE_TEST_CASE("a new database is empty", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    CHECK(db->read("lobby:1").error() == Errc::not_found);
    CHECK(keys_in(*db, {}).empty());
    CHECK(db->last_version() == absent);
}

TEMPLATE_TEST_CASE("a read after a returned write finds it", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version version = written(db->write(Batch{}.put("lobby:1", "waiting", Expiry{at(1'700'000'000'123)})));

    const auto record = db->read("lobby:1");
    REQUIRE(record);
    CHECK(record->value == "waiting");
    CHECK(record->version == version);
    CHECK(record->expires_at == Expiry{at(1'700'000'000'123)});
}

TEMPLATE_TEST_CASE("a put replaces value, version and expiry", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("lobby:1", "a long value at first", Expiry{at(1000)})));
    const Version second = written(db->write(Batch{}.put("lobby:1", "short")));

    const auto record = db->read("lobby:1");
    REQUIRE(record);
    CHECK(record->value == "short");
    CHECK(record->version == second);
    CHECK(record->expires_at.is_never());
    CHECK(keys_in(*db, {}) == Keys{"lobby:1"});
}

TEMPLATE_TEST_CASE("an erased record is gone", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("a", "1").put("b", "2")));
    written(db->write(Batch{}.erase("a")));
    CHECK(db->read("a").error() == Errc::not_found);
    CHECK(keys_in(*db, {}) == Keys{"b"});
}

TEMPLATE_TEST_CASE("erasing what is not there is no error", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version first = written(db->write(Batch{}.erase("nobody")));
    CHECK(first > absent);
    CHECK(written(db->write(Batch{}.erase("nobody"))) > first);
}

TEMPLATE_TEST_CASE("values are any bytes", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    const std::string value = GENERATE(as<std::string>{}, "", "\0"s, "\0\0a\0"s, "\xff\xfe\x80", "caf\xc3\xa9", every_byte());
    Database<TestType> db;
    written(db->write(Batch{}.put("key", value)));
    CHECK(value_of(*db, "key") == value);

    std::vector<std::string> seen;
    CHECK(db->scan({}, [&](std::string_view, const RecordView& record) {
        seen.emplace_back(record.value);
        return true;
    }));
    CHECK(seen == std::vector{value});
}

TEMPLATE_TEST_CASE("a value of several MiB comes back whole", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const std::string value = random_bytes(5 * 1024 * 1024 + 1);
    written(db->write(Batch{}.put("small", "1").put("big", value).put("c", "2")));
    CHECK((value_of(*db, "big") == value));  // in parentheses: nobody wants it printed
    CHECK(value_of(*db, "c") == "2");
}

TEMPLATE_TEST_CASE("text is kept as it was given", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    const std::string value = GENERATE(as<std::string>{}, "", R"({"lobby_id":"1"})", "na\xc3\xafve", "42", "  1.0 ");
    Database<TestType> db;
    Batch batch;
    batch.changes.push_back({"key", value, {}, absent, joinly::ValueForm::text});
    written(db->write(batch));
    CHECK(value_of(*db, "key") == value);
}

TEMPLATE_TEST_CASE("keys are any bytes", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    const std::string key = GENERATE(as<std::string>{}, "\x01", " ", "lobby:\0:1"s, "lobby:a:b", "\x7f", "\x80\xff", "\xff",
                                     "k" + every_byte(), std::string(joinly::max_key_bytes, 'k'));
    Database<TestType> db;
    written(db->write(Batch{}.put(key, "here")));
    CHECK(value_of(*db, key) == "here");
    CHECK(keys_in(*db, {}) == Keys{key});
    CHECK(db->read(key + 'x').error() == Errc::not_found);

    written(db->write(Batch{}.require(key, version_of(*db, key)).erase(key)));
    CHECK(db->read(key).error() == Errc::not_found);
}

TEMPLATE_TEST_CASE("keys under the library's reserved byte are kept like all others", "[backend][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Keys keys{"\0"s, "\0\0"s, "\0other"s, "\0\xff"s, "\1"s};
    Batch batch;
    for (const auto& key : keys) batch.put(key, "of " + key);
    written(db->write(batch));

    for (const auto& key : keys) CHECK(value_of(*db, key) == "of " + key);
    CHECK(keys_in(*db, {}) == keys);
    CHECK(keys_in(*db, joinly::user_keys()) == Keys{"\1"});
    CHECK(written(db->write(Batch{}.erase("\0"s))) > absent);
    CHECK(keys_in(*db, {}).size() == keys.size() - 1);
}

TEMPLATE_TEST_CASE("every expiry is kept as it was given", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max() - 1;
    const std::int64_t unix_ms =
        GENERATE_COPY(std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, std::int64_t{253'402'300'800'000}, latest);
    Database<TestType> db;
    written(db->write(Batch{}.put("key", "value", Expiry{at(unix_ms)})));
    const auto record = db->read("key");
    REQUIRE(record);
    CHECK(record->expires_at == Expiry{at(unix_ms)});
}

TEMPLATE_TEST_CASE("an expired record is still returned", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Expiry long_ago{at(1)};
    written(db->write(Batch{}.put("key", "old", long_ago)));

    CHECK(value_of(*db, "key") == "old");
    CHECK(keys_in(*db, {}) == Keys{"key"});
    CHECK(db->scan({}, [&](std::string_view, const RecordView& record) { return record.expires_at == long_ago; }));
}

// ---- Several at once ----

TEMPLATE_TEST_CASE("read_many answers every position once", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version version = written(db->write(Batch{}.put("a", "1", Expiry{at(7)}).put("c", "").put("\xff", "3")));

    const std::vector<std::string_view> keys{"c", "missing", "a", "a", "\xff", "missing"};
    std::map<std::size_t, Result<Record>> answers;
    std::size_t calls = 0;
    CHECK(db->read_many(keys, [&](std::size_t position, Result<Record> record) {
        ++calls;
        answers.emplace(position, std::move(record));
    }));

    REQUIRE(calls == keys.size());
    REQUIRE(answers.size() == keys.size());
    CHECK(answers.rbegin()->first == keys.size() - 1);
    CHECK(answers.at(0)->value.empty());
    CHECK(answers.at(1).error() == Errc::not_found);
    CHECK(answers.at(2)->value == "1");
    CHECK(answers.at(2)->expires_at == Expiry{at(7)});
    CHECK(answers.at(2)->version == version);
    CHECK(answers.at(3)->value == "1");
    CHECK(answers.at(4)->value == "3");
    CHECK(answers.at(5).error() == Errc::not_found);
}

TEMPLATE_TEST_CASE("read_many of nothing calls nobody", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    std::size_t calls = 0;
    CHECK(db->read_many({}, [&](std::size_t, Result<Record>) { ++calls; }));
    CHECK(calls == 0);
}

TEMPLATE_TEST_CASE("read_many takes thousands of keys", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    Keys keys;
    Batch batch;
    for (int i = 0; i < 5000; ++i) {
        keys.push_back("player:" + std::to_string(i));
        if (i % 2 == 0) batch.put(keys.back(), std::to_string(i));
    }
    written(db->write(batch));

    const std::vector<std::string_view> wanted(keys.begin(), keys.end());
    std::size_t right = 0;
    CHECK(db->read_many(wanted, [&](std::size_t position, Result<Record> record) {
        if (position % 2 == 0 ? record && record->value == std::to_string(position) : record.error() == Errc::not_found) ++right;
    }));
    CHECK(right == keys.size());
}

TEMPLATE_TEST_CASE("all changes of a batch get one version", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("b", "old").put("gone", "old")));
    const Version version = written(db->write(Batch{}.put("a", "1").put("b", "2").erase("gone").put("c", "3")));
    CHECK(version_of(*db, "a") == version);
    CHECK(version_of(*db, "b") == version);
    CHECK(version_of(*db, "c") == version);
    CHECK(keys_in(*db, {}) == Keys{"a", "b", "c"});
}

TEMPLATE_TEST_CASE("the last of several changes to one key wins", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("kept", "1").erase("kept").put("kept", "2").put("gone", "1").put("gone", "2").erase("gone")));
    CHECK(value_of(*db, "kept") == "2");
    CHECK(db->read("gone").error() == Errc::not_found);
}

TEMPLATE_TEST_CASE("a batch of thousands of changes is made whole", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    Batch batch;
    for (int i = 0; i < 5000; ++i) batch.put("player:" + std::to_string(i), std::string(100, 'x'));
    written(db->write(batch));
    CHECK(keys_in(*db, KeyRange::prefix("player:")).size() == 5000);
}

// ---- Requirements ----

TEMPLATE_TEST_CASE("a requirement that holds lets the batch through", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version first = written(db->write(Batch{}.require("lobby:1", absent).put("lobby:1", "created")));
    const Version second = written(db->write(Batch{}.require("lobby:1", first).put("lobby:1", "changed")));
    written(db->write(Batch{}.require("lobby:1", second).require("lobby:2", absent).erase("lobby:1")));
    CHECK(db->read("lobby:1").error() == Errc::not_found);
}

TEMPLATE_TEST_CASE("a requirement that fails gives conflict and changes nothing", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version old = written(db->write(Batch{}.put("lobby:1", "old")));
    const Version last = written(db->write(Batch{}.put("lobby:1", "new").put("other", "as it was")));

    Batch batch;
    batch.put("fresh", "1").put("other", "changed").erase("lobby:1");
    SECTION("another version is there") { batch.require("lobby:1", old); }
    SECTION("a version that never was is wanted") { batch.require("lobby:1", last + 100); }
    SECTION("it is there and should be absent") { batch.require("lobby:1", absent); }
    SECTION("it is absent and should be there") { batch.require("nobody", old); }
    SECTION("all but the last one hold") { batch.require("lobby:1", last).require("nobody", absent).require("other", old); }
    SECTION("one key is to be at two versions") { batch.require("lobby:1", last).require("lobby:1", absent); }

    const auto result = db->write(batch);
    REQUIRE_FALSE(result);
    CHECK(result.error() == Errc::conflict);
    CHECK(result.error().message() != to_string(Errc::conflict));  // it says which key
    CHECK(value_of(*db, "lobby:1") == "new");
    CHECK(value_of(*db, "other") == "as it was");
    CHECK(db->read("fresh").error() == Errc::not_found);
    CHECK(db->last_version() == last);
}

TEMPLATE_TEST_CASE("a conflict's message names the key and both versions", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    Batch first;
    first.version = 7001;
    written(db->write(first.put("lobby:1", "x")));
    const auto result = db->write(Batch{}.require("lobby:1", 6002).put("other", "y"));
    REQUIRE_FALSE(result);
    const std::string message{result.error().message()};
    CHECK(message.find("lobby:1") != std::string::npos);
    CHECK(message.find("7001") != std::string::npos);
    CHECK(message.find("6002") != std::string::npos);
}

TEMPLATE_TEST_CASE("requirements are decided before the batch's own changes", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version first = written(db->write(Batch{}.put("a", "1").require("a", absent)));
    written(db->write(Batch{}.erase("a").put("b", "1").require("a", first).require("b", absent)));
    CHECK(keys_in(*db, {}) == Keys{"b"});
}

TEMPLATE_TEST_CASE("a batch may require one key and write another", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version lobby = written(db->write(Batch{}.put("lobby:1", "open")));
    written(db->write(Batch{}.require("lobby:1", lobby).put("player:1", "joined")));
    CHECK(version_of(*db, "lobby:1") == lobby);

    written(db->write(Batch{}.put("lobby:1", "closed")));
    CHECK(db->write(Batch{}.require("lobby:1", lobby).put("player:2", "joined")).error() == Errc::conflict);
    CHECK(db->read("player:2").error() == Errc::not_found);
}

TEMPLATE_TEST_CASE("a record that has expired by the batch's now counts as absent", "[backend][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version version = written(db->write(Batch{}.put("ticket", "old", Expiry{at(1000)})));
    Batch batch;
    batch.put("ticket", "new");

    SECTION("before the moment it is there") {
        batch.now = at(999);
        CHECK(db->write(Batch{batch}.require("ticket", absent)).error() == Errc::conflict);
        CHECK(db->write(Batch{batch}.require("ticket", version)));
    }
    SECTION("from the moment on it is absent") {
        batch.now = at(1000);
        CHECK(db->write(Batch{batch}.require("ticket", version)).error() == Errc::conflict);
        CHECK(db->write(Batch{batch}.require("ticket", absent)));
    }
    SECTION("without a now nothing expires") {
        CHECK(db->write(Batch{batch}.require("ticket", absent)).error() == Errc::conflict);
        CHECK(db->write(Batch{batch}.require("ticket", version)));
    }
    CHECK(value_of(*db, "ticket") == "new");
}

TEMPLATE_TEST_CASE("a batch without changes decides its requirements and allocates a version", "[backend][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version put = written(db->write(Batch{}.put("a", "1")));
    const Version empty = written(db->write(Batch{}));
    CHECK(empty > put);
    const Version required = written(db->write(Batch{}.require("a", put)));
    CHECK(required > empty);
    CHECK(db->write(Batch{}.require("a", absent)).error() == Errc::conflict);
    CHECK(db->last_version() == required);
    CHECK(version_of(*db, "a") == put);
}

// ---- Versions ----

TEMPLATE_TEST_CASE("versions only grow, over erasing and recreating", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    Version last = absent;
    for (int round = 0; round < 5; ++round) {
        const Version created = written(db->write(Batch{}.put("key", "same")));
        CHECK(created > last);
        last = written(db->write(Batch{}.erase("key")));
        CHECK(last > created);
        CHECK(db->last_version() == last);
    }
}

TEMPLATE_TEST_CASE("a given version is taken, and the next one is above it", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    Batch batch;
    batch.version = 1000;
    CHECK(written(db->write(batch.put("a", "1"))) == 1000);
    CHECK(version_of(*db, "a") == 1000);
    CHECK(db->last_version() == Version{1000});
    CHECK(written(db->write(Batch{}.put("b", "1"))) > 1000);
}

TEMPLATE_TEST_CASE("a batch that follows another version than the last one is a conflict and changes nothing",
                   "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> database;
    const Version last = written(database->write(Batch{}.put("key", "first")));
    Batch batch = Batch{}.put("key", "second");
    batch.after = last - 1;
    CHECK(database->write(batch).error() == Errc::conflict);
    CHECK(value_of(*database, "key") == "first");
    CHECK(*database->last_version() == last);
    batch.after = last;
    batch.version = last + 10;
    CHECK(written(database->write(batch)) == last + 10);
    CHECK(value_of(*database, "key") == "second");
}

TEMPLATE_TEST_CASE("an empty key cannot be written", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> database;
    CHECK(database->write(Batch{}.put("", "value")).error() == Errc::invalid_argument);
    CHECK(database->write(Batch{}.erase("")).error() == Errc::invalid_argument);
}

TEMPLATE_TEST_CASE("a given version that leaves none for the next batch is refused", "[backend][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> database;
    Batch batch = Batch{}.put("key", "value");
    batch.version = (std::numeric_limits<Version>::max)();
    CHECK(database->write(batch).error() == Errc::invalid_argument);
    CHECK(database->write(Batch{}.put("key", "value")));
}

TEMPLATE_TEST_CASE("a given version that is not above the last one is a conflict", "[backend][conformance]",
                   JOINLY_TESTED_BACKEND) {
    const Version given = GENERATE(Version{1}, Version{999}, Version{1000});
    Database<TestType> db;
    Batch first;
    first.version = 1000;
    written(db->write(first.put("a", "1")));

    Batch second;
    second.version = given;
    CHECK(db->write(second.put("a", "2").put("b", "2")).error() == Errc::conflict);
    CHECK(value_of(*db, "a") == "1");
    CHECK(db->read("b").error() == Errc::not_found);
    CHECK(db->last_version() == Version{1000});
}

TEMPLATE_TEST_CASE("a change may carry a version of its own", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    Batch batch;
    batch.version = 50;
    batch.changes.push_back({"a", "1", {}, 48, {}});
    batch.changes.push_back({"b", "2", {}, 50, {}});
    batch.put("c", "3");
    CHECK(written(db->write(batch)) == 50);
    CHECK(version_of(*db, "a") == 48);
    CHECK(version_of(*db, "b") == 50);
    CHECK(version_of(*db, "c") == 50);
    CHECK(db->last_version() == Version{50});
    CHECK(db->write(Batch{}.require("a", 48).erase("a")));
}

TEMPLATE_TEST_CASE("a change's version above its batch's is refused", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("a", "old")));
    Batch batch;
    batch.version = 50;
    batch.put("a", "new");
    batch.changes.push_back({"b", "2", {}, 51, {}});
    CHECK(db->write(batch).error() == Errc::invalid_argument);
    CHECK(value_of(*db, "a") == "old");
    CHECK(db->read("b").error() == Errc::not_found);
}

TEMPLATE_TEST_CASE("a reopened database has its records and goes on counting", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    if (!TestType::durable) return;
    Database<TestType> db;
    const Version put = written(db->write(Batch{}.put("kept", "\0\xff"s, Expiry{at(1234)}).put("gone", "1")));
    Version last = put;
    SECTION("the last write erased") { last = written(db->write(Batch{}.erase("gone"))); }
    SECTION("the last write found nothing to erase") {
        written(db->write(Batch{}.erase("gone")));
        last = written(db->write(Batch{}.erase("nobody")));
    }
    SECTION("the last write had no changes") {
        written(db->write(Batch{}.erase("gone")));
        last = written(db->write(Batch{}));
    }
    SECTION("the last write was given its version") {
        Batch batch;
        batch.version = last = put + 1'000'000;
        written(db->write(batch.erase("gone")));
    }

    db.reopen();
    CHECK(db->last_version() == last);
    const auto record = db->read("kept");
    REQUIRE(record);
    CHECK(record->value == "\0\xff"s);
    CHECK(record->version == put);
    CHECK(record->expires_at == Expiry{at(1234)});
    CHECK(keys_in(*db, {}) == Keys{"kept"});
    CHECK(written(db->write(Batch{}.require("kept", put).put("gone", "again"))) > last);
}

// ---- Scans ----

TEMPLATE_TEST_CASE("keys are ordered as unsigned bytes", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Keys ordered{"\1"s,    "a"s,      "a\0"s,      "a\0\0"s,   "a\0b"s,      "a\1"s,     "aa"s,
                       "a\x7f"s, "a\x80"s,  "a\xff"s,    "a\xff\0"s, "a\xff\xff"s, "b"s,       "\x7f"s,
                       "\x80"s,  "\x80\0"s, "\xc3\xa9"s, "\xfe"s,    "\xff"s,      "\xff\xff"s};
    Keys shuffled = ordered;
    std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937{7});
    for (const auto& key : shuffled) written(db->write(Batch{}.put(key, "of " + key)));

    CHECK(keys_in(*db, {}) == ordered);
    CHECK(keys_in(*db, backward({})) == Keys{ordered.rbegin(), ordered.rend()});
    CHECK(keys_in(*db, KeyRange::prefix("a\xff")) == Keys{"a\xff"s, "a\xff\0"s, "a\xff\xff"s});
    CHECK(keys_in(*db, KeyRange::prefix("\xff")) == Keys{"\xff"s, "\xff\xff"s});
}

TEMPLATE_TEST_CASE("a scan visits begin and leaves end out", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("a", "1").put("c", "2").put("e", "3").put("g", "4")));

    const auto [range, expected] = GENERATE(table<KeyRange, Keys>({
        {between("", ""), {"a", "c", "e", "g"}},
        {between("c", ""), {"c", "e", "g"}},
        {between("b", ""), {"c", "e", "g"}},
        {between("", "e"), {"a", "c"}},
        {between("", "f"), {"a", "c", "e"}},
        {between("c", "g"), {"c", "e"}},
        {between("b", "z"), {"c", "e", "g"}},
        {between("c", std::string("c\0", 2)), {"c"}},
        {between("c", "c"), {}},
        {between("d", "e"), {}},
        {between("e", "c"), {}},
        {between("h", ""), {}},
        {between("", "a"), {}},
    }));
    CAPTURE(range.begin, range.end);
    CHECK(keys_in(*db, range) == expected);
    CHECK(keys_in(*db, backward(range)) == Keys{expected.rbegin(), expected.rend()});
}

TEMPLATE_TEST_CASE("scans of random ranges agree with an ordered map", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    std::mt19937 random{2024};
    const auto some_key = [&](std::size_t least) {
        std::string key;
        while (key.size() < least || (key.size() < 3 && random() % 2 == 0)) key.push_back("\x00\x01\x7f\x80\xff"[random() % 5]);
        return key;
    };
    std::map<std::string, std::string> model;
    Batch batch;
    for (int i = 0; i < 300; ++i) {
        const std::string key = 'k' + some_key(0);
        if (random() % 4 == 0) {
            batch.erase(key);
            model.erase(key);
        } else {
            batch.put(key, std::to_string(i));
            model[key] = std::to_string(i);
        }
    }
    written(db->write(batch));

    for (int i = 0; i < 200; ++i) {
        const KeyRange range = between('k' + some_key(0), random() % 4 == 0 ? "" : 'k' + some_key(1));
        Keys expected;
        for (const auto& [key, value] : model) {
            if (range.contains(key)) expected.push_back(key);
        }
        REQUIRE(keys_in(*db, range) == expected);
        REQUIRE(keys_in(*db, backward(range)) == Keys{expected.rbegin(), expected.rend()});
    }
}

TEMPLATE_TEST_CASE("a scan shows value, version and expiry", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version first = written(db->write(Batch{}.put("a", "1", Expiry{at(5)})));
    const Version second = written(db->write(Batch{}.put("b", "\0"s)));

    std::vector<Record> seen;
    const KeyRange range = GENERATE(KeyRange{}, backward({}));
    CHECK(db->scan(range, [&](std::string_view, const RecordView& record) {
        seen.push_back({std::string{record.value}, record.version, record.expires_at});
        return true;
    }));
    REQUIRE(seen.size() == 2);
    if (range.direction == Direction::backward) std::swap(seen[0], seen[1]);
    CHECK(seen[0].value == "1");
    CHECK(seen[0].version == first);
    CHECK(seen[0].expires_at == Expiry{at(5)});
    CHECK(seen[1].value == "\0"s);
    CHECK(seen[1].version == second);
    CHECK(seen[1].expires_at.is_never());
}

TEMPLATE_TEST_CASE("the visitor stops a scan, which is no error", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("a", "1").put("b", "2").put("c", "3")));

    const auto [range, expected] = GENERATE(table<KeyRange, Keys>({{{}, {"a", "b"}}, {backward({}), {"c", "b"}}}));
    Keys seen;
    CHECK(db->scan(range, [&](std::string_view key, const RecordView&) {
        seen.emplace_back(key);
        return key != "b";
    }));
    CHECK(seen == expected);
}

TEMPLATE_TEST_CASE("a visitor's exception travels on and leaves the backend in order", "[backend][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("a", "1").put("b", "2")));
    const auto throwing = [](std::string_view key, const RecordView&) -> bool {
        if (key == "b") throw Stop{};
        return true;
    };
    for (int i = 0; i < 50; ++i) CHECK_THROWS_AS(static_cast<void>(db->scan({}, throwing)), Stop);  // a leak would add up

    CHECK(keys_in(*db, {}) == Keys{"a", "b"});
    written(db->write(Batch{}.put("c", "3")));
    CHECK(value_of(*db, "c") == "3");
}

TEMPLATE_TEST_CASE("a visitor may read, write and scan, and its own scan does not see it", "[backend][conformance]",
                   JOINLY_TESTED_BACKEND) {
    const KeyRange range = GENERATE(KeyRange{}, backward({}));
    Database<TestType> db;
    Keys before;
    Batch batch;
    for (int i = 100; i < 300; ++i) {
        before.push_back(std::to_string(i));
        batch.put(before.back(), "old");
    }
    written(db->write(batch));

    Keys seen;
    bool all_old = true;
    Status inner;
    std::vector<Result<Version>> writes;
    std::size_t seen_within = 0;
    CHECK(db->scan(range, [&](std::string_view key, const RecordView& record) {
        if (seen.empty()) {  // change what comes next, what comes late and what was; add and erase on both sides
            writes.push_back(db->write(Batch{}.put("150", "new").put("101", "new").put("298", "new").put(std::string{key}, "new")));
            writes.push_back(db->write(Batch{}.erase("200").erase("299").put("0", "new").put("150x", "new").put("999", "new")));
            inner = db->scan({}, [&](std::string_view, const RecordView& now) {
                if (now.value == "new") ++seen_within;
                return value_of(*db, "150") == "new";
            });
        }
        all_old = all_old && record.value == "old";
        seen.emplace_back(key);
        return true;
    }));

    if (range.direction == Direction::backward) std::reverse(seen.begin(), seen.end());
    CHECK(seen == before);
    CHECK(all_old);
    for (const auto& result : writes) CHECK(result);
    CHECK(inner);
    CHECK(seen_within == (range.direction == Direction::forward ? 7 : 6));  // the last key was changed, then erased
    CHECK(value_of(*db, "150") == "new");
    CHECK(keys_in(*db, {}).size() == before.size() + 1);
}

TEMPLATE_TEST_CASE("scans nest, each with a snapshot of its own", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("a", "0").put("b", "0")));
    std::vector<std::string> values;
    const auto value_at_end = [&](auto& self, int depth) -> bool {
        bool fine = true;
        const Status scanned = db->scan({}, [&](std::string_view key, const RecordView& record) {
            if (key == "a" && depth < 6) {
                fine = db->write(Batch{}.put("b", std::to_string(depth))).has_value() && self(self, depth + 1);
            } else if (key == "b") {
                values.emplace_back(record.value);
            }
            return true;
        });
        return fine && scanned.has_value();
    };
    CHECK(value_at_end(value_at_end, 1));
    CHECK(values == std::vector<std::string>{"5", "4", "3", "2", "1", "0"});
}

TEMPLATE_TEST_CASE("a scan over many records goes from end to end while they are erased", "[backend][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    constexpr int count = 3000;
    Batch batch;
    for (int i = 0; i < count; ++i) batch.put("ticket:" + std::to_string(i), std::string(200, 'x'));
    written(db->write(batch));

    int seen = 0;
    Batch sweep;
    bool swept = true;
    CHECK(db->scan(KeyRange::prefix("ticket:"), [&](std::string_view key, const RecordView& record) {
        ++seen;
        sweep.erase(std::string{key});
        if (sweep.changes.size() == 500) swept = swept && db->write(std::exchange(sweep, {})).has_value();
        return record.value.size() == 200;
    }));
    CHECK(seen == count);
    CHECK(swept);
    CHECK(keys_in(*db, {}).empty());
}

// ---- Threads ----

TEMPLATE_TEST_CASE("a scan sees each batch whole while another thread writes", "[backend][conformance][threads]",
                   JOINLY_TESTED_BACKEND) {
    const KeyRange range = GENERATE(KeyRange{}, backward({}));
    Database<TestType> db;
    Batch batch;
    for (int i = 0; i < 200; ++i) batch.put("middle" + std::to_string(i), "same");
    written(db->write(batch.put("first", "0").put("zlast", "0")));

    std::atomic<bool> done{false};
    std::atomic<int> failures{0};
    std::jthread writer{[&] {
        for (int i = 1; i <= 3000; ++i) {  // not without end: an engine may have to step over all versions of a key
            Batch pair;
            pair.put("first", std::to_string(i)).put("zlast", std::to_string(i));
            if (i % 2 == 0) pair.put("extra", "1").put("zextra", "1");
            if (i % 2 != 0) pair.erase("extra").erase("zextra");
            if (!db->write(pair)) ++failures;
        }
        done = true;
    }};
    bool whole = true;
    Status scanned;
    while (!done && whole && scanned) {
        std::map<std::string, std::string> seen;
        scanned = db->scan(range, [&](std::string_view key, const RecordView& record) {
            seen.emplace(key, record.value);
            return true;
        });
        whole = seen["first"] == seen["zlast"] && seen.count("extra") == seen.count("zextra") && seen.size() >= 202;
    }
    writer.join();
    CHECK(scanned);
    CHECK(whole);
    CHECK(failures == 0);
}

TEMPLATE_TEST_CASE("concurrent writers get distinct versions and lose nothing", "[backend][conformance][threads]",
                   JOINLY_TESTED_BACKEND) {
    constexpr int threads = 4;
    constexpr int each = 1000;
    Database<TestType> db;
    std::vector<std::vector<Version>> versions(threads);
    in_parallel(threads, [&](int thread) {
        for (int i = 0; i < each; ++i) {
            const std::string key = std::to_string(thread) + ':' + std::to_string(i);
            const auto result = db->write(Batch{}.put(key, key).put("shared", key));
            versions[static_cast<std::size_t>(thread)].push_back(result.value_or(absent));
        }
    });

    Keys lost;
    std::vector<Version> all;
    for (std::size_t thread = 0; thread < versions.size(); ++thread) {
        CHECK(std::is_sorted(versions[thread].begin(), versions[thread].end()));
        for (std::size_t i = 0; i < versions[thread].size(); ++i) {
            const std::string key = std::to_string(thread) + ':' + std::to_string(i);
            if (version_of(*db, key) != versions[thread][i] || value_of(*db, key) != key) lost.push_back(key);
        }
        all.insert(all.end(), versions[thread].begin(), versions[thread].end());
    }
    std::sort(all.begin(), all.end());
    CHECK(lost.empty());
    CHECK(all.front() > absent);
    CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
    CHECK(db->last_version() == all.back());
    CHECK(version_of(*db, "shared") == all.back());  // the newest write is the one that stays
    CHECK(keys_in(*db, {}).size() == threads * each + 1);
}

TEMPLATE_TEST_CASE("a counter incremented by compare-and-set ends exact", "[backend][conformance][threads]",
                   JOINLY_TESTED_BACKEND) {
    constexpr int threads = 4;
    constexpr int each = 500;
    Database<TestType> db;
    std::atomic<int> faults{0};
    in_parallel(threads, [&](int) {
        for (int made = 0; made < each && faults == 0;) {
            const auto now = db->read("counter");
            const int value = now ? std::stoi(now->value) : 0;
            const Version version = now ? now->version : absent;
            const auto result = db->write(Batch{}.require("counter", version).put("counter", std::to_string(value + 1)));
            if (result) ++made;
            if (!result && result.error() != Errc::conflict) ++faults;
        }
    });
    CHECK(faults == 0);
    CHECK(value_of(*db, "counter") == std::to_string(threads * each));
}

TEMPLATE_TEST_CASE("another thread's read finds a returned write", "[backend][conformance][threads]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    std::atomic<Version> returned{absent};
    std::atomic<bool> failed{false};
    std::atomic<bool> done{false};
    std::jthread writer{[&] {
        for (int i = 0; i < 300; ++i) {
            const auto result = db->write(Batch{}.put("key", std::to_string(i)));
            if (!result) failed = true;
            if (result) returned = *result;
        }
        done = true;
    }};
    std::size_t stale = 0;
    const std::vector<std::string_view> keys{"key"};
    while (!done) {
        Version floor = returned;
        if (version_of(*db, "key") < floor) ++stale;
        floor = returned;
        const Status read = db->read_many(keys, [&](std::size_t, Result<Record> record) {
            if ((record ? record->version : absent) < floor) ++stale;
        });
        if (!read || *db->last_version() < floor) ++stale;
    }
    writer.join();
    CHECK_FALSE(failed);
    CHECK(stale == 0);
}

TEMPLATE_TEST_CASE("the last version is never below that of a record that was read before", "[backend][conformance][threads]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    std::atomic<bool> failed{false};
    std::atomic<bool> done{false};
    std::jthread writer{[&] {
        for (int i = 0; i < 5'000 && !failed; ++i) failed = failed || !db->write(Batch{}.put("key", std::to_string(i)));
        done = true;
    }};
    std::size_t behind = 0;
    while (!done) {
        const Version read = version_of(*db, "key");
        const auto last = db->last_version();
        if (!last || *last < read) ++behind;
    }
    writer.join();
    CHECK_FALSE(failed);
    CHECK(behind == 0);
}

// ---- The whole of it ----

TEMPLATE_TEST_CASE("size_on_disk counts all files of the database", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const std::string value = random_bytes(1024 * 1024);
    written(db->write(Batch{}.put("big", value)));
    const auto size = db->size_on_disk();
    REQUIRE(size);

    std::uint64_t everything = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{db.dir().path()}) {
        if (entry.is_regular_file()) everything += entry.file_size();
    }
    CHECK(*size >= (TestType::durable ? value.size() : 0));
    CHECK(*size <= everything);
}

TEMPLATE_TEST_CASE("a backend can be moved, and assigned to after that", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> first;
    Database<TestType> second;
    written(first->write(Batch{}.put("name", "first")));
    written(second->write(Batch{}.put("name", "second")));

    auto moved = std::move(*first);
    CHECK(value_of(moved, "name") == "first");
    *first = std::move(*second);
    CHECK(value_of(*first, "name") == "second");
    *second = std::move(moved);
    CHECK(value_of(*second, "name") == "first");
    written(second->write(Batch{}.put("name", "first again")));
    CHECK(keys_in(*second, {}) == Keys{"name"});

    std::swap(*first, *second);  // each back to its directory, which it must not outlive
    CHECK(value_of(*first, "name") == "first again");
    CHECK(value_of(*second, "name") == "second");
}

TEMPLATE_TEST_CASE("assigning to an open backend closes what it had", "[backend][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> first;
    Database<TestType> second;
    written(second->write(Batch{}.put("name", "second")));
    *first = std::move(*second);
    CHECK(value_of(*first, "name") == "second");

    if (TestType::durable) {  // an engine that locks would say so if the first database were still open
        const auto again = TestType::Backend::open(TestType::options(first.dir()));
        CHECK(again);
    }
    *second = std::move(*first);  // back to its directory, which it must not outlive
    CHECK(value_of(*second, "name") == "second");
}

}  // namespace
