#include <joinly/cache/adaptive_s3_fifo.hpp>
#include <joinly/cache/cache.hpp>
#include <joinly/cache/lru.hpp>
#include <joinly/cache/s3_fifo.hpp>
#include <joinly/cache/sieve.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/fail_allocations.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using joinly::Cache;
using joinly::CacheOptions;
using joinly::CacheSlot;
using joinly::Expiry;
using joinly::Lru;
using joinly::ManualClock;
using joinly::test::with_failing_allocation;
using namespace std::chrono_literals;

template <class Value = int>
using TimedCache = Cache<Value, Lru, ManualClock>;

std::string key_number(int number) { return "key " + std::to_string(number); }

template <class AnyCache>
std::string present(AnyCache& cache, std::string_view keys) {
    std::string found;
    for (const char key : keys) {
        if (cache.peek({&key, 1})) found.push_back(key);
    }
    return found;
}

/// First in, first out: a hit changes nothing.
struct Fifo {
    static constexpr std::uint8_t most_uses = 1;  // which nobody looks at
    struct Queue {
        explicit Queue(std::size_t) {}
        std::deque<CacheSlot> slots;
        void inserted(CacheSlot slot, std::uint64_t) { slots.push_back(slot); }
        void erased(CacheSlot slot) { slots.erase(std::find(slots.begin(), slots.end(), slot)); }
        template <class Uses>
        [[nodiscard]] CacheSlot victim(Uses&) const {
            return slots.front();
        }
    };
};

// --- finding, replacing, erasing

TEST_CASE("a cache gives what was set under a key, and nothing under another", "[cache]") {
    Cache<std::string> cache;
    cache.set("a", "1");
    CHECK(cache.get("a") == "1");
    CHECK(cache.get("b") == std::nullopt);
    CHECK(cache.peek("a") == "1");
    CHECK(cache.peek("b") == std::nullopt);
}

TEST_CASE("setting a key again replaces its value and its expiry", "[cache]") {
    ManualClock clock;
    TimedCache<> cache{{}, clock};
    cache.set("a", 1, 10s);
    cache.set("a", 2);
    CHECK(cache.stats().size == 1);
    clock.advance(1h);
    CHECK(cache.get("a") == 2);
    cache.set("a", 3, 10s);
    clock.advance(10s);
    CHECK(cache.get("a") == std::nullopt);
}

TEST_CASE("erasing tells whether there was an entry", "[cache]") {
    Cache<int> cache;
    cache.set("a", 1);
    CHECK(cache.erase("a"));
    CHECK(cache.get("a") == std::nullopt);
    CHECK_FALSE(cache.erase("a"));
    CHECK(cache.stats().size == 0);
}

TEST_CASE("keys are any bytes: empty, long, with NULs, with a common beginning", "[cache]") {
    const std::vector<std::string> keys{"",         std::string(1, '\0'),      std::string(2, '\0'),
                                        "a",        std::string{"a\0", 2},     std::string{"a\0b", 3},
                                        "\xff\xfe", std::string(100'000, 'x'), std::string(100'000, 'x') + "y"};
    Cache<std::size_t> cache;
    for (std::size_t i = 0; i < keys.size(); ++i) cache.set(keys[i], i);
    CHECK(cache.stats().size == keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) CHECK(cache.get(keys[i]) == i);
    CHECK(cache.erase(""));
    CHECK(cache.get(std::string_view{}) == std::nullopt);
    CHECK(cache.get(std::string_view{"\0", 1}) == 1);
}

TEST_CASE("a cleared cache is empty, keeps its statistics and can be filled again", "[cache]") {
    Cache<int> cache{{.capacity_entries = 100, .shards = 4}};
    for (int i = 0; i < 50; ++i) cache.set(key_number(i), i);
    (void)cache.get(key_number(1));
    cache.clear();
    CHECK(cache.stats().size == 0);
    CHECK(cache.stats().insertions == 50);
    CHECK(cache.stats().hits == 1);
    CHECK(cache.stats().evictions == 0);
    CHECK(cache.peek(key_number(1)) == std::nullopt);
    for (int i = 0; i < 200; ++i) cache.set(key_number(i), i);
    CHECK(cache.stats().size == 100);
    CHECK(cache.get(key_number(199)) == 199);
}

// --- visiting

