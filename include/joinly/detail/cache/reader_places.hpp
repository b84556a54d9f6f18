#ifndef JOINLY_DETAIL_CACHE_READER_PLACES_HPP
#define JOINLY_DETAIL_CACHE_READER_PLACES_HPP
// Where readers say that they are inside, so that writers know when what they took out can be freed.
//
// A reader takes a place, one cache line that it shares with nobody else, by one compare-exchange, and leaves it by one
// store. That costs as much as an uncontended spinlock (7 ns), and works without thread-local variables and without system
// calls: see this_thread.hpp.
//
// The order of things: a reader enters its place, then follows pointers; a writer unlinks, then looks at the places. All of
// these are sequentially consistent, so either the writer sees the reader, or the reader what the writer did.
//
// Safe from any thread.

#include <joinly/config.hpp>
#include <joinly/detail/this_thread.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class ReaderPlaces {
    struct Place;

public:
    /// A reader's stay; false when all places were taken. Counts lookups in its own line, which nobody else writes meanwhile.
    class Stay {
    public:
        [[gnu::always_inline]] inline explicit Stay(ReaderPlaces& places) noexcept : place_{places.enter()} {}
        Stay(const Stay&) = delete;
        Stay& operator=(const Stay&) = delete;
        ~Stay() { leave(); }

        [[nodiscard]] explicit operator bool() const noexcept { return place_ != nullptr; }
        void count_hit() noexcept { raise(place_->hits); }
        void count_miss() noexcept { raise(place_->misses); }
        void leave() noexcept {
            if (place_ != nullptr) place_->epoch.store(nobody, std::memory_order_release);
            place_ = nullptr;
        }

    private:
        static void raise(std::atomic<std::uint64_t>& count) noexcept {
            count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
        Place* place_;
    };

    /// Ends the present epoch. Whoever enters after this will not find what was unlinked before.
    /// @return the epoch that has ended.
    [[nodiscard]] std::uint64_t end_epoch() noexcept { return epoch_.fetch_add(1); }

    /// Whether everybody who entered in `epoch` or before has left. O(places that were ever taken).
    [[nodiscard]] bool all_left(std::uint64_t epoch) const noexcept {
        for (std::uint64_t left = taken_.load(); left != 0; left &= left - 1) {
            const std::uint64_t since = places_[static_cast<std::size_t>(std::countr_zero(left))].epoch.load();
            if (since != nobody && since <= epoch) return false;
        }
        return true;
    }

    /// Whether one thread at most has ever read: then looking at the places costs next to nothing.
    [[nodiscard]] bool one_reader() const noexcept {
        const std::uint64_t taken = taken_.load(std::memory_order_relaxed);
        return (taken & (taken - 1)) == 0;
    }

    struct Counts {
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;
    };
    [[nodiscard]] Counts counts() const noexcept {
        Counts sum;
        for (const Place& place : places_) {
            sum.hits += place.hits.load(std::memory_order_relaxed);
            sum.misses += place.misses.load(std::memory_order_relaxed);
        }
        return sum;
    }

private:
    static constexpr std::uint64_t nobody = 0;
    static constexpr std::size_t place_bits = 6;
    static constexpr std::size_t place_count = std::size_t{1} << place_bits;  // taken_ has a bit for each

    struct alignas(64) Place {
        std::atomic<std::uint64_t> epoch{nobody};  // when its reader entered
        std::atomic<std::uintptr_t> owner{0};      // the thread that has it for its home, for ever
        std::atomic<std::uint64_t> hits{0};
        std::atomic<std::uint64_t> misses{0};
    };

    [[nodiscard, gnu::always_inline]] inline Place* enter() noexcept {
        const std::uintptr_t thread = this_thread();
        const std::size_t home = spread<place_bits>(thread);
        Place& place = places_[home];
        if (place.owner.load(std::memory_order_relaxed) == thread && entered(place)) return &place;
        return search(thread, home);
    }

    [[nodiscard]] bool entered(Place& place) noexcept {
        std::uint64_t expected = nobody;
        return place.epoch.compare_exchange_strong(expected, epoch_.load());
    }

    /// The next place that is the thread's own or becomes so; after that, any that is free: a visitor that reads again needs
    /// a second one, and threads may have come and gone more often than there are places.
    [[nodiscard, gnu::noinline]] Place* search(std::uintptr_t thread, std::size_t home) noexcept {
        for (const bool own : {true, false}) {
            for (std::size_t i = 0; i < place_count; ++i) {
                Place& place = places_[(home + i) % place_count];
                if (own && !owned(place, thread)) continue;
                taken_.fetch_or(std::uint64_t{1} << ((home + i) % place_count));
                if (entered(place)) return &place;
                if (own) break;
            }
        }
        return nullptr;
    }

    [[nodiscard]] static bool owned(Place& place, std::uintptr_t thread) noexcept {
        std::uintptr_t owner = place.owner.load(std::memory_order_relaxed);
        if (owner == 0 && place.owner.compare_exchange_strong(owner, thread, std::memory_order_relaxed)) return true;
        return owner == thread;
    }

    std::array<Place, place_count> places_;
    std::atomic<std::uint64_t> taken_{0};  // a bit for each place that anybody has ever entered
    alignas(64) std::atomic<std::uint64_t> epoch_{nobody + 1};
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
