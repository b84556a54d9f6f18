#ifndef JOINLY_POLICY_WRITE_BEHIND_HPP
#define JOINLY_POLICY_WRITE_BEHIND_HPP
// Cache policy: a save returns when memory has it, and reaches the backend soon after, with others, in one transaction.
// Loads, scans and compare-and-set see pending writes. For state that changes many times a second: the caller does not wait, nor
// encode, if the codec can measure (see WriteBehindOptions::drive) and there is no journal. A crash of the process loses the
// newest writes, up to the stated delay.
//
// Write-behind must be the only writer of its database.

#include <joinly/config.hpp>
#include <joinly/detail/policy/write_behind_engine.hpp>
#include <joinly/policy/write_behind_options.hpp>

JOINLY_NAMESPACE_BEGIN

struct WriteBehind {
    using Options = WriteBehindOptions;

    template <class Backend, class Traits>
    using Engine = detail::WriteBehindEngine<Backend, Traits>;
};

JOINLY_NAMESPACE_END
#endif
