#include <joinly/detail/hash.hpp>
#include <tests/support/catch.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using joinly::detail::hash_bytes;
using joinly::detail::KeyEqual;
using joinly::detail::KeyHash;

constexpr std::uint64_t seed = 0x1234'5678'9abc'def0U;
constexpr std::size_t longest = 40;  // several rounds of 16 bytes and every remainder

std::string text(std::size_t size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>('a' + i % 26));
    return bytes;
}

TEST_CASE("a hash depends on bytes and seed only, not on where the bytes lie", "[hash]") {
    for (std::size_t size = 0; size <= longest; ++size) {
        const std::string bytes = text(size);
        const std::string shifted = "x" + bytes + "y";
        CHECK(hash_bytes(bytes, seed) == hash_bytes(std::string_view{shifted}.substr(1, size), seed));
    }
}

TEST_CASE("an empty view without memory hashes as an empty string", "[hash]") {
    CHECK(hash_bytes(std::string_view{}, seed) == hash_bytes("", seed));
}

TEST_CASE("a hash differs by seed at every size", "[hash]") {
    for (std::size_t size = 0; size <= longest; ++size) {
        std::set<std::uint64_t> hashes;
        for (int bit = 0; bit < 64; ++bit) hashes.insert(hash_bytes(text(size), seed ^ (std::uint64_t{1} << bit)));
        CHECK(hashes.size() == 64);
    }
}

TEST_CASE("every bit of every byte changes about half of the hash", "[hash]") {
    for (std::size_t size = 1; size <= longest; ++size) {
        const std::string bytes = text(size);
        const std::uint64_t before = hash_bytes(bytes, seed);
        for (std::size_t bit = 0; bit < 8 * size; ++bit) {
            std::string changed = bytes;
            changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
            const int differing = std::popcount(before ^ hash_bytes(changed, seed));
            if (differing < 12 || differing > 52) FAIL("size " << size << ", bit " << bit << ": " << differing << " bits differ");
        }
    }
    SUCCEED("all did");
}

TEST_CASE("strings of NULs hash differently by their number", "[hash]") {
    std::set<std::uint64_t> hashes;
    for (std::size_t size = 0; size <= longest; ++size) hashes.insert(hash_bytes(std::string(size, '\0'), seed));
    CHECK(hashes.size() == longest + 1);
}

TEST_CASE("structured keys spread evenly over buckets, by low bits and by high ones", "[hash]") {
    constexpr int keys = 10'000;
    constexpr int buckets = 64;
    const auto key_number = [](std::string_view form, int number) {
        if (form == "lobby") return "lobby:lobby_" + std::to_string(number);
        if (form == "padded") return "player:" + std::string(40, '0') + std::to_string(1'000'000 + number);
        return std::string{static_cast<char>(number & 0xff), '\0', '\0', static_cast<char>(number >> 8)};
    };
    for (const std::string_view form : {"lobby", "padded", "binary"}) {
        for (const int shift : {0, 32, 40, 58}) {
            std::array<int, buckets> counts{};
            for (int i = 0; i < keys; ++i) ++counts[(hash_bytes(key_number(form, i), seed) >> shift) % buckets];
            double chi_square = 0;
            for (const int count : counts) chi_square += (count - keys / 64.0) * (count - keys / 64.0) / (keys / 64.0);
            INFO(form << " keys, bits from " << shift);
            CHECK(chi_square < 120);  // 63 degrees of freedom: above 120 once in a hundred thousand
        }
    }
}

TEST_CASE("structured keys do not collide", "[hash]") {
    std::vector<std::uint64_t> hashes;
    for (int i = 0; i < 100'000; ++i) hashes.push_back(hash_bytes("lobby:" + std::to_string(i), seed));
    std::sort(hashes.begin(), hashes.end());
    CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
}

TEST_CASE("random seeds differ", "[hash]") {
    std::set<std::uint64_t> seeds;
    for (int i = 0; i < 100; ++i) seeds.insert(joinly::detail::random_seed());
    CHECK(seeds.size() == 100);
}

TEST_CASE("a map that hashes keys is asked by view, with any bytes", "[hash]") {
    std::unordered_map<std::string, int, KeyHash, KeyEqual> map;
    const std::string with_nul{"a\0b", 3};
    map[with_nul] = 1;
    map["a"] = 2;
    CHECK(map.find(std::string_view{with_nul})->second == 1);
    CHECK(map.find(std::string_view{"a"})->second == 2);
    CHECK(map.find(std::string_view{"a\0c", 3}) == map.end());
    CHECK(KeyHash{seed}("a") == KeyHash{seed}("a"));
    CHECK(KeyHash{}("a") != KeyHash{}("a"));
}

}  // namespace
