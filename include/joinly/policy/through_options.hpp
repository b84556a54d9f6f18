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

    /// How long the answer "there is none" may be kept; 0: not at all. This store's own writes end it at once, another
    /// process's within `foreign_check`.
    std::chrono::milliseconds absence_ttl{0};

    /// A load that begins this long or longer after another process's commit finds what that committed; until then the cache may
    /// answer as of before it. 0: it always does, and every load asks the database whether there was one, which costs about
    /// 2 us and one thread at a time. Otherwise one load asks each time this has passed, and all others look at the clock (about
    /// 25 ns). A commit of somebody else's empties the whole cache: where others write all the time, a long check keeps the
    /// cache of use. While the database cannot be asked, loads leave the cache alone. For backends that tell
    /// (`tells_foreign_commits`: SqliteBackend); with others this is without effect and cost.
    std::chrono::milliseconds foreign_check{100};
};

JOINLY_NAMESPACE_END
#endif
