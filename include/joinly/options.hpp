#ifndef JOINLY_OPTIONS_HPP
#define JOINLY_OPTIONS_HPP
// What single calls of a store, or of a transaction, may be told.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

struct SaveOptions {
    /// The record expires so long after the save, by the wall clock, rounded up to a millisecond; nullopt: never, nor when the
    /// end is beyond 63 bits of milliseconds. Zero or less is `invalid_argument`.
    std::optional<Ttl> ttl = {};
    std::optional<Version> expect = {};  ///< save only if the record is at this version, or `absent`; else `conflict`
};

struct EraseOptions {
    std::optional<Version> expect = {};
};

/// A part of an ordered listing: up to `limit` entries after `after`, which is any bytes and need not exist. The next page
/// begins after this page's last entry, whatever was written in between.
struct Page {
    std::string after = {};
    std::size_t limit = (std::numeric_limits<std::size_t>::max)();
};

/// A record that a sweep has erased because its time had come.
struct ExpiredEntity {
    std::string key;  ///< "lobby:lobby_123", or a raw one
    Version version = absent;
    Expiry expires_at;

    /// "lobby"; empty when the key is no entity's.
    [[nodiscard]] std::string_view kind() const noexcept {
        const std::size_t colon = key.find(':');
        const std::string_view kind = std::string_view{key}.substr(0, colon == std::string::npos ? 0 : colon);
        return is_valid_kind(kind) ? kind : std::string_view{};
    }
    /// "lobby_123"; the whole key when it is no entity's.
    [[nodiscard]] std::string_view id() const noexcept {
        return std::string_view{key}.substr(kind().empty() ? 0 : kind().size() + 1);
    }
};

struct SweepReport {
    std::size_t erased = 0;
    bool is_done = false;  ///< nothing that has expired is left; else the budget was used up, or others were at the same records,
                           ///< or some are damaged
};

struct FindOptions {
    /// An index that was declared after entities had been saved is built first, by Store::rebuild_indexes, which may take its time;
    /// else the query is `incompatible`. `conflict`: a program that does not know the index has written meanwhile.
    bool build_missing_index = false;
};

/// How far a rebuilding of indexes has come.
struct RebuildProgress {
    std::size_t seen = 0;       ///< records
    std::size_t rewritten = 0;  ///< of these, because their index entries were not as the description has them
};

struct RetryOptions {
    /// A dead letter is written though something newer may be there, or its condition may hold no more.
    bool overwrite = false;
};

struct TransactionOptions {
    /// After so many tries in a row that others got in the way of, it is `conflict`.
    unsigned max_tries = 1'000;
};

JOINLY_NAMESPACE_END
#endif
