// What a hit in the cache costs, and what its entries take beyond their keys and values; beside what they cannot do without
// (the key's hash, a map without lock and eviction) and beside other caches.
//
// Keys of 13 bytes, values of 200; which key is asked for follows Zipf's law, and all are there. A hit reads the first word of
// the value in place; `get` copies the value. The reader of `hot_key` asks for one key only. Of `writes`, one operation in
// twenty sets.

#include <benchmarks/support/left_out.hpp>
#include <benchmarks/support/zipf.hpp>
#include <joinly/cache/adaptive_s3_fifo.hpp>
#include <joinly/cache/cache.hpp>
#include <joinly/cache/lru.hpp>
#include <joinly/cache/sieve.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/policy/object.hpp>

#include <benchmark/benchmark.h>
#if defined(JOINLY_BENCH_ABSL)
#include <absl/container/flat_hash_map.h>
#endif
#if __has_include(<boost/unordered/unordered_flat_map.hpp>)  // Boost 1.81 or newer
#define JOINLY_BENCH_BOOST 1
#include <boost/unordered/unordered_flat_map.hpp>
#endif
#if defined(JOINLY_BENCH_TBB)
#define TBB_PREVIEW_CONCURRENT_LRU_CACHE 1
#include <tbb/concurrent_lru_cache.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

struct Value {
    std::array<char, 200> bytes;
};
struct Key {
    std::array<char, 16> bytes;
    [[nodiscard]] std::string_view view() const noexcept { return {bytes.data(), 13}; }
};
Key key(std::size_t number) {
    Key made{};
    std::snprintf(made.bytes.data(), made.bytes.size(), "player:%06u", static_cast<unsigned>(number));
    return made;
}
Value value(std::size_t number) {
    Value made;
    made.bytes.fill(static_cast<char>(number));
    return made;
}
std::uint64_t first_word(const Value& value) noexcept {
    std::uint64_t word;
    std::memcpy(&word, value.bytes.data(), sizeof word);
    return word;
}

/// The same for each benchmark that asks for it, made when the first one does.
template <class Made, class Make>
Made& made_once(std::pair<std::size_t, int> by, Make make) {
    static std::mutex mutex;
    static std::map<std::pair<std::size_t, int>, std::unique_ptr<Made>> kept;
    const std::scoped_lock lock{mutex};
    auto& made = kept[by];
    if (!made) made = make();
    return *made;
}

/// The keys that a thread asks for, one after the other, and again from the beginning.
class Requests {
public:
    Requests(std::size_t entries, int thread)
        : keys_{made_once<std::vector<Key>>({entries, thread}, [&] {
              auto keys = std::make_unique<std::vector<Key>>();
              const joinly::bench::Zipf zipf{entries, 0.99};
              joinly::bench::Random random{static_cast<std::uint64_t>(thread) + 1};
              for (std::size_t i = 0; i < count; ++i) keys->push_back(key(zipf(random)));
              return keys;
          })} {}
    [[nodiscard]] std::string_view next() noexcept { return keys_[at_++ % count].view(); }

private:
    static constexpr std::size_t count = std::size_t{1} << 18;
    const std::vector<Key>& keys_;
    std::size_t at_ = 0;
};

// --- ours

template <class Eviction>
class Ours {
public:
    explicit Ours(std::size_t entries) : cache_{{.capacity_entries = entries + entries / 4}} {}  // no shard overflows

    void set(std::string_view key, const Value& value) { cache_.set(key, value); }
    template <class Visitor>
    void visit(std::string_view key, Visitor visitor) {
        cache_.visit(key, visitor);
    }
    [[nodiscard]] std::optional<Value> get(std::string_view key) { return cache_.get(key); }
    template <class Visitor>
    void visit_many(std::span<const std::string_view> keys, Visitor visitor) {
        cache_.visit_many(keys, visitor);
    }

private:
    joinly::Cache<Value, Eviction> cache_;
};

// --- floors and peers

#if defined(JOINLY_BENCH_ABSL)
class FlatHashMap {
public:
    explicit FlatHashMap(std::size_t) {}
    void set(std::string_view key, const Value& value) { map_.insert_or_assign(std::string{key}, value); }
    template <class Visitor>
    void visit(std::string_view key, Visitor visitor) {
        const auto found = map_.find(absl::string_view{key.data(), key.size()});
        if (found != map_.end()) visitor(found->second);
    }

private:
    absl::flat_hash_map<std::string, Value> map_;
};
#endif

