#include <joinly/detail/cache/slot_list.hpp>
#include <tests/support/catch.hpp>

#include <vector>

namespace {

using joinly::CacheSlot;
using joinly::no_slot;
using joinly::detail::SlotList;

struct Entry {
    CacheSlot newer = no_slot;
    CacheSlot older = no_slot;
};

std::vector<CacheSlot> from_oldest(const std::vector<Entry>& entries, const SlotList& list) {
    std::vector<CacheSlot> slots;
    for (CacheSlot slot = list.oldest(); slot != no_slot; slot = entries[slot].newer) slots.push_back(slot);
    return slots;
}

TEST_CASE("a slot list keeps the order in which slots came, whichever are removed", "[slot_list]") {
    std::vector<Entry> entries(5);
    SlotList list;
    CHECK(list.oldest() == no_slot);
    for (const CacheSlot slot : {3U, 1U, 4U, 0U, 2U}) list.push_newest(entries, slot);
    CHECK(from_oldest(entries, list) == std::vector<CacheSlot>{3, 1, 4, 0, 2});
    list.remove(entries, 4);  // in the middle
    list.remove(entries, 3);  // the oldest
    list.remove(entries, 2);  // the newest
    CHECK(from_oldest(entries, list) == std::vector<CacheSlot>{1, 0});
    CHECK(list.size() == 2);
    list.push_newest(entries, 4);
    list.remove(entries, 1);
    list.remove(entries, 0);
    CHECK(from_oldest(entries, list) == std::vector<CacheSlot>{4});
    list.remove(entries, 4);
    CHECK(list.oldest() == no_slot);
    CHECK(list.size() == 0);
}

TEST_CASE("two slot lists share one vector of entries", "[slot_list]") {
    std::vector<Entry> entries(4);
    SlotList evens;
    SlotList odds;
    for (CacheSlot slot = 0; slot < 4; ++slot) (slot % 2 == 0 ? evens : odds).push_newest(entries, slot);
    evens.remove(entries, 0);
    odds.push_newest(entries, 0);
    CHECK(from_oldest(entries, evens) == std::vector<CacheSlot>{2});
    CHECK(from_oldest(entries, odds) == std::vector<CacheSlot>{1, 3, 0});
}

}  // namespace
