#include <joinly/detail/policy/load_gate.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/fail_allocations.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using joinly::bytes_type;
using joinly::Errc;
using joinly::failure;
using joinly::LoadedObject;
using joinly::LoadSink;
using joinly::ObjectType;
using joinly::Result;
using joinly::Status;
using joinly::Version;
using joinly::detail::LoadGate;
using joinly::test::with_failing_allocation;
using Outcome = LoadGate::Outcome;
using Keys = std::vector<std::string_view>;

constexpr ObjectType other_type = bytes_type;

LoadedObject at_version(Version version) { return {{std::make_shared<const std::string>("value"), &bytes_type}, version, {}}; }

/// A place where one thread stops until the test lets it go.
class Stop {
public:
    void arrive_and_wait() {
        std::unique_lock lock{mutex_};
        arrived_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
    }
    void wait_for_arrival() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return arrived_; });
    }
    void open() {
        const std::scoped_lock lock{mutex_};
        open_ = true;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;  // guards both flags
    std::condition_variable changed_;
    bool arrived_ = false;
    bool open_ = false;
};

/// A gate with a cache and a backend that are maps from keys to versions.
class Loads {
public:
    LoadGate gate;
    std::function<void(std::string_view key)> before_read = [](std::string_view) {};  // set before threads start
    std::function<void(std::string_view key)> after_read = [](std::string_view) {};

    Outcome load(std::string_view key, const ObjectType& type = bytes_type) {
        return gate.load(
            key, [&] { return enter(key, type); }, [&] { return read(key); },
            [&](std::string_view filled, const Outcome& outcome) { fill(filled, outcome); });
    }

    /// @return the outcomes in the order of the keys.
    Result<std::vector<Outcome>> load_many(const Keys& keys, Status trip = {}) {
        std::vector<Outcome> outcomes(keys.size(), failure(Errc::closed, "no outcome was given"));
        const Status done = gate.load_many(
            keys, [&](std::size_t position, Outcome outcome) { outcomes[position] = std::move(outcome); },
            [&](std::string_view key) { return enter(key, bytes_type); }, [&](std::string_view key) { return read(key); },
            [&](std::span<const std::string_view> asked, LoadSink sink) {
                trips.emplace_back(asked.begin(), asked.end());
                for (std::size_t i = 0; i < asked.size() && trip; ++i) sink(i, read(asked[i]));
                return trip;
            },
            [&](std::string_view key, const Outcome& outcome) { fill(key, outcome); });
        if (!done) return failure(done.error());
        return outcomes;
    }

    LoadGate::Ticket enter(std::string_view key, const ObjectType& type = bytes_type) {
        auto ticket = gate.enter(key, type, [&] { return look(key); });
        const std::scoped_lock lock{mutex_};
        ++entered_;
        changed_.notify_all();
        return ticket;
    }
    void wait_until_entered(int times) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return entered_ >= times; });
    }

    Outcome read(std::string_view key) {
        ++reads;
        before_read(key);
        Version version = 0;
        {
            const std::scoped_lock lock{mutex_};
            version = stored_[std::string{key}];
        }
        after_read(key);
        return version == 0 ? Outcome{failure(Errc::not_found)} : Outcome{at_version(version)};
    }
    void store(std::string_view key, Version version) {
        const std::scoped_lock lock{mutex_};
        stored_[std::string{key}] = version;
    }

    void begin_write(std::string_view key) {
        gate.begin_write(key, [&](std::string_view dropped) {
            const std::scoped_lock lock{mutex_};
            cached_.erase(std::string{dropped});
        });
    }
    /// Without a version: what the backend has is unknown.
    void end_write(std::string_view key, std::optional<Version> version) {
        const LoadedObject written = at_version(version.value_or(0));
        gate.end_write(key, version ? &written : nullptr, [&](std::string_view kept, const LoadedObject& newest) {
            ++keeps;
            const std::scoped_lock lock{mutex_};
            cached_[std::string{kept}] = newest.version;
        });
    }

    /// The cached version, 0 when there is none.
    Version cached(std::string_view key) {
        const std::scoped_lock lock{mutex_};
        const auto at = cached_.find(std::string{key});
        return at == cached_.end() ? 0 : at->second;
    }

    /// Whether the gate has forgotten `key`: then a load leads, and this one gives up at once.
    bool is_idle(std::string_view key) {
        const auto ticket = gate.enter(key, bytes_type, [] { return std::nullopt; });
        if (ticket.leads) gate.abandon(key, ticket.flight);
        return ticket.leads;
    }

    std::atomic<int> reads{0};
    std::atomic<int> keeps{0};
    std::vector<Keys> trips;  // of load_many: what each asked the backend for