TEST_CASE("a visit sees the value in place", "[cache]") {
    Cache<std::unique_ptr<int>> cache;  // nothing of this could be copied out
    auto value = std::make_unique<int>(7);
    const int* const address = value.get();
    cache.set("a", std::move(value));
    const int* seen = nullptr;
    CHECK(cache.visit("a", [&](const std::unique_ptr<int>& found) { seen = found.get(); }));
    CHECK(seen == address);
    CHECK_FALSE(cache.visit("b", [&](const std::unique_ptr<int>&) { seen = nullptr; }));
    CHECK(seen == address);
}

TEST_CASE("values that can only be moved are replaced, evicted and erased", "[cache]") {
    Cache<std::unique_ptr<int>, Lru> cache{{.capacity_entries = 2}};
    for (const char* key : {"a", "b", "b", "c"}) cache.set(key, std::make_unique<int>(*key));
    CHECK_FALSE(cache.visit("a", [](const auto&) {}));
    CHECK(cache.erase("b"));
    int seen = 0;
    CHECK(cache.visit("c", [&](const auto& value) { seen = *value; }));
    CHECK(seen == 'c');
}

TEST_CASE("a visitor that throws leaves the cache usable", "[cache]") {
    Cache<int, Lru> cache{{.capacity_entries = 2}};
    cache.set("a", 1);
    CHECK_THROWS_WITH(cache.visit("a", [](int) { throw std::runtime_error{"the visitor's"}; }), "the visitor's");
    CHECK(cache.get("a") == 1);
    cache.set("b", 2);
    cache.set("c", 3);
    CHECK(present(cache, "abc") == "bc");
}

TEST_CASE("a hit allocates nothing", "[cache]") {
    Cache<int> cache;
    const std::string key(100, 'k');
    cache.set(key, 1);
    int seen = 0;
    CHECK_FALSE(with_failing_allocation(0, [&] { cache.visit(key, [&](int value) { seen = value; }); }));
    CHECK(seen == 1);
}

