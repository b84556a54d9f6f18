// The tree of MemoryBackend and its snapshots, against a std::map: what a snapshot shows must never change.
#include <joinly/detail/memory_snapshot.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/fail_allocations.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using joinly::Direction;
using joinly::KeyRange;
using joinly::RecordView;
using joinly::detail::MemoryDraft;
using joinly::detail::MemorySnapshot;
using joinly::detail::RecordTree;

using Model = std::map<std::string, std::string>;
using Listing = std::vector<std::pair<std::string, std::string>>;
using Snapshot = MemorySnapshot::Hold;

/// The newest snapshot; each write is a round of its own.
struct Records {
    Snapshot newest{new MemorySnapshot};
    std::uint64_t rounds = 0;

    template <class Change>
    void write(Change change) {
        MemoryDraft draft{*newest, ++rounds};
        change(draft);
        newest = draft.publish(newest, rounds);
    }
    void put(std::string_view key, std::string_view value) {
        write([&](MemoryDraft& draft) { draft.put(draft.records, key, {value, 1, {}}); });
    }
    void erase(std::string_view key) {
        write([&](MemoryDraft& draft) { draft.erase(draft.records, key); });
    }
};

Listing list(const Snapshot& snapshot, const KeyRange& range = {}) {
    Listing found;
    snapshot->records.visit(range, [&](std::string_view key, const RecordView& record) {
        found.emplace_back(key, record.value);
        return true;
    });
    return found;
}

Listing list(const Model& model, const KeyRange& range) {
    Listing found;
    for (const auto& [key, value] : model) {
        if (range.contains(key)) found.emplace_back(key, value);
    }
    if (range.direction == Direction::backward) return {found.rbegin(), found.rend()};
    return found;
}

bool is_same(const Snapshot& snapshot, const Model& model) { return list(snapshot) == Listing(model.begin(), model.end()); }

/// Keys that begin alike and differ late or early, end within the bytes that a node compares first, or have NULs there.
std::string key_of(std::size_t number) {
    const std::string digits = std::to_string(number / 4);
    switch (number % 4) {
        case 0: return "key" + std::string(number % 17, 'x') + digits;
        case 1: return "key" + std::string(number % 13, '\0');
        case 2: return "a kind whose keys all begin so:" + digits + "\xff";
        default: return std::string(1, static_cast<char>(number * 7)) + digits;
    }
}

TEST_CASE("a snapshot does not see what is put or erased afterwards", "[record_tree]") {
    Records records;
    records.put("b", "1");
    const Snapshot before = records.newest;
    records.put("b", "2");
    const Snapshot between = records.newest;
    records.put("a", "3");
    records.erase("b");
    CHECK(list(before) == Listing{{"b", "1"}});
    CHECK(list(between) == Listing{{"b", "2"}});
    CHECK(list(records.newest) == Listing{{"a", "3"}});
}

TEST_CASE("snapshots may go in any order, and one that has been held for long lets go of many", "[record_tree]") {
    Records records;
    const Snapshot first = records.newest;
    std::vector<Snapshot> held;
    for (std::size_t i = 0; i < 100'000; ++i) {
        records.put(std::to_string(i % 10), std::to_string(i));
        if (i % 1000 == 0) held.push_back(records.newest);
    }
    for (std::size_t i = 0; i < held.size(); i += 2) held[i] = {};
    for (std::size_t i = 1; i < held.size(); i += 2)
        CHECK(list(held[i]).front() == std::pair{std::string{"0"}, std::to_string(i * 1000)});
    CHECK(list(first).empty());
}

TEST_CASE("a draft that is not published leaves no trace", "[record_tree]") {
    Records records;
    Model model;
    for (std::size_t i = 0; i < 500; ++i) {
        records.put(key_of(i), "before");
        model[key_of(i)] = "before";
    }
    {
        MemoryDraft draft{*records.newest, ++records.rounds};
        for (std::size_t i = 0; i < 1000; ++i) draft.put(draft.records, key_of(i), {"draft", 2, {}});
        for (std::size_t i = 0; i < 1000; i += 3) draft.erase(draft.records, key_of(i));
    }
    CHECK(is_same(records.newest, model));
    records.put("after", "it");
    model["after"] = "it";
    CHECK(is_same(records.newest, model));
}

TEST_CASE("a record tree gives what it has replaced or erased", "[record_tree]") {
    Records records;
    records.write([](MemoryDraft& draft) {
        CHECK(draft.put(draft.records, "a", {"1", 1, {}, "terms"}) == nullptr);
        CHECK(draft.erase(draft.records, "b") == nullptr);
        const auto* replaced = draft.put(draft.records, "a", {"2", 2, {}});  // within the round that has made it
        REQUIRE(replaced);
        CHECK(replaced->value() == "1");
        CHECK(replaced->index_terms() == "terms");
        CHECK(replaced->version == 1);
    });
    records.write([](MemoryDraft& draft) {
        const auto* erased = draft.erase(draft.records, "a");
        REQUIRE(erased);
        CHECK(erased->key() == "a");
        CHECK(erased->value() == "2");
        CHECK(draft.erase(draft.records, "a") == nullptr);
    });
    CHECK(list(records.newest).empty());
}