private:
    std::optional<Outcome> look(std::string_view key) {
        const Version version = cached(key);
        return version == 0 ? std::nullopt : std::optional<Outcome>{at_version(version)};
    }
    void fill(std::string_view key, const Outcome& outcome) {
        if (!outcome) return;
        const std::scoped_lock lock{mutex_};
        cached_[std::string{key}] = outcome->version;
    }

    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::map<std::string, Version> stored_;
    std::map<std::string, Version> cached_;
    int entered_ = 0;
};

/// A load of "a" that another thread leads, held after it has read the backend until the test lets it go.
class HeldLoad {
public:
    explicit HeldLoad(Loads& loads) : loads_{loads} {
        loads.after_read = [this](std::string_view) {
            if (!held_.exchange(true)) stop_.arrive_and_wait();
        };
        thread_ = std::thread{[this] { outcome_ = loads_.load("a"); }};
        stop_.wait_for_arrival();
    }
    ~HeldLoad() { (void)let_go(); }
    HeldLoad(const HeldLoad&) = delete;
    HeldLoad& operator=(const HeldLoad&) = delete;

    const Outcome& let_go() {
        stop_.open();
        if (thread_.joinable()) thread_.join();
        return outcome_;
    }

private:
    Loads& loads_;
    Stop stop_;
    std::atomic<bool> held_{false};
    Outcome outcome_ = failure(Errc::closed);
    std::thread thread_;
};

Version version_of(const Outcome& outcome) { return outcome ? outcome->version : 0; }

// --- one load

TEST_CASE("a load reads the backend once and fills the cache, and the next one reads nothing", "[load_gate]") {
    Loads loads;
    loads.store("a", 5);
    CHECK(version_of(loads.load("a")) == 5);
    CHECK(loads.cached("a") == 5);
    CHECK(version_of(loads.load("a")) == 5);
    CHECK(loads.reads == 1);
    CHECK(loads.is_idle("a"));
}

TEST_CASE("the absence of a record is an outcome like any other", "[load_gate]") {
    Loads loads;
    CHECK(loads.load("a").error() == Errc::not_found);
    CHECK(loads.is_idle("a"));
}

TEST_CASE("many loads of one key make one backend read", "[load_gate][threads]") {
    constexpr int joiners = 8;
    Loads loads;
    loads.store("a", 5);
    HeldLoad leader{loads};
    std::vector<std::thread> threads;
    std::atomic<int> got_it{0};
    for (int i = 0; i < joiners; ++i) {
        threads.emplace_back([&] { got_it += version_of(loads.load("a")) == 5; });
    }
    loads.wait_until_entered(1 + joiners);
    CHECK(version_of(leader.let_go()) == 5);
    for (std::thread& thread : threads) thread.join();
    CHECK(got_it == joiners);
    CHECK(loads.reads == 1);
}

TEST_CASE("loads of different keys do not wait for each other", "[load_gate][threads]") {
    Loads loads;
    loads.store("b", 6);
    const HeldLoad leader{loads};
    CHECK(version_of(loads.load("b")) == 6);
}

TEST_CASE("a load as another type does not share a flight, but reads on its own", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 5);
    HeldLoad leader{loads};
    const auto ticket = loads.enter("a", other_type);
    CHECK_FALSE(ticket.found);
    CHECK_FALSE(ticket.flight);
    CHECK(version_of(loads.load("a", other_type)) == 5);
    CHECK(loads.cached("a") == 0);
    CHECK(version_of(leader.let_go()) == 5);
    CHECK(loads.cached("a") == 5);
}

// --- writes

