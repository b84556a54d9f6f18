#ifndef JOINLY_DETAIL_RECORD_TREE_HPP
#define JOINLY_DETAIL_RECORD_TREE_HPP
// Records in key order, with snapshots for the price of a reference count.
//
// Copies share their nodes. A write copies those on its way down, and changes in place what this copy alone has: a node that is
// reached through nodes with one owner each. Another copy that can see it would own one of those, or the root. A batch thus copies
// a node once, and not once for each of its changes.
//
// It is a B+ tree, because what a search or a copy costs is the places in memory that it goes to.
//
// Threads: copies may be used from different ones, a copy from one at a time. Where there are any, write only to a copy of a tree
// that stays as it is meanwhile, as a published snapshot does: what it has that others have ever seen is under the root of that
// one, too, and so is never changed in place. Without it, that a node has one owner would not say that the others' reads are over.

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/detail/function_ref.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

struct KeyedRecord {
    std::string key;
    Record record;
    std::string index_terms = {};

    [[nodiscard]] RecordView view() const noexcept { return {record.value, record.version, record.expires_at, index_terms}; }
};

/// Records by key, a value: `put` and `erase` change this copy and no other. Copying is O(1), looking and changing O(log n).
class RecordTree {
public:
    using EntryPtr = std::shared_ptr<const KeyedRecord>;
    using Visitor = FunctionRef<bool(std::string_view key, const RecordView& record)>;

    /// The record of `key`, null when there is none; lives as long as this copy is unchanged.
    [[nodiscard]] const KeyedRecord* find(std::string_view key) const noexcept {
        const Node* node = root_.get();
        while (node) {
            const std::size_t up_to = node->count_up_to(key);
            if (up_to == 0) return nullptr;
            const Slot& slot = node->slots[up_to - 1];
            if (!slot.below) return slot.key == key ? slot.entry.get() : nullptr;
            node = slot.below.get();
        }
        return nullptr;
    }

    /// Gives what was there before, if anything, as `erase` does. An exception leaves a copy that is good for nothing but to be
    /// destroyed or assigned to; others are as they were.
    EntryPtr put(KeyedRecord record) {
        auto entry = std::make_shared<const KeyedRecord>(std::move(record));
        if (!root_) root_ = std::make_shared<Node>();
        EntryPtr former = put_below(root_, std::move(entry));
        if (root_->count == capacity) {
            auto top = std::make_shared<Node>();
            top->insert(0, {root_->slots[0].key, nullptr, std::move(root_)});
            split(*top, 0);
            root_ = std::move(top);
        }
        return former;
    }

    EntryPtr erase(std::string_view key) {
        EntryPtr former = root_ ? erase_below(root_, key) : nullptr;
        while (root_ && root_->count < 2 && !(root_->count == 1 && root_->is_leaf())) root_ = NodePtr{root_->slots[0].below};
        return former;
    }

    /// Calls `visit` for each record of the range in its direction, until it returns false.
    void visit(const KeyRange& range, const Visitor& visit) const {
        if (root_) visit_below(*root_, range, visit);
    }

private:
    static constexpr std::size_t capacity = 16;  // larger nodes make reading cheaper, and copying dearer

    struct Node;
    using NodePtr = std::shared_ptr<Node>;
    /// A record, or in an inner node another node, under its first key: the view is of a record below.
    struct Slot {
        std::string_view key;
        EntryPtr entry;
        NodePtr below;
    };
    struct Node {
        std::array<Slot, capacity> slots;  // between calls one is free
        std::size_t count = 0;

