#ifndef JOINLY_DETAIL_RECORD_TREE_HPP
#define JOINLY_DETAIL_RECORD_TREE_HPP
// Records in key order, with snapshots for the price of a reference count.
//
// Nodes never change: a write makes new ones along its path from the root, and shares all the others with the tree that it
// began from. Plain values: copies may be used from different threads, one copy from one thread at a time.

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/detail/function_ref.hpp>

#include <algorithm>
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

/// An AVL tree of records by key, a value: `put` and `erase` change this copy and no other. Copying is O(1).
class RecordTree {
public:
    using Visitor = FunctionRef<bool(std::string_view key, const RecordView& record)>;

    /// The record of `key`, null when there is none; lives as long as this copy is unchanged.
    [[nodiscard]] const KeyedRecord* find(std::string_view key) const noexcept {
        const Node* node = root_.get();
        while (node) {
            const int order = key.compare(node->entry->key);
            if (order == 0) return node->entry.get();
            node = (order < 0 ? node->left : node->right).get();
        }
        return nullptr;
    }

    void put(KeyedRecord record) { root_ = with(root_, std::make_shared<const KeyedRecord>(std::move(record))); }
    void erase(std::string_view key) {
        if (find(key)) root_ = without(root_, key);
    }

    /// Calls `visit` for each record of the range in its direction, until it returns false.
    void visit(const KeyRange& range, const Visitor& visit) const { visit_below(root_.get(), range, visit); }

private:
    struct Node;
    using NodePtr = std::shared_ptr<const Node>;
    using EntryPtr = std::shared_ptr<const KeyedRecord>;
    struct Node {
        EntryPtr entry;
        NodePtr left;
        NodePtr right;
        int height;
    };

    static int height(const NodePtr& node) noexcept { return node ? node->height : 0; }

    static NodePtr join(const EntryPtr& entry, const NodePtr& left, const NodePtr& right) {
        return std::make_shared<const Node>(Node{entry, left, right, 1 + (std::max)(height(left), height(right))});
    }

    /// As join, where one side may be two levels higher than the other.
    static NodePtr balanced(const EntryPtr& entry, const NodePtr& left, const NodePtr& right) {
        if (height(left) > height(right) + 1) {
            const NodePtr& inner = left->right;
            if (height(left->left) >= height(inner)) return join(left->entry, left->left, join(entry, inner, right));
            return join(inner->entry, join(left->entry, left->left, inner->left), join(entry, inner->right, right));
        }
        if (height(right) > height(left) + 1) {
            const NodePtr& inner = right->left;
            if (height(right->right) >= height(inner)) return join(right->entry, join(entry, left, inner), right->right);
            return join(inner->entry, join(entry, left, inner->left), join(right->entry, inner->right, right->right));
        }
        return join(entry, left, right);
    }

    static NodePtr with(const NodePtr& node, const EntryPtr& entry) {
        if (!node) return join(entry, nullptr, nullptr);
        const int order = entry->key.compare(node->entry->key);
        if (order == 0) return join(entry, node->left, node->right);
        if (order < 0) return balanced(node->entry, with(node->left, entry), node->right);
        return balanced(node->entry, node->left, with(node->right, entry));
    }

    static NodePtr without(const NodePtr& node, std::string_view key) {  // the key is there
        const int order = key.compare(node->entry->key);
        if (order < 0) return balanced(node->entry, without(node->left, key), node->right);
        if (order > 0) return balanced(node->entry, node->left, without(node->right, key));
        if (!node->left) return node->right;
        if (!node->right) return node->left;
        const Node* next = node->right.get();
        while (next->left) next = next->left.get();
        return balanced(next->entry, node->left, without(node->right, next->entry->key));
    }

    static bool visit_below(const Node* node, const KeyRange& range, const Visitor& visit) {
        if (!node) return true;
        const std::string_view key = node->entry->key;
        const bool begun = key >= range.begin;
        const bool ended = !range.end.empty() && key >= range.end;
        const bool forward = range.direction == Direction::forward;
        if ((forward ? begun : !ended) && !visit_below((forward ? node->left : node->right).get(), range, visit)) return false;
        if (begun && !ended && !visit(key, node->entry->view())) return false;
        return !(forward ? !ended : begun) || visit_below((forward ? node->right : node->left).get(), range, visit);
    }

    NodePtr root_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
