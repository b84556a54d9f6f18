#ifndef JOINLY_DETAIL_LISTING_HPP
#define JOINLY_DETAIL_LISTING_HPP
// What Store and Transaction list, each with a `scan(range, ItemVisitor)` of its own.

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/result.hpp>
#include <joinly/options.hpp>
#include <joinly/policy/object.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class T, class Core, class Scan, class Visitor>
[[nodiscard]] Status visit_kind(Scan scan, Visitor& visitor) {
    Status outcome;
    auto scanned = scan(kind_range(Core::template kind<T>()), [&](const ScanItem& item) {
        auto loaded = Core::template materialise<T>(item);
        if (loaded) return Core::visit_and_continue(visitor, *loaded);
        outcome = failure(std::move(loaded).error());
        return false;
    });
    return scanned ? std::move(outcome) : std::move(scanned);
}

/// Up to `limit` keys, each without the first `skip` bytes.
template <class Scan>
[[nodiscard]] Result<std::vector<std::string>> list_keys(Scan scan, const KeyRange& range, std::size_t limit,
                                                         std::size_t skip = 0) {
    std::vector<std::string> found;
    if (limit == 0) return found;
    auto scanned = scan(range, [&](const ScanItem& item) {
        found.emplace_back(item.key.substr(skip));
        return found.size() < limit;
    });
    if (!scanned) return failure(std::move(scanned).error());
    return found;
}

template <class Scan>
[[nodiscard]] Result<std::vector<std::string>> list_ids(Scan scan, std::string_view kind, const Page& page) {
    KeyRange range = kind_range(kind);
    const std::size_t kind_bytes = range.begin.size();
    if (!page.after.empty()) range.begin += page.after + '\0';  // the smallest key above it
    return list_keys(scan, range, page.limit, kind_bytes);
}

template <class Scan>
[[nodiscard]] Result<std::size_t> count_kind(Scan scan, std::string_view kind) {
    std::size_t found = 0;
    auto scanned = scan(kind_range(kind), [&](const ScanItem&) { return ++found != 0; });
    if (!scanned) return failure(std::move(scanned).error());
    return found;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
