#include <joinly/detail/cache/table.hpp>
#include <tests/support/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace {

/// A node that knows its number.
struct Number {
    int number;
};
using Table = joinly::detail::CacheTable<Number>;

const Number* find(const Table& table, std::uint64_t hash, int number) {
    return table.find(hash, [number](const Number& found) { return found.number == number; }).node;
}

TEST_CASE(
    "neither an empty cell nor one that has been emptied is ever looked "
    "into, whatever the tag",
    "[cache_table]") {
    Table table{1};
    Number kept{0};
    Number erased{1};
    for (std::uint64_t kept_tag = 0; kept_tag < 256; ++kept_tag) {
        for (std::uint64_t tag = 0; tag < 256; ++tag) {
            table.insert(tag, &erased);
            table.insert(kept_tag, &kept);
            table.erase(tag, &erased);
            (void)table.find(tag, [&](const Number& found) {
                if (found.number != kept.number) FAIL("tag " << tag << " beside " << kept_tag);
                return false;
            });
            REQUIRE(find(table, kept_tag, 0) == &kept);
            table.erase(kept_tag, &kept);
        }
    }
}

TEST_CASE(
    "seven nodes of one hash share a bucket, and the rest goes to the "
    "next ones",
    "[cache_table]") {
    Table table{4};
    std::vector<Number> numbers;
    for (int i = 0; i < 28; ++i) numbers.push_back({i});
    constexpr std::uint64_t hash = 0xffff'ffff'0000'0042U;  // the last bucket: the next is the first
    for (Number& number : numbers) table.insert(hash, &number);
    for (const Number& number : numbers) CHECK(find(table, hash, number.number) == &number);
    CHECK(find(table, hash, 28) == nullptr);  // a full table ends as well
    for (const Number& number : numbers) table.erase(hash, &number);
    for (const Number& number : numbers) CHECK(find(table, hash, number.number) == nullptr);
    int left = 0;
    table.for_each([&](Number*) { ++left; });
    CHECK(left == 0);
}

TEST_CASE("a larger table has room for more, up to all that there will be", "[cache_table]") {
    for (const std::size_t most : {std::size_t{1}, std::size_t{1000}, std::size_t{100'000}}) {
        std::unique_ptr<Table> table = Table::larger(nullptr, most);
        while (table->room() < most) {
            auto next = Table::larger(table.get(), most);
            REQUIRE(next->room() > table->room());
            table = std::move(next);
        }
        CHECK(table->room() <= most + 40);
    }
    CHECK(Table::larger(nullptr, ~std::size_t{0})->room() < 20);
}

TEST_CASE("a node's cell can be given another node", "[cache_table]") {
    Table table{2};
    Number old{1};
    Number fresh{1};
    table.insert(7, &old);
    const auto [cell, node] = table.find(7, [](const Number& found) { return found.number == 1; });
    REQUIRE(cell != nullptr);
    CHECK(node == &old);
    cell->store(&fresh);
    CHECK(find(table, 7, 1) == &fresh);
    table.erase(7, &fresh);
    CHECK(find(table, 7, 1) == nullptr);
}

}  // namespace
