// Inventories: what they count, what their checksums notice, and that every backend gives the same one for the same records.

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/inventory.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;

namespace {

const Expiry later{WallTime{std::chrono::milliseconds{1'700'000'000'000}}};

/// The inventory of one record.
Inventory of(std::string_view key, const RecordView& record, const Counted& counted = {}) {
    Inventory inventory;
    inventory.add(key, record, counted);
    return inventory;
}

std::uint64_t checksum_of(std::string_view key, const RecordView& record, const Counted& counted = {}) {
    return of(key, record, counted).total().checksum;
}

Batch some_records() {
    Batch batch;
    batch.put("player:ada", "1200").put("player:bob", "900", later).put("lobby:1", "open").put("plain", "bytes");
    batch.changes.front().index_terms.emplace();
    append_index_term(*batch.changes.front().index_terms, "term");
    return batch;
}

template <class Backend>
Inventory inventory_with(typename Backend::Options options) {
    auto backend = Backend::open(std::move(options));
    REQUIRE(backend);
    REQUIRE(backend->write(some_records()));
    const auto inventory = take_inventory(*backend);
    REQUIRE(inventory);
    return *inventory;
}

}  // namespace

TEST_CASE("an inventory counts records and bytes by kind with the library's own apart", "[inventory]") {
    const Inventory inventory = inventory_with<MemoryBackend>({});
    REQUIRE(inventory.kinds.size() == 3);
    CHECK(inventory.kinds.at("player").records == 2);
    CHECK(inventory.kinds.at("player").bytes == 10 + 4 + 10 + 3);
    CHECK(inventory.kinds.at("lobby").records == 1);
    CHECK(inventory.kinds.at("").records == 1);
    CHECK(inventory.reserved.records == 1);
    CHECK(inventory.total().records == 4);
}

TEST_CASE("every backend gives the same inventory of the same records", "[inventory]") {
    const TempDir dir;
    const Inventory expected = inventory_with<MemoryBackend>({});
    CHECK(inventory_with<SqliteBackend>({.path = dir / "joinly.db"}) == expected);
    CHECK(inventory_with<LevelDbBackend>({.path = dir / "joinly"}) == expected);
}

TEST_CASE("a checksum does not depend on the order of records, and parts add up", "[inventory]") {
    Inventory forwards;
    forwards.add("player:ada", {"1", 1, {}});
    forwards.add("lobby:1", {"2", 2, {}});
    Inventory backwards = of("lobby:1", {"2", 2, {}});
    backwards.add(of("player:ada", {"1", 1, {}}));
    CHECK(forwards == backwards);
}

TEST_CASE("a checksum notices each part of a record", "[inventory]") {
    const std::uint64_t checksum = checksum_of("player:ada", {"1200", 7, later});
    CHECK(checksum_of("player:adb", {"1200", 7, later}) != checksum);
    CHECK(checksum_of("player:ada", {"1201", 7, later}) != checksum);
    CHECK(checksum_of("player:ada", {"1200", 8, later}) != checksum);
    CHECK(checksum_of("player:ada", {"1200", 7, {}}) != checksum);
    CHECK(checksum_of("player:ada1", {"200", 7, later}) != checksum);
}

TEST_CASE("a checksum notices that two records have changed their values", "[inventory]") {
    Inventory before = of("player:ada", {"1", 1, {}});
    before.add("player:bob", {"2", 1, {}});
    Inventory after = of("player:ada", {"2", 1, {}});
    after.add("player:bob", {"1", 1, {}});
    CHECK(before.kinds.at("player").records == after.kinds.at("player").records);
    CHECK(before != after);
}

