#ifndef JOINLY_DETAIL_CACHE_SHARD_HPP
#define JOINLY_DETAIL_CACHE_SHARD_HPP
// One shard of a Cache: a table of nodes, and what its writers keep under the shard's lock. Readers that stay in a place of
// `readers` find nodes without the lock.

#include <joinly/cache/concepts.hpp>
#include <joinly/cache/stats.hpp>
#include <joinly/config.hpp>
#include <joinly/detail/cache/node.hpp>
#include <joinly/detail/cache/reader_places.hpp>
#include <joinly/detail/cache/retired.hpp>
#include <joinly/detail/cache/table.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

struct CacheLimits {
    std::size_t entries = 0;
    std::size_t weight = no_limit;

    static constexpr std::size_t no_limit = (std::numeric_limits<std::size_t>::max)();
};

/// Whether a lookup counts as a hit or a miss, and as a use.
enum class Counted : bool { no, yes };

template <class Value, class Eviction, class Weigh, class Hash>
class CacheShard {
public:
    using Node = CacheNode<Value>;

    CacheShard() = default;
    CacheShard(const CacheShard&) = delete;
    CacheShard& operator=(const CacheShard&) = delete;
    ~CacheShard() {
        if (Table* table = table_.load()) free_with_nodes(table);
    }

    /// Before the first use.
    void start(CacheLimits limits, Hash hash, ReaderPlaces* readers) {
        limits_ = limits;
        hash_ = std::move(hash);
        readers_ = readers;
        queue_ = Queue{limits.entries};
    }

    // --- for readers who stay in a place

    void prefetch(std::uint64_t hash) const noexcept { Table::prefetch(whereabouts_, hash); }
    /// How many its table has, each for seven entries.
    [[nodiscard]] std::size_t buckets() const noexcept { return whereabouts_.count.load(std::memory_order_relaxed); }

    [[nodiscard, gnu::always_inline]] inline const Node* find(std::string_view key, std::uint64_t hash) const noexcept {
        const Table* const table = table_.load();
        return table == nullptr ? nullptr : table->find(hash, with(key)).node;
    }
    /// Asks for the node that `find` will look at first.
    void prefetch_candidate(std::uint64_t hash) const noexcept {
        if (const Table* const table = table_.load()) table->prefetch_candidate(hash);
    }

    // --- under the lock

    /// As a reader does it, for policies that are told of every hit and for readers who found no place.
    template <Counted counted, class Clock, class Visitor>
    bool visit(std::string_view key, std::uint64_t hash, const Clock& clock, Visitor& visitor) {
        const std::scoped_lock lock{mutex_};
        Node* const node = find_live(key, hash, clock);
        if constexpr (counted == Counted::yes) {
            ++(node != nullptr ? stats_.hits : stats_.misses);
            if (node != nullptr) used(*node);
        }
        if (node == nullptr) return false;
        visitor(node->value());
        return true;
    }

    /// Removes the entry if it has expired: a reader has seen one that had.
    template <class Clock>
    void expire(std::string_view key, std::uint64_t hash, const Clock& clock) {
        const std::scoped_lock lock{mutex_};
        (void)find_live(key, hash, clock);
    }

    /// What throws leaves all as it was, but for entries that have made room.
    void set(std::uint64_t hash, typename Node::Owner fresh) {
        const std::scoped_lock lock{mutex_};
        const std::size_t weight = weight_of(*fresh);
        const auto [cell, old] = find_cell(fresh->key(), hash);
        if (limits_.entries == 0 || weight > limits_.weight) {
            if (cell != nullptr) remove(*old, hash);
            return;
        }
        if (cell != nullptr) {
            replace(*cell, *old, fresh.release());
        } else {
            insert(hash, std::move(fresh), weight);
        }
        ++stats_.insertions;
    }

    bool erase(std::string_view key, std::uint64_t hash) {
        const std::scoped_lock lock{mutex_};
        Node* const node = find_cell(key, hash).node;
        if (node != nullptr) remove(*node, hash);
        if (readers_ != nullptr) retired_.reclaim(*readers_);
        return node != nullptr;
    }

    void clear() {
        const std::scoped_lock lock{mutex_};
        queue_ = Queue{limits_.entries};
        slots_ = {};
        free_slot_ = no_slot;
        size_ = 0;
        weight_ = 0;
        if (Table* const table = table_.exchange(nullptr))
            retire(table, [](void* all) noexcept { free_with_nodes(static_cast<Table*>(all)); });
        if (readers_ != nullptr) retired_.reclaim(*readers_);
    }

    void add_to(CacheStats& sum) const {
        const std::scoped_lock lock{mutex_};
        sum.hits += stats_.hits;
        sum.misses += stats_.misses;
        sum.insertions += stats_.insertions;
        sum.evictions += stats_.evictions;
        sum.expirations += stats_.expirations;
        sum.size += size_;
        sum.weight += weight_;
    }

private:
    using Table = CacheTable<Node>;
    using Queue = typename Eviction::Queue;

