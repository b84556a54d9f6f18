#ifndef JOINLY_POLICY_WRITE_THROUGH_HPP
#define JOINLY_POLICY_WRITE_THROUGH_HPP
// Cache policy: a save returns when the backend has it, and leaves the object in the cache for the loads that follow.
// Loads come from the cache, or from the backend and are then cached.

#include <joinly/config.hpp>
#include <joinly/detail/policy/through_engine.hpp>
#include <joinly/policy/through_options.hpp>

JOINLY_NAMESPACE_BEGIN

using WriteThroughOptions = ThroughOptions;

struct WriteThrough {
    using Options = WriteThroughOptions;

    template <class Backend, class Traits>
    using Engine = detail::ThroughEngine<Backend, Traits, detail::AfterWrite::keep>;
};

JOINLY_NAMESPACE_END
#endif