TEST_CASE("a write that begins during a flight keeps its outcome out of the cache", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 1);
    HeldLoad leader{loads};
    loads.begin_write("a");
    CHECK(version_of(leader.let_go()) == 1);  // the load began before the write
    CHECK(loads.cached("a") == 0);
    loads.store("a", 2);
    loads.end_write("a", 2);
    CHECK(loads.cached("a") == 2);
    CHECK(loads.is_idle("a"));
}

TEST_CASE("a write that begins and ends during a flight keeps its outcome out of the cache", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 1);
    HeldLoad leader{loads};
    loads.begin_write("a");
    loads.store("a", 2);
    loads.end_write("a", 2);
    CHECK(version_of(leader.let_go()) == 1);
    CHECK(loads.cached("a") == 2);
}

TEST_CASE("a flight that a write overtook does not land even if the write's outcome is unknown", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 1);
    HeldLoad leader{loads};
    loads.begin_write("a");
    loads.end_write("a", std::nullopt);
    CHECK(version_of(leader.let_go()) == 1);
    CHECK(loads.cached("a") == 0);
    CHECK(loads.is_idle("a"));
}

TEST_CASE("a load that arrives after a write does not join an older flight", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 1);
    HeldLoad leader{loads};
    loads.begin_write("a");
    loads.store("a", 2);
    loads.end_write("a", std::nullopt);
    CHECK(version_of(loads.load("a")) == 2);
    CHECK(loads.cached("a") == 2);
    CHECK(version_of(leader.let_go()) == 1);
    CHECK(loads.cached("a") == 2);
}

TEST_CASE("the end of an overtaken flight does not disturb the next one", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 1);
    HeldLoad old_leader{loads};
    loads.gate.overtake("a");
    loads.store("a", 2);
    const auto ticket = loads.enter("a");
    REQUIRE(ticket.leads);
    (void)old_leader.let_go();
    CHECK_FALSE(loads.enter("a").leads);  // the new flight is still there to be joined
    bool filled = false;
    loads.gate.land("a", ticket.flight, at_version(2), [&](std::string_view, const Outcome&) { filled = true; });
    CHECK(filled);
    CHECK(loads.is_idle("a"));
}

TEST_CASE("loads during a write read on their own and leave the cache alone", "[load_gate]") {
    Loads loads;
    loads.store("a", 1);
    CHECK(version_of(loads.load("a")) == 1);
    loads.begin_write("a");
    CHECK(loads.cached("a") == 0);
    CHECK(version_of(loads.load("a")) == 1);
    loads.store("a", 2);
    CHECK(version_of(loads.load("a")) == 2);
    CHECK(loads.reads == 3);
    CHECK(loads.cached("a") == 0);
    loads.end_write("a", 2);
    CHECK(version_of(loads.load("a")) == 2);
    CHECK(loads.reads == 3);
}

TEST_CASE("of overlapping writers the newest version stays, whoever ends last", "[load_gate]") {
    for (const bool newest_ends_last : {false, true}) {
        Loads loads;
        loads.begin_write("a");
        loads.begin_write("a");
        loads.end_write("a", newest_ends_last ? 5 : 6);
        CHECK(loads.cached("a") == 0);
        CHECK_FALSE(loads.is_idle("a"));
        loads.end_write("a", newest_ends_last ? 6 : 5);
        CHECK(loads.cached("a") == 6);
        CHECK(loads.keeps == 1);
        CHECK(loads.is_idle("a"));
    }
}

TEST_CASE("of two writes with one version the later one to end stays", "[load_gate]") {
    Loads loads;  // a write set may name a key twice
    const LoadedObject first = at_version(5);
    const LoadedObject second = at_version(5);
    loads.begin_write("a");
    loads.begin_write("a");
    std::shared_ptr<const void> kept;
    const auto keep = [&](std::string_view, const LoadedObject& newest) { kept = newest.object.value; };
    loads.gate.end_write("a", &first, keep);
    loads.gate.end_write("a", &second, keep);
    CHECK(kept == second.object.value);
}

