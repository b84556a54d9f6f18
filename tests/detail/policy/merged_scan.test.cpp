#include <joinly/detail/policy/merged_scan.hpp>
#include <tests/support/catch.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using joinly::Direction;
using joinly::Expiry;
using joinly::LoadedObject;
using joinly::RecordView;
using joinly::ScanItem;
using joinly::Version;
using joinly::WallTime;
using joinly::detail::MergedScan;

constexpr WallTime now{std::chrono::milliseconds{1000}};
constexpr Expiry passed{now};
constexpr Expiry not_yet{now + std::chrono::milliseconds{1}};

LoadedObject pending(std::string value, Version version, Expiry expires_at = {}) {
    return {{std::make_shared<const std::string>(std::move(value)), &joinly::bytes_type}, version, expires_at};
}
LoadedObject pending_erase(Version version) { return {{}, version, {}}; }

/// What a visitor was shown: "key=value@version", the value from the record or from the pending object.
std::string described(const ScanItem& item) {
    const std::string value =
        item.object ? *static_cast<const std::string*>(item.object->value.get()) : std::string{item.record.value};
    return std::string{item.key} + "=" + value + "@" + std::to_string(item.record.version);
}

using Stored = std::vector<std::pair<std::string, std::string>>;  // key and value, all at version 1
using Seen = std::vector<std::string>;

/// A scan of `stored`, as a backend would make it, merged with `writes`; the visitor stops after `limit` items.
Seen merge(MergedScan::PendingWrites writes, const Stored& stored, Direction direction = Direction::forward,
           std::size_t limit = 1000) {
    Seen seen;
    const auto visit = [&](const ScanItem& item) {
        seen.push_back(described(item));
        return seen.size() < limit;
    };
    MergedScan scan{std::move(writes), direction, now, visit};
    for (const auto& [key, value] : stored) {
        if (!scan.meet({key, {value, 1, {}}, nullptr})) break;
    }
    scan.finish();
    return seen;
}

TEST_CASE("without pending writes a scan is the backend's", "[merged_scan]") {
    CHECK(merge({}, {{"a", "1"}, {"b", "2"}}) == Seen{"a=1@1", "b=2@1"});
    CHECK(merge({}, {}).empty());
}

TEST_CASE("pending writes stand in key order before, between and after the stored ones", "[merged_scan]") {
    CHECK(merge({{"e", pending("E", 9)}, {"a", pending("A", 7)}, {"c", pending("C", 8)}, {"f", pending("F", 9)}},
                {{"b", "2"}, {"d", "4"}}) == Seen{"a=A@7", "b=2@1", "c=C@8", "d=4@1", "e=E@9", "f=F@9"});
}

TEST_CASE("a scan backward merges in falling key order", "[merged_scan]") {
    CHECK(merge({{"a", pending("A", 7)}, {"e", pending("E", 9)}, {"c", pending("C", 8)}}, {{"d", "4"}, {"b", "2"}},
                Direction::backward) == Seen{"e=E@9", "d=4@1", "c=C@8", "b=2@1", "a=A@7"});
}

TEST_CASE("pending writes are all there is when the backend has nothing", "[merged_scan]") {
    CHECK(merge({{"b", pending("B", 2)}, {"a", pending("A", 3)}}, {}) == Seen{"a=A@3", "b=B@2"});
    CHECK(merge({{"b", pending("B", 2)}, {"a", pending("A", 3)}}, {}, Direction::backward) == Seen{"b=B@2", "a=A@3"});
}

TEST_CASE("of a key that is stored and pending, the pending one is visited, once", "[merged_scan]") {
    CHECK(merge({{"a", pending("A", 7)}}, {{"a", "1"}, {"b", "2"}}) == Seen{"a=A@7", "b=2@1"});
    CHECK(merge({{"b", pending("B", 7)}}, {{"b", "2"}, {"a", "1"}}, Direction::backward) == Seen{"b=B@7", "a=1@1"});
}

TEST_CASE("a pending erase hides the stored record and is not visited itself", "[merged_scan]") {
    CHECK(merge({{"a", pending_erase(7)}, {"c", pending_erase(8)}}, {{"a", "1"}, {"b", "2"}}) == Seen{"b=2@1"});
}

TEST_CASE("a pending write that has expired hides the stored record and is not visited itself", "[merged_scan]") {
    CHECK(merge({{"a", pending("A", 7, passed)}, {"b", pending("B", 8, not_yet)}, {"c", pending("C", 9, passed)}}, {{"a", "1"}}) ==
          Seen{"b=B@8"});
}

TEST_CASE("keys compare as unsigned bytes, NULs included", "[merged_scan]") {
    const std::string high = "\xff";
    const std::string nul{"a\0", 2};
    CHECK(merge({{high, pending("H", 2)}, {nul, pending("N", 2)}}, {{"a", "1"}, {"b", "2"}}) ==
          Seen{"a=1@1", nul + "=N@2", "b=2@1", high + "=H@2"});
}

