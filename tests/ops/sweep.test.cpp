// The thread that sweeps by itself. What a sweep does is in tests/conformance/expiry_suite.hpp.
#include <joinly/ops/sweep.hpp>
#include <joinly/policy/write_through.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/latch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::Errc;
using joinly::ExpiredEntity;
using joinly::Player;
using joinly::Sweeper;
using joinly::SweeperOptions;
using joinly::SweeperStats;
using joinly::test::FailingBackend;
using joinly::test::Latch;
using joinly::test::player;

struct Rig {
    using Store = joinly::Store<FailingBackend, joinly::WriteThrough, joinly::ManualTraits>;

    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
    joinly::ManualTraits traits;
    Store store = *Store::open({.control = control}, {}, traits);

    /// A player whose time is over.
    void save_expired(const std::string& id) {
        REQUIRE(store.save(player(id), {.ttl = 1s}));
        traits.clock.advance(2s);
    }
};

/// Waits for what other threads do, however long it takes.
template <class Condition>
void wait_until(Condition condition) {
    while (!condition()) std::this_thread::yield();
}

TEST_CASE("a sweeper erases what has expired, and tells each record once", "[sweep]") {
    Rig rig;
    rig.save_expired("one");
    REQUIRE(rig.store.save(player("kept")));
    std::vector<std::string> told;  // by the sweeper's thread alone, until that has ended
    std::atomic<int> count = 0;
    {
        const Sweeper sweeper{rig.store, {.interval = 1ms, .on_expired = [&](const ExpiredEntity& expired) {
                                              told.push_back(expired.key);
                                              ++count;
                                          }}};
        wait_until([&] { return count == 1; });
        rig.save_expired("two");
        wait_until([&] { return count == 2; });
        const auto sweeps = sweeper.stats().sweeps;
        wait_until([&] { return sweeper.stats().sweeps > sweeps + 1; });
        CHECK(sweeper.stats().erased == 2);
        CHECK(sweeper.stats().failures == 0);
    }
    CHECK(told == std::vector<std::string>{"player:one", "player:two"});
    CHECK(rig.control->records.read("player:one").error() == Errc::not_found);
    CHECK(rig.store.load<Player>("kept"));
}

TEST_CASE("a sweeper whose store refuses tells why, and tries again", "[sweep]") {
    Rig rig;
    rig.save_expired("one");
    rig.control->refuse_writes = Errc::io;
    const Sweeper sweeper{rig.store, {.interval = 1ms}};
    wait_until([&] { return sweeper.stats().failures > 0; });
    CHECK(sweeper.stats().erased == 0);
    CHECK_THAT(sweeper.stats().last_error, Catch::Contains("the test refuses writes"));

    rig.control->refuse_writes = std::nullopt;
    wait_until([&] { return sweeper.stats().erased == 1; });
    CHECK(rig.control->records.read("player:one").error() == Errc::not_found);
}

TEST_CASE("what the function of a sweeper throws is dropped, and the sweeper goes on", "[sweep]") {
    Rig rig;
    rig.save_expired("one");
    rig.save_expired("two");
    std::atomic<int> called = 0;
    const Sweeper sweeper{rig.store, {.interval = 1ms, .on_expired = [&](const ExpiredEntity&) {
                                          ++called;
                                          throw std::runtime_error{"the test throws"};
                                      }}};
    wait_until([&] { return sweeper.stats().erased == 2; });
    CHECK(called == 2);
}

TEST_CASE("a sweeper ends without waiting for its next sweep", "[sweep]") {
    Rig rig;
    rig.save_expired("one");
    { const Sweeper sweeper{rig.store, {.interval = std::chrono::milliseconds::max()}}; }
    CHECK(rig.control->records.read("player:one"));
}

TEST_CASE("a sweeper that ends waits for the sweep under way", "[sweep]") {
    Rig rig;
    rig.save_expired("one");
    Latch swept;
    std::atomic<bool> is_told = false;
    rig.control->before_write = [&](const joinly::Batch&) { swept.open(); };
    {
        const Sweeper sweeper{rig.store, {.interval = 1ms, .on_expired = [&](const ExpiredEntity&) { is_told = true; }}};
        swept.wait();
    }
    rig.control->before_write = nullptr;
    CHECK(is_told);
}

TEST_CASE("a sweeper without an interval leaves a millisecond between its sweeps", "[sweep]") {
    Rig rig;
    const std::chrono::milliseconds interval{GENERATE(0, -1'000)};
    const auto begin = std::chrono::steady_clock::now();
    const Sweeper sweeper{rig.store, {.interval = interval}};
    wait_until([&] { return sweeper.stats().sweeps >= 20; });
    const SweeperStats stats = sweeper.stats();
    const auto passed = std::chrono::steady_clock::now() - begin;
    CHECK(stats.sweeps <= static_cast<std::uint64_t>(passed / 1ms));
}

}  // namespace
