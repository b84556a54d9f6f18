#ifndef JOINLY_TRAITS_HPP
#define JOINLY_TRAITS_HPP
// What a store uses besides its backend and its policy. Derive from DefaultTraits and replace what you want:
//
//     struct JsonTraits : joinly::DefaultTraits { using Codec = joinly::Json; };
//     auto store = joinly::open<joinly::SqliteBackend, joinly::WriteThrough, JsonTraits>({.path = "joinly.db"});

#include <joinly/cache/adaptive_s3_fifo.hpp>
#include <joinly/codec/binary.hpp>
#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/observer.hpp>

JOINLY_NAMESPACE_BEGIN

struct DefaultTraits {
    using Codec = Binary;             ///< how entities become bytes: see codec/concepts.hpp
    using Eviction = AdaptiveS3Fifo;  ///< who leaves a full cache: see cache/concepts.hpp
    using Clock = SystemClock;        ///< what decides expiry and delays: see core/clock.hpp
    using Observer = NoObserver;      ///< who is told of every operation: see core/observer.hpp
    JOINLY_NO_UNIQUE_ADDRESS Clock clock;
    JOINLY_NO_UNIQUE_ADDRESS Observer observer;
};

/// For tests that turn time by hand: `ManualTraits traits; traits.clock.advance(1h);`
struct ManualTraits {
    using Codec = Binary;
    using Eviction = AdaptiveS3Fifo;
    using Clock = ManualClock;
    Clock clock;
};

JOINLY_NAMESPACE_END
#endif