TEST_CASE("an item carries version and expiry, and either bytes or an object", "[merged_scan]") {
    bool saw_pending = false;
    bool saw_stored = false;
    const auto visit = [&](const ScanItem& item) {
        if (item.key == "a") {
            saw_pending = item.object != nullptr && item.record.version == 7 && item.record.expires_at == not_yet &&
                          item.record.value.empty();
        } else {
            saw_stored =
                item.object == nullptr && item.record.version == 3 && item.record.expires_at == not_yet && item.record.value == "2";
        }
        return true;
    };
    MergedScan scan{{{"a", pending("A", 7, not_yet)}}, Direction::forward, now, visit};
    CHECK(scan.meet({"b", {"2", 3, not_yet}, nullptr}));
    scan.finish();
    CHECK(saw_pending);
    CHECK(saw_stored);
}

TEST_CASE("an expired record of the backend is met and not shown", "[merged_scan]") {
    Seen seen;
    const auto visit = [&](const ScanItem& item) {
        seen.push_back(described(item));
        return true;
    };
    MergedScan scan{{{"a", pending("A", 7)}, {"c", pending("C", 8)}}, Direction::forward, now, visit};
    CHECK(scan.meet({"b", {"2", 3, passed}, nullptr}));
    CHECK(seen == Seen{"a=A@7"});
    CHECK(scan.meet({"c", {"3", 4, passed}, nullptr}));
    CHECK(seen == Seen{"a=A@7", "c=C@8"});
}

TEST_CASE("a visitor that has enough is shown nothing more", "[merged_scan]") {
    const MergedScan::PendingWrites writes{{"a", pending("A", 7)}, {"c", pending("C", 8)}, {"e", pending("E", 9)}};
    const Stored stored{{"b", "2"}, {"d", "4"}};
    const Seen all{"a=A@7", "b=2@1", "c=C@8", "d=4@1", "e=E@9"};
    for (std::size_t limit = 1; limit <= all.size(); ++limit) {
        const Seen first(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(limit));
        CHECK(merge(writes, stored, Direction::forward, limit) == first);
    }
}

TEST_CASE("the backend is told to stop when the visitor has enough", "[merged_scan]") {
    const auto visit = [](const ScanItem&) { return false; };
    MergedScan at_pending{{{"a", pending("A", 7)}}, Direction::forward, now, visit};
    CHECK_FALSE(at_pending.meet({"b", {"2", 1, {}}, nullptr}));
    MergedScan at_stored{{}, Direction::forward, now, visit};
    CHECK_FALSE(at_stored.meet({"b", {"2", 1, {}}, nullptr}));
    MergedScan at_both{{{"b", pending("B", 7)}}, Direction::forward, now, visit};
    CHECK_FALSE(at_both.meet({"b", {"2", 1, {}}, nullptr}));
}

TEST_CASE("a visitor's exception travels on", "[merged_scan]") {
    const auto visit = [](const ScanItem&) -> bool { throw std::runtime_error{"the visitor's"}; };
    MergedScan scan{{{"a", pending("A", 7)}}, Direction::forward, now, visit};
    CHECK_THROWS_WITH(scan.finish(), "the visitor's");
}

TEST_CASE("a merged scan is what a map with the writes applied would show", "[merged_scan]") {
    std::mt19937 random{7};
    for (int round = 0; round < 500; ++round) {
        std::map<std::string, std::string> stored;
        std::map<std::string, std::optional<std::string>> writes;
        for (auto i = random() % 12; i > 0; --i) stored[std::string(1, static_cast<char>('a' + random() % 12))] = "s";
        for (auto i = random() % 12; i > 0; --i) {
            auto& write = writes[std::string(1, static_cast<char>('a' + random() % 12))];
            write = random() % 3 == 0 ? std::nullopt : std::optional<std::string>{"p"};
        }
        std::map<std::string, std::string> merged;  // key to "key=value@version"
        for (const auto& [key, value] : stored) merged[key] = key + "=" + value + "@1";
        MergedScan::PendingWrites given;
        for (const auto& [key, value] : writes) {
            given.emplace_back(key, value ? pending(*value, 2) : pending_erase(2));
            if (value) {
                merged[key] = key + "=" + *value + "@2";
            } else {
                merged.erase(key);
            }
        }
        Seen expected;
        for (const auto& [key, shown] : merged) expected.push_back(shown);
        const Stored forward(stored.begin(), stored.end());
        REQUIRE(merge(given, forward) == expected);
        REQUIRE(merge(given, Stored(forward.rbegin(), forward.rend()), Direction::backward) ==
                Seen(expected.rbegin(), expected.rend()));
    }
}

}  // namespace
