#include <joinly/detail/checksum.hpp>

#include <chrono>
#include <string_view>

#include "../support/catch.hpp"

using joinly::Expiry;
using joinly::WallTime;
using joinly::detail::crc32c;
using joinly::detail::record_checksum;

namespace {

Expiry at_ms(std::int64_t ms) { return Expiry{WallTime{std::chrono::milliseconds{ms}}}; }

}  // namespace

TEST_CASE("a record's checksum is the CRC of its documented bytes", "[checksum]") {
    using namespace std::string_view_literals;
    CHECK(record_checksum("lobby:1", "hello", 0x0102, at_ms(-2)) == crc32c("\x02\x01\0\0\0\0\0\0"
                                                                           "\xfe\xff\xff\xff\xff\xff\xff\xff"
                                                                           "\x07\0\0\0"
                                                                           "lobby:1"
                                                                           "hello"sv));
    CHECK(record_checksum("k", "", 1, Expiry{}) == crc32c("\x01\0\0\0\0\0\0\0"
                                                          "\xff\xff\xff\xff\xff\xff\xff\x7f"
                                                          "\x01\0\0\0"
                                                          "k"sv));
    CHECK(record_checksum("k", "v", 1, Expiry{}, "terms") == crc32c("\x01\0\0\0\0\0\0\0"
                                                                    "\xff\xff\xff\xff\xff\xff\xff\x7f"
                                                                    "\x01\0\0\0"
                                                                    "k"
                                                                    "v"
                                                                    "\x05\0\0\0"
                                                                    "terms"sv));
}

TEST_CASE("a record's checksum changes with each part of it", "[checksum]") {
    const auto base = record_checksum("key", "value", 7, at_ms(1000));
    CHECK(base == record_checksum("key", "value", 7, at_ms(1000)));
    CHECK(base != record_checksum("kez", "value", 7, at_ms(1000)));
    CHECK(base != record_checksum("key", "valuf", 7, at_ms(1000)));
    CHECK(base != record_checksum("key", "value", 8, at_ms(1000)));
    CHECK(base != record_checksum("key", "value", 7, at_ms(1001)));
    CHECK(base != record_checksum("key", "value", 7, Expiry{}));
    CHECK(base != record_checksum("key", "value", 7, at_ms(1000), "t"));
    CHECK(base == record_checksum("key", "value", 7, at_ms(1000), ""));
}

TEST_CASE("a byte that moves between key, value and index terms changes the checksum", "[checksum]") {
    CHECK(record_checksum("key", "value", 7, {}) != record_checksum("keyv", "alue", 7, {}));
    CHECK(record_checksum("key", "value", 7, {}) != record_checksum("ke", "yvalue", 7, {}));
    CHECK(record_checksum("keyvalue", "", 7, {}) != record_checksum("", "keyvalue", 7, {}));
    CHECK(record_checksum("key", "value", 7, {}, "terms") != record_checksum("key", "valuet", 7, {}, "erms"));
}