TEST_CASE("what is not to count does not", "[inventory]") {
    const RecordView record{"1200", 7, later};
    CHECK(checksum_of("player:ada", record, {.value = false}) == checksum_of("player:ada", {"9", 7, later}, {.value = false}));
    CHECK(checksum_of("player:ada", record, {.version = false}) ==
          checksum_of("player:ada", {"1200", 9, later}, {.version = false}));
    CHECK(checksum_of("player:ada", record, {.expiry = false}) == checksum_of("player:ada", {"1200", 7, {}}, {.expiry = false}));
    CHECK(checksum_of("player:ada", record, {.version = false}) != checksum_of("player:ada", {"1", 7, later}, {.version = false}));
}

TEST_CASE("canonical values make two encodings the same, and an error ends the inventory with its key", "[inventory]") {
    auto left = *MemoryBackend::open();
    auto right = *MemoryBackend::open();
    REQUIRE(left.write(Batch{}.put("player:ada", "ABC")));
    REQUIRE(right.write(Batch{}.put("player:ada", "abc")));
    CHECK(*take_inventory(left) != *take_inventory(right));

    std::string lower;
    const auto canonical = [&](std::string_view, const RecordView& record) -> Result<std::string_view> {
        lower.assign(record.value);
        for (char& c : lower) c = static_cast<char>(c | 0x20);
        return lower;
    };
    CHECK(*take_inventory(left, {}, canonical) == *take_inventory(right, {}, canonical));

    const auto refused = take_inventory(left, {}, [](std::string_view, const RecordView&) -> Result<std::string_view> {
        return failure(Errc::corrupt, "no number");
    });
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::corrupt);
    CHECK(refused.error().message() == "player:ada: no number");
}

TEST_CASE("a difference is told with its kind", "[inventory]") {
    const Inventory one = of("player:ada", {"1", 1, {}});
    Inventory two = one;
    two.add("player:bob", {"1", 1, {}});
    CHECK(require_same_records(two, one).error().message() == "player: 1 records, not 2");
    CHECK(require_same_records({}, one).error().message() == "player: 1 records, not 0");
    CHECK(require_same_records(one, of("player:ada", {"2", 1, {}})).error().message() ==
          "player: 1 records, but not with the contents that they should have");
    CHECK(require_same_records({}, of("plain", {"1", 1, {}})).error().message() == "keys of no kind: 1 records, not 0");
    CHECK(require_same_records(one, one));
}

TEST_CASE("the library's own records are compared when asked for", "[inventory]") {
    const Inventory with = of(std::string_view{"\0x", 2}, {"1", 1, {}});
    CHECK(require_same_records({}, with));
    CHECK(require_same_records({}, with, true).error() == Errc::corrupt);
}

TEST_CASE("keys of any number of kinds cost bounded memory", "[inventory]") {
    Inventory inventory;
    for (int i = 0; i < 10'000; ++i) inventory.add("kind" + std::to_string(i) + ":1", {"1", 1, {}});
    CHECK(inventory.kinds.size() <= Inventory::max_kinds + 1);
    CHECK(inventory.total().records == 10'000);
}

TEST_CASE("checksums are the same on every machine and for ever", "[inventory][golden]") {
    CHECK(checksum_of("lobby:1", {"hello", 258, {}}) == 10406918832542679370U);
    CHECK(checksum_of("lobby:1", {"hello", 258, later}) == 2554749792312222601U);
    CHECK(checksum_of("lobby:1", {"", 1, {}}) == 7327633225850672606U);
    CHECK(checksum_of("lobby:1", {"abcdefghijklmnopqrstuvwxyz", 1, {}}) == 2208847205307083246U);
}

TEST_CASE("a damaged record is an error and no smaller inventory", "[inventory]") {
    const TempDir dir;
    {
        auto backend = SqliteBackend::open({.path = dir / "joinly.db"});
        REQUIRE(backend->write(some_records()));
        REQUIRE(backend->execute("UPDATE record SET value = x'00' WHERE key = CAST('player:bob' AS BLOB)"));
    }
    auto backend = SqliteBackend::open({.path = dir / "joinly.db"});
    const auto inventory = take_inventory(*backend);
    REQUIRE_FALSE(inventory);
    CHECK(inventory.error() == Errc::corrupt);
}
