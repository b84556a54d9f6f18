#ifndef JOINLY_DETAIL_RECORD_TREE_HPP
#define JOINLY_DETAIL_RECORD_TREE_HPP
// Records in key order, for one writer at a time and any number of readers that keep what they have seen.
//
// A write is a round. It changes nothing that an earlier round has made, but copies the nodes on its way down, once a round, and
// leaves a tree that shares with the former one whatever is the same. What it has replaced it lists: that is to be freed when
// nobody can see the former tree any more, which is for the owner to know (see memory_snapshot.hpp). Nothing in a tree is counted,
// so that copying a node does not touch what it leads to.
//
// It is a B+ tree, because what a search or a copy costs is the places in memory that it goes to. For the same reason a node holds
// of each key the eight bytes behind those that all its keys share: they decide nearly every comparison.

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/stored_record.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Records by key. Copies are views of the same nodes: only the newest may be changed, and nothing is freed by itself. Looking and
/// changing is O(log n).
class RecordTree {
    struct Node;

public:
    using Visitor = FunctionRef<bool(std::string_view key, const RecordView& record)>;

    /// What is in no tree any more, for whoever has it to free.
    class Retired {
    public:
        void add(Node* node) noexcept { node->next_retired = std::exchange(nodes_, node); }
        void add(StoredRecord* record) noexcept { record->next_retired = std::exchange(records_, record); }
        void free() noexcept {
            while (nodes_) delete std::exchange(nodes_, nodes_->next_retired);
            while (records_) StoredRecord::destroy(std::exchange(records_, records_->next_retired));
        }

    private:
        Node* nodes_ = nullptr;
        StoredRecord* records_ = nullptr;
    };

    struct Round {
        std::uint64_t number = 0;  ///< another one for each round
        Retired replaced = {};     ///< what former rounds have made, and trees of theirs still show
        Retired discarded = {};    ///< what this round has made itself

        template <class Made>
        void retire(Made* made) noexcept {
            (made->round == number ? discarded : replaced).add(made);
        }
    };

    /// The record of `key`, null when there is none.
    [[nodiscard]] const StoredRecord* find(std::string_view key) const noexcept {
        const Node* node = root_;
        while (node) {
            const std::size_t up_to = node->count_up_to(key);
            if (up_to == 0) return nullptr;
            const Below below = node->below[up_to - 1];
            if (node->is_leaf) return below.record->key() == key ? below.record : nullptr;
            node = below.node;
        }
        return nullptr;
    }

    /// Puts the record, which has this round's number. Gives what was there before, if anything, as `erase` does: it lasts as long
    /// as the round. After an exception there is nothing to do but `undo`.
    const StoredRecord* put(Round& round, StoredRecord::Owned record) {
        if (!root_) {
            root_ = new Node{round.number, true};
            root_->insert(0, Below{record.release()});
            return nullptr;
        }
        StoredRecord* former = put_below(root_, record, round);
        if (root_->count == capacity) {
            auto top = std::make_unique<Node>(round.number, false);
            top->insert(0, Below{root_});
            split(*top, 0, round);
            root_ = top.release();
        }
        return former;
    }

    const StoredRecord* erase(Round& round, std::string_view key) {
        if (!find(key)) return nullptr;
        StoredRecord* former = erase_below(root_, key, round);
        while (root_ && (root_->count == 0 || (root_->count == 1 && !root_->is_leaf)))
            round.retire(std::exchange(root_, root_->count == 0 ? nullptr : root_->below[0].node));
        return former;
    }

    /// Calls `visit` for each record of the range in its direction, until it returns false.
    void visit(const KeyRange& range, const Visitor& visit) const {
        if (root_) visit_below(*root_, range, visit);
    }

    /// Frees what the round has made and has not discarded; the tree is gone, the former one as it was.
    void undo(std::uint64_t round) noexcept {
        free_below(std::exchange(root_, nullptr), [round](const auto& made) { return made.round == round; });
    }
    /// Frees everything, which no other tree may share any more.
    void free() noexcept {
        free_below(std::exchange(root_, nullptr), [](const auto&) { return true; });
    }

private:
    static constexpr std::size_t capacity = 32;  // larger nodes make reading cheaper, and copying dearer

