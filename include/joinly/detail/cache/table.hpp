#ifndef JOINLY_DETAIL_CACHE_TABLE_HPP
#define JOINLY_DETAIL_CACHE_TABLE_HPP
// The index of a cache's shard, from hashes to nodes. Readers need no lock; writers have the shard's.
//
// A bucket is a cache line: seven pointers, and a control word with a byte of each one's hash and, in the last byte, how many
// nodes had to go past this bucket because it was full. A lookup compares the seven bytes at once and ends at the first
// bucket that nobody went past. So nothing has to move and nothing is left behind when a node leaves: a node stays in its
// cell, and a reader can neither miss it nor meet another one in its place. A larger table is a new one.
//
// (The layout is that of F14, Bronson and Shi 2019, with pointers. An index of four bytes would save four for each cell; but then
// readers, who take no lock, would have to find the array of nodes as well, which moves when it grows.)

#include <joinly/config.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Node>
class CacheTable {
public:
    explicit CacheTable(std::size_t buckets) : count_{buckets}, buckets_{std::make_unique<Bucket[]>(buckets)} {}

    /// Entries for which so many buckets are enough: four fifths full, a lookup looks at 1.1 buckets.
    [[nodiscard]] static constexpr std::size_t room(std::size_t buckets) noexcept { return buckets * 28 / 5; }
    [[nodiscard]] std::size_t room() const noexcept { return room(count_); }

    /// A table for more entries, and for all of `most` at some time; it is empty.
    [[nodiscard]] static std::unique_ptr<CacheTable> larger(const CacheTable* table, std::size_t most) {
        const std::size_t enough = most / 28 * 5 + 6;
        const std::size_t wanted = table == nullptr ? 2 : 2 * table->count_;
        return std::make_unique<CacheTable>((std::min)(wanted, enough));
    }

    /// Where its buckets are, for `prefetch`.
    struct Whereabouts {
        std::atomic<std::uintptr_t> buckets{0};
        std::atomic<std::size_t> count{0};
    };
    void tell(Whereabouts& whereabouts) const noexcept {
        whereabouts.buckets.store(reinterpret_cast<std::uintptr_t>(buckets_.get()), std::memory_order_relaxed);
        whereabouts.count.store(count_, std::memory_order_relaxed);
    }
    /// Asks for the line of the hash's bucket. The table may have gone: that costs time and nothing else.
    static void prefetch(const Whereabouts& whereabouts, std::uint64_t hash) noexcept {
#if defined(__GNUC__)
        const std::size_t home = home_of(hash, whereabouts.count.load(std::memory_order_relaxed));
        const std::uintptr_t at = whereabouts.buckets.load(std::memory_order_relaxed) + home * sizeof(Bucket);
        __builtin_prefetch(reinterpret_cast<const void*>(at));
#else
        (void)whereabouts, (void)hash;
#endif
    }

    /// A node's place: the pointer to it can be replaced.
    using Cell = std::atomic<Node*>;

    struct Found {
        Cell* cell = nullptr;  // null: there is none
        Node* node = nullptr;  // as it was then
    };

    /// Of the nodes with this hash's tag the one that `is_it`.
    template <class IsIt>
    [[nodiscard, gnu::always_inline]] inline Found find(std::uint64_t hash, IsIt is_it) const noexcept {
        const std::uint64_t wanted = each_byte * tag_of(hash);
        const std::size_t at = home(hash);
        Bucket& bucket = buckets_[at];
        const std::uint64_t control = bucket.control.load();
        if (const Found found = find_in(bucket, control, wanted, is_it); found.cell != nullptr) return found;
        return control >> past_shift == 0 ? Found{} : find_past(at, wanted, is_it);
    }

    /// Asks for the line of the first node that has the hash's tag.
    void prefetch_candidate(std::uint64_t hash) const noexcept {
#if defined(__GNUC__)
        __builtin_prefetch(find(hash, [](const Node&) { return true; }).node);
#else
        (void)hash;
#endif
    }

