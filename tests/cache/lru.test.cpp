#include <joinly/cache/lru.hpp>
#include <tests/support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <random>
#include <vector>

namespace {

using joinly::CacheSlot;
using joinly::Lru;

/// What a queue must have, and below what lacks some of it.
struct RightQueue {
    explicit RightQueue(std::size_t) {}
    void inserted(CacheSlot, std::uint64_t) {}
    void hit(CacheSlot) {}
    void erased(CacheSlot) {}
    template <class Uses>
    CacheSlot victim(Uses&) {
        return 0;
    }
};
template <class AQueue>
struct PolicyOf {
    static constexpr std::uint8_t most_uses = 0;
    using Queue = AQueue;
};
struct NoVictim {
    explicit NoVictim(std::size_t) {}
    void inserted(CacheSlot, std::uint64_t) {}
    void hit(CacheSlot) {}
    void erased(CacheSlot) {}
};
struct NoHit {
    explicit NoHit(std::size_t) {}
    void inserted(CacheSlot, std::uint64_t) {}
    void erased(CacheSlot) {}
    template <class Uses>
    CacheSlot victim(Uses&) {
        return 0;
    }
};
struct CountsHits : PolicyOf<NoHit> {
    static constexpr std::uint8_t most_uses = 1;
};
struct VictimOfAnotherType : NoVictim {
    using NoVictim::NoVictim;
    template <class Uses>
    int victim(Uses&) {
        return 0;
    }
};
struct NeedsNoCapacity : RightQueue {
    NeedsNoCapacity() : RightQueue{0} {}
};
struct CannotBeEmptied : RightQueue {
    using RightQueue::RightQueue;
    const int constant = 0;
};
struct NoMostUses {
    using Queue = RightQueue;
};
struct NoQueue {
    [[maybe_unused]] static constexpr std::uint8_t most_uses = 0;
};

static_assert(joinly::eviction_policy<Lru>);
static_assert(joinly::eviction_policy<PolicyOf<RightQueue>>);
static_assert(joinly::eviction_policy<CountsHits>);
static_assert(!joinly::eviction_policy<int>);
static_assert(!joinly::eviction_policy<NoQueue>);
static_assert(!joinly::eviction_policy<NoMostUses>);
static_assert(!joinly::eviction_policy<PolicyOf<NoVictim>>);
static_assert(!joinly::eviction_policy<PolicyOf<NoHit>>);
static_assert(!joinly::eviction_policy<PolicyOf<VictimOfAnotherType>>);
static_assert(!joinly::eviction_policy<PolicyOf<NeedsNoCapacity>>);
static_assert(!joinly::eviction_policy<PolicyOf<CannotBeEmptied>>);

/// Lru does not ask how often a slot was hit.
constexpr int no_uses = 0;

/// Takes the victims out one by one.
std::vector<CacheSlot> drain(Lru::Queue& queue, std::size_t size) {
    std::vector<CacheSlot> order;
    for (; size > 0; --size) {
        order.push_back(queue.victim(no_uses));
        queue.erased(order.back());
    }
    return order;
}

TEST_CASE("slots that are never hit leave in the order they came", "[lru]") {
    Lru::Queue queue{100};
    for (const CacheSlot slot : {2U, 0U, 1U}) queue.inserted(slot, 0);
    CHECK(drain(queue, 3) == std::vector<CacheSlot>{2, 0, 1});
}

TEST_CASE("a hit makes a slot the last to leave, wherever it stood", "[lru]") {
    const auto after_hit_of = [](CacheSlot hit) {
        Lru::Queue queue{100};
        for (CacheSlot slot = 0; slot < 3; ++slot) queue.inserted(slot, 0);
        queue.hit(hit);
        return drain(queue, 3);
    };
    CHECK(after_hit_of(0) == std::vector<CacheSlot>{1, 2, 0});
    CHECK(after_hit_of(1) == std::vector<CacheSlot>{0, 2, 1});
    CHECK(after_hit_of(2) == std::vector<CacheSlot>{0, 1, 2});
}

TEST_CASE("erasing takes a slot out of the order, wherever it stood", "[lru]") {
    const auto after_erasing = [](CacheSlot erased) {
        Lru::Queue queue{100};
        for (CacheSlot slot = 0; slot < 3; ++slot) queue.inserted(slot, 0);
        queue.erased(erased);
        return drain(queue, 2);
    };
    CHECK(after_erasing(0) == std::vector<CacheSlot>{1, 2});
    CHECK(after_erasing(1) == std::vector<CacheSlot>{0, 2});
    CHECK(after_erasing(2) == std::vector<CacheSlot>{0, 1});
}

TEST_CASE("a queue that was emptied takes slots again", "[lru]") {
    Lru::Queue queue{100};
    queue.inserted(0, 0);
    queue.hit(0);
    queue.erased(0);
    queue.inserted(1, 0);
    queue.inserted(0, 0);
    CHECK(drain(queue, 2) == std::vector<CacheSlot>{1, 0});
}

TEST_CASE("asking for the victim does not remove it", "[lru]") {
    Lru::Queue queue{100};
    queue.inserted(7, 0);
    queue.inserted(3, 0);
    CHECK(queue.victim(no_uses) == 7);
    CHECK(queue.victim(no_uses) == 7);
}

TEST_CASE("the order is that of a list whose hits move to the front", "[lru]") {
    constexpr CacheSlot slots = 12;
    std::mt19937 random{20260101};
    Lru::Queue queue{100};
    std::list<CacheSlot> model;  // the next to leave comes first
    for (int step = 0; step < 20'000; ++step) {
        const auto slot = static_cast<CacheSlot>(random() % slots);
        const auto at = std::find(model.begin(), model.end(), slot);
        if (at == model.end()) {
            queue.inserted(slot, 0);
            model.push_back(slot);
        } else if (random() % 3 == 0) {
            queue.erased(slot);
            model.erase(at);
        } else {
            queue.hit(slot);
            model.splice(model.end(), model, at);
        }
        if (!model.empty() && queue.victim(no_uses) != model.front())
            FAIL("step " << step << ": the victim is slot " << queue.victim(no_uses));
    }
    CHECK(drain(queue, model.size()) == std::vector<CacheSlot>(model.begin(), model.end()));
}

}  // namespace
