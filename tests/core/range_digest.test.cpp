#include <joinly/core/range_digest.hpp>
#include <tests/support/catch.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using joinly::RangeDigest;
using joinly::Version;
using namespace std::string_literals;

std::uint64_t digest_of(const std::vector<std::pair<std::string, Version>>& records, std::uint64_t seed = 1) {
    RangeDigest digest{seed};
    for (const auto& [key, version] : records) digest.add(key, version);
    return digest.value();
}

TEST_CASE("a digest is that of its records, in any order", "[range_digest]") {
    const auto digest = digest_of({{"a", 1}, {"b", 2}});
    CHECK(digest_of({{"b", 2}, {"a", 1}}) == digest);
    CHECK(digest_of({{"a", 2}, {"b", 1}}) != digest);
    CHECK(digest_of({{"a", 1}}) != digest);
    CHECK(digest_of({{"a", 1}, {"b", 3}}) != digest);
    CHECK(digest_of({{"a", 1}, {"c", 2}}) != digest);
    CHECK(digest_of({{"a", 1}, {"b", 2}, {"c", 3}}) != digest);
    CHECK(digest_of({}) == 0);
}

TEST_CASE("another seed gives other digests, so that nobody can choose keys that collide", "[range_digest]") {
    CHECK(digest_of({{"a", 1}}, 1) != digest_of({{"a", 1}}, 2));
}

TEST_CASE("an index entry counts by its key alone", "[range_digest]") {
    CHECK(digest_of({{"\0ik:x1"s, 1}}) == digest_of({{"\0ik:x1"s, 2}}));
    CHECK(digest_of({{"\0ik:x1"s, 1}}) != digest_of({{"\0ik:x2"s, 1}}));
}

}  // namespace