TEST_CASE("a string is visited as the bytes that its entry holds", "[cache]") {
    ManualClock clock;
    TimedCache<std::string> cache{{}, clock};
    const std::vector<std::string> values{"", std::string(1, '\0'), "text", std::string("a\0b", 3), std::string(100'000, 'x')};
    for (const std::string& value : values) {
        for (const bool expires : {false, true}) {
            if (expires) {
                cache.set("key", value, 1s);
            } else {
                cache.set("key", value);
            }
            CHECK(cache.visit("key", [&](std::string_view seen) { CHECK(seen == value); }));
            CHECK(cache.get("key") == value);
        }
    }
}

TEST_CASE("a value lies where its type wants it", "[cache]") {
    struct alignas(32) Aligned {
        int number;
        std::string text;
    };
    Cache<Aligned> cache;
    Cache<double> doubles;
    for (const std::string key : {"", "a", "abc", "a key of seventeen", "a key that is longer than that"}) {
        cache.set(key, Aligned{7, "text"});
        cache.visit(key, [](const Aligned& value) {
            CHECK(reinterpret_cast<std::uintptr_t>(&value) % alignof(Aligned) == 0);
            CHECK(value.number == 7);
            CHECK(value.text == "text");
        });
        doubles.set(key, 1.5, 1h);
        doubles.visit(key, [](const double& value) { CHECK(reinterpret_cast<std::uintptr_t>(&value) % alignof(double) == 0); });
        CHECK(doubles.get(key) == 1.5);
    }
}

TEST_CASE("a peek sees the value in place, too", "[cache]") {
    Cache<std::unique_ptr<int>> cache;
    cache.set("a", std::make_unique<int>(7));
    int seen = 0;
    CHECK(cache.peek("a", [&](const std::unique_ptr<int>& value) { seen = *value; }));
    CHECK(seen == 7);
    CHECK_FALSE(cache.peek("b", [&](const std::unique_ptr<int>&) { seen = 0; }));
    CHECK(seen == 7);
}

// --- visiting many

TEMPLATE_TEST_CASE("many are visited in their order, each by its position", "[cache]", Lru, Fifo) {
    Cache<int, TestType> cache;
    std::vector<std::string> names;
    for (int i = 0; i < 100; ++i) names.push_back(key_number(i));
    names.push_back(names[2]);
    for (int i = 0; i < 100; i += 2) cache.set(names[static_cast<std::size_t>(i)], i);
    const std::vector<std::string_view> keys(names.begin(), names.end());
    std::vector<std::pair<std::size_t, int>> seen;
    cache.visit_many(keys, [&](std::size_t position, int value) { seen.emplace_back(position, value); });
    std::vector<std::pair<std::size_t, int>> expected;
    for (int i = 0; i < 100; i += 2) expected.emplace_back(static_cast<std::size_t>(i), i);
    expected.emplace_back(100, 2);
    CHECK(seen == expected);
    CHECK(cache.stats().hits == 51);
    CHECK(cache.stats().misses == 50);
    cache.visit_many({}, [](std::size_t, int) { FAIL("there are no keys"); });
}

TEMPLATE_TEST_CASE("of many, those that have expired are not visited, and dropped", "[cache]", Lru, Fifo) {
    ManualClock clock;
    Cache<int, TestType, ManualClock> cache{{}, clock};
    cache.set("a", 1, 1s);
    cache.set("b", 2, 2s);
    cache.set("c", 3, 1s);
    clock.advance(1s);
    std::vector<int> seen;
    const std::vector<std::string_view> keys{"a", "b", "c"};
    cache.visit_many(keys, [&](std::size_t, int value) { seen.push_back(value); });
    CHECK(seen == std::vector<int>{2});
    CHECK(cache.stats().expirations == 2);
    CHECK(cache.stats().misses == 2);
    CHECK(cache.stats().size == 1);
}

TEMPLATE_TEST_CASE("a visitor of many that throws leaves the cache usable", "[cache]", Lru, Fifo) {
    Cache<int, TestType> cache;
    for (const char* key : {"a", "b"}) cache.set(key, 1);
    const std::vector<std::string_view> keys{"a", "b"};
    CHECK_THROWS_WITH(cache.visit_many(keys, [](std::size_t, int) { throw std::runtime_error{"the visitor's"}; }), "the visitor's");
    CHECK(cache.erase("a"));
    CHECK(cache.get("b") == 1);
}

// --- capacity

TEST_CASE("a full cache of one shard evicts the least recently used entry", "[cache]") {
    Cache<int, Lru> cache{{.capacity_entries = 3, .shards = 1}};
    for (const char* key : {"a", "b", "c"}) cache.set(key, 0);

    SECTION("the oldest, when nothing was used") {
        cache.set("d", 0);
        CHECK(present(cache, "abcd") == "bcd");
        cache.set("e", 0);
        CHECK(present(cache, "abcde") == "cde");
    }
    SECTION("a get is a use") {
        (void)cache.get("a");
        cache.set("d", 0);
        CHECK(present(cache, "abcd") == "acd");
    }
    SECTION("a visit is a use") {
        cache.visit("a", [](int) {});
        cache.set("d", 0);
        CHECK(present(cache, "abcd") == "acd");
    }
    SECTION("replacing is a use, and evicts nothing") {
        cache.set("a", 1);
        CHECK(present(cache, "abc") == "abc");
        cache.set("d", 0);
        CHECK(present(cache, "abcd") == "acd");
    }
    SECTION("a peek is not a use") {
        (void)cache.peek("a");
        cache.set("d", 0);
        CHECK(present(cache, "abcd") == "bcd");
    }
    SECTION("an erased entry makes room") {
        cache.erase("b");
        cache.set("d", 0);
        CHECK(present(cache, "abcd") == "acd");
    }
    CHECK(cache.stats().size == 3);
}

TEST_CASE("a cache of capacity 0 keeps nothing and says so", "[cache]") {
    Cache<int> cache{{.capacity_entries = 0}};
    cache.set("a", 1);
    cache.set("a", 1, 10s);
    CHECK(cache.get("a") == std::nullopt);
    CHECK_FALSE(cache.erase("a"));
    cache.clear();
    const auto stats = cache.stats();
    CHECK(stats.size == 0);
    CHECK(stats.max_size == 0);
    CHECK(stats.insertions == 0);
    CHECK(stats.misses == 1);
}

TEST_CASE("a cache of capacity 1 keeps the newest entry", "[cache]") {
    Cache<int> cache{{.capacity_entries = 1}};
    for (int i = 0; i < 10; ++i) {
        cache.set(key_number(i), i);
        CHECK(cache.get(key_number(i)) == i);
        CHECK(cache.stats().size == 1);
    }
    CHECK(cache.stats().evictions == 9);
}

TEST_CASE("many shards together hold at most the capacity, and all of it", "[cache]") {
    for (const std::size_t capacity : {1U, 2U, 15U, 16U, 17U, 100U, 10'000U}) {
        for (const std::size_t shards : {0U, 1U, 3U, 16U, 64U}) {
            INFO(capacity << " entries in " << shards << " shards");
            Cache<int> cache{{.capacity_entries = capacity, .shards = shards}};
            const int entries = static_cast<int>(capacity) * 3 + 1000;
            for (int i = 0; i < entries; ++i) cache.set(key_number(i), i);
            const auto stats = cache.stats();
            CHECK(stats.size == capacity);
            CHECK(stats.max_size == capacity);
            CHECK(stats.evictions == static_cast<std::size_t>(entries) - capacity);
        }
    }
}

TEST_CASE("every key can be cached, however few entries and many shards there are", "[cache]") {
    for (const std::size_t capacity : {1U, 2U, 7U}) {
        Cache<int> cache{{.capacity_entries = capacity, .shards = 16}};
        for (int i = 0; i < 100; ++i) {
            cache.set(key_number(i), i);
            INFO(capacity << " entries, key " << i);
            CHECK(cache.get(key_number(i)) == i);
        }
    }
}

TEST_CASE(
    "an entry finds its way back among ten thousand, and after most were "
    "erased",
    "[cache]") {
    constexpr int entries = 10'000;
    Cache<int> cache{{.capacity_entries = entries, .shards = 1}};
    for (int i = 0; i < entries; ++i) cache.set(key_number(i), i);
    int found = 0;
    for (int i = 0; i < entries; ++i) found += cache.peek(key_number(i)) == i;
    CHECK(found == entries);
    for (int i = 0; i < entries; ++i) {
        if (i % 16 != 0) cache.erase(key_number(i));
    }
    int right = 0;
    for (int i = 0; i < entries; ++i) right += cache.peek(key_number(i)) == (i % 16 == 0 ? std::optional{i} : std::nullopt);
    CHECK(right == entries);
    CHECK(cache.stats().size == entries / 16);
}

TEST_CASE("an eviction policy of the user's own decides who leaves", "[cache]") {
    static_assert(joinly::eviction_policy<Fifo>);
    Cache<int, Fifo> cache{{.capacity_entries = 3, .shards = 1}};
    for (const char* key : {"a", "b", "c"}) cache.set(key, 0);
    (void)cache.get("a");
    cache.set("a", 1);
    cache.set("d", 0);
    CHECK(present(cache, "abcd") == "bcd");
    cache.erase("c");
    cache.set("e", 0);
    cache.set("f", 0);
    CHECK(present(cache, "bdef") == "def");
    cache.clear();
    cache.set("g", 0);
    CHECK(present(cache, "defg") == "g");
}

// --- capacity by weight

/// An entry weighs what its value says.
struct ByValue {
    std::size_t operator()(std::string_view, int value) const noexcept { return static_cast<std::size_t>(value); }
};
using WeighedCache = Cache<int, Lru, ManualClock, ByValue>;

TEST_CASE("entries leave until the weight is within the capacity", "[cache][weight]") {
    WeighedCache cache{{.capacity_weight = 10, .shards = 1}};
    cache.set("a", 4);
    cache.set("b", 3);
    cache.set("c", 3);
    CHECK(present(cache, "abc") == "abc");
    CHECK(cache.stats().weight == 10);
    cache.set("d", 5);
    CHECK(present(cache, "abcd") == "cd");
    CHECK(cache.stats().weight == 8);
    CHECK(cache.stats().evictions == 2);
}

TEST_CASE("a replaced entry weighs what its new value does", "[cache][weight]") {
    WeighedCache cache{{.capacity_weight = 10, .shards = 1}};
    cache.set("a", 4);
    cache.set("b", 4);
    cache.set("b", 1);
    CHECK(cache.stats().weight == 5);
    cache.set("b", 8);
    CHECK(present(cache, "ab") == "b");
    CHECK(cache.stats().weight == 8);
}

TEST_CASE("what is erased, cleared or expired weighs nothing", "[cache][weight]") {
    ManualClock clock;
    WeighedCache cache{{.capacity_weight = 10, .shards = 1}, clock};
    cache.set("a", 4);
    cache.set("b", 3, 1s);
    cache.set("c", 3);
    cache.erase("a");
    CHECK(cache.stats().weight == 6);
    clock.advance(1s);
    CHECK(cache.get("b") == std::nullopt);
    CHECK(cache.stats().weight == 3);
    cache.clear();
    CHECK(cache.stats().weight == 0);
}

TEST_CASE(
    "an entry that is heavier than all capacity leaves the key without "
    "one, and the others alone",
    "[cache][weight]") {
    WeighedCache cache{{.capacity_weight = 10, .shards = 1}};
    cache.set("a", 4);
    cache.set("b", 4);
    cache.set("b", 11);
    CHECK(present(cache, "ab") == "a");
    cache.set("c", 10);
    CHECK(present(cache, "ac") == "c");
}

TEST_CASE("shards share the weight", "[cache][weight]") {
    WeighedCache cache{{.capacity_weight = 1003, .shards = 4}};
    for (int i = 0; i < 5000; ++i) cache.set(key_number(i), 1);
    CHECK(cache.stats().weight == 1003);
}

TEST_CASE("both capacities hold", "[cache][weight]") {
    WeighedCache cache{{.capacity_entries = 3, .capacity_weight = 10, .shards = 1}};
    for (const char* key : {"a", "b", "c", "d"}) cache.set(key, 1);
    CHECK(cache.stats().size == 3);
    cache.set("e", 9);
    CHECK(present(cache, "abcde") == "de");
}

TEST_CASE(
    "unless told otherwise, an entry weighs its bytes, and without a limit "
    "nothing is weighed",
    "[cache][weight]") {
    Cache<std::string> bytes{{.capacity_weight = 1'000'000}};
    bytes.set("key", std::string(100, 'x'));
    CHECK(bytes.stats().weight == 103);
    Cache<double> doubles{{.capacity_weight = 1'000'000}};
    doubles.set("key", 1.0);
    CHECK(doubles.stats().weight == 3 + sizeof(double));
    Cache<double> unbounded;
    unbounded.set("key", 1.0);
    CHECK(unbounded.stats().weight == 0);
}

// --- expiry

TEST_CASE("an entry is there until its ttl has passed, and not at that moment", "[cache]") {
    ManualClock clock;
    TimedCache<> cache{{}, clock};
    cache.set("a", 1, 10s);
    clock.advance(9'999ms);
    CHECK(cache.get("a") == 1);
    CHECK(cache.peek("a") == 1);
    clock.advance(1ms);
    CHECK(cache.peek("a") == std::nullopt);
    CHECK(cache.get("a") == std::nullopt);
}

TEST_CASE("an entry can be given the moment it expires at", "[cache]") {
    ManualClock clock;
    TimedCache<> cache{{}, clock};
    cache.set("a", 1, Expiry{clock.now() + 10ms});
    cache.set("b", 2, Expiry{clock.now()});
    cache.set("c", 3, Expiry{});
    CHECK(cache.get("a") == 1);
    CHECK(cache.get("b") == std::nullopt);
    clock.advance(std::chrono::hours{24 * 365 * 100});
    CHECK(cache.get("a") == std::nullopt);
    CHECK(cache.get("c") == 3);
}

TEST_CASE("a ttl of zero or less leaves the key without an entry", "[cache]") {
    TimedCache<> cache;
    for (const auto ttl : {0ms, -1ms, (std::chrono::milliseconds::min)()}) {
        cache.set("a", 1);
        cache.set("a", 2, ttl);
        CHECK(cache.get("a") == std::nullopt);
        CHECK(cache.stats().size == 0);
    }
}

TEST_CASE("a ttl beyond what time can hold means never", "[cache]") {
    ManualClock clock;
    TimedCache<> cache{{}, clock};
    cache.set("milliseconds", 1, (std::chrono::milliseconds::max)());
    cache.set("hours", 2, (std::chrono::hours::max)());
    cache.set("nanoseconds", 3,
              (std::chrono::nanoseconds::max)());  // 292 years: it fits
    clock.advance(std::chrono::hours{24 * 365 * 200});
    CHECK(cache.get("milliseconds") == 1);
    CHECK(cache.get("hours") == 2);
    CHECK(cache.get("nanoseconds") == 3);
}

TEST_CASE("a ttl shorter than a millisecond still lasts one", "[cache]") {
    ManualClock clock;
    TimedCache<> cache{{}, clock};
    cache.set("a", 1, 1ns);
    CHECK(cache.get("a") == 1);
    clock.advance(1ms);
    CHECK(cache.get("a") == std::nullopt);
}

TEST_CASE("an expired entry counts as a miss and an expiration, once", "[cache]") {
    ManualClock clock;
    TimedCache<> cache{{}, clock};
    cache.set("a", 1, 1s);
    clock.advance(1s);
    CHECK(cache.stats().size == 1);  // nobody has met it
    (void)cache.get("a");
    (void)cache.get("a");
    const auto stats = cache.stats();
    CHECK(stats.hits == 0);
    CHECK(stats.misses == 2);
    CHECK(stats.expirations == 1);
    CHECK(stats.evictions == 0);
    CHECK(stats.size == 0);
}

// --- statistics

TEST_CASE("statistics count what happened", "[cache]") {
    Cache<int, Lru> cache{{.capacity_entries = 2, .shards = 1}};
    cache.set("a", 1);
    cache.set("b", 2);
    cache.set("b", 3);
    cache.set("c", 4);  // evicts a
    (void)cache.get("a");
    (void)cache.get("b");
    cache.visit("c", [](int) {});
    cache.visit("d", [](int) {});
    (void)cache.get("c");
    cache.erase("c");
    const auto stats = cache.stats();
    CHECK(stats.hits == 3);
    CHECK(stats.misses == 2);
    CHECK(stats.insertions == 4);
    CHECK(stats.evictions == 1);
    CHECK(stats.expirations == 0);
    CHECK(stats.size == 1);
    CHECK(stats.max_size == 2);
    CHECK(stats.hit_rate_percent() == 60.0);
}

TEST_CASE("a peek counts neither as a hit nor as a miss", "[cache]") {
    Cache<int> cache;
    cache.set("a", 1);
    (void)cache.peek("a");
    (void)cache.peek("b");
    CHECK(cache.stats().hits == 0);
    CHECK(cache.stats().misses == 0);
}

TEST_CASE("the hit rate is 0 before the first lookup and 100 at most", "[cache]") {
    Cache<int> cache;
    CHECK(cache.stats().hit_rate_percent() == 0.0);
    cache.set("a", 1);
    (void)cache.get("a");
    CHECK(cache.stats().hit_rate_percent() == 100.0);
    (void)cache.get("b");
    CHECK(cache.stats().hit_rate_percent() == 50.0);
}

// --- a model

/// What a cache of one shard does, written as simply as can be.
class Model {
public:
    explicit Model(std::size_t capacity) : capacity_{capacity} {}

    std::optional<int> get(const std::string& key, joinly::WallTime now) {
        const auto found = live(key, now);
        ++(found ? hits : misses);
        if (found) refresh(key);
        return found;
    }
    std::optional<int> live(const std::string& key, joinly::WallTime now) {
        const auto at = entries_.find(key);
        if (at == entries_.end()) return std::nullopt;
        if (!at->second.second.has_passed(now)) return at->second.first;
        ++expirations;
        erase(key);
        return std::nullopt;
    }
    void set(const std::string& key, int value, Expiry expires_at) {
        ++insertions;
        if (!entries_.contains(key) && entries_.size() == capacity_) {
            ++evictions;
            erase(std::string{order_.front()});
        }
        entries_[key] = {value, expires_at};
        refresh(key);
    }
    bool erase(const std::string& key) {
        order_.remove(key);
        return entries_.erase(key) != 0;
    }
    void clear() {
        entries_.clear();
        order_.clear();
    }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

    std::uint64_t hits = 0, misses = 0, insertions = 0, evictions = 0, expirations = 0;

private:
    void refresh(const std::string& key) {
        order_.remove(key);
        order_.push_back(key);
    }
    std::size_t capacity_;
    std::map<std::string, std::pair<int, Expiry>> entries_;
    std::list<std::string> order_;  // the next to leave comes first
};

TEST_CASE("a cache of one shard does what a map and a list would do", "[cache]") {
    for (const std::size_t capacity : {1U, 3U, 16U, 33U}) {
        std::mt19937 random{static_cast<std::uint32_t>(capacity)};
        ManualClock clock;
        TimedCache<> cache{{.capacity_entries = capacity, .shards = 1}, clock};
        Model model{capacity};
        for (int step = 0; step < 30'000; ++step) {
            const std::string key = key_number(static_cast<int>(random() % (2 * capacity + 2)));
            INFO("capacity " << capacity << ", step " << step << ", " << key);
            switch (random() % 16) {
                case 0:
                case 1: {
                    const auto ttl = std::chrono::milliseconds{random() % 40 + 1};
                    cache.set(key, step, ttl);
                    model.set(key, step, Expiry{clock.now() + ttl});
                    break;
                }
                case 2:
                case 3:
                case 4:
                case 5:
                    cache.set(key, step);
                    model.set(key, step, {});
                    break;
                case 6:
                case 7: REQUIRE(cache.erase(key) == model.erase(key)); break;
                case 8: REQUIRE(cache.peek(key) == model.live(key, clock.now())); break;
                case 9: clock.advance(std::chrono::milliseconds{random() % 10}); break;
                case 10:
                    if (random() % 64 == 0) {
                        cache.clear();
                        model.clear();
                    }
                    break;
                default: REQUIRE(cache.get(key) == model.get(key, clock.now())); break;
            }
            if (cache.stats().size != model.size()) FAIL("size " << cache.stats().size << ", not " << model.size());
        }
        const auto stats = cache.stats();
        CHECK(stats.hits == model.hits);
        CHECK(stats.misses == model.misses);
        CHECK(stats.insertions == model.insertions);
        CHECK(stats.evictions == model.evictions);
        CHECK(stats.expirations == model.expirations);
    }
}

// --- threads

TEST_CASE("threads that share a cache find, under each key, only what was set there", "[cache][threads]") {
    constexpr std::size_t capacity = 64;
    constexpr int keys = 200;
    constexpr int steps = 20'000;
    Cache<std::string> cache{{.capacity_entries = capacity, .shards = 4}};
    std::atomic<int> strange{0};
    std::vector<std::thread> threads;
    for (std::uint32_t seed = 0; seed < 4; ++seed) {
        threads.emplace_back([&, seed] {
            std::mt19937 random{seed};
            for (int step = 0; step < steps; ++step) {
                const std::string key = key_number(static_cast<int>(random() % keys));
                switch (random() % 8) {
                    case 0:
                    case 1: cache.set(key, "the value of " + key, 1h); break;
                    case 2: cache.erase(key); break;
                    case 3:
                        if (const auto found = cache.peek(key); found && *found != "the value of " + key) ++strange;
                        break;
                    case 4:
                        if (cache.stats().size > capacity) ++strange;
                        break;
                    case 5:
                        if (random() % 1024 == 0) cache.clear();
                        break;
                    default:
                        cache.visit(key, [&](std::string_view value) {
                            if (value != "the value of " + key) ++strange;
                        });
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(strange == 0);
    const auto stats = cache.stats();
    CHECK(stats.size <= capacity);
    CHECK(stats.hits > 0);
    CHECK(stats.evictions > 0);
}

// --- what may fail

/// Tells how many of its kind there are.
struct Counted {
    static inline int alive = 0;
    Counted() { ++alive; }
    Counted(Counted&&) noexcept { ++alive; }
    Counted& operator=(Counted&&) noexcept = default;
    ~Counted() { --alive; }
};

TEST_CASE("a value is destroyed when its entry leaves, however it leaves", "[cache]") {
    ManualClock clock;
    {
        TimedCache<Counted> cache{{.capacity_entries = 3, .shards = 1}, clock};
        const auto alive_after = [&](auto action) {
            action();
            return Counted::alive;
        };
        CHECK(alive_after([&] { cache.set("a", {}, 1s); }) == 1);
        CHECK(alive_after([&] { cache.set("b", {}); }) == 2);
        CHECK(alive_after([&] { cache.set("b", {}); }) == 2);
        CHECK(alive_after([&] { cache.erase("b"); }) == 1);
        clock.advance(1s);
        CHECK(alive_after([&] { cache.visit("a", [](const Counted&) {}); }) == 0);
        CHECK(alive_after([&] {
                  for (const char* key : {"a", "b", "c", "d", "e"}) cache.set(key, {});
              }) == 3);
        CHECK(alive_after([&] { cache.clear(); }) == 0);
        CHECK(alive_after([&] { cache.set("a", {}); }) == 1);
    }
    CHECK(Counted::alive == 0);
}

/// Fills the cache beyond its capacity, which meets every slot and every victim, and looks for what must be there.
template <class AnyCache>
bool works(AnyCache& cache, int capacity) {
    for (int i = 0; i < 3 * capacity; ++i) {
        cache.set("new " + std::to_string(i), i);
        if (cache.stats().size > static_cast<std::size_t>(capacity)) return false;
    }
    for (int i = 0; i < 3 * capacity; ++i) {
        const auto found = cache.get("new " + std::to_string(i));
        if (found.has_value() != (i >= 2 * capacity)) return false;
        if (found && !(*found == i)) return false;
    }
    return cache.stats().size == static_cast<std::size_t>(capacity);
}

TEST_CASE("a set that finds no memory leaves the cache whole", "[cache][fault]") {
    constexpr int capacity = 20;
    const std::string key = "a key that is too long to be kept in place";
    for (const int filled : {0, 1, 7, 11, 15, 16, 19, 20}) {  // 11: the table grows; 16: the slots; 20: somebody must leave
        for (int n = 0;; ++n) {
            INFO(filled << " entries before, allocation " << n << " fails");
            Cache<int, Lru> cache{{.capacity_entries = capacity, .shards = 1}};
            for (int i = 0; i < filled; ++i) cache.set(key_number(i), i);
            const bool failed = with_failing_allocation(n, [&] { cache.set(key, 1); });
            REQUIRE(cache.get(key).has_value() == !failed);
            for (int i = 1; i < filled; ++i) REQUIRE(cache.peek(key_number(i)) == i);
            REQUIRE(works(cache, capacity));
            if (!failed) break;
        }
    }
}

TEMPLATE_TEST_CASE("a set that finds no memory leaves a cache of any policy whole", "[cache][fault]", joinly::Sieve, joinly::S3Fifo,
                   joinly::AdaptiveS3Fifo) {
    constexpr int capacity = 20;
    for (const int filled : {0, 1, 11, 16, 20, 40}) {  // 40: as many have left
        for (int n = 0;; ++n) {
            INFO(filled << " entries before, allocation " << n << " fails");
            Cache<int, TestType> cache{{.capacity_entries = capacity, .shards = 1}};
            for (int i = 0; i < filled; ++i) cache.set(key_number(i), i);
            const bool failed = with_failing_allocation(n, [&] { cache.set("the new one", 1); });
            REQUIRE((cache.get("the new one").has_value() || failed));  // both: only what it had to remember found no memory
            for (int i = 0; i < 3 * capacity; ++i) {
                cache.set(key_number(i), i);
                REQUIRE(cache.stats().size <= capacity);
            }
            std::size_t found = cache.peek("the new one") ? 1 : 0;
            for (int i = 0; i < 3 * capacity; ++i) {
                const auto value = cache.get(key_number(i));
                REQUIRE(value.value_or(i) == i);
                found += value.has_value();
            }
            REQUIRE(found == capacity);
            REQUIRE(cache.stats().size == capacity);
            if (!failed) break;
        }
    }
}

/// A value whose every copy, and so every move, may fail.
struct Fragile {
    static inline int copies_left = -1;  // negative: none fails
    int number = 0;

    Fragile(int n) : number{n} {}  // implicit, for works()
    Fragile(const Fragile& other) : number{other.number} { copy(); }
    Fragile& operator=(const Fragile& other) {
        copy();
        number = other.number;
        return *this;
    }
    bool operator==(int n) const { return number == n; }

private:
    static void copy() {
        if (copies_left >= 0 && copies_left-- == 0) throw std::runtime_error{"the copy failed"};
    }
};

TEST_CASE("a value whose copy throws leaves the cache whole", "[cache][fault]") {
    constexpr int capacity = 20;
    for (const int filled : {0, 1, 4, 8, 16, 20}) {
        for (int n = 0;; ++n) {
            INFO(filled << " entries before, copy " << n << " fails");
            Cache<Fragile, Lru> cache{{.capacity_entries = capacity, .shards = 1}};
            for (int i = 0; i < filled; ++i) cache.set(key_number(i), i);
            bool failed = false;
            Fragile::copies_left = n;
            try {
                cache.set("the new one", 1);
            } catch (const std::runtime_error&) {
                failed = true;
            }
            Fragile::copies_left = -1;
            REQUIRE(cache.get("the new one").has_value() == !failed);
            for (int i = 1; i < filled; ++i) REQUIRE(cache.get(key_number(i)).value() == i);
            REQUIRE(works(cache, capacity));
            if (!failed) break;
        }
    }
}

}  // namespace
