#ifndef JOINLY_DETAIL_INDEX_PAIR_HPP
#define JOINLY_DETAIL_INDEX_PAIR_HPP
// What every backend asks and says of an index entry and the record that it leads to, and of a range that has changed.

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/printable.hpp>

#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The term that an entry stands for, which leads to the record under `record_key` (see indexed_record_key).
[[nodiscard]] inline std::string_view term_of_entry(std::string_view entry_key, std::string_view record_key) noexcept {
    const auto kind_bytes = record_key.find(':') + 1;
    return entry_key.substr(index_entry_prefix.size() + kind_bytes,
                            entry_key.size() - index_entry_prefix.size() - record_key.size());
}

[[nodiscard]] inline tl::unexpected<Error> unpaired_entry(std::string_view entry_key) {
    return failure(Errc::corrupt, "the index entry " + printable(entry_key) + " leads to no record that has its term");
}

[[nodiscard]] inline tl::unexpected<Error> range_conflict(const KeyRange& range) {
    const std::string end = range.end.empty() ? "" : " up to " + printable(range.end);
    return failure(Errc::conflict, "the records from " + printable(range.begin) + end + " have changed since they were read");
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
