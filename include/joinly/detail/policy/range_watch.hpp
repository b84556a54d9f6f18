#ifndef JOINLY_DETAIL_POLICY_RANGE_WATCH_HPP
#define JOINLY_DETAIL_POLICY_RANGE_WATCH_HPP
// How write-behind tells that a range which a transaction has read is no longer what it was: the transaction has the range
// watched from before it reads it, and every acknowledged write that could change what is in it trips the watch.
//
// Takes no lock: its owner's mutex guards it (see write_behind_state.hpp).

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/range.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class RangeWatches {
public:
    /// From now on until the watch is let go of.
    [[nodiscard]] std::shared_ptr<RangeWatch> add(const KeyRange& range) {
        std::erase_if(watches_, [](const std::weak_ptr<RangeWatch>& watch) { return watch.expired(); });
        auto watch = std::make_shared<RangeWatch>(RangeWatch{range, false});
        watches_.push_back(watch);
        return watch;
    }

    /// A write is acknowledged. A range of index entries changes when an entry comes; an entry that goes is of a record that the
    /// transaction has read, which it requires to be as it was.
    void note(std::string_view key, const Object& written) noexcept {
        for (const auto& watched : watches_) {
            const auto watch = watched.lock();
            if (watch && !watch->tripped && may_change(watch->range, key, written)) watch->tripped = true;
        }
    }

    /// What was acknowledged has been taken back.
    void trip_all() noexcept {
        for (const auto& watched : watches_) {
            if (const auto watch = watched.lock()) watch->tripped = true;
        }
    }

private:
    /// In doubt it may.
    [[nodiscard]] static bool may_change(const KeyRange& range, std::string_view key, const Object& object) noexcept {
        if (!is_index_entry(range.begin)) return range.contains(key);
        if (!object.value || object.type->index_terms == nullptr) return false;
        JOINLY_TRY {
            std::string packed;
            if (!object.type->index_terms(object.value.get(), packed)) return true;
            for (std::string_view rest = packed; const auto term = take_index_term(rest);) {
                if (range.contains(index_entry(key, *term).key)) return true;
            }
            return false;
        }
        JOINLY_CATCH_ALL {}
        return true;
    }

    std::vector<std::weak_ptr<RangeWatch>> watches_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
