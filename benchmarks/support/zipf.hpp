#ifndef JOINLY_BENCHMARKS_SUPPORT_ZIPF_HPP
#define JOINLY_BENCHMARKS_SUPPORT_ZIPF_HPP
// Numbers of which few come often and many seldom.

#include <benchmarks/support/subjects.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace joinly::bench {

/// 0 to count - 1; the n-th comes in proportion to 1 / (n + 1)^skew. O(log count).
class Zipf {
public:
    Zipf(std::size_t count, double skew) {
        double sum = 0;
        for (std::size_t rank = 1; rank <= count; ++rank) up_to_.push_back(sum += 1.0 / std::pow(static_cast<double>(rank), skew));
    }
    [[nodiscard]] std::size_t operator()(Random& random) const {
        constexpr std::uint64_t steps = std::uint64_t{1} << 53;
        const double at = static_cast<double>(random.below(steps)) / static_cast<double>(steps) * up_to_.back();
        const auto found = std::upper_bound(up_to_.begin(), up_to_.end(), at);
        return static_cast<std::size_t>((std::min)(found, up_to_.end() - 1) - up_to_.begin());
    }

private:
    std::vector<double> up_to_;
};

}  // namespace joinly::bench
#endif
