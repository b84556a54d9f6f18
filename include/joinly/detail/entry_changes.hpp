#ifndef JOINLY_DETAIL_ENTRY_CHANGES_HPP
#define JOINLY_DETAIL_ENTRY_CHANGES_HPP
// What a batch does to index entries, gathered so that an engine is asked for it in the order of the keys: what lies together is
// then changed together, however the records are ordered.

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/record.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

struct EntryChange {
    std::string key;
    std::optional<std::string> value;  ///< nullopt erases the entry
    Version version = absent;
};

class EntryChanges {
public:
    /// Adds what has to happen to the entries of a record whose terms were `before` and become `after`: see update_index_entries.
    void add(std::string_view record_key, std::string_view before, std::string_view after, Version version) {
        update_index_entries(
            record_key, before, after,
            [&](std::string key) {
                changes_.push_back({std::move(key), std::nullopt, version});
            },
            [&](std::string key, std::string value) {
                changes_.push_back({std::move(key), std::move(value), version});
            });
    }

    /// Calls `make` for each, the last one where there are several of one key; there are none afterwards.
    template <class Make>
    void make_all(Make&& make) {
        const auto is_before = [](const EntryChange& left, const EntryChange& right) { return left.key < right.key; };
        std::stable_sort(changes_.begin(), changes_.end(), is_before);
        for (std::size_t at = 0; at < changes_.size(); ++at) {
            if (at + 1 < changes_.size() && changes_[at + 1].key == changes_[at].key) continue;
            make(std::as_const(changes_[at]));
        }
        changes_.clear();
    }

private:
    std::vector<EntryChange> changes_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