    /// There is room: the caller has seen to that.
    void insert(std::uint64_t hash, Node* node) noexcept {
        for (std::size_t at = home(hash);; at = next(at)) {
            Bucket& bucket = buckets_[at];
            const std::uint64_t control = bucket.control.load(std::memory_order_relaxed);
            for (std::size_t i = 0; i < bucket.cells.size(); ++i) {
                if ((control >> (8 * i) & 0xff) != 0) continue;
                bucket.cells[i].store(node, std::memory_order_release);
                bucket.control.store(control | tag_of(hash) << (8 * i));
                return;
            }
            if (control >> past_shift != most_past) bucket.control.store(control + one_past);
        }
    }

    void erase(std::uint64_t hash, const Node* node) noexcept {
        for (std::size_t at = home(hash);; at = next(at)) {
            Bucket& bucket = buckets_[at];
            const std::uint64_t control = bucket.control.load(std::memory_order_relaxed);
            for (std::size_t i = 0; i < bucket.cells.size(); ++i) {
                if ((control >> (8 * i) & 0xff) == 0 || bucket.cells[i].load(std::memory_order_relaxed) != node) continue;
                bucket.control.store(control & ~(std::uint64_t{0xff} << (8 * i)));
                return;
            }
            if (control >> past_shift != most_past) bucket.control.store(control - one_past);
        }
    }

    template <class Visit>
    void for_each(Visit visit) const {
        for (std::size_t at = 0; at < count_; ++at) {
            const std::uint64_t control = buckets_[at].control.load(std::memory_order_relaxed);
            for (std::size_t i = 0; i < buckets_[at].cells.size(); ++i) {
                if ((control >> (8 * i) & 0xff) != 0) visit(buckets_[at].cells[i].load(std::memory_order_relaxed));
            }
        }
    }

private:
    static constexpr std::uint64_t each_byte = 0x0001'0101'0101'0101U;
    static constexpr std::uint64_t tag_tops = each_byte << 7;
    static constexpr unsigned past_shift = 56;
    static constexpr std::uint64_t one_past = std::uint64_t{1} << past_shift;
    static constexpr std::uint64_t most_past = 0xff;  // and there it stays: a longer search is all that costs

    struct alignas(64) Bucket {
        std::atomic<std::uint64_t> control{0};  // a zero byte: an empty cell
        std::array<Cell, 7> cells;              // of no account where it is empty
    };

    /// The low half of the hash has its tag (and chooses the shard), the high half the bucket. 0 is an empty cell's, and 1
    /// nobody's: comparing seven bytes at once may take one that differs by 1 for the same, which must not be an empty cell.
    [[nodiscard]] static std::uint64_t tag_of(std::uint64_t hash) noexcept {
        const std::uint64_t tag = hash & 0xff;
        return tag < 2 ? tag + 2 : tag;
    }
    [[nodiscard]] static std::size_t home_of(std::uint64_t hash, std::size_t count) noexcept {
        return static_cast<std::size_t>(((hash >> 32) * count) >> 32);
    }
    [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept { return home_of(hash, count_); }
    [[nodiscard]] std::size_t next(std::size_t at) const noexcept { return at + 1 == count_ ? 0 : at + 1; }

    template <class IsIt>
    [[nodiscard, gnu::always_inline]] static inline Found find_in(Bucket& bucket, std::uint64_t control, std::uint64_t wanted,
                                                                  IsIt& is_it) noexcept {
        const std::uint64_t differing = control ^ wanted;
        for (std::uint64_t same = (differing - each_byte) & ~differing & tag_tops; same != 0; same &= same - 1) {
            Cell& cell = bucket.cells[static_cast<unsigned>(std::countr_zero(same)) / 8];
            Node* const node = cell.load();
            if (is_it(*node)) return {&cell, node};
        }
        return {};
    }
    /// In the buckets after `at`, where one lookup in twelve has to go. Not in line: that would cost the others.
    template <class IsIt>
    [[nodiscard, gnu::noinline]] Found find_past(std::size_t at, std::uint64_t wanted, IsIt is_it) const noexcept {
        for (std::size_t left = count_ - 1; left != 0; --left) {
            at = next(at);
            const std::uint64_t control = buckets_[at].control.load();
            if (const Found found = find_in(buckets_[at], control, wanted, is_it); found.cell != nullptr) return found;
            if (control >> past_shift == 0) break;
        }
        return {};
    }

    std::size_t count_;
    std::unique_ptr<Bucket[]> buckets_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