#if JOINLY_BENCH_BOOST
class BoostFlatMap {
public:
    explicit BoostFlatMap(std::size_t) {}
    void set(std::string_view key, const Value& value) { map_.insert_or_assign(std::string{key}, value); }
    template <class Visitor>
    void visit(std::string_view key, Visitor visitor) {
        const auto found = map_.find(key);
        if (found != map_.end()) visitor(found->second);
    }

private:
    boost::unordered_flat_map<std::string, Value, joinly::detail::KeyHash, joinly::detail::KeyEqual> map_;
};
#endif

/// The least recently used cache as it is usually written.
class ListAndMap {
public:
    explicit ListAndMap(std::size_t) {}
    void set(std::string_view key, const Value& value) {
        const std::scoped_lock lock{mutex_};
        entries_.emplace_front(key, value);
        by_key_[entries_.front().first] = entries_.begin();
    }
    template <class Visitor>
    void visit(std::string_view key, Visitor visitor) {
        const std::scoped_lock lock{mutex_};
        const auto found = by_key_.find(std::string{key});
        if (found == by_key_.end()) return;
        entries_.splice(entries_.begin(), entries_, found->second);
        visitor(found->second->second);
    }
    [[nodiscard]] std::optional<Value> get(std::string_view key) {
        std::optional<Value> found;
        visit(key, [&](const Value& value) { found = value; });
        return found;
    }

private:
    using Entries = std::list<std::pair<std::string, Value>>;
    std::mutex mutex_;
    Entries entries_;
    std::unordered_map<std::string, Entries::iterator> by_key_;
};

#if defined(JOINLY_BENCH_TBB)
class TbbLru {
public:
    explicit TbbLru(std::size_t entries) : cache_{[](std::string) { return value(0); }, entries} {}
    void set(std::string_view key, const Value&) { (void)cache_[std::string{key}]; }
    template <class Visitor>
    void visit(std::string_view key, Visitor visitor) {
        auto handle = cache_[std::string{key}];
        visitor(handle.value());
    }

private:
    tbb::concurrent_lru_cache<std::string, Value> cache_;
};
#endif

// --- what is measured

/// All entries, in an order that is not that of their popularity. Writes have a cache of their own (`which`): what they put in the
/// place of its nodes lies scattered.
template <class AnyCache>
AnyCache& filled(std::size_t entries, int which = 0) {
    return made_once<AnyCache>({entries, which}, [&] {
        auto cache = std::make_unique<AnyCache>(entries);
        for (std::size_t i = 0; i < entries; ++i) {
            const std::size_t number = i * 7919 % entries;  // 7919 has no factor in common with a power of ten
            cache->set(key(number).view(), value(number));
        }
        return cache;
    });
}

void hash(benchmark::State& state, std::size_t entries) {
    Requests requests{entries, state.thread_index()};
    const joinly::detail::KeyHash hasher;
    for (auto _ : state) benchmark::DoNotOptimize(hasher(requests.next()));
}

template <class AnyCache>
void visit(benchmark::State& state, std::size_t entries) {
    AnyCache& cache = filled<AnyCache>(entries);
    Requests requests{entries, state.thread_index()};
    for (auto _ : state) cache.visit(requests.next(), [](const Value& value) { benchmark::DoNotOptimize(first_word(value)); });
}

/// Of entries that expire, an hour from now: each hit asks for the time.
void visit_expiring(benchmark::State& state, std::size_t entries) {
    auto& cache = made_once<joinly::Cache<Value>>({entries, 0}, [&] {
        auto made = std::make_unique<joinly::Cache<Value>>(joinly::CacheOptions{.capacity_entries = entries + entries / 4});
        for (std::size_t i = 0; i < entries; ++i) {
            const std::size_t number = i * 7919 % entries;
            made->set(key(number).view(), value(number), joinly::Ttl{std::chrono::hours{1}});
        }
        return made;
    });
    Requests requests{entries, state.thread_index()};
    for (auto _ : state) cache.visit(requests.next(), [](const Value& value) { benchmark::DoNotOptimize(first_word(value)); });
}

template <class AnyCache>
void get(benchmark::State& state, std::size_t entries) {
    AnyCache& cache = filled<AnyCache>(entries);
    Requests requests{entries, state.thread_index()};
    for (auto _ : state) benchmark::DoNotOptimize(cache.get(requests.next()));
}

/// A value and a count of its own, as the memory that make_shared gives has them.
struct Counted {
    mutable std::atomic<long> count{1};
    Value value;
};

