#ifndef JOINLY_POLICY_THROUGH_OPTIONS_HPP
#define JOINLY_POLICY_THROUGH_OPTIONS_HPP
// How ReadThrough and WriteThrough cache.

#include <joinly/config.hpp>

#include <chrono>
#include <cstddef>

JOINLY_NAMESPACE_BEGIN

/// Options of ReadThrough and WriteThrough.
struct ThroughOptions {
    /// Objects the cache holds at most. Each costs its own size, its key and about 100 bytes; when it is full, one leaves.
    std::size_t capacity_entries = 10'000;

    /// How long the answer "there is none" may be kept; 0: not at all. This store's own writes end it at once; another
    /// process's go unseen for up to this long.
    std::chrono::milliseconds absence_ttl{0};
};

JOINLY_NAMESPACE_END
#endif
