#ifndef JOINLY_DETAIL_BACKOFF_HPP
#define JOINLY_DETAIL_BACKOFF_HPP
// Waiting between tries of something that another thread got in the way of.

#include <joinly/config.hpp>
#include <joinly/detail/hash.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Yields a few times, then sleeps for a random part of a span that doubles up to a millisecond: somebody else has won each
/// time, so the wait only has to spread the losers.
class Backoff {
public:
    explicit Backoff(unsigned most_tries = 1'000) noexcept : most_tries_{most_tries} {}

    /// @return false when there have been so many tries that it is time to give up.
    [[nodiscard]] bool wait() {
        constexpr unsigned first_sleep = 4;
        constexpr std::uint64_t longest_us = 1'000;
        if (++tries_ >= most_tries_) return false;
        if (tries_ < first_sleep) {
            std::this_thread::yield();
            return true;
        }
        if (seed_ == 0) seed_ = random_seed() | 1U;
        seed_ = folded_multiply(seed_, 0x9e3779b97f4a7c15U) | 1U;
        const std::uint64_t span_us = (std::min)(longest_us, std::uint64_t{1} << (std::min)(tries_, 10U));
        std::this_thread::sleep_for(std::chrono::microseconds{seed_ % span_us});
        return true;
    }

private:
    unsigned most_tries_;
    unsigned tries_ = 0;
    std::uint64_t seed_ = 0;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
