#ifndef JOINLY_DETAIL_RETRY_DELAY_HPP
#define JOINLY_DETAIL_RETRY_DELAY_HPP
// When to try again what a backend has failed to do: later each time up to a limit, and at random within the upper half of
// the delay, so that many servers that lost one disk or database do not come back to it in step.
// (M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015: "equal jitter".)

#include <joinly/config.hpp>
#include <joinly/detail/hash.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class RetryDelay {
public:
    using Nanoseconds = std::chrono::nanoseconds;

    explicit RetryDelay(Nanoseconds longest) noexcept : longest_{longest}, next_{(std::min)(first, longest)} {}

    /// The moment before which nothing should be tried again; nullopt when the last try went well.
    [[nodiscard]] std::optional<Nanoseconds> until() const noexcept { return until_; }

    void failed(Nanoseconds now) noexcept {
        random_ = folded_multiply(random_ + 1, 0x9e3779b97f4a7c15U);
        const Nanoseconds half = next_ / 2;
        const auto part = static_cast<Nanoseconds::rep>(random_ % static_cast<std::uint64_t>(half.count() + 1));
        until_ = now + half + Nanoseconds{part};
        next_ = (std::min)(next_ * 2, longest_);
    }
    void succeeded() noexcept {
        until_.reset();
        next_ = (std::min)(first, longest_);
    }

private:
    static constexpr Nanoseconds first = std::chrono::milliseconds{10};
    Nanoseconds longest_;
    Nanoseconds next_;
    std::optional<Nanoseconds> until_;
    std::uint64_t random_ = random_seed();
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
