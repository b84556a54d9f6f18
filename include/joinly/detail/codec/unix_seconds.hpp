#ifndef JOINLY_DETAIL_CODEC_UNIX_SECONDS_HPP
#define JOINLY_DETAIL_CODEC_UNIX_SECONDS_HPP
// A moment as seconds since the Unix epoch in a double, as Python's time.time() gives it. Whole seconds and their
// fraction are converted apart: microseconds survive there and back from the year 1698 to 2242.

#include <joinly/config.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Duration>
double to_unix_seconds(std::chrono::sys_time<Duration> time) noexcept {
    using Period = typename Duration::period;
    if constexpr (std::is_floating_point_v<typename Duration::rep>) {
        return static_cast<double>(time.time_since_epoch().count()) * Period::num / Period::den;
    } else {
        const auto count = static_cast<std::int64_t>(time.time_since_epoch().count());
        return static_cast<double>(count / Period::den) * Period::num +
               static_cast<double>(count % Period::den) * Period::num / Period::den;
    }
}

/// False when `seconds` lies beyond what `time` can hold.
template <class Duration>
bool from_unix_seconds(double seconds, std::chrono::sys_time<Duration>& time) noexcept {
    using Rep = typename Duration::rep;
    using Period = typename Duration::period;
    if constexpr (std::is_floating_point_v<Rep>) {
        time = std::chrono::sys_time<Duration>{Duration{static_cast<Rep>(seconds * Period::den / Period::num)}};
    } else {
        const double whole = std::floor(seconds);
        const double fraction = std::round((seconds - whole) * Period::den / Period::num);
        const double count = whole * Period::den / Period::num;
        // The nearest double to either end may lie beyond it, and converting that is undefined.
        constexpr auto limit = static_cast<double>((std::numeric_limits<Rep>::max)());
        if (!(count + fraction < limit && count > static_cast<double>((std::numeric_limits<Rep>::min)()))) return false;
        if constexpr (Period::num == 1) {
            const auto ticks = static_cast<std::int64_t>(whole) * Period::den + static_cast<std::int64_t>(fraction);
            time = std::chrono::sys_time<Duration>{Duration{static_cast<Rep>(ticks)}};
        } else {
            time = std::chrono::sys_time<Duration>{Duration{static_cast<Rep>(std::llround(seconds * Period::den / Period::num))}};
        }
    }
    return true;
}

/// Whether `time` comes back from its seconds: exactly, or, unless it must be that, within a microsecond if it is finer.
template <class Duration>
bool survives_as_unix_seconds(std::chrono::sys_time<Duration> time, bool exactly = false) noexcept {
    std::chrono::sys_time<Duration> back{};
    const double seconds = to_unix_seconds(time);
    if (!std::isfinite(seconds) || !from_unix_seconds(seconds, back)) return false;
    if (back == time) return true;
    if (exactly) return false;
    const Duration off = back > time ? back - time : time - back;
    return std::chrono::duration<double, std::micro>{off}.count() < 1;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
