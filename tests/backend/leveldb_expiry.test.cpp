// A search for what has expired that finds nothing due ends before it looks: what a sweep in a game's loop meets most often.
#include <joinly/backend/leveldb.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/count_allocations.hpp>
#include <tests/support/temp_dir.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using joinly::Batch;
using joinly::Expiry;
using joinly::LevelDbBackend;
using joinly::WallTime;
using joinly::test::allocations_of;
using joinly::test::counts_allocations;
using joinly::test::TempDir;

constexpr std::size_t limit = 100;

WallTime at_ms(std::int64_t ms) { return WallTime{std::chrono::milliseconds{ms}}; }

std::string keys_expired(LevelDbBackend& backend, std::int64_t now) {
    const auto found = backend.expired(at_ms(now), limit);
    REQUIRE(found);
    std::string keys;
    for (const auto& record : *found) keys += record.key + ' ';
    return keys;
}

/// A database in which "first" expires at 1000 and "second" at 2000, searched once.
struct Searched {
    Searched() {
        REQUIRE(
            backend.write(Batch{}.put("first", "", Expiry{at_ms(1000)}).put("second", "", Expiry{at_ms(2000)}).put("third", "")));
        REQUIRE(keys_expired(backend, 10).empty());
    }
    TempDir dir;
    LevelDbBackend backend = *LevelDbBackend::open({.path = dir / "db", .sync = joinly::Sync::process_crash});
};

TEST_CASE("a search that nothing is due for makes no iterator, once it knows what comes first", "[leveldb][expiry]") {
    Searched searched;
    const auto a_look = allocations_of([&] {
        (void)searched.backend.scan({.begin = "x", .end = "y"}, [](std::string_view, const joinly::RecordView&) { return true; });
    });
    bool is_empty = false;
    const auto idle = allocations_of([&] { is_empty = searched.backend.expired(at_ms(999), limit)->empty(); });
    CHECK(is_empty);
    if (counts_allocations) CHECK(idle < a_look);
}

TEST_CASE("a search that knows what comes first misses nothing", "[leveldb][expiry]") {
    Searched searched;
    LevelDbBackend& backend = searched.backend;
    SECTION("when its time has come") {
        CHECK(keys_expired(backend, 1000) == "first ");
        CHECK(keys_expired(backend, 2000) == "first second ");
        CHECK(keys_expired(backend, 999).empty());  // a clock that was set back
        CHECK(keys_expired(backend, 1000) == "first ");
    }
    SECTION("that comes before it since") {
        REQUIRE(backend.write(Batch{}.put("earlier", "", Expiry{at_ms(5)})));
        CHECK(keys_expired(backend, 4).empty());
        CHECK(keys_expired(backend, 10) == "earlier ");
        REQUIRE(backend.write(Batch{}.put("earliest", "", Expiry{at_ms(-5)})));
        CHECK(keys_expired(backend, 10) == "earliest earlier ");
    }
    SECTION("when that is put off, brought forward or erased") {
        REQUIRE(backend.write(Batch{}.put("first", "", Expiry{at_ms(3000)})));
        CHECK(keys_expired(backend, 1000).empty());
        REQUIRE(backend.write(Batch{}.put("second", "", Expiry{at_ms(1500)})));
        CHECK(keys_expired(backend, 1500) == "second ");
        REQUIRE(backend.write(Batch{}.erase("second")));
        CHECK(keys_expired(backend, 2000).empty());
        CHECK(keys_expired(backend, 3000) == "first ");
    }
    SECTION("after everything that expires was erased") {
        REQUIRE(backend.write(Batch{}.erase("first").erase("second")));
        CHECK(keys_expired(backend, 5000).empty());
        CHECK(keys_expired(backend, 5000).empty());
        REQUIRE(backend.write(Batch{}.put("new", "", Expiry{at_ms(1200)})));
        CHECK(keys_expired(backend, 5000) == "new ");
    }
}

}  // namespace