    union Below {
        Below() noexcept : node{nullptr} {}
        explicit Below(StoredRecord* made) noexcept : record{made} {}
        explicit Below(Node* made) noexcept : node{made} {}
        StoredRecord* record;  ///< of a leaf
        Node* node;            ///< of the others
    };

    struct Node {
        Node(std::uint64_t made_in, bool leaf) noexcept : round{made_in}, is_leaf{leaf} {}

        std::uint64_t round;
        Node* next_retired = nullptr;
        const StoredRecord* first = nullptr;  // the one with the smallest key below
        std::size_t shared = 0;               // so many bytes all keys begin with, at least
        std::size_t count = 0;
        bool is_leaf;
        std::array<std::uint64_t, capacity> heads{};  // of each key, or each node's first, the eight bytes behind the shared ones
        std::array<Below, capacity> below;            // between calls one is free

        [[nodiscard]] const StoredRecord* first_of(std::size_t at) const noexcept {
            return is_leaf ? below[at].record : below[at].node->first;
        }
        [[nodiscard]] std::string_view key(std::size_t at) const noexcept { return first_of(at)->key(); }

        [[nodiscard]] std::uint64_t head_of(std::string_view key) const noexcept {
            std::uint64_t head = 0;
            for (std::size_t at = shared; at < shared + 8; ++at)
                head = head << 8 | (at < key.size() ? static_cast<unsigned char>(key[at]) : 0);
            return head;
        }

        /// How many have keys below this one, or up to it.
        [[nodiscard]] std::size_t count_before(std::string_view key) const noexcept { return count_while<false>(key); }
        [[nodiscard]] std::size_t count_up_to(std::string_view key) const noexcept { return count_while<true>(key); }
        template <bool or_equal>
        [[nodiscard]] std::size_t count_while(std::string_view sought) const noexcept {
            const int order = sought.substr(0, shared).compare(first->key().substr(0, shared));
            if (order != 0) return order < 0 ? 0 : count;
            const std::uint64_t head = head_of(sought);
            const auto end = heads.begin() + static_cast<std::ptrdiff_t>(count);
            const auto same = std::lower_bound(heads.begin(), end, head);
            auto low = static_cast<std::size_t>(same - heads.begin());
            auto high = static_cast<std::size_t>(std::upper_bound(same, end, head) - heads.begin());
            while (low < high) {
                const std::size_t middle = (low + high) / 2;
                const int compared = key(middle).compare(sought);
                (or_equal ? compared <= 0 : compared < 0) ? low = middle + 1 : high = middle;
            }
            return low;
        }

        void insert(std::size_t at, Below made) noexcept {
            std::move_backward(heads.begin() + at, heads.begin() + count, heads.begin() + count + 1);
            std::move_backward(below.begin() + at, below.begin() + count, below.begin() + count + 1);
            below[at] = made;
            ++count;
            first_changed(at);
        }
        void remove(std::size_t at) noexcept {
            std::move(heads.begin() + at + 1, heads.begin() + count, heads.begin() + at);
            std::move(below.begin() + at + 1, below.begin() + count, below.begin() + at);
            --count;
            if (at == 0 && count > 0) first = first_of(0);
        }

        /// To be called when the key of a slot, or the first one below it, has become another.
        void first_changed(std::size_t at) noexcept {
            if (at == 0) first = first_of(0);
            const std::string_view changed = key(at);
            if (count == 1 || changed.substr(0, shared) != key(at == 0 ? 1 : 0).substr(0, shared)) return renew_heads();
            heads[at] = head_of(changed);
        }
        void renew_heads() noexcept {
            first = first_of(0);
            const std::string_view low = key(0);
            const std::string_view high = key(count - 1);
            const std::size_t most = (std::min)(low.size(), high.size());
            shared = static_cast<std::size_t>(std::mismatch(low.begin(), low.begin() + most, high.begin()).first - low.begin());
            for (std::size_t at = 0; at < count; ++at) heads[at] = head_of(key(at));
        }
    };

