#ifndef JOINLY_CORE_CLOCK_HPP
#define JOINLY_CORE_CLOCK_HPP
// Time: what a store asks a clock, when a record expires, and a clock that tests turn by hand.

#include <joinly/config.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

JOINLY_NAMESPACE_BEGIN

/// A moment in an entity: when a lobby was created, when a match ended. Microseconds since the Unix epoch, UTC; in JSON seconds
/// since then, with a fraction.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// A moment on the wall clock that expiry is decided by. Milliseconds since the Unix epoch, UTC.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// How long a record is to last. Taken from any std::chrono duration without overflow, so that `{.ttl = hours::max()}` is a
/// very long time and not a negative one.
class Ttl {
public:
    template <class Rep, class Period>
    constexpr Ttl(std::chrono::duration<Rep, Period> ttl) noexcept : ms_{saturated(ttl)} {}  // implicit: {.ttl = 60s}

    [[nodiscard]] constexpr std::chrono::milliseconds duration() const noexcept { return ms_; }

private:
    /// Rounded up, so that no positive time becomes zero. Compared as floating point, because converting hours to
    /// milliseconds is what overflows.
    template <class Rep, class Period>
    static constexpr std::chrono::milliseconds saturated(std::chrono::duration<Rep, Period> ttl) noexcept {
        using std::chrono::milliseconds;
        const double approximate = std::chrono::duration<double, std::milli>{ttl}.count();
        if (approximate >= 9.2e18) return (milliseconds::max)();
        if (!(approximate > -9.2e18)) return (milliseconds::min)();  // NaN as well
        return std::chrono::ceil<milliseconds>(ttl);
    }
    std::chrono::milliseconds ms_;
};

/// When a record ceases to be there: a moment, or never. Kept with the record, so it outlives the process.
class Expiry {
public:
    constexpr Expiry() noexcept = default;  // never
    constexpr explicit Expiry(WallTime at) noexcept : unix_ms_{at.time_since_epoch().count()} {}

    /// `ttl` after `now`; never, if that lies beyond what 63 bits of milliseconds can hold. A `ttl` of zero or less gives
    /// nullopt: a record that is born expired is a mistake of the caller's.
    [[nodiscard]] static constexpr std::optional<Expiry> after(WallTime now, Ttl ttl) noexcept {
        const std::int64_t from = now.time_since_epoch().count();
        const std::int64_t lasts = ttl.duration().count();
        if (lasts <= 0) return std::nullopt;
        if (lasts >= (from > 0 ? never_ms - from : never_ms)) return Expiry{};
        return Expiry{now + ttl.duration()};
    }

    [[nodiscard]] constexpr bool is_never() const noexcept { return unix_ms_ == never_ms; }
    [[nodiscard]] constexpr bool has_passed(WallTime now) const noexcept {
        return !is_never() && unix_ms_ <= now.time_since_epoch().count();
    }
    [[nodiscard]] constexpr WallTime at() const noexcept { return WallTime{std::chrono::milliseconds{unix_ms_}}; }

    friend constexpr auto operator<=>(Expiry, Expiry) noexcept = default;

private:
    static constexpr std::int64_t never_ms = (std::numeric_limits<std::int64_t>::max)();
    std::int64_t unix_ms_ = never_ms;
};

/// What a store asks for the time. Both calls are made from any thread.
template <class C>
concept clock = std::copy_constructible<C> && requires(const C& clock) {
    { clock.now() } -> std::same_as<WallTime>;                        // decides expiry; may jump
    { clock.monotonic() } -> std::same_as<std::chrono::nanoseconds>;  // decides delays; never goes back
};

struct SystemClock {
    [[nodiscard]] WallTime now() const noexcept {
        return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    }
    [[nodiscard]] std::chrono::nanoseconds monotonic() const noexcept {
        return std::chrono::steady_clock::now().time_since_epoch();
    }
};

/// A clock that moves only when told to. Copies share one time, so a test keeps one and the store has another.
class ManualClock {
public:
    ManualClock() : ManualClock{WallTime{std::chrono::hours{24 * 365 * 50}}} {}
    explicit ManualClock(WallTime start) : time_{std::make_shared<Time>(start)} {}

    [[nodiscard]] WallTime now() const noexcept { return WallTime{std::chrono::milliseconds{time_->wall_ms.load()}}; }
    [[nodiscard]] std::chrono::nanoseconds monotonic() const noexcept {
        return std::chrono::nanoseconds{time_->monotonic_ns.load()};
    }

    /// Time passes: both the wall clock and the monotonic one move on.
    void advance(std::chrono::milliseconds by) noexcept {
        time_->wall_ms += by.count();
        time_->monotonic_ns += std::chrono::nanoseconds{by}.count();
    }
    /// Somebody sets the wall clock, forwards or back; the monotonic one does not notice.
    void set_wall(WallTime to) noexcept { time_->wall_ms = to.time_since_epoch().count(); }

private:
    struct Time {
        explicit Time(WallTime start) : wall_ms{start.time_since_epoch().count()} {}
        std::atomic<std::int64_t> wall_ms;
        std::atomic<std::int64_t> monotonic_ns{0};
    };
    std::shared_ptr<Time> time_;
};

JOINLY_NAMESPACE_END
#endif
