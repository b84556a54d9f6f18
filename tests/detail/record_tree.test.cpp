// The tree of MemoryBackend, against a std::map: what a copy of it sees must never change.
#include <joinly/detail/record_tree.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/fail_allocations.hpp>

#include <cstddef>
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
using joinly::detail::RecordTree;

using Model = std::map<std::string, std::string>;
using Listing = std::vector<std::pair<std::string, std::string>>;

Listing list(const RecordTree& tree, const KeyRange& range = {}) {
    Listing found;
    tree.visit(range, [&](std::string_view key, const RecordView& record) {
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

bool is_same(const RecordTree& tree, const Model& model) { return list(tree) == Listing(model.begin(), model.end()); }

/// Keys of up to 24 bytes: some short strings, some not.
std::string key_of(std::size_t number) { return "key" + std::string(number % 17, 'x') + std::to_string(number); }

TEST_CASE("a copy of a record tree does not see what is put into the original or erased from it", "[record_tree]") {
    RecordTree tree;
    tree.put({"b", {"1", 1, {}}});
    const RecordTree before = tree;
    tree.put({"b", {"2", 2, {}}});
    const RecordTree between = tree;
    tree.put({"a", {"3", 3, {}}});
    tree.erase("b");
    CHECK(list(before) == Listing{{"b", "1"}});
    CHECK(list(between) == Listing{{"b", "2"}});
    CHECK(list(tree) == Listing{{"a", "3"}});
}

TEST_CASE("what two copies of a record tree change is their own", "[record_tree]") {
    RecordTree left;
    for (std::size_t i = 0; i < 500; ++i) left.put({key_of(i), {"common", 1, {}}});
    RecordTree right = left;
    Model of_left;
    Model of_right;
    for (std::size_t i = 0; i < 500; ++i) {
        left.put({key_of(i), {"left", 2, {}}});
        of_left[key_of(i)] = "left";
        if (i % 2 == 0) {
            right.erase(key_of(i));
        } else {
            of_right[key_of(i)] = "common";
        }
    }
    CHECK(is_same(left, of_left));
    CHECK(is_same(right, of_right));
}

TEST_CASE("a record tree gives what it has replaced or erased", "[record_tree]") {
    RecordTree tree;
    CHECK(tree.put({"a", {"1", 1, {}}}) == nullptr);
    CHECK(tree.erase("b") == nullptr);
    const auto replaced = tree.put({"a", {"2", 2, {}}});
    REQUIRE(replaced);
    CHECK(replaced->record.value == "1");
    const auto erased = tree.erase("a");
    REQUIRE(erased);
    CHECK(erased->record.value == "2");
    CHECK(tree.erase("a") == nullptr);
    CHECK(list(tree).empty());
}

TEST_CASE("a record tree that grew and was emptied in any order can be used again", "[record_tree]") {
    const bool upwards = GENERATE(true, false);
    const bool from_below = GENERATE(true, false);
    RecordTree tree;
    constexpr std::size_t many = 3000;
    for (std::size_t i = 0; i < many; ++i) tree.put({std::to_string(100'000 + (upwards ? i : many - i)), {"v", 1, {}}});
    const RecordTree full = tree;
    for (std::size_t i = 1; i < many; ++i) REQUIRE(tree.erase(std::to_string(100'000 + (from_below ? i : many - i))));
    CHECK(list(tree).size() == 1);
    CHECK(list(full).size() == many);
    for (const auto& [key, value] : list(tree)) CHECK(tree.erase(key));
    CHECK(list(tree).empty());
    tree.put({"again", {"v", 1, {}}});
    CHECK(tree.find("again"));
}

TEST_CASE("a record tree does as a map does, and its snapshots stay as they were", "[record_tree]") {
    std::mt19937 random{GENERATE(1u, 2u, 3u)};
    const std::size_t keys = GENERATE(20u, 400u, 4000u);
    const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random()) % bound; };
    RecordTree tree;
    Model model;
    std::vector<std::pair<RecordTree, Model>> snapshots;
    for (std::size_t i = 0; i < 6000; ++i) {
        const std::string key = key_of(below(keys));
        const bool grows = i / 1500 % 2 == 0;  // and shrinks
        if (below(4) < (grows ? 3u : 1u)) {
            const auto former = tree.put({key, {std::to_string(i), 1, {}}});
            REQUIRE((former != nullptr) == (model.count(key) == 1));
            if (former) REQUIRE(former->record.value == model[key]);
            model[key] = std::to_string(i);
        } else {
            REQUIRE((tree.erase(key) != nullptr) == (model.erase(key) == 1));
        }
        const std::string asked = key_of(below(keys));
        const auto* found = tree.find(asked);
        REQUIRE((found != nullptr) == (model.count(asked) == 1));
        if (found) REQUIRE((found->key == asked && found->record.value == model[asked]));
        if (below(100) == 0) {
            const auto direction = below(2) == 0 ? Direction::forward : Direction::backward;
            const KeyRange range{key_of(below(keys)), below(3) == 0 ? "" : key_of(below(keys)), direction};
            REQUIRE(list(tree, range) == list(model, range));
        }
        if (below(200) == 0) {
            const std::size_t place = below(20);
            if (place < snapshots.size()) {
                REQUIRE(is_same(snapshots[place].first, snapshots[place].second));
                snapshots[place] = {tree, model};
            } else {
                snapshots.emplace_back(tree, model);
            }
        }
    }
    CHECK(is_same(tree, model));
    for (const auto& [snapshot, then] : snapshots) CHECK(is_same(snapshot, then));
}

TEST_CASE("an allocation that fails in a change to a record tree leaves the other copies as they were",
          "[record_tree][allocations]") {
    RecordTree tree;
    Model model;
    for (std::size_t i = 0; i < 300; ++i) {  // with splits of leaves, of inner nodes and of the root on the way
        tree.put({key_of(i), {"v", 1, {}}});
        model[key_of(i)] = "v";
        const joinly::detail::KeyedRecord added{key_of(i + 1), {"new", 2, {}}};
        for (const bool puts : {true, false}) {
            bool failed = true;
            for (int n = 0; failed; ++n) {
                RecordTree next = tree;
                failed = joinly::test::with_failing_allocation(n, [&] { puts ? next.put(added) : next.erase(key_of(i / 2)); });
            }
        }
        REQUIRE(is_same(tree, model));
    }
}

TEST_CASE("a visit of a record tree ends when it is told to", "[record_tree]") {
    RecordTree tree;
    for (std::size_t i = 0; i < 300; ++i) tree.put({std::to_string(1000 + i), {"v", 1, {}}});
    std::string last;
    tree.visit({"1100", "", Direction::forward}, [&](std::string_view key, const RecordView&) {
        last = key;
        return key != "1150";
    });
    CHECK(last == "1150");
}

}  // namespace
