#include <joinly/core/key.hpp>
#include <tests/support/catch.hpp>

#include <string>

namespace {

using joinly::Errc;
using joinly::id_of;
using joinly::is_valid_kind;
using joinly::kind_range;
using joinly::make_key;
using joinly::validate_raw_key;
using namespace std::string_literals;

static_assert(is_valid_kind("lobby"));
static_assert(is_valid_kind("match_2"));
static_assert(is_valid_kind("_"));
static_assert(!is_valid_kind(""));
static_assert(!is_valid_kind("Lobby"));
static_assert(!is_valid_kind("lobby:"));
static_assert(!is_valid_kind("match-2"));
static_assert(!is_valid_kind("caf\xc3\xa9"));
static_assert(!is_valid_kind({"a\0b", 3}));

TEST_CASE("a kind has at most 63 bytes", "[key]") {
    CHECK(is_valid_kind(std::string(63, 'k')));
    CHECK_FALSE(is_valid_kind(std::string(64, 'k')));
}

TEST_CASE("no kind can begin with the reserved byte", "[key]") {
    CHECK_FALSE(is_valid_kind(std::string(1, joinly::reserved_first_byte)));
}

TEST_CASE("kind and id make a key, whatever bytes the id has", "[key]") {
    CHECK(make_key("lobby", "lobby_123") == "lobby:lobby_123"s);
    const std::string id = GENERATE(as<std::string>{}, ":", "a:b:", "\0"s, "\xff\0x"s, " ");
    const auto key = make_key("lobby", id);
    REQUIRE(key);
    CHECK(*key == "lobby:" + id);
    CHECK(id_of("lobby", *key) == id);
    CHECK(kind_range("lobby").contains(*key));
}

TEST_CASE("an id has 1 to 1024 bytes", "[key]") {
    CHECK(make_key("lobby", "x"));
    CHECK(make_key("lobby", std::string(1024, 'x')));

    const auto empty = make_key("lobby", "");
    REQUIRE_FALSE(empty);
    CHECK(empty.error() == Errc::invalid_argument);
    CHECK(empty.error().message() == "the id of a lobby is empty");

    const auto too_long = make_key("lobby", std::string(1025, 'x'));
    REQUIRE_FALSE(too_long);
    CHECK(too_long.error() == Errc::invalid_argument);
    CHECK(too_long.error().message() == "the id of a lobby has 1025 bytes; at most 1024 are allowed");
}

TEST_CASE("the range of a kind holds its keys and no other kind's", "[key]") {
    const auto range = kind_range("lobby");
    CHECK(range.contains("lobby:\0"s));
    CHECK(range.contains("lobby:\xff\xff"));
    CHECK_FALSE(range.contains("lobby"));
    CHECK_FALSE(range.contains("lobby2:1"));
    CHECK_FALSE(range.contains("lobby_:1"));
    CHECK_FALSE(range.contains("lobb:y"));
}

TEST_CASE("the longest kind and id make the longest key", "[key]") {
    const auto key = make_key(std::string(63, 'k'), std::string(1024, 'x'));
    REQUIRE(key);
    CHECK(key->size() == joinly::max_key_bytes);
    CHECK(validate_raw_key(*key));
    CHECK(validate_raw_key(*key + 'x').error() == Errc::invalid_argument);
}

TEST_CASE("a raw key is any bytes but none and the reserved ones", "[key]") {
    CHECK(validate_raw_key("anything"));
    CHECK(validate_raw_key("\x01"));
    CHECK(validate_raw_key("\xff"));
    CHECK(validate_raw_key("a\0b"s));
    CHECK(validate_raw_key("").error() == Errc::invalid_argument);
    CHECK(validate_raw_key("\0"s).error() == Errc::invalid_argument);
    CHECK(validate_raw_key("\0index"s).error() == Errc::invalid_argument);
}

TEST_CASE("user keys are all but the reserved ones", "[key]") {
    const auto range = joinly::user_keys();
    CHECK_FALSE(range.contains("\0\xff\xff"s));
    CHECK(range.contains("\x01"));
    CHECK(range.contains("\xff\xff"));
}

}  // namespace
