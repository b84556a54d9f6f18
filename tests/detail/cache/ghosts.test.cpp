#include <joinly/detail/cache/ghosts.hpp>
#include <tests/support/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace {

using joinly::detail::Ghosts;

std::uint32_t hash_of(std::uint32_t key) { return (key + 1) * 0x85eb'ca6bU ^ (key + 1) * 0xc2b2'ae35U >> 13U; }

TEST_CASE("before it is told how many to remember, it knows nothing", "[ghosts]") {
    Ghosts ghosts;
    ghosts.add(1);
    CHECK_FALSE(ghosts.take(1));
}

TEST_CASE("what was added is there once, with the number of additions since", "[ghosts]") {
    Ghosts ghosts;
    ghosts.remember(100);
    for (std::uint32_t key = 0; key < 50; ++key) ghosts.add(hash_of(key));
    const std::optional<std::size_t> age = ghosts.take(hash_of(20));
    REQUIRE(age);
    CHECK(*age >= 29);
    CHECK(*age <= 30);
    CHECK_FALSE(ghosts.take(hash_of(20)));
}

TEST_CASE("as many as it was told are remembered, but for what crowded buckets forget", "[ghosts]") {
    for (const std::uint32_t count : {1U, 3U, 8U, 100U, 5'000U}) {
        Ghosts ghosts;
        ghosts.remember(count);
        for (std::uint32_t key = 0; key < count * 3; ++key) ghosts.add(hash_of(key));
        std::uint32_t found = 0;
        for (std::uint32_t key = count * 2; key < count * 3; ++key)
            if (ghosts.take(hash_of(key))) ++found;
        CHECK(found >= count * 8 / 10);
    }
}

TEST_CASE("what is older is forgotten, however often times have repeated", "[ghosts]") {
    for (const std::uint32_t count : {1U, 3U, 8U, 1'000U}) {
        Ghosts ghosts;
        ghosts.remember(count);
        for (std::uint32_t key = 0; key < count * 40; ++key) ghosts.add(hash_of(key));
        std::uint32_t found = 0;
        for (std::uint32_t key = 0; key + count + 1 < count * 40; ++key)
            if (ghosts.take(hash_of(key))) ++found;
        CHECK(found <= count / 40);  // others' fingerprints
    }
}

TEST_CASE("what was never added is seldom found", "[ghosts]") {
    Ghosts ghosts;
    ghosts.remember(10'000);
    for (std::uint32_t key = 0; key < 10'000; ++key) ghosts.add(hash_of(key));
    int found = 0;
    for (std::uint32_t key = 1'000'000; key < 1'100'000; ++key)
        if (ghosts.take(hash_of(key))) ++found;
    CHECK(found < 50);
}

TEST_CASE("to be told anew how many to remember is to forget all", "[ghosts]") {
    Ghosts ghosts;
    ghosts.remember(10);
    ghosts.add(1);
    ghosts.remember(20);
    CHECK_FALSE(ghosts.take(1));
}

}  // namespace
