#ifndef JOINLY_CORE_RECORD_HPP
#define JOINLY_CORE_RECORD_HPP
// What a backend keeps under a key: value bytes, a version and an expiry.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>

#include <cstdint>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

/// A number that only grows, one per committed batch of a store, over restarts too: what compare-and-set compares. A key
/// that is erased and written again never gets an old version back. What a crash takes from write-behind without a journal is the
/// exception: the versions of those writes are given once more.
using Version = std::uint64_t;

/// The version of a key that has no record: `{.expect = absent}` saves only what is not there yet.
inline constexpr Version absent = 0;

struct Record {
    std::string value;  ///< any bytes, or none at all
    Version version = absent;
    Expiry expires_at;
};

/// A record that somebody else owns: valid only during the call that hands it out.
struct RecordView {
    std::string_view value;
    Version version = absent;
    Expiry expires_at;
    std::string_view index_terms = {};  ///< as in Change; only scans give it
};

/// How a backend that tells text from bytes should keep a value. Only SQLite does: TEXT for text, so that its JSON
/// functions work on it.
enum class ValueForm : std::uint8_t { bytes, text };

JOINLY_NAMESPACE_END
#endif