TEST_CASE("when the outcome of one of several overlapping writers is unknown, nothing is kept", "[load_gate]") {
    for (const bool unknown_ends_last : {false, true}) {
        Loads loads;
        loads.begin_write("a");
        loads.begin_write("a");
        loads.end_write("a", unknown_ends_last ? std::optional<Version>{5} : std::nullopt);
        loads.end_write("a", unknown_ends_last ? std::nullopt : std::optional<Version>{5});
        CHECK(loads.keeps == 0);
        CHECK(loads.is_idle("a"));

        loads.begin_write("a");  // the doubt ended with the last writer
        loads.end_write("a", 6);
        CHECK(loads.cached("a") == 6);
    }
}

TEST_CASE("a write that is over at once keeps flights under way out of the cache", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 1);
    HeldLoad leader{loads};
    loads.gate.overtake("a");
    loads.gate.overtake("b");  // nobody loads it: nothing happens
    CHECK(loads.is_idle("a"));
    CHECK(version_of(leader.let_go()) == 1);
    CHECK(loads.cached("a") == 0);
}

// --- flights that fail

TEST_CASE("when the leader's read throws, a waiter tries again and the exception travels on", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 5);
    Stop stop;
    std::atomic<bool> first{true};
    loads.before_read = [&](std::string_view) {
        if (!first.exchange(false)) return;
        stop.arrive_and_wait();
        throw std::runtime_error{"the backend's"};
    };
    std::string thrown;
    std::thread leader{[&] {
        try {
            (void)loads.load("a");
        } catch (const std::runtime_error& error) {
            thrown = error.what();
        }
    }};
    stop.wait_for_arrival();
    std::array<Version, 3> versions{};
    std::vector<std::thread> waiters;
    for (Version& version : versions) waiters.emplace_back([&] { version = version_of(loads.load("a")); });
    loads.wait_until_entered(4);
    stop.open();
    leader.join();
    for (std::thread& waiter : waiters) waiter.join();
    CHECK(thrown == "the backend's");
    CHECK(versions == std::array<Version, 3>{5, 5, 5});
    CHECK(loads.is_idle("a"));
}

TEST_CASE("when filling the cache throws, the flight is over and the next load begins another", "[load_gate]") {
    Loads loads;
    const auto load = [&] {
        return loads.gate.load(
            "a", [&] { return loads.enter("a"); }, [] { return Outcome{at_version(5)}; },
            [](std::string_view, const Outcome&) { throw std::runtime_error{"no room"}; });
    };
    CHECK_THROWS_WITH(load(), "no room");
    CHECK(loads.is_idle("a"));
}

TEST_CASE("an error is shared by those who joined and is not cached", "[load_gate][threads]") {
    LoadGate gate;
    const auto enter = [&] { return gate.enter("a", bytes_type, [] { return std::nullopt; }); };
    const auto leader = enter();
    const auto joiner = enter();
    REQUIRE(leader.leads);
    REQUIRE(joiner.flight == leader.flight);
    gate.land("a", leader.flight, failure(Errc::io, "the disk is gone"), [](std::string_view, const Outcome&) {});
    const auto outcome = joiner.flight->wait();
    REQUIRE(outcome);
    CHECK(outcome->error() == Errc::io);
    CHECK(outcome->error().message() == "the disk is gone");
    CHECK(enter().leads);
}

// --- many keys

TEST_CASE("a load of many asks the backend, in one trip, for what is not cached", "[load_gate]") {
    Loads loads;
    for (const std::string_view key : {"a", "b", "c"}) loads.store(key, static_cast<Version>(key[0]));
    (void)loads.load("b");
    const auto outcomes = loads.load_many({"a", "b", "c", "d"});
    REQUIRE(outcomes);
    CHECK(version_of((*outcomes)[0]) == 'a');
    CHECK(version_of((*outcomes)[1]) == 'b');
    CHECK(version_of((*outcomes)[2]) == 'c');
    CHECK((*outcomes)[3].error() == Errc::not_found);
    CHECK(loads.trips == std::vector<Keys>{{"a", "c", "d"}});
    CHECK(loads.cached("a") == 'a');
    for (const std::string_view key : {"a", "b", "c", "d"}) CHECK(loads.is_idle(key));
}