    union Slot {
        Node* node;
        CacheSlot next_free;
    };
    struct Uses {
        std::vector<Slot>& slots;
        [[nodiscard]] std::uint8_t get(CacheSlot slot) const noexcept { return slots[slot].node->uses(); }
        void set(CacheSlot slot, std::uint8_t uses) noexcept { slots[slot].node->set_uses(uses); }
    };

    [[nodiscard]] static auto with(std::string_view key) noexcept {
        return [key](const Node& node) { return node.has_key(key); };
    }
    [[nodiscard]] typename Table::Found find_cell(std::string_view key, std::uint64_t hash) const noexcept {
        const Table* const table = table_.load(std::memory_order_relaxed);
        return table == nullptr ? typename Table::Found{} : table->find(hash, with(key));
    }
    template <class Clock>
    [[nodiscard]] Node* find_live(std::string_view key, std::uint64_t hash, const Clock& clock) {
        Node* const node = find_cell(key, hash).node;
        if (node == nullptr || !node->has_expired(clock)) return node;
        remove(*node, hash);
        ++stats_.expirations;
        return nullptr;
    }
    void used(Node& node) {
        if constexpr (Eviction::most_uses == 0) {
            queue_.hit(node.slot);
        } else {
            node.use(Eviction::most_uses);
        }
    }
    /// Nobody is weighed when weight has no limit.
    [[nodiscard]] std::size_t weight_of(const Node& node) const {
        return limits_.weight == CacheLimits::no_limit ? 0 : Weigh{}(node.key(), node.value());
    }

    void replace(typename Table::Cell& cell, Node& old, Node* fresh) {
        fresh->slot = old.slot;
        fresh->set_uses(old.uses());
        slots_[fresh->slot].node = fresh;
        cell.store(fresh);
        used(*fresh);
        weight_ += weight_of(*fresh) - weight_of(old);
        retire_node(old);
        while (weight_ > limits_.weight) evict();
    }

    /// All that may throw comes before the first change.
    void insert(std::uint64_t hash, typename Node::Owner fresh, std::size_t weight) {
        while (size_ != 0 && (size_ >= limits_.entries || weight_ > limits_.weight - weight)) evict();
        Table* table = table_.load(std::memory_order_relaxed);
        if (table == nullptr || size_ >= table->room()) table = grow(table);
        if (free_slot_ == no_slot) add_slot();
        const CacheSlot slot = free_slot_;
        queue_.inserted(slot, hash);
        free_slot_ = slots_[slot].next_free;
        Node* const node = fresh.release();
        node->slot = slot;
        slots_[slot].node = node;
        table->insert(hash, node);
        weight_ += weight;
        ++size_;
    }

    void add_slot() {
        constexpr std::size_t first = 16;
        if (slots_.size() == slots_.capacity())
            slots_.reserve((std::max)((std::min)(2 * slots_.size() + first, limits_.entries), slots_.size() + 1));
        slots_.push_back({.next_free = no_slot});
        free_slot_ = static_cast<CacheSlot>(slots_.size() - 1);
    }

    [[nodiscard]] Table* grow(Table* old) {
        std::unique_ptr<Table> table = Table::larger(old, limits_.entries);
        if (old != nullptr) old->for_each([&](Node* node) { table->insert(hash_(node->key()), node); });
        table->tell(whereabouts_);
        table_.store(table.get());
        if (old != nullptr) retire(old, [](void* object) noexcept { delete static_cast<Table*>(object); });
        return table.release();
    }

    void evict() {
        Uses uses{slots_};
        Node& node = *slots_[queue_.victim(uses)].node;
        remove(node, hash_(node.key()));
        ++stats_.evictions;
    }

    void remove(Node& node, std::uint64_t hash) {
        table_.load(std::memory_order_relaxed)->erase(hash, &node);
        queue_.erased(node.slot);
        slots_[node.slot].next_free = free_slot_;
        free_slot_ = node.slot;
        weight_ -= weight_of(node);
        --size_;
        retire_node(node);
    }

    void retire_node(Node& node) noexcept {
        retire(&node, [](void* object) noexcept { Node::destroy(static_cast<Node*>(object)); });
    }
    void retire(void* object, Retired::Free free) noexcept {
        if (readers_ == nullptr) {
            free(object);
        } else {
            retired_.add(object, free, *readers_);
        }
    }
    static void free_with_nodes(Table* table) noexcept {
        table->for_each([](Node* node) { Node::destroy(node); });
        delete table;
    }

    // What readers look at, on a line that changes only when the table does.
    alignas(64) std::atomic<Table*> table_{nullptr};  // null: no entries
    typename Table::Whereabouts whereabouts_;

    alignas(64) mutable std::mutex mutex_;  // guards all changes above, and all below
    ReaderPlaces* readers_ = nullptr;       // null: everybody takes the lock
    CacheLimits limits_;
    std::size_t size_ = 0;
    std::size_t weight_ = 0;
    std::vector<Slot> slots_;
    CacheSlot free_slot_ = no_slot;  // the first of a list
    Hash hash_;
    Queue queue_{0};
    Retired retired_;
    CacheStats stats_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
