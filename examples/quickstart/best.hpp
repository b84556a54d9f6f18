#ifndef QUICKSTART_BEST_HPP
#define QUICKSTART_BEST_HPP
// The few best of a long stream, without keeping the stream.

#include <algorithm>
#include <cstddef>
#include <vector>

namespace quickstart {

/// @tparam Before  Before{}(a, b): a is better than b. Of equals, those that came first stay.
template <class T, class Before, std::size_t most>
class Best {
public:
    void offer(const T& candidate) {
        if (items_.size() == most && !before_(candidate, items_.back())) return;
        if (items_.size() == most) items_.pop_back();
        items_.insert(std::upper_bound(items_.begin(), items_.end(), candidate, before_), candidate);
    }
    [[nodiscard]] const std::vector<T>& items() const noexcept { return items_; }

private:
    Before before_;
    std::vector<T> items_;  // the best first
};

}  // namespace quickstart
#endif