TEST_CASE("a load of many that are all cached, or none at all, makes no trip", "[load_gate]") {
    Loads loads;
    loads.store("a", 1);
    (void)loads.load("a");
    CHECK(version_of(loads.load_many({"a", "a"}).value()[1]) == 1);
    CHECK(loads.load_many({}).value().empty());
    CHECK(loads.trips.empty());
}

TEST_CASE("a key that a load of many names twice is read once", "[load_gate]") {
    Loads loads;
    loads.store("a", 1);
    loads.store("b", 2);
    const auto outcomes = loads.load_many({"a", "b", "a", "b", "a"});
    REQUIRE(outcomes);
    CHECK(loads.trips == std::vector<Keys>{{"a", "b"}});
    for (std::size_t i = 0; i < 5; ++i) CHECK(version_of((*outcomes)[i]) == (i % 2 == 0 ? 1 : 2));
}

TEST_CASE("a load of many joins other threads' flights, and waits for them after its own trip", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 1);
    loads.store("b", 2);
    HeldLoad leader{loads};
    Version found_a = 0;
    std::thread other{[&] { found_a = version_of(loads.load_many({"a", "b"}).value()[0]); }};
    loads.wait_until_entered(3);
    while (loads.cached("b") == 0) std::this_thread::yield();  // its own flight lands although "a" is still held
    CHECK(version_of(leader.let_go()) == 1);
    other.join();
    CHECK(found_a == 1);
    CHECK(loads.trips == std::vector<Keys>{{"b"}});
    CHECK(loads.reads == 2);
}

TEST_CASE("two loads of many that lead what the other joined do not wait for each other for ever", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 1);
    loads.store("b", 2);
    const auto first = loads.enter("a");  // as a load of many of {a, b} would begin
    std::vector<Outcome> second;
    std::thread other{[&] { second = loads.load_many({"b", "a"}).value(); }};
    loads.wait_until_entered(3);
    const auto joined = loads.gate.enter("b", bytes_type, [] { return std::nullopt; });
    if (joined.flight && !joined.leads) CHECK(version_of(*joined.flight->wait()) == 2);  // before "a" has landed
    loads.gate.land("a", first.flight, at_version(1), [](std::string_view, const Outcome&) {});
    if (joined.leads) loads.gate.abandon("b", joined.flight);
    other.join();
    CHECK(version_of(second[0]) == 2);
    CHECK(version_of(second[1]) == 1);
}

TEST_CASE("a load of many reads by itself what another thread's flight did not find out", "[load_gate][threads]") {
    Loads loads;
    loads.store("a", 1);
    loads.store("b", 2);
    const auto ticket = loads.enter("a");
    std::vector<Outcome> outcomes;
    std::thread other{[&] { outcomes = loads.load_many({"a", "b"}).value(); }};
    loads.wait_until_entered(3);
    loads.gate.abandon("a", ticket.flight);
    other.join();
    CHECK(version_of(outcomes[0]) == 1);
    CHECK(version_of(outcomes[1]) == 2);
    CHECK(loads.cached("a") == 1);
}

TEST_CASE("a key that is being written is read on its own by a load of many, and not cached", "[load_gate]") {
    Loads loads;
    loads.store("a", 1);
    loads.store("b", 2);
    loads.begin_write("a");
    const auto outcomes = loads.load_many({"a", "b"});
    REQUIRE(outcomes);
    CHECK(version_of((*outcomes)[0]) == 1);
    CHECK(loads.trips == std::vector<Keys>{{"a", "b"}});
    CHECK(loads.cached("a") == 0);
    CHECK(loads.cached("b") == 2);
    loads.end_write("a", 3);
    CHECK(loads.cached("a") == 3);
}

TEST_CASE("when the trip to the backend fails, a load of many says so and leaves no flight behind", "[load_gate]") {
    Loads loads;
    const auto outcomes = loads.load_many({"a", "b", "a"}, failure(Errc::io, "the disk is gone"));
    REQUIRE_FALSE(outcomes);
    CHECK(outcomes.error().message() == "the disk is gone");
    CHECK(loads.is_idle("a"));
    CHECK(loads.is_idle("b"));
}

// --- no memory

