#ifndef JOINLY_POLICY_READ_THROUGH_HPP
#define JOINLY_POLICY_READ_THROUGH_HPP
// Cache policy: loads come from the cache, or from the backend and are then cached. A save returns when the backend has
// it, and drops the cached copy. For data that is read often and written seldom.

#include <joinly/config.hpp>
#include <joinly/detail/policy/through_engine.hpp>
#include <joinly/policy/through_options.hpp>

JOINLY_NAMESPACE_BEGIN

using ReadThroughOptions = ThroughOptions;

struct ReadThrough {
    using Options = ReadThroughOptions;

    template <class Backend, class Traits>
    using Engine = detail::ThroughEngine<Backend, Traits, detail::AfterWrite::drop>;
};

JOINLY_NAMESPACE_END
#endif
