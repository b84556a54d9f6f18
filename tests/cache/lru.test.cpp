#include <joinly/cache/lru.hpp>
#include <tests/support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <list>
#include <random>
#include <vector>

namespace {

using joinly::CacheSlot;
using joinly::Lru;

struct NoVictim {
    struct Queue {
        void inserted(CacheSlot) {}
        void hit(CacheSlot) {}
        void erased(CacheSlot) {}
    };
};
struct NoQueue {};
struct VictimOfAnotherType {
    struct Queue : NoVictim::Queue {
        int victim() { return 0; }
    };
};
struct QueueThatNeedsArguments {
    struct Queue : NoVictim::Queue {
        explicit Queue(int) {}
        CacheSlot victim() { return 0; }
    };
};
struct QueueThatCannotBeEmptied {
    struct Queue : NoVictim::Queue {
        const int constant = 0;
        CacheSlot victim() { return 0; }
    };
};

static_assert(joinly::eviction_policy<Lru>);
static_assert(!joinly::eviction_policy<int>);
static_assert(!joinly::eviction_policy<NoVictim>);
static_assert(!joinly::eviction_policy<NoQueue>);
static_assert(!joinly::eviction_policy<VictimOfAnotherType>);
static_assert(!joinly::eviction_policy<QueueThatNeedsArguments>);
static_assert(!joinly::eviction_policy<QueueThatCannotBeEmptied>);

/// Takes the victims out one by one.
std::vector<CacheSlot> drain(Lru::Queue& queue, std::size_t size) {
    std::vector<CacheSlot> order;
    for (; size > 0; --size) {
        order.push_back(queue.victim());
        queue.erased(order.back());
    }
    return order;
}

TEST_CASE("slots that are never hit leave in the order they came", "[lru]") {
    Lru::Queue queue;
    for (const CacheSlot slot : {2U, 0U, 1U}) queue.inserted(slot);
    CHECK(drain(queue, 3) == std::vector<CacheSlot>{2, 0, 1});
}

TEST_CASE("a hit makes a slot the last to leave, wherever it stood", "[lru]") {
    const auto after_hit_of = [](CacheSlot hit) {
        Lru::Queue queue;
        for (CacheSlot slot = 0; slot < 3; ++slot) queue.inserted(slot);
        queue.hit(hit);
        return drain(queue, 3);
    };
    CHECK(after_hit_of(0) == std::vector<CacheSlot>{1, 2, 0});
    CHECK(after_hit_of(1) == std::vector<CacheSlot>{0, 2, 1});
    CHECK(after_hit_of(2) == std::vector<CacheSlot>{0, 1, 2});
}

TEST_CASE("erasing takes a slot out of the order, wherever it stood", "[lru]") {
    const auto after_erasing = [](CacheSlot erased) {
        Lru::Queue queue;
        for (CacheSlot slot = 0; slot < 3; ++slot) queue.inserted(slot);
        queue.erased(erased);
        return drain(queue, 2);
    };
    CHECK(after_erasing(0) == std::vector<CacheSlot>{1, 2});
    CHECK(after_erasing(1) == std::vector<CacheSlot>{0, 2});
    CHECK(after_erasing(2) == std::vector<CacheSlot>{0, 1});
}

TEST_CASE("a queue that was emptied takes slots again", "[lru]") {
    Lru::Queue queue;
    queue.inserted(0);
    queue.hit(0);
    queue.erased(0);
    queue.inserted(1);
    queue.inserted(0);
    CHECK(drain(queue, 2) == std::vector<CacheSlot>{1, 0});
}

TEST_CASE("asking for the victim does not remove it", "[lru]") {
    Lru::Queue queue;
    queue.inserted(7);
    queue.inserted(3);
    CHECK(queue.victim() == 7);
    CHECK(queue.victim() == 7);
}

TEST_CASE("the order is that of a list whose hits move to the front", "[lru]") {
    constexpr CacheSlot slots = 12;
    std::mt19937 random{20260101};
    Lru::Queue queue;
    std::list<CacheSlot> model;  // the next to leave comes first
    for (int step = 0; step < 20'000; ++step) {
        const auto slot = static_cast<CacheSlot>(random() % slots);
        const auto at = std::find(model.begin(), model.end(), slot);
        if (at == model.end()) {
            queue.inserted(slot);
            model.push_back(slot);
        } else if (random() % 3 == 0) {
            queue.erased(slot);
            model.erase(at);
        } else {
            queue.hit(slot);
            model.splice(model.end(), model, at);
        }
        if (!model.empty() && queue.victim() != model.front()) FAIL("step " << step << ": the victim is slot " << queue.victim());
    }
    CHECK(drain(queue, model.size()) == std::vector<CacheSlot>(model.begin(), model.end()));
}

}  // namespace
