// A cache that threads share. Those that read without a lock (SecondChance, and AdaptiveS3Fifo, which is what Cache has unless it
// is told otherwise) and those that read under one (Lru) must look the same.

#include <joinly/cache/adaptive_s3_fifo.hpp>
#include <joinly/cache/cache.hpp>
#include <joinly/cache/lru.hpp>
#include <tests/support/catch.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using joinly::AdaptiveS3Fifo;
using joinly::Cache;
using joinly::CacheOptions;
using joinly::CacheSlot;
using joinly::Lru;
using joinly::ManualClock;
using joinly::SystemClock;
using namespace std::chrono_literals;

/// CLOCK: a hand goes round and takes the first slot that was not hit since it last came by.
struct SecondChance {
    static constexpr std::uint8_t most_uses = 1;
    class Queue {
    public:
        explicit Queue(std::size_t) {}
        void inserted(CacheSlot slot, std::uint64_t) {
            if (slot >= held_.size()) held_.resize(slot + 1);
            held_[slot] = true;
        }
        void erased(CacheSlot slot) noexcept { held_[slot] = false; }
        template <class Uses>
        CacheSlot victim(Uses& uses) noexcept {
            for (;; ++hand_) {
                const auto slot = static_cast<CacheSlot>(hand_ % held_.size());
                if (held_[slot] && uses.get(slot) == 0) return slot;
                if (held_[slot]) uses.set(slot, 0);
            }
        }

    private:
        std::vector<bool> held_;
        std::size_t hand_ = 0;
    };
};
static_assert(joinly::eviction_policy<SecondChance>);

std::string key_number(std::size_t number) { return "key " + std::to_string(number); }

/// Runs `work(thread's number)` in so many threads at once.
template <class Work>
void in_threads(std::size_t count, Work work) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
    for (std::thread& thread : threads) thread.join();
}

/// Tells how many there are, and is not itself any more once it has been destroyed.
class Watched {
public:
    static inline std::atomic<int> alive{0};

    explicit Watched(std::uint64_t number = 0) : number_{number}, check_{~number} { ++alive; }
    Watched(Watched&& other) noexcept : Watched{other.number_} {}
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    ~Watched() {
        check_ = number_;
        --alive;
    }
    [[nodiscard]] bool is_whole() const noexcept { return check_ == ~number_; }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

private:
    std::uint64_t number_;
    std::uint64_t check_;
};

TEMPLATE_TEST_CASE("no value is seen after its end, whatever others do to the cache", "[cache][threads]", SecondChance,
                   AdaptiveS3Fifo, Lru) {
    {
        Cache<Watched, TestType> cache{{.capacity_entries = 12, .shards = 2}};
        std::atomic<int> strange{0};
        in_threads(4, [&](std::size_t thread) {
            std::mt19937 random{static_cast<std::uint32_t>(thread)};
            for (int step = 0; step < 15'000; ++step) {
                const std::uint64_t number = random() % 16;
                const std::string key = key_number(number);
                const auto look = [&](const Watched& value) {
                    if (!value.is_whole() || value.number() != number) ++strange;
                };
                switch (random() % 16) {
                    case 0: cache.erase(key); break;
                    case 1:
                        if (random() % 64 == 0) cache.clear();
                        break;
                    case 2:
                    case 3: cache.set(key, Watched{number}); break;
                    case 4: cache.set(key, Watched{number}, 1ms); break;
                    case 5: cache.peek(key, look); break;
                    case 6: {
                        const std::array<std::string_view, 3> keys{"key 1", "key 7", "key 15"};
                        cache.visit_many(keys, [&](std::size_t at, const Watched& value) {
                            if (!value.is_whole() || key_number(value.number()) != keys[at]) ++strange;
                        });
                        break;
                    }
                    default: cache.visit(key, look);
                }
            }
        });
        CHECK(strange == 0);
        CHECK(cache.stats().hits > 0);
    }
    CHECK(Watched::alive == 0);
}

TEMPLATE_TEST_CASE(
    "what was set is seen by all who look afterwards, and "
    "nothing older ever again",
    "[cache][threads]", SecondChance, AdaptiveS3Fifo, Lru) {
    constexpr std::size_t keys = 4;
    constexpr std::uint64_t last = 10'000;
    Cache<std::uint64_t, TestType> cache{{.capacity_entries = 1000}};
    std::array<std::atomic<std::uint64_t>, keys> returned{};  // the newest value whose set has returned
    std::atomic<int> strange{0};
    in_threads(4, [&](std::size_t thread) {
        if (thread < 2) {  // each writes half of the keys
            for (std::uint64_t value = 1; value <= last; ++value) {
                for (std::size_t key = thread; key < keys; key += 2) {
                    cache.set(key_number(key), value);
                    returned[key].store(value, std::memory_order_release);
                }
                cache.set("other " + std::to_string(value % 500),
                          value);  // the table grows meanwhile
            }
            return;
        }
        std::array<std::uint64_t, keys> seen{};
        for (bool done = false; !done;) {
            done = true;
            for (std::size_t key = 0; key < keys; ++key) {
                const std::uint64_t before = returned[key].load(std::memory_order_acquire);
                const std::uint64_t found = cache.get(key_number(key)).value_or(0);
                if (found < before || found < seen[key]) ++strange;
                seen[key] = found;
                done = done && before == last;
            }
        }
    });
    CHECK(strange == 0);
}