        [[nodiscard]] bool is_leaf() const noexcept { return !slots[0].below; }
        [[nodiscard]] const Slot* end() const noexcept { return slots.data() + count; }
        [[nodiscard]] std::size_t count_before(std::string_view key) const noexcept {
            const auto is_before = [](const Slot& slot, std::string_view bound) { return slot.key < bound; };
            return static_cast<std::size_t>(std::lower_bound(slots.data(), end(), key, is_before) - slots.data());
        }
        [[nodiscard]] std::size_t count_up_to(std::string_view key) const noexcept {
            const auto is_after = [](std::string_view bound, const Slot& slot) { return bound < slot.key; };
            return static_cast<std::size_t>(std::upper_bound(slots.data(), end(), key, is_after) - slots.data());
        }
        void insert(std::size_t at, Slot slot) noexcept {
            std::move_backward(slots.data() + at, slots.data() + count, slots.data() + count + 1);
            slots[at] = std::move(slot);
            ++count;
        }
        void remove(std::size_t at) noexcept {
            std::move(slots.data() + at + 1, slots.data() + count, slots.data() + at);
            slots[--count] = {};
        }
    };

    /// Makes the node at `place` this copy's own: the root, or one below a node that is.
    static Node& own(NodePtr& place) {
        if (place.use_count() != 1) place = std::make_shared<Node>(*place);
        return *place;
    }

    static EntryPtr put_below(NodePtr& place, EntryPtr entry) {
        Node& node = own(place);
        const std::string_view key = entry->key;
        std::size_t at = node.count_up_to(key);
        if (node.is_leaf()) {
            if (at == 0 || node.slots[at - 1].key != key) {
                node.insert(at, {key, std::move(entry), nullptr});
                return nullptr;
            }
            node.slots[at - 1].key = key;  // the same, in its new place
            return std::exchange(node.slots[at - 1].entry, std::move(entry));
        }
        if (at > 0) --at;
        Slot& slot = node.slots[at];
        EntryPtr former = put_below(slot.below, std::move(entry));
        slot.key = slot.below->slots[0].key;
        if (slot.below->count == capacity) split(node, at);
        return former;
    }

    /// Moves half of what is below a slot into a new node beside it.
    static void split(Node& node, std::size_t at) {
        auto upper = std::make_shared<Node>();
        Node& lower = *node.slots[at].below;
        constexpr std::size_t half = capacity / 2;
        std::move(lower.slots.data() + half, lower.slots.data() + capacity, upper->slots.data());
        lower.count = half;
        upper->count = capacity - half;
        node.insert(at + 1, {upper->slots[0].key, nullptr, std::move(upper)});
    }

    static EntryPtr erase_below(NodePtr& place, std::string_view key) {
        std::size_t at = place->count_up_to(key);
        if (at-- == 0) return nullptr;
        if (place->is_leaf()) {
            if (place->slots[at].key != key) return nullptr;
            Node& node = own(place);
            EntryPtr former = std::move(node.slots[at].entry);
            node.remove(at);
            return former;
        }
        Node& node = own(place);
        EntryPtr former = erase_below(node.slots[at].below, key);
        if (former) tidy(node, at);
        return former;
    }

    /// After something below a slot was erased: a node that has nothing left goes, and one that has little goes to a neighbour.
    static void tidy(Node& node, std::size_t at) {
        Node& below = *node.slots[at].below;
        if (below.count == 0) return node.remove(at);
        node.slots[at].key = below.slots[0].key;
        if (below.count > capacity / 4 || node.count == 1) return;
        const std::size_t left = at > 0 ? at - 1 : 0;
        const NodePtr from = node.slots[left + 1].below;
        if (node.slots[left].below->count + from->count >= capacity) return;
        Node& into = own(node.slots[left].below);
        std::copy(from->slots.data(), from->slots.data() + from->count, into.slots.data() + into.count);
        into.count += from->count;
        node.remove(left + 1);
    }

    static bool visit_below(const Node& node, const KeyRange& range, const Visitor& visit) {
        std::size_t first = node.count_before(range.begin);
        const std::size_t last = range.end.empty() ? node.count : node.count_before(range.end);
        if (first > 0 && !node.is_leaf()) --first;  // which may reach into the range
        for (std::size_t i = first; i < last; ++i) {
            const Slot& slot = node.slots[range.direction == Direction::forward ? i : last - 1 - (i - first)];
            if (!(slot.below ? visit_below(*slot.below, range, visit) : visit(slot.key, slot.entry->view()))) return false;
        }
        return true;
    }

    NodePtr root_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