/// A cache of handles to values, as a store's is.
template <class Handle, class Make>
joinly::Cache<Handle>& filled_with(std::size_t entries, Make make) {
    return made_once<joinly::Cache<Handle>>({entries, 0}, [&] {
        auto cache = std::make_unique<joinly::Cache<Handle>>(joinly::CacheOptions{.capacity_entries = entries + entries / 4});
        for (std::size_t i = 0; i < entries; ++i) {
            const std::size_t number = i * 7919 % entries;
            cache->set(key(number).view(), make(number));
        }
        return cache;
    });
}

/// A handle to the value, which stays after the visit.
void get_shared(benchmark::State& state, std::size_t entries) {
    using Shared = std::shared_ptr<const Value>;
    auto& cache =
        filled_with<Shared>(entries, [](std::size_t number) -> Shared { return std::make_shared<const Value>(value(number)); });
    Requests requests{entries, state.thread_index()};
    for (auto _ : state) benchmark::DoNotOptimize(first_word(**cache.get(requests.next())));
}

/// What that cannot do without: a visit of the same cache, and one trip of a reference count, up and down.
void visit_counted(benchmark::State& state, std::size_t entries) {
    using Owned = std::unique_ptr<const Counted>;
    auto& cache = filled_with<Owned>(entries, [](std::size_t number) -> Owned {
        return std::unique_ptr<const Counted>{new Counted{1, value(number)}};
    });
    Requests requests{entries, state.thread_index()};
    for (auto _ : state) {
        cache.visit(requests.next(), [](const Owned& held) {
            held->count.fetch_add(1, std::memory_order_relaxed);
            benchmark::DoNotOptimize(first_word(held->value));
            benchmark::DoNotOptimize(held->count.fetch_sub(1, std::memory_order_acq_rel));
        });
    }
}

template <class AnyCache>
void hot_key(benchmark::State& state, std::size_t entries) {
    AnyCache& cache = filled<AnyCache>(entries);
    const Key hot = key(1);
    for (auto _ : state) cache.visit(hot.view(), [](const Value& value) { benchmark::DoNotOptimize(first_word(value)); });
}

template <class AnyCache>
void writes(benchmark::State& state, std::size_t entries) {
    AnyCache& cache = filled<AnyCache>(entries, 1);
    Requests requests{entries, state.thread_index()};
    const Value written = value(1);
    for (std::size_t i = 0; auto _ : state) {
        if (++i % 20 == 0) {
            cache.set(requests.next(), written);
        } else {
            cache.visit(requests.next(), [](const Value& value) { benchmark::DoNotOptimize(first_word(value)); });
        }
    }
}

template <class AnyCache>
void many(benchmark::State& state, std::size_t entries) {
    AnyCache& cache = filled<AnyCache>(entries);
    Requests requests{entries, state.thread_index()};
    std::array<std::string_view, 32> keys;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(keys.size()))) {
        for (std::string_view& key : keys) key = requests.next();
        cache.visit_many(keys, [](std::size_t, const Value& value) { benchmark::DoNotOptimize(first_word(value)); });
    }
}

/// Ids that meet in one shard, and there in one place, of a cache whose hash has the seed 0.
std::vector<std::string> chosen_ids(std::size_t count) {
    std::vector<std::string> ids;
    for (std::size_t number = 0; ids.size() < count; ++number) {
        std::string id = "player:" + std::to_string(number);
        constexpr std::uint64_t highest_of_shard_and_place = 0xfc00'0000'fc00'0000U;
        if ((joinly::detail::hash_bytes(id, 0) & highest_of_shard_and_place) == 0) ids.push_back(std::move(id));
    }
    return ids;
}

/// A set and a hit of each of ten thousand ids, in a cache that has room for all.
void flood(benchmark::State& state, bool chosen) {
    constexpr std::size_t count = 10'000;
    std::vector<std::string> ids = chosen ? chosen_ids(count) : std::vector<std::string>{};
    for (std::size_t number = 0; ids.size() < count; ++number) ids.push_back("player:" + std::to_string(number * 7919));
    for (auto _ : state) {
        joinly::Cache<Value> cache{{.capacity_entries = 2 * count}};
        for (const std::string& id : ids) cache.set(id, value(1));
        for (const std::string& id : ids) cache.visit(id, [](const Value& value) { benchmark::DoNotOptimize(first_word(value)); });
    }
}

