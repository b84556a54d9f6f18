#ifndef JOINLY_CORE_INDEX_ENTRY_HPP
#define JOINLY_CORE_INDEX_ENTRY_HPP
// How secondary indexes lie in a backend, whichever it is: as entries under keys of the library's own, in the order of what
// they index, which are read and scanned as records are. Part of the formats on disk: see backend/README.md.
//
// A term is what one index knows a record by: the index's number and the encoded fields. A record carries its terms, packed,
// so that a backend can tell which entries it made without knowing what it is. A term must tell where it ends, or two records could
// make the same entry. Of each term the backend makes one entry:
//
//     key    00 'i' kind ':' term id          in the order of the terms, then of the ids
//     value  the place in the key where the id begins, 2 bytes, the higher one first

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

inline constexpr std::string_view index_entry_prefix{"\0i", 2};
inline constexpr std::string_view index_entries_end{"\0j", 2};  // the first key behind those with the prefix

[[nodiscard]] constexpr bool is_index_entry(std::string_view key) noexcept {
    return key.substr(0, index_entry_prefix.size()) == index_entry_prefix;
}

/// How many bytes a term may have.
inline constexpr std::size_t max_index_term_bytes = 1024;

/// Appends a term to packed ones: its length in 2 bytes, the higher one first, then the term.
inline void append_index_term(std::string& packed, std::string_view term) {
    packed.push_back(static_cast<char>(term.size() >> 8));
    packed.push_back(static_cast<char>(term.size() & 0xff));
    packed.append(term);
}

/// Takes the first term off packed ones; nullopt at their end, or where they are damaged.
[[nodiscard]] inline std::optional<std::string_view> take_index_term(std::string_view& packed) noexcept {
    if (packed.size() < 2) return std::nullopt;
    const std::size_t size = static_cast<std::size_t>(static_cast<unsigned char>(packed[0])) << 8 |
                             static_cast<std::size_t>(static_cast<unsigned char>(packed[1]));
    if (size > packed.size() - 2) return std::nullopt;
    const std::string_view term = packed.substr(2, size);
    packed.remove_prefix(2 + size);
    return term;
}

[[nodiscard]] inline bool has_index_term(std::string_view packed, std::string_view term) noexcept {
    while (const auto each = take_index_term(packed)) {
        if (*each == term) return true;
    }
    return false;
}

struct IndexEntry {
    std::string key;
    std::string value;
};

/// The entry that `term` makes of the record under `record_key`, which is "kind:id".
[[nodiscard]] inline IndexEntry index_entry(std::string_view record_key, std::string_view term) {
    const std::size_t kind_bytes = record_key.find(':') + 1;
    const std::size_t id_at = index_entry_prefix.size() + kind_bytes + term.size();
    IndexEntry entry;
    entry.key.reserve(id_at + record_key.size() - kind_bytes);
    entry.key.append(index_entry_prefix)
        .append(record_key.substr(0, kind_bytes))
        .append(term)
        .append(record_key.substr(kind_bytes));
    entry.value = {static_cast<char>(id_at >> 8), static_cast<char>(id_at & 0xff)};
    return entry;
}

/// The kind of the records that an entry, or the begin of a range of entries, is about.
[[nodiscard]] constexpr std::string_view kind_of_entry(std::string_view entry_key) noexcept {
    const std::string_view rest = entry_key.substr(index_entry_prefix.size());
    return rest.substr(0, rest.find(':'));
}

/// The key of the record that an entry leads to; nullopt: it is no entry.
[[nodiscard]] inline std::optional<std::string> indexed_record_key(std::string_view entry_key, std::string_view entry_value) {
    if (entry_value.size() != 2 || !is_index_entry(entry_key)) return std::nullopt;
    const std::size_t id_at = static_cast<std::size_t>(static_cast<unsigned char>(entry_value[0])) << 8 |
                              static_cast<std::size_t>(static_cast<unsigned char>(entry_value[1]));
    const std::size_t colon = entry_key.find(':');
    if (colon == std::string_view::npos || id_at <= colon || id_at >= entry_key.size()) return std::nullopt;
    std::string record_key{entry_key.substr(index_entry_prefix.size(), colon + 1 - index_entry_prefix.size())};
    record_key.append(entry_key.substr(id_at));
    return record_key;
}

/// What has to happen to the entries of a record whose terms were `before` and become `after`, both packed: calls
/// `erase(entry_key)` and `put(entry_key, entry_value)`, and neither for a term that stays.
template <class Erase, class Put>
void update_index_entries(std::string_view record_key, std::string_view before, std::string_view after, Erase&& erase, Put&& put) {
    for (std::string_view rest = before; const auto term = take_index_term(rest);) {
        if (!has_index_term(after, *term)) erase(index_entry(record_key, *term).key);
    }
    for (std::string_view rest = after; const auto term = take_index_term(rest);) {
        if (has_index_term(before, *term)) continue;
        IndexEntry entry = index_entry(record_key, *term);
        put(std::move(entry.key), std::move(entry.value));
    }
}

JOINLY_NAMESPACE_END
#endif