    /// Makes the node at `place` this round's own.
    static Node& own(Node*& place, Round& round) {
        if (place->round != round.number) {
            auto copy = std::make_unique<Node>(*place);
            copy->round = round.number;
            round.retire(std::exchange(place, copy.release()));
        }
        return *place;
    }

    static StoredRecord* put_below(Node*& place, StoredRecord::Owned& record, Round& round) {
        Node& node = own(place, round);
        std::size_t at = node.count_up_to(record->key());
        if (node.is_leaf) {
            if (at == 0 || node.key(at - 1) != record->key()) {
                node.insert(at, Below{record.release()});
                return nullptr;
            }
            StoredRecord* former = std::exchange(node.below[at - 1].record, record.release());
            round.retire(former);
            node.first = node.first_of(0);
            return former;
        }
        if (at > 0) --at;
        const bool becomes_first = at == 0 && record->key() < node.key(0);
        StoredRecord* former = put_below(node.below[at].node, record, round);
        becomes_first ? node.first_changed(at) : void(node.first = node.first_of(0));
        if (node.below[at].node->count == capacity) split(node, at, round);
        return former;
    }

    /// Moves half of what is below a slot into a new node beside it.
    static void split(Node& node, std::size_t at, Round& round) {
        Node& lower = *node.below[at].node;
        auto upper = std::make_unique<Node>(round.number, lower.is_leaf);
        constexpr std::size_t half = capacity / 2;
        std::copy(lower.below.begin() + half, lower.below.end(), upper->below.begin());
        lower.count = half;
        upper->count = capacity - half;
        lower.renew_heads();
        upper->renew_heads();
        node.insert(at + 1, Below{upper.release()});
    }

    static StoredRecord* erase_below(Node*& place, std::string_view key, Round& round) {
        Node& node = own(place, round);
        const std::size_t at = node.count_up_to(key) - 1;
        if (node.is_leaf) {
            StoredRecord* former = node.below[at].record;
            node.remove(at);
            round.retire(former);
            return former;
        }
        StoredRecord* former = erase_below(node.below[at].node, key, round);
        tidy(node, at, round);
        return former;
    }

    /// After something below a slot was erased: a node that has nothing left goes, and one that has little goes to a neighbour.
    static void tidy(Node& node, std::size_t at, Round& round) {
        Node* const below = node.below[at].node;
        if (below->count == 0) {
            round.retire(below);
            return node.remove(at);
        }
        node.first_changed(at);
        if (below->count > capacity / 4 || node.count == 1) return;
        const std::size_t left = at > 0 ? at - 1 : 0;
        Node* const from = node.below[left + 1].node;
        if (node.below[left].node->count + from->count >= capacity) return;
        Node& into = own(node.below[left].node, round);
        std::copy(from->below.begin(), from->below.begin() + from->count, into.below.begin() + into.count);
        into.count += from->count;
        into.renew_heads();
        node.remove(left + 1);
        round.retire(from);
    }

    static bool visit_below(const Node& node, const KeyRange& range, const Visitor& visit) {
        std::size_t first = node.count_before(range.begin);
        const std::size_t last = range.end.empty() ? node.count : node.count_before(range.end);
        if (first > 0 && !node.is_leaf) --first;  // which may reach into the range
        for (std::size_t i = first; i < last; ++i) {
            const Below below = node.below[range.direction == Direction::forward ? i : last - 1 - (i - first)];
            if (!(node.is_leaf ? visit(below.record->key(), below.record->view()) : visit_below(*below.node, range, visit)))
                return false;
        }
        return true;
    }

    template <class IsToGo>
    static void free_below(Node* node, const IsToGo& is_to_go) noexcept {
        if (!node || !is_to_go(*node)) return;
        for (std::size_t at = 0; at < node->count; ++at) {
            const Below below = node->below[at];
            if (!node->is_leaf) {
                free_below(below.node, is_to_go);
            } else if (is_to_go(*below.record)) {
                StoredRecord::destroy(below.record);
            }
        }
        delete node;
    }

    Node* root_ = nullptr;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