#if defined(__GLIBC__)
/// What a full cache takes of the heap for each entry, beyond the 213 bytes of key and value, as a counter: of strings (`bytes`),
/// of values in place (`typed`), and of what a store's cache keeps, an object of its own with version and expiry (`objects`).
template <class Held, class Eviction>
void memory(benchmark::State& state, std::size_t entries) {
    const auto in_use = [] {
        const auto info = mallinfo2();
        return info.uordblks + info.hblkhd;
    };
    double beyond = 0;
    for (auto _ : state) {
        const std::size_t before = in_use();
        joinly::Cache<Held, Eviction> cache{{.capacity_entries = entries}};
        for (std::size_t i = 0; i < 3 * entries; ++i) {
            if constexpr (std::is_same_v<Held, Value>) {
                cache.set(key(i).view(), value(i));
            } else if constexpr (std::is_same_v<Held, joinly::LoadedObject>) {
                cache.set(key(i).view(), joinly::LoadedObject{{std::make_shared<const Value>(value(i)), nullptr}, 1, {}});
            } else {
                cache.set(key(i).view(), std::string(sizeof(Value), 'x'));
            }
        }
        beyond = static_cast<double>(in_use() - before) / static_cast<double>(entries) - 213;
    }
    state.counters["bytes_beyond"] = beyond;
}
#endif

template <class Function>
void add(const std::string& name, Function function) {
    for (const std::size_t entries : {std::size_t{1'000}, std::size_t{100'000}}) {
        const auto run = [=](benchmark::State& state) { function(state, entries); };
        benchmark::RegisterBenchmark((name + "/" + std::to_string(entries)).c_str(), run);
    }
}
/// CPU time is that of one operation of one thread.
template <class Function>
void add_two_threads(const std::string& name, Function function) {
    for (const std::size_t entries : {std::size_t{1'000}, std::size_t{100'000}}) {
        const auto run = [=](benchmark::State& state) { function(state, entries); };
        benchmark::RegisterBenchmark((name + "/" + std::to_string(entries)).c_str(), run)->Threads(2);
    }
}

template <class AnyCache>
void add_shared(const std::string& name) {
    add("visit/" + name, visit<AnyCache>);
    add_two_threads("visit/" + name, visit<AnyCache>);
    add("writes/" + name, writes<AnyCache>);
    add_two_threads("writes/" + name, writes<AnyCache>);
    add("hot_key/" + name, hot_key<AnyCache>);
    add_two_threads("hot_key/" + name, hot_key<AnyCache>);
}

}  // namespace

int main(int argc, char** argv) {
    using Adaptive = Ours<joinly::AdaptiveS3Fifo>;
    add("hash", hash);
#if defined(JOINLY_BENCH_ABSL)
    add("visit/absl_flat_hash_map", visit<FlatHashMap>);
#else
    joinly::bench::left_out("absl::flat_hash_map", "libabsl-dev");
#endif
#if JOINLY_BENCH_BOOST
    add("visit/boost_unordered_flat_map", visit<BoostFlatMap>);
#else
    joinly::bench::left_out("boost::unordered_flat_map", "Boost 1.81 or newer");
#endif
    add_shared<Adaptive>("adaptive_s3_fifo");
    add("visit_expiring/adaptive_s3_fifo", visit_expiring);
    add("get/adaptive_s3_fifo", get<Adaptive>);
    add("get_shared/adaptive_s3_fifo", get_shared);
    add("visit_counted/adaptive_s3_fifo", visit_counted);
    add("many_32/adaptive_s3_fifo", many<Adaptive>);
    add("visit/sieve", visit<Ours<joinly::Sieve>>);
    add_shared<Ours<joinly::Lru>>("lru");
    add("visit/list_and_map", visit<ListAndMap>);
    add("get/list_and_map", get<ListAndMap>);
    add_two_threads("visit/list_and_map", visit<ListAndMap>);
#if defined(JOINLY_BENCH_TBB)
    add("visit/tbb_concurrent_lru_cache", visit<TbbLru>);
    add_two_threads("visit/tbb_concurrent_lru_cache", visit<TbbLru>);
#else
    joinly::bench::left_out("tbb::concurrent_lru_cache", "libtbb-dev");
#endif
    benchmark::RegisterBenchmark("flood/chosen/10000", flood, true);
    benchmark::RegisterBenchmark("flood/any/10000", flood, false);
#if defined(__GLIBC__)
    add("memory/bytes/adaptive_s3_fifo", memory<std::string, joinly::AdaptiveS3Fifo>);
    add("memory/typed/adaptive_s3_fifo", memory<Value, joinly::AdaptiveS3Fifo>);
    add("memory/objects/adaptive_s3_fifo", memory<joinly::LoadedObject, joinly::AdaptiveS3Fifo>);
    add("memory/bytes/sieve", memory<std::string, joinly::Sieve>);
    add("memory/bytes/lru", memory<std::string, joinly::Lru>);
#endif
    return joinly::bench::run_all(argc, argv);
}
