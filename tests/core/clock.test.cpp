#include <joinly/core/clock.hpp>
#include <tests/support/catch.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>

namespace {

using joinly::Expiry;
using joinly::ManualClock;
using joinly::SystemClock;
using joinly::WallTime;
using namespace std::chrono_literals;

static_assert(joinly::clock<SystemClock>);
static_assert(joinly::clock<ManualClock>);
static_assert(!joinly::clock<int>);
static_assert(!joinly::clock<std::chrono::system_clock>);

constexpr WallTime at(std::int64_t unix_ms) { return WallTime{std::chrono::milliseconds{unix_ms}}; }

TEST_CASE("an expiry passes at its moment", "[clock]") {
    const Expiry expiry{at(1000)};
    CHECK_FALSE(expiry.has_passed(at(999)));
    CHECK(expiry.has_passed(at(1000)));
    CHECK(expiry.has_passed(at(1001)));
    CHECK(expiry.at() == at(1000));
    CHECK_FALSE(expiry.is_never());
}

TEST_CASE("an expiry of never does not pass", "[clock]") {
    CHECK(Expiry{}.is_never());
    CHECK_FALSE(Expiry{}.has_passed(at(0)));
    CHECK_FALSE(Expiry{}.has_passed((WallTime::max)()));
}

TEST_CASE("expiries are ordered in time, never last", "[clock]") {
    CHECK(Expiry{at(-1)} < Expiry{at(0)});
    CHECK(Expiry{at(0)} < Expiry{at(1)});
    CHECK(Expiry{at(1)} < Expiry{});
    CHECK(Expiry{at(1)} == Expiry{at(1)});
}

TEST_CASE("a ttl counts from now", "[clock]") {
    CHECK(Expiry::after(at(5000), 250ms) == Expiry{at(5250)});
    CHECK(Expiry::after(at(5000), 2s) == Expiry{at(7000)});
    CHECK(Expiry::after(at(5000), 1h) == Expiry{at(3'605'000)});
    CHECK(Expiry::after(at(-5000), 2s) == Expiry{at(-3000)});
    CHECK(Expiry::after(at(0), std::chrono::duration<double>{1.5}) == Expiry{at(1500)});
}

TEST_CASE("a ttl below a millisecond is rounded up, never to none", "[clock]") {
    CHECK(Expiry::after(at(1000), 1ns) == Expiry{at(1001)});
    CHECK(Expiry::after(at(1000), 999us) == Expiry{at(1001)});
    CHECK(Expiry::after(at(1000), 1001us) == Expiry{at(1002)});
    CHECK(Expiry::after(at(1000), std::chrono::duration<int, std::ratio<1, 3>>{1}) == Expiry{at(1334)});
}

TEST_CASE("a ttl of zero or less is refused", "[clock]") {
    CHECK_FALSE(Expiry::after(at(1000), 0ms));
    CHECK_FALSE(Expiry::after(at(1000), -1ns));
    CHECK_FALSE(Expiry::after(at(1000), (std::chrono::hours::min)()));
    CHECK_FALSE(Expiry::after(at(1000), std::chrono::duration<double>{std::numeric_limits<double>::quiet_NaN()}));
}

TEST_CASE("a ttl beyond the end of time means never", "[clock]") {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const WallTime now = GENERATE(at(0), at(1'700'000'000'000), at(-1'000'000));
    CHECK(Expiry::after(now, std::chrono::milliseconds{most})->is_never());
    CHECK(Expiry::after(now, std::chrono::duration<std::int64_t, std::ratio<3600>>{most})->is_never());
    CHECK(Expiry::after(now, std::chrono::duration<double>{std::numeric_limits<double>::infinity()})->is_never());
    CHECK(Expiry::after((WallTime::max)(), 1ms)->is_never());
}

TEST_CASE("a ttl from before all time does not overflow", "[clock]") {
    const WallTime now = (WallTime::min)();
    CHECK(Expiry::after(now, 1ms) == Expiry{now + 1ms});
    CHECK(Expiry::after(now, std::chrono::duration<double, std::milli>{1.5e19})->is_never());
}

TEST_CASE("a ttl takes any duration and saturates instead of overflowing", "[clock]") {
    using joinly::Ttl;
    using std::chrono::milliseconds;
    using Hours = std::chrono::duration<std::int64_t, std::ratio<3600>>;
    CHECK(Ttl{90min}.duration() == 5'400'000ms);
    CHECK(Ttl{1us}.duration() == 1ms);
    CHECK(Ttl{-1us}.duration() == 0ms);  // rounded up, and refused all the same
    CHECK(Ttl{(Hours::max)()}.duration() == (milliseconds::max)());
    CHECK(Ttl{(Hours::min)()}.duration() == (milliseconds::min)());
    CHECK(Ttl{(milliseconds::max)()}.duration() == (milliseconds::max)());
}

TEST_CASE("a ttl of nanoseconds reaches as far as nanoseconds do", "[clock]") {
    const auto longest = (std::chrono::nanoseconds::max)();
    CHECK(Expiry::after(at(0), longest) == Expiry{WallTime{std::chrono::ceil<std::chrono::milliseconds>(longest)}});
}

TEST_CASE("the system clock tells today's time in milliseconds and never goes back", "[clock]") {
    const SystemClock clock;
    CHECK(clock.now() > at(1'700'000'000'000));
    CHECK(clock.now() < at(32'503'680'000'000));  // the year 3000: no other unit fits in between
    const auto first = clock.monotonic();
    CHECK(clock.monotonic() >= first);
}

TEST_CASE("a manual clock moves only when told to", "[clock]") {
    ManualClock clock{at(1000)};
    const auto start = clock.monotonic();
    CHECK(clock.now() == at(1000));
    clock.advance(250ms);
    CHECK(clock.now() == at(1250));
    CHECK(clock.monotonic() == start + 250ms);
}

TEST_CASE("setting a manual clock's wall time leaves the monotonic one alone", "[clock]") {
    ManualClock clock{at(1000)};
    const auto start = clock.monotonic();
    clock.set_wall(at(10));
    CHECK(clock.now() == at(10));
    CHECK(clock.monotonic() == start);
}

TEST_CASE("copies of a manual clock share one time", "[clock]") {
    ManualClock mine;
    const ManualClock stores = mine;
    mine.advance(1s);
    CHECK(stores.now() == mine.now());
    CHECK(stores.monotonic() == mine.monotonic());
    CHECK(stores.now() != ManualClock{}.now());
}

}  // namespace
