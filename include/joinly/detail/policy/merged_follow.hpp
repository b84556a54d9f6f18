#ifndef JOINLY_DETAIL_POLICY_MERGED_FOLLOW_HPP
#define JOINLY_DETAIL_POLICY_MERGED_FOLLOW_HPP
// A backend's index entries with pending writes laid over them: a record that has a pending write counts as that write has it,
// under the terms of the pending object, and not as the backend's entries say. Expired records are visited, too.

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/range.hpp>
#include <joinly/detail/policy/merged_scan.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class MergedFollow {
public:
    using PendingWrites = MergedScan::PendingWrites;

    /// `pending`: of all records of the kind that the entries are of.
    MergedFollow(PendingWrites pending, const KeyRange& range, IndexedVisitor visit)
        : pending_{std::move(pending)}, direction_{range.direction}, visit_{visit} {
        std::sort(pending_.begin(), pending_.end(), [](const auto& left, const auto& right) { return left.first < right.first; });
    }

    /// To be called first. An object whose terms cannot be told is the error.
    [[nodiscard]] Status prepare(const KeyRange& range) {
        std::string packed;
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            const auto& [key, write] = pending_[i];
            if (!write.object.value || write.object.type->index_terms == nullptr) continue;
            packed.clear();
            if (auto told = write.object.type->index_terms(write.object.value.get(), packed); !told) return told;
            for (std::string_view rest = packed; const auto term = take_index_term(rest);) {
                std::string entry_key = index_entry(key, *term).key;
                if (range.contains(entry_key)) entries_.push_back({std::move(entry_key), i});
            }
        }
        std::sort(entries_.begin(), entries_.end(),
                  [this](const Entry& left, const Entry& right) { return comes_before(left.key, right.key); });
        return {};
    }

    /// The backend's next entry; false when the visitor wants no more.
    [[nodiscard]] bool meet(const IndexedItem& stored) {
        while (next_ < entries_.size() && comes_before(entries_[next_].key, stored.entry_key)) visit_next_pending();
        if (!wants_more_) return false;
        if (!is_pending(stored.item.key)) wants_more_ = visit_(stored);
        return wants_more_;
    }

    /// The backend has no more entries.
    void finish() {
        while (wants_more_ && next_ < entries_.size()) visit_next_pending();
    }

private:
    struct Entry {
        std::string key;
        std::size_t write;  // position in pending_
    };

    [[nodiscard]] bool comes_before(std::string_view left, std::string_view right) const noexcept {
        return direction_ == Direction::forward ? left < right : right < left;
    }
    [[nodiscard]] bool is_pending(std::string_view key) const noexcept {
        const auto at = std::lower_bound(pending_.begin(), pending_.end(), key,
                                         [](const auto& pending, std::string_view wanted) { return pending.first < wanted; });
        return at != pending_.end() && at->first == key;
    }
    void visit_next_pending() {
        const Entry& entry = entries_[next_++];
        if (!wants_more_) return;
        const auto& [key, write] = pending_[entry.write];
        wants_more_ = visit_(IndexedItem{entry.key, {key, {{}, write.version, write.expires_at}, &write.object}});
    }

    PendingWrites pending_;
    std::vector<Entry> entries_;
    Direction direction_;
    IndexedVisitor visit_;
    std::size_t next_ = 0;
    bool wants_more_ = true;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
