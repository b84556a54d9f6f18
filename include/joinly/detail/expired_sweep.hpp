#ifndef JOINLY_DETAIL_EXPIRED_SWEEP_HPP
#define JOINLY_DETAIL_EXPIRED_SWEEP_HPP
// Erasing what has expired through a policy's engine, some at a time, on condition that nobody has renewed it.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/result.hpp>
#include <joinly/options.hpp>
#include <joinly/policy/object.hpp>

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// One sweep, for one thread. Each step erases the earliest that have expired.
template <class PolicyEngine>
class ExpiredSweep {
public:
    explicit ExpiredSweep(PolicyEngine& engine) noexcept : engine_{engine} {}

    /// Erases up to 256 of what has expired at `now`, and hands each of these to `on_erased(ExpiredRecord&&)`, after that. What is
    /// pending is flushed before, for the order of expiry is the backend's.
    /// @return the first error but those that one record is the reason for: a renewed one stays, and so does a damaged one
    template <class OnErased>
    [[nodiscard]] Status step(WallTime now, OnErased&& on_erased) {
        constexpr std::size_t at_once = 256;
        if (auto flushed = engine_.flush(); !flushed) return flushed;
        const std::size_t limit = at_once + damaged_.size();
        auto expired = engine_.backend().expired(now, limit);
        if (!expired) return failure(std::move(expired).error());
        const bool is_all = expired->size() < limit;
        std::erase_if(*expired, [&](const ExpiredRecord& record) { return damaged_.contains(record.key); });
        std::vector<std::size_t> erased;
        const std::size_t damaged_before = damaged_.size();
        const Status status = erase_unless_renewed(*expired, erased);
        report_.erased += erased.size();
        for (const std::size_t at : erased) on_erased(std::move((*expired)[at]));
        report_.is_done = is_all && damaged_.empty() && erased.size() == expired->size();
        may_find_more_ = !report_.is_done && (!erased.empty() || damaged_.size() > damaged_before);
        return status;
    }

    [[nodiscard]] bool may_find_more() const noexcept { return may_find_more_; }
    [[nodiscard]] const SweepReport& report() const noexcept { return report_; }

private:
    /// All in one batch; one by one where that meets one that was renewed or is damaged.
    [[nodiscard]] Status erase_unless_renewed(const std::vector<ExpiredRecord>& expired, std::vector<std::size_t>& erased) {
        const auto erase = [&](std::size_t begin, std::size_t end) {
            WriteSet set;
            for (std::size_t i = begin; i < end; ++i) {
                set.requirements.push_back({expired[i].key, expired[i].version, true});
                set.writes.push_back({expired[i].key, {}, {}});
            }
            return engine_.write(std::move(set));
        };
        if (expired.empty()) return {};
        if (const auto whole = erase(0, expired.size()); whole) {
            for (std::size_t i = 0; i < expired.size(); ++i) erased.push_back(i);
            return {};
        } else if (whole.error() != Errc::conflict && whole.error() != Errc::corrupt) {
            return failure(whole.error());
        }
        for (std::size_t i = 0; i < expired.size(); ++i) {
            const auto one = erase(i, i + 1);
            if (one) {
                erased.push_back(i);
            } else if (one.error() == Errc::corrupt) {
                damaged_.insert(expired[i].key);
            } else if (one.error() != Errc::conflict) {
                return failure(one.error());
            }
        }
        return {};
    }

    PolicyEngine& engine_;
    std::set<std::string, std::less<>> damaged_;  // these stay where they are: before the others, as like as not
    SweepReport report_;
    bool may_find_more_ = false;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
