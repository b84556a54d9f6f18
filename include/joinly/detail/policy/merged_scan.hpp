#ifndef JOINLY_DETAIL_POLICY_MERGED_SCAN_HPP
#define JOINLY_DETAIL_POLICY_MERGED_SCAN_HPP
// A backend's scan with pending writes laid over it: both in key order, and of a key that is in both, the pending one.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/range.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class MergedScan {
public:
    using PendingWrites = std::vector<std::pair<std::string, LoadedObject>>;

    MergedScan(PendingWrites pending, Direction direction, WallTime now, ItemVisitor visit)
        : pending_{std::move(pending)}, direction_{direction}, now_{now}, visit_{visit} {
        std::sort(pending_.begin(), pending_.end(),
                  [this](const auto& left, const auto& right) { return comes_before(left.first, right.first); });
    }

    /// The backend's next record, expired or not; false when the visitor wants no more.
    [[nodiscard]] bool meet(const ScanItem& stored) {
        while (next_ < pending_.size() && comes_before(pending_[next_].first, stored.key)) visit_next_pending();
        if (!wants_more_) return false;
        if (next_ < pending_.size() && pending_[next_].first == stored.key) {
            visit_next_pending();
        } else if (!stored.record.expires_at.has_passed(now_)) {
            wants_more_ = visit_(stored);
        }
        return wants_more_;
    }

    /// The backend has no more records.
    void finish() {
        while (wants_more_ && next_ < pending_.size()) visit_next_pending();
    }

private:
    [[nodiscard]] bool comes_before(std::string_view left, std::string_view right) const noexcept {
        return direction_ == Direction::forward ? left < right : right < left;
    }
    void visit_next_pending() {
        const auto& [key, write] = pending_[next_++];
        if (!wants_more_ || !write.object.value || write.expires_at.has_passed(now_)) return;
        wants_more_ = visit_(ScanItem{key, {{}, write.version, write.expires_at}, &write.object});
    }

    PendingWrites pending_;
    Direction direction_;
    WallTime now_;
    ItemVisitor visit_;
    std::size_t next_ = 0;
    bool wants_more_ = true;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