TEST_CASE("a record tree that grew and was emptied in any order can be used again", "[record_tree]") {
    const bool upwards = GENERATE(true, false);
    const bool from_below = GENERATE(true, false);
    const bool at_once = GENERATE(true, false);
    constexpr std::size_t many = 3000;
    Records records;
    const auto each = [&](auto change) {
        if (at_once) {
            records.write([&](MemoryDraft& draft) {
                for (std::size_t i = 0; i < many; ++i) change(draft, i);
            });
        } else {
            for (std::size_t i = 0; i < many; ++i) records.write([&](MemoryDraft& draft) { change(draft, i); });
        }
    };
    each([&](MemoryDraft& draft, std::size_t i) {
        draft.put(draft.records, std::to_string(100'000 + (upwards ? i : many - 1 - i)), {"v", 1, {}});
    });
    const Snapshot full = records.newest;
    each([&](MemoryDraft& draft, std::size_t i) {
        REQUIRE(draft.erase(draft.records, std::to_string(100'000 + (from_below ? i : many - 1 - i))));
    });
    CHECK(list(records.newest).empty());
    CHECK(list(full).size() == many);
    records.put("again", "v");
    CHECK(records.newest->records.find("again"));
}

TEST_CASE("a record tree does as a map does, and its snapshots stay as they were", "[record_tree]") {
    std::mt19937 random{GENERATE(1u, 2u, 3u)};
    const std::size_t keys = GENERATE(20u, 400u, 4000u);
    const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random()) % bound; };
    Records records;
    Model model;
    std::vector<std::pair<Snapshot, Model>> snapshots;
    const auto change = [&](MemoryDraft& draft, std::size_t i) {
        const std::string key = key_of(below(keys));
        const bool grows = i / 1500 % 2 == 0;  // and shrinks
        if (below(4) < (grows ? 3u : 1u)) {
            const auto* former = draft.put(draft.records, key, {std::to_string(i), 1, {}});
            REQUIRE((former != nullptr) == (model.count(key) == 1));
            if (former) REQUIRE(former->value() == model[key]);
            model[key] = std::to_string(i);
        } else {
            REQUIRE((draft.erase(draft.records, key) != nullptr) == (model.erase(key) == 1));
        }
        const std::string asked = key_of(below(keys));
        const auto* found = draft.records.find(asked);
        REQUIRE((found != nullptr) == (model.count(asked) == 1));
        if (found) REQUIRE((found->key() == asked && found->value() == model[asked]));
    };
    for (std::size_t i = 0; i < 6000;) {
        records.write([&](MemoryDraft& draft) {
            for (std::size_t changes = below(3) == 0 ? 1 + below(60) : 1; changes > 0; --changes) change(draft, i++);
        });
        if (below(30) == 0) {
            const auto direction = below(2) == 0 ? Direction::forward : Direction::backward;
            const KeyRange range{key_of(below(keys)), below(3) == 0 ? "" : key_of(below(keys)), direction};
            REQUIRE(list(records.newest, range) == list(model, range));
        }
        if (below(60) == 0) {
            const std::size_t place = below(20);
            if (place < snapshots.size()) {
                REQUIRE(is_same(snapshots[place].first, snapshots[place].second));
                snapshots[place] = {records.newest, model};
            } else {
                snapshots.emplace_back(records.newest, model);
            }
        }
    }
    CHECK(is_same(records.newest, model));
    for (const auto& [snapshot, then] : snapshots) CHECK(is_same(snapshot, then));
}

TEST_CASE("an allocation that fails in a change to a record tree leaves the others as they were", "[record_tree][allocations]") {
    Records records;
    Model model;
    for (std::size_t i = 0; i < 1200; ++i) {  // with splits of leaves, of inner nodes and of the root on the way
        records.put(key_of(i), "v");
        model[key_of(i)] = "v";
        if (i > 100 && i % 31 != 0) continue;
        for (const bool puts : {true, false}) {
            bool failed = true;
            for (int n = 0; failed; ++n) {
                failed = joinly::test::with_failing_allocation(n, [&] {
                    MemoryDraft draft{*records.newest, ++records.rounds};
                    for (std::size_t more = 1; more < 40; ++more) {
                        const std::string key = key_of(puts ? i + more : i - (std::min)(i, more));
                        puts ? draft.put(draft.records, key, {"new", 2, {}}) : draft.erase(draft.records, key);
                    }
                });
            }
        }
        REQUIRE(is_same(records.newest, model));
    }
}

TEST_CASE("a visit of a record tree ends when it is told to", "[record_tree]") {
    Records records;
    for (std::size_t i = 0; i < 300; ++i) records.put(std::to_string(1000 + i), "v");
    std::string last;
    records.newest->records.visit({"1100", "", Direction::forward}, [&](std::string_view key, const RecordView&) {
        last = key;
        return key != "1150";
    });
    CHECK(last == "1150");
}

}  // namespace
