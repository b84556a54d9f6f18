#ifndef JOINLY_DETAIL_C_CALL_GATE_HPP
#define JOINLY_DETAIL_C_CALL_GATE_HPP
// Who is within: so that a thing can be ended while threads are at it, and is destroyed when the last of them has left.

#include <joinly/config.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Any thread may call anything. A call costs two atomic additions.
template <class T>
class CallGate {
public:
    /// A stay within, or none when the gate was shut before.
    class Stay {
    public:
        explicit Stay(CallGate* gate) noexcept : gate_{gate} {}
        Stay(Stay&& other) noexcept : gate_{std::exchange(other.gate_, nullptr)} {}
        Stay& operator=(Stay&&) = delete;
        ~Stay() {
            if (gate_ != nullptr) gate_->leave();
        }
        [[nodiscard]] explicit operator bool() const noexcept { return gate_ != nullptr; }
        [[nodiscard]] T& operator*() const noexcept { return *gate_->value_; }
        [[nodiscard]] T* operator->() const noexcept { return gate_->value_.get(); }

    private:
        CallGate* gate_;
    };

    explicit CallGate(std::unique_ptr<T> value) noexcept : value_{std::move(value)} {}
    CallGate(const CallGate&) = delete;
    CallGate& operator=(const CallGate&) = delete;

    [[nodiscard]] Stay enter() noexcept {
        if ((state_.fetch_add(1) & shut_bit) == 0) return Stay{this};
        leave();
        return Stay{nullptr};
    }

    /// Nobody enters any more; what is within is destroyed when all have left, which may be now.
    void shut() noexcept {
        state_.fetch_add(1);
        state_.fetch_or(shut_bit);
        leave();
    }

private:
    static constexpr std::uint64_t shut_bit = std::uint64_t{1} << 63;
    static constexpr std::uint64_t gone_bit = std::uint64_t{1} << 62;

    void leave() noexcept {
        if (state_.fetch_sub(1) != (shut_bit | 1)) return;
        std::uint64_t empty = shut_bit;  // somebody may have come to the door since, who will then be the last to leave
        if (state_.compare_exchange_strong(empty, shut_bit | gone_bit)) value_.reset();
    }

    std::unique_ptr<T> value_;
    std::atomic<std::uint64_t> state_{0};  // how many are within, and the two bits
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