TEST_CASE("a load that finds no memory leaves no flight behind", "[load_gate][fault]") {
    const std::string message = "a message that is too long to be kept in place, and is copied for those who wait";
    int n = 0;
    for (;; ++n) {
        INFO("allocation " << n << " fails");
        LoadGate gate;
        bool read = false;
        const bool failed = with_failing_allocation(n, [&] {
            (void)gate.load(
                "a", [&] { return gate.enter("a", bytes_type, [] { return std::nullopt; }); },
                [&] {
                    read = true;
                    return Outcome{failure(Errc::io, message)};
                },
                [](std::string_view, const Outcome&) {});
        });
        REQUIRE(gate.enter("a", bytes_type, [] { return std::nullopt; }).leads);
        if (!failed) {
            CHECK(read);
            break;
        }
    }
    CHECK(n > 3);
}

TEST_CASE("a load of many that finds no memory leaves no flight behind", "[load_gate][fault]") {
    const Keys keys{"a", "b", "c", "a", "d", "e"};
    for (int n = 0;; ++n) {
        LoadGate gate;
        const auto enter = [&](std::string_view key) { return gate.enter(key, bytes_type, [] { return std::nullopt; }); };
        const auto read = [](std::string_view) { return Outcome{failure(Errc::not_found)}; };
        const bool failed = with_failing_allocation(n, [&] {
            (void)gate.load_many(
                keys, [](std::size_t, Outcome) {}, enter, read,
                [&](std::span<const std::string_view> asked, LoadSink sink) {
                    for (std::size_t i = 0; i < asked.size(); ++i) sink(i, read(asked[i]));
                    return Status{};
                },
                [](std::string_view, const Outcome&) {});
        });
        for (const std::string_view key : {"a", "b", "c", "d", "e"}) {
            INFO("allocation " << n << " fails, key " << key);
            REQUIRE(enter(key).leads);
        }
        if (!failed) break;
    }
}

TEST_CASE("a write that finds no memory to begin has not begun", "[load_gate][fault]") {
    for (int n = 0;; ++n) {
        Loads loads;
        const bool failed =
            with_failing_allocation(n, [&] { loads.gate.begin_write("a key too long to be kept in place", [](auto) {}); });
        REQUIRE(loads.is_idle("a key too long to be kept in place") == failed);
        if (!failed) break;
    }
}

// --- all at once

TEST_CASE("no load gives anything older than a write that had returned, whatever threads do", "[load_gate][threads]") {
    constexpr int steps = 4'000;
    constexpr std::array<std::string_view, 3> keys{"a", "b", "c"};
    Loads loads;
    std::atomic<Version> last_version{0};
    std::array<std::atomic<Version>, keys.size()> returned{};  // the newest version of a write that has returned
    std::array<std::mutex, keys.size()> commits;               // makes allocating and storing a version one step
    const auto pause = [](std::string_view) { std::this_thread::yield(); };
    loads.before_read = pause;
    loads.after_read = pause;
    for (const std::string_view key : keys) loads.store(key, ++last_version);

    std::atomic<int> stale{0};
    std::vector<std::thread> threads;
    for (std::uint32_t seed = 0; seed < 2; ++seed) {
        threads.emplace_back([&, seed] {
            std::mt19937 random{seed};
            for (int step = 0; step < steps; ++step) {
                const std::size_t i = random() % keys.size();
                loads.begin_write(keys[i]);
                Version version = 0;
                {
                    const std::scoped_lock lock{commits[i]};
                    version = ++last_version;
                    loads.store(keys[i], version);
                }
                std::this_thread::yield();
                loads.end_write(keys[i], random() % 4 == 0 ? std::nullopt : std::optional{version});
                Version before = returned[i];
                while (before < version && !returned[i].compare_exchange_weak(before, version)) {
                }
            }
        });
        threads.emplace_back([&, seed] {
            std::mt19937 random{seed + 100};
            for (int step = 0; step < steps; ++step) {
                const std::size_t i = random() % keys.size();
                const Version at_least = returned[i];
                if (version_of(loads.load(keys[i])) < at_least) ++stale;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(stale == 0);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        CHECK(version_of(loads.load(keys[i])) == version_of(loads.read(keys[i])));
        CHECK(loads.is_idle(keys[i]));
    }
}

}  // namespace
