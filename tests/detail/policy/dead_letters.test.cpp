#include <joinly/detail/policy/dead_letters.hpp>
#include <joinly/policy/object.hpp>
#include <tests/support/catch.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using joinly::Errc;
using joinly::Error;
using joinly::Version;
using joinly::detail::DeadLetters;
using joinly::detail::DeadWrites;

DeadLetters::Letter letter(Version first, Version last, const std::vector<std::string>& keys) {
    DeadWrites dead{first, last, Error{Errc::corrupt, "why"}, {}};
    for (const auto& key : keys) dead.writes.push_back({key, {}, {}});
    dead.bytes = 10 * keys.size();
    return std::make_shared<const DeadWrites>(std::move(dead));
}

void add(DeadLetters& letters, const DeadLetters::Letter& one) { letters.add(DeadLetters::Addition{one}); }
void drop(DeadLetters& letters, Version id) { REQUIRE(letters.drop(id, DeadLetters::Removal{*letters.find(id)}) != nullptr); }

TEST_CASE("the load is that of the letters that are there, but for the one that is retried", "[dead_letters]") {
    DeadLetters letters;
    const auto first = letter(1, 2, {"a", "b"});
    const auto second = letter(3, 3, {"c"});
    add(letters, first);
    add(letters, second);
    CHECK(letters.load().entries == 3);
    CHECK(letters.load().bytes == 30);
    CHECK(letters.load(first.get()).entries == 1);
    drop(letters, 2);
    CHECK(letters.load().entries == 1);
    CHECK(letters.load().bytes == 10);
    CHECK(letters.load(first.get()).entries == 1);  // it is not there any more
    CHECK(letters.drop(2, DeadLetters::Removal{*first}) == nullptr);
}

TEST_CASE("a newer write puts in doubt the letters that hold its key, and no others", "[dead_letters]") {
    DeadLetters letters;
    const auto first = letter(1, 2, {"a", "b"});
    const auto second = letter(3, 3, {"b"});
    const auto third = letter(4, 4, {"c"});
    for (const auto& one : {first, second, third}) add(letters, one);
    letters.note("b");
    letters.note("unknown");
    letters.note("a");  // in doubt already, for the key that came first
    CHECK(DeadLetters::check_retry(*first).error().message() ==
          "dead letter 2 may be older than what is there: b has been written since");
    CHECK_FALSE(DeadLetters::check_retry(*second));
    CHECK(DeadLetters::check_retry(*third));
    drop(letters, 4);
    letters.note("c");
    CHECK(DeadLetters::check_retry(*third));  // dropped, it hears of nothing more
}

TEST_CASE("a version is found in the letters that are there and that were, though their ranges overlap", "[dead_letters]") {
    std::mt19937 random{7};
    constexpr Version newest = 60;
    for (int round = 0; round < 300; ++round) {
        DeadLetters letters;
        std::vector<std::pair<Version, Version>> ranges;
        for (Version last = 1; last <= newest; ++last) {
            if (random() % 6 != 0) continue;
            const Version first = last - (std::min)(last - 1, Version{random() % 3 == 0 ? random() % 12 : 0});
            add(letters, letter(first, last, {std::to_string(last)}));
            if (random() % 2 == 0) drop(letters, last);
            ranges.emplace_back(first, last);
        }
        for (Version first = 0; first <= newest; ++first) {
            const Version last = first + random() % 5;
            bool is_within = false;
            bool is_held = false;
            for (const auto& range : ranges) {
                is_within |= range.first <= last && range.second >= first;
                is_held |= range.first <= first && range.second >= first;
            }
            INFO("from " << first << " to " << last << ", round " << round);
            CHECK(letters.status_within(first, last).has_value() == !is_within);
            CHECK(letters.has(first) == is_held);
        }
    }
}

TEST_CASE("a journal need not be told any more what was dropped below what the backend has", "[dead_letters]") {
    DeadLetters letters;
    for (Version version = 1; version <= 4; ++version) add(letters, letter(version, version, {std::to_string(version)}));
    for (Version version = 1; version <= 3; ++version) drop(letters, version);
    letters.forget_dropped(2);
    std::vector<Version> told;
    letters.visit_dropped([&](Version last, const DeadLetters::Dropped&) { told.push_back(last); });
    CHECK(told == std::vector<Version>{3});
    CHECK_FALSE(letters.status_within(1, 1));
}

}  // namespace
