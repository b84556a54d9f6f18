#ifndef JOINLY_DETAIL_INDEX_COLLECTOR_HPP
#define JOINLY_DETAIL_INDEX_COLLECTOR_HPP
// Takes a page from the index entries that a query meets, and one entry more, to know whether there is another page.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/found.hpp>
#include <joinly/index/query.hpp>
#include <joinly/policy/object.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class T, class Core>
void take_found(Found<T>& found, const ScanItem& item, Status& outcome) {
    if (auto loaded = Core::template materialise<T>(item)) {
        found.items.push_back(std::move(*loaded));
    } else {
        outcome = failure(std::move(loaded).error());
    }
}
template <class T, class Core>
void take_found(FoundIds& found, const ScanItem& item, Status&) {
    found.ids.emplace_back(id_of(kind_of<T>, item.key));
}

/// The moment at which a query decides what has expired: when the first entry is met, and not before. By then the snapshot stands
/// that is read; so no record is found beside one that was written because its time was over.
template <class Core>
class MomentOfReading {
public:
    explicit MomentOfReading(const Core& core) noexcept : core_{core} {}

    [[nodiscard]] bool has_expired(const RecordView& record) {
        if (!now_) now_ = core_.now();
        return record.expires_at.has_passed(*now_);
    }

private:
    const Core& core_;
    std::optional<WallTime> now_;
};

template <class T, class Core, class Page>
class Collector {
public:
    /// Both must outlive it.
    Collector(const IndexPlan& plan, MomentOfReading<Core>& moment) : plan_{plan}, moment_{moment} {}

    /// false when nothing more is wanted.
    [[nodiscard]] bool meet(const IndexedItem& met) {
        if (moment_.has_expired(met.item.record)) return true;
        if (taken_ == plan_.limit) {
            page_.cursor = make_cursor(plan_, last_entry_);
            return false;
        }
        take_found<T, Core>(page_, met.item, outcome_);
        last_entry_ = met.entry_key;
        ++taken_;
        return outcome_.has_value();
    }

    /// The page, unless the scan or a record's bytes were at fault.
    [[nodiscard]] Result<Page> finish(Status scanned) {
        if (!scanned) return failure(std::move(scanned).error());
        if (!outcome_) return failure(std::move(outcome_).error());
        return std::move(page_);
    }

private:
    const IndexPlan& plan_;
    MomentOfReading<Core>& moment_;
    Page page_;
    Status outcome_;
    std::string last_entry_;
    std::size_t taken_ = 0;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