TEMPLATE_TEST_CASE("what was erased is not found by any who look afterwards", "[cache][threads]", SecondChance, AdaptiveS3Fifo,
                   Lru) {
    constexpr std::uint64_t rounds = 10'000;
    Cache<std::uint64_t, TestType> cache;
    std::atomic<std::uint64_t> erased{0};  // values up to this are gone
    std::atomic<int> strange{0};
    in_threads(3, [&](std::size_t thread) {
        if (thread == 0) {
            for (std::uint64_t round = 1; round <= rounds; ++round) {
                cache.set("key", round);
                if (round % 64 == 0) {
                    cache.clear();
                } else if (!cache.erase("key")) {
                    ++strange;
                }
                erased.store(round, std::memory_order_release);
            }
            return;
        }
        for (std::uint64_t gone = 0; gone < rounds;) {
            gone = erased.load(std::memory_order_acquire);
            if (const auto found = cache.get("key"); found && *found <= gone) ++strange;
        }
    });
    CHECK(strange == 0);
}

TEMPLATE_TEST_CASE("no entry is missed while the table grows and others come and go", "[cache][threads]", SecondChance,
                   AdaptiveS3Fifo, Lru) {
    constexpr std::size_t keys = 4'000;
    Cache<std::size_t, TestType> cache{{.capacity_entries = 10 * keys, .shards = 1}};
    std::atomic<std::size_t> there{0};  // keys below this are set
    std::atomic<int> missed{0};
    in_threads(3, [&](std::size_t thread) {
        if (thread == 0) {
            for (std::size_t key = 0; key < keys; ++key) {
                cache.set(key_number(key), key);
                there.store(key + 1, std::memory_order_release);
                cache.set("passing " + std::to_string(key), key);
                if (key % 3 != 0) cache.erase("passing " + std::to_string(key));
            }
            return;
        }
        std::mt19937 random{static_cast<std::uint32_t>(thread)};
        for (std::size_t known = 0; known < keys;) {
            known = there.load(std::memory_order_acquire);
            if (known == 0) continue;
            const std::size_t key = random() % known;
            if (cache.get(key_number(key)) != key) ++missed;
        }
    });
    CHECK(missed == 0);
}

TEMPLATE_TEST_CASE("every lookup is counted, whichever thread made it", "[cache][threads]", SecondChance, AdaptiveS3Fifo, Lru) {
    constexpr std::uint64_t lookups = 2'000;
    Cache<int, TestType> cache;
    cache.set("there", 1);
    in_threads(3, [&](std::size_t) {
        for (std::uint64_t i = 0; i < lookups; ++i) {
            (void)cache.get("there");
            (void)cache.get("not there");
        }
    });
    CHECK(cache.stats().hits == 3 * lookups);
    CHECK(cache.stats().misses == 3 * lookups);
}

TEMPLATE_TEST_CASE("an expired entry is dropped once, however many meet it", "[cache][threads]", SecondChance, AdaptiveS3Fifo,
                   Lru) {
    ManualClock clock;
    Cache<int, TestType, ManualClock> cache{{}, clock};
    for (std::uint64_t round = 1; round <= 300; ++round) {
        cache.set("key", 1, 10ms);
        clock.advance(10ms);
        in_threads(3, [&](std::size_t) { CHECK_FALSE(cache.visit("key", [](int) {})); });
        REQUIRE(cache.stats().expirations == round);
        REQUIRE(cache.stats().size == 0);
    }
}

// --- when memory comes back

TEST_CASE("a value that is erased under its reader lives until the reader has left", "[cache][threads]") {
    Cache<Watched, SecondChance> cache;
    cache.set("key", Watched{1});
    cache.visit("key", [&](const Watched& value) {
        std::thread{[&] { cache.erase("key"); }}.join();
        CHECK_FALSE(cache.visit("key", [](const Watched&) {}));
        CHECK(value.is_whole());
        CHECK(Watched::alive == 1);
    });
    cache.clear();
    CHECK(Watched::alive == 0);
}

TEST_CASE("a value stays as it is under its reader, whatever is set meanwhile", "[cache][threads]") {
    Cache<std::string, SecondChance> cache;
    cache.set("key", "old");
    cache.visit("key", [&](std::string_view value) {
        std::thread{[&] {
            for (int i = 0; i < 100; ++i) cache.set("key", "new");
        }}.join();
        CHECK(value == "old");
        CHECK(cache.peek("key") == "new");
    });
    CHECK(cache.get("key") == "new");
}

TEST_CASE(
    "with several reading threads at most 32 values of a shard wait, and "
    "none after an erase or a clear",
    "[cache][threads]") {
    Cache<Watched, SecondChance> cache{{.shards = 1}};
    in_threads(2, [&](std::size_t) {
        for (int i = 0; i < 10; ++i) cache.visit("key", [](const Watched&) {});
    });
    for (std::uint64_t i = 0; i < 200; ++i) {
        cache.set("key", Watched{i});
        REQUIRE(Watched::alive <= 33);
    }
    cache.set("other", Watched{});
    CHECK(cache.erase("other"));
    CHECK(Watched::alive == 1);
    cache.set("key", Watched{});
    cache.clear();
    CHECK(Watched::alive == 0);
}

/// More visits within each other than there are places for readers: the innermost takes the lock.
bool nested_visits(Cache<int, SecondChance>& cache, int depth) {
    bool found = false;
    cache.visit("key", [&](int) { found = depth == 0 || nested_visits(cache, depth - 1); });
    return found;
}

TEST_CASE("a reader who finds all places taken reads under the lock", "[cache]") {
    Cache<int, SecondChance> cache;
    cache.set("key", 1);
    CHECK(nested_visits(cache, 64));
    CHECK(cache.stats().hits == 65);
}

}  // namespace
