#ifndef JOINLY_DETAIL_POLICY_SORT_BY_KEY_HPP
#define JOINLY_DETAIL_POLICY_SORT_BY_KEY_HPP
// Sorts pointers to entries by the entries' keys, by eight bytes of a key at a time, which stand beside the pointer: a comparison
// of keys themselves waits for the memory of two entries, and is most of what a large flush costs beyond its engine.

#include <joinly/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Entry>
class KeySort {
public:
    /// In ascending order of `key()`. O(n log n) at the mean.
    static void sort(std::vector<const Entry*>& entries) {
        std::vector<Item> items;
        items.reserve(entries.size());
        for (const Entry* entry : entries) items.push_back({0, entry});
        sort_from(items, 0);
        for (std::size_t i = 0; i < items.size(); ++i) entries[i] = items[i].entry;
    }

private:
    struct Item {
        std::uint64_t eight;  // bytes of the key, from where it is sorted by; zeros after its end
        const Entry* entry;
        [[nodiscard]] std::string_view key() const noexcept { return entry->key(); }
    };

    /// By what follows the first `from` bytes, which are the same in all keys.
    static void sort_from(std::span<Item> items, std::size_t from) {
        if (items.size() < 2) return;
        from += shared_after(items, from);
        bool some_end = false;
        for (Item& item : items) {
            item.eight = eight_bytes(item.key(), from);
            some_end |= item.key().size() < from + sizeof item.eight;
        }
        std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.eight < b.eight; });
        for (auto begin = items.begin(); begin != items.end();) {
            const auto end = std::find_if(begin, items.end(), [&](const Item& item) { return item.eight != begin->eight; });
            if (some_end) {  // a key that has ended looks like one that goes on with zeros
                std::sort(begin, end, [](const Item& a, const Item& b) { return a.key() < b.key(); });
            } else {
                sort_from({begin, end}, from + sizeof(std::uint64_t));
            }
            begin = end;
        }
    }

    /// How many more bytes all keys have in common.
    [[nodiscard]] static std::size_t shared_after(std::span<const Item> items, std::size_t from) noexcept {
        std::string_view shared = items.front().key().substr(from);
        for (const Item& item : items) {
            const std::string_view rest = item.key().substr(from);
            const auto differing = std::mismatch(shared.begin(), shared.end(), rest.begin(), rest.end()).first;
            shared = shared.substr(0, static_cast<std::size_t>(differing - shared.begin()));
        }
        return shared.size();
    }

    [[nodiscard]] static std::uint64_t eight_bytes(std::string_view key, std::size_t from) noexcept {
        std::uint64_t eight = 0;
        for (std::size_t i = from; i < from + sizeof eight; ++i)
            eight = eight << 8 | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
        return eight;
    }
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
