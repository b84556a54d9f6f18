// What the caching policies promise about a database that others write to as well: other processes, or another backend in this
// one, which is the same to SQLite.
#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/game/lobbies.hpp>
#include <joinly/lease.hpp>
#include <joinly/store.hpp>

#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/latch.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::Batch;
using joinly::Errc;
using joinly::ManualTraits;
using joinly::NoCache;
using joinly::Player;
using joinly::ReadThrough;
using joinly::Result;
using joinly::SqliteBackend;
using joinly::SqliteOptions;
using joinly::ThroughOptions;
using joinly::Version;
using joinly::WriteThrough;
using joinly::test::ChildProcess;
using joinly::test::FailingBackend;
using joinly::test::Latch;
using joinly::test::player;
using joinly::test::ProcessGate;
using joinly::test::SqliteProbe;
using joinly::test::TempDir;

/// How often the tests that look for rare events try.
std::int32_t rounds(std::int32_t usual) {
    return static_cast<std::int32_t>(joinly::test::setting("JOINLY_ROUNDS", static_cast<std::uint64_t>(usual)));
}

Batch put(const Player& player) {
    std::string bytes;
    REQUIRE(joinly::Binary::encode(player, bytes));
    return Batch{}.put("player:" + player.player_id, bytes);
}

/// The rating, or -1 when there is no such player.
template <class Store>
std::int32_t rating(Store&& store, std::string_view id) {
    const auto loaded = store.template load<Player>(id);
    if (!loaded && loaded.error() != Errc::not_found) return -2;
    return loaded ? (*loaded)->skill_rating : -1;
}

SqliteOptions at(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    options.sync = joinly::Sync::process_crash;
    options.busy_timeout = 20s;
    return options;
}

// --- over SQLite, with a clock that the test turns

template <class Policy>
using OnSqlite = joinly::Store<SqliteBackend, Policy, ManualTraits>;

/// A store on an SQLite file, and another one's connection to the same file.
template <class Policy>
struct Shared {
    using Options = typename joinly::detail::PolicyOptions<Policy>::type;
    explicit Shared(Options options = {}) : store{*OnSqlite<Policy>::open(at(dir / "db"), options, traits)} {}

    TempDir dir;
    ManualTraits traits;
    OnSqlite<Policy> store;
    SqliteBackend other = *SqliteBackend::open(at(dir / "db"));
};

TEMPLATE_TEST_CASE("what another process commits is noticed once the check is due, and not before", "[policy][foreign]",
                   ReadThrough, WriteThrough) {
    Shared<TestType> shared{{.foreign_check = 100ms}};
    REQUIRE(shared.other.write(put(player("ada", 1))));
    REQUIRE(rating(shared.store, "ada") == 1);
    REQUIRE(shared.other.write(put(player("ada", 2))));

    shared.traits.clock.advance(99ms);
    CHECK(rating(shared.store, "ada") == 1);
    shared.traits.clock.advance(1ms);
    CHECK(rating(shared.store, "ada") == 2);

    REQUIRE(shared.other.write(Batch{}.erase("player:ada")));
    shared.traits.clock.advance(100ms);
    CHECK(rating(shared.store, "ada") == -1);
}

TEMPLATE_TEST_CASE("a load of many notices what another process commits as well", "[policy][foreign]", ReadThrough, WriteThrough) {
    Shared<TestType> shared;
    REQUIRE(shared.other.write(put(player("ada", 1))));
    const std::vector<std::string> ids{"ada"};
    REQUIRE((*shared.store.template load_many<Player>(ids)[0])->skill_rating == 1);
    REQUIRE(shared.other.write(put(player("ada", 2))));
    shared.traits.clock.advance(100ms);
    CHECK((*shared.store.template load_many<Player>(ids)[0])->skill_rating == 2);
}

TEMPLATE_TEST_CASE("with a check of zero every load sees what was committed before it", "[policy][foreign]", ReadThrough,
                   WriteThrough) {
    Shared<TestType> shared{{.foreign_check = GENERATE(0ms, -5ms)}};
    for (std::int32_t value = 1; value <= 3; ++value) {
        REQUIRE(shared.other.write(put(player("ada", value))));
        CHECK(rating(shared.store, "ada") == value);
        CHECK(rating(shared.store, "ada") == value);
    }
    CHECK(shared.store.stats().cache.hits == 3);
}

TEMPLATE_TEST_CASE("with the longest check of all the cache answers for ever", "[policy][foreign]", ReadThrough, WriteThrough) {
    Shared<TestType> shared{{.foreign_check = std::chrono::milliseconds::max()}};
    REQUIRE(shared.other.write(put(player("ada", 1))));
    REQUIRE(rating(shared.store, "ada") == 1);
    REQUIRE(shared.other.write(put(player("ada", 2))));
    shared.traits.clock.advance(24h * 365 * 50);
    CHECK(rating(shared.store, "ada") == 1);
}

TEMPLATE_TEST_CASE("a store's own writes do not empty its cache", "[policy][foreign]", ReadThrough, WriteThrough) {
    Shared<TestType> shared;
    REQUIRE(shared.store.save(player("ada", 1)));
    REQUIRE(rating(shared.store, "ada") == 1);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(shared.store.save(player("bob", i)));
        REQUIRE(shared.store.backend().execute("CREATE TABLE IF NOT EXISTS own(x); INSERT INTO own VALUES(1)"));
        shared.traits.clock.advance(100ms);
        CHECK(rating(shared.store, "ada") == 1);
    }
    CHECK(shared.store.stats().cache.hits >= 3);
}

TEMPLATE_TEST_CASE("a program that writes past the library is noticed too", "[policy][foreign]", ReadThrough, WriteThrough) {
    Shared<TestType> shared;
    REQUIRE(shared.store.save(player("ada", 1)));
    REQUIRE(rating(shared.store, "ada") == 1);
    SqliteProbe{shared.dir / "db"}.run("DELETE FROM record");
    shared.traits.clock.advance(100ms);
    CHECK(rating(shared.store, "ada") == -1);
}

TEMPLATE_TEST_CASE("a cached absence ends with another process's save", "[policy][foreign]", ReadThrough, WriteThrough) {
    Shared<TestType> shared{{.absence_ttl = 1h}};
    REQUIRE(rating(shared.store, "ada") == -1);
    REQUIRE(shared.other.write(put(player("ada", 1))));
    CHECK(rating(shared.store, "ada") == -1);
    shared.traits.clock.advance(100ms);
    CHECK(rating(shared.store, "ada") == 1);
}

TEMPLATE_TEST_CASE("a store that is opened read-only notices others' commits", "[policy][foreign]", ReadThrough, WriteThrough) {
    const TempDir dir;
    SqliteBackend other = *SqliteBackend::open(at(dir / "db"));
    REQUIRE(other.write(put(player("ada", 1))));
    SqliteOptions reading = at(dir / "db");
    reading.read_only = true;
    ManualTraits traits;
    auto store = *OnSqlite<TestType>::open(reading, {}, traits);
    REQUIRE(rating(store, "ada") == 1);
    REQUIRE(other.write(put(player("ada", 2))));
    traits.clock.advance(100ms);
    CHECK(rating(store, "ada") == 2);
}

TEMPLATE_TEST_CASE("a conflict with another process drops the cached copy at once, so that update succeeds", "[policy][foreign]",
                   ReadThrough, WriteThrough) {
    Shared<TestType> shared;  // whose clock stands still: no check becomes due
    const auto saved = shared.store.save(player("ada", 1));
    REQUIRE(rating(shared.store, "ada") == 1);
    REQUIRE(shared.other.write(put(player("ada", 10))));
    CHECK(shared.store.save(player("ada", 2), {.expect = *saved}).error() == Errc::conflict);
    CHECK(rating(shared.store, "ada") == 10);

    REQUIRE(shared.other.write(put(player("ada", 20))));
    REQUIRE(shared.store.template update<Player>("ada", [](Player& ada) { ada.skill_rating += 1; }));
    CHECK(rating(shared.store, "ada") == 21);
}

// --- over a backend that pauses, and tells what it is told to tell

class TellingBackend : public FailingBackend {
public:
    struct Others {
        std::atomic<std::uint64_t> commits{0};
        std::atomic<bool> unknown{false};
        std::atomic<int> asked{0};
    };
    struct Options {
        std::shared_ptr<Control> control;
        std::shared_ptr<Others> others;
    };
    [[nodiscard]] static Result<TellingBackend> open(Options options) {
        return TellingBackend{*FailingBackend::open({std::move(options.control)}), std::move(options.others)};
    }
    [[nodiscard]] Result<std::uint64_t> foreign_commits() {
        ++others_->asked;
        if (others_->unknown) return joinly::failure(Errc::busy);
        return others_->commits.load();
    }

private:
    TellingBackend(FailingBackend base, std::shared_ptr<Others> others)
        : FailingBackend{std::move(base)}, others_{std::move(others)} {}
    std::shared_ptr<Others> others_;
};

static_assert(joinly::tells_foreign_commits<SqliteBackend> && joinly::tells_foreign_commits<TellingBackend>);
static_assert(!joinly::tells_foreign_commits<FailingBackend> && !joinly::tells_foreign_commits<joinly::MemoryBackend>);

template <class Policy>
struct Rig {
    using Store = joinly::Store<TellingBackend, Policy, ManualTraits>;

    /// Another process writes.
    void elsewhere(const Player& player) {
        REQUIRE(control->records.write(put(player)));
        ++others->commits;
    }
    /// The next load asks the backend.
    void make_due() { traits.clock.advance(100ms); }

    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
    std::shared_ptr<TellingBackend::Others> others = std::make_shared<TellingBackend::Others>();
    ManualTraits traits;
    Store store = *Store::open({control, others}, {}, traits);
};

TEMPLATE_TEST_CASE("the backend is asked once in each interval, however many loads there are", "[policy][foreign]", ReadThrough,
                   WriteThrough) {
    Rig<TestType> rig;
    rig.elsewhere(player("ada", 1));
    REQUIRE(rating(rig.store, "ada") == 1);
    const int before = rig.others->asked;
    for (int i = 0; i < 10; ++i) REQUIRE(rating(rig.store, "ada") == 1);
    CHECK(rig.others->asked == before);
    rig.make_due();
    for (int i = 0; i < 10; ++i) REQUIRE(rating(rig.store, "ada") == 1);
    CHECK(rig.others->asked == before + 1);
    CHECK(rig.control->reads == 1);
}

TEMPLATE_TEST_CASE("while the backend cannot tell, loads leave the cache alone", "[policy][foreign]", ReadThrough, WriteThrough) {
    Rig<TestType> rig;
    rig.elsewhere(player("ada", 1));
    REQUIRE(rating(rig.store, "ada") == 1);
    rig.others->unknown = true;
    CHECK(rating(rig.store, "ada") == 1);
    CHECK(rig.control->reads == 1);  // it need not be asked yet
    rig.elsewhere(player("ada", 2));
    rig.make_due();
    CHECK(rating(rig.store, "ada") == 2);
    CHECK((*rig.store.template load_many<Player>(std::vector<std::string>{"ada"})[0])->skill_rating == 2);
    rig.others->unknown = false;
    CHECK(rating(rig.store, "ada") == 2);
    CHECK(rating(rig.store, "ada") == 2);
    CHECK(rig.control->reads == 4);
    CHECK(rig.store.stats().operations[joinly::Operation::load] == 6);  // past the cache or not
}

/// Holds the thread that calls it once, at the moment of the test's choice.
struct Pause {
    auto hook() {
        return [this](const auto&) {
            reached.open();
            go_on.wait();
        };
    }
    Latch reached;
    Latch go_on;
};

TEMPLATE_TEST_CASE("a load that began before another process's commit caches nothing once that is noticed",
                   "[policy][foreign][race]", ReadThrough, WriteThrough) {
    Rig<TestType> rig;
    rig.elsewhere(player("ada", 1));
    rig.elsewhere(player("bob", 1));
    REQUIRE(rating(rig.store, "bob") == 1);
    const bool many = GENERATE(false, true);
    Pause pause;
    rig.control->after_read = pause.hook();
    std::thread reader{[&] {
        if (many)
            (void)rig.store.template load_many<Player>(std::vector<std::string>{"ada"});
        else
            (void)rating(rig.store, "ada");
    }};
    pause.reached.wait();
    rig.control->after_read = nullptr;
    rig.elsewhere(player("ada", 2));
    rig.make_due();
    const auto of_bob = rating(rig.store, "bob");  // asks the backend, and nothing else about ada
    pause.go_on.open();
    reader.join();
    CHECK(of_bob == 1);
    CHECK(rating(rig.store, "ada") == 2);
}

TEMPLATE_TEST_CASE("a load after another process's commit was noticed does not join a read from before it",
                   "[policy][foreign][race]", ReadThrough, WriteThrough) {
    Rig<TestType> rig;
    rig.elsewhere(player("ada", 1));
    Pause pause;
    rig.control->after_read = pause.hook();
    std::thread reader{[&] { (void)rating(rig.store, "ada"); }};
    pause.reached.wait();
    rig.control->after_read = nullptr;
    rig.elsewhere(player("ada", 2));
    rig.make_due();
    const auto newer = rating(rig.store, "ada");
    pause.go_on.open();
    reader.join();
    CHECK(newer == 2);
    CHECK(rating(rig.store, "ada") == 2);
}

TEST_CASE("a save during which another process overwrote it is not kept in the cache", "[policy][foreign][race]") {
    Rig<WriteThrough> rig;
    rig.elsewhere(player("bob", 1));
    Pause pause;
    rig.control->after_write = pause.hook();
    std::thread writer{[&] { (void)rig.store.save(player("ada", 1)); }};
    pause.reached.wait();
    rig.elsewhere(player("ada", 2));
    rig.make_due();
    const auto of_bob = rating(rig.store, "bob");
    pause.go_on.open();
    writer.join();
    CHECK(of_bob == 1);
    CHECK(rating(rig.store, "ada") == 2);
}

TEMPLATE_TEST_CASE("a load from before another process's commit does not land after the conflict that told of it",
                   "[policy][foreign][race]", ReadThrough, WriteThrough) {
    Rig<TestType> rig;
    rig.elsewhere(player("ada", 1));
    Pause pause;
    rig.control->after_read = pause.hook();
    std::thread reader{[&] { (void)rating(rig.store, "ada"); }};
    pause.reached.wait();
    rig.control->after_read = nullptr;
    rig.elsewhere(player("ada", 2));
    const auto refused = rig.store.save(player("ada", 3), {.expect = Version{1}});
    pause.go_on.open();
    reader.join();
    CHECK(refused.error() == Errc::conflict);
    CHECK(rating(rig.store, "ada") == 2);
}

// --- at full speed

TEMPLATE_TEST_CASE("with a check of zero two stores on one file never answer older than the other's finished save",
                   "[policy][foreign][race]", ReadThrough, WriteThrough) {
    const TempDir dir;
    const ThroughOptions always{.foreign_check = 0ms};
    auto writing = *OnSqlite<TestType>::open(at(dir / "db"), always);
    auto reading = *OnSqlite<TestType>::open(at(dir / "db"), always);
    REQUIRE(writing.save(player("ada", 0)));
    const std::int32_t saves = rounds(500);
    std::atomic<std::int32_t> saved{0};
    std::atomic<int> failed{0};
    std::atomic<int> stale{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            while (saved < saves) {
                const std::int32_t at_least = saved;
                if (rating(reading, "ada") < at_least) ++stale;
            }
        });
    }
    threads.emplace_back([&] {  // keeps the reading store's own writer busy
        for (std::int32_t i = 0; saved < saves; ++i) {
            if (!reading.save(player("bob", i))) ++failed;
        }
    });
    for (std::int32_t i = 1; i <= saves; ++i) {
        if (!writing.save(player("ada", i))) ++failed;
        saved = i;
    }
    for (auto& thread : threads) thread.join();
    CHECK(stale == 0);
    CHECK(failed == 0);
}

// --- over real processes

TEMPLATE_TEST_CASE("updates from two caching processes are all there", "[policy][foreign][processes]", ReadThrough, WriteThrough) {
    const TempDir dir;
    const std::int32_t updates = rounds(500);
    const auto open = [&] { return OnSqlite<TestType>::open(at(dir / "db")); };
    REQUIRE(open()->save(player("ada", 0)));
    const auto work = [&](ProcessGate& gate) {
        gate.pass();
        auto store = open();
        for (std::int32_t done = 0; store && done < updates; ++done) {
            if (!store->template update<Player>("ada", [](Player& ada) { ++ada.skill_rating; })) return 1;
        }
        return store ? 0 : 2;
    };
    ProcessGate gate;
    ChildProcess first{[&] { return work(gate); }};
    ChildProcess second{[&] { return work(gate); }};
    gate.open();
    CHECK(first.wait() == 0);
    CHECK(second.wait() == 0);
    CHECK(rating(*open(), "ada") == 2 * updates);
}

TEMPLATE_TEST_CASE("of two processes that expect the same version one saves", "[policy][foreign][processes]", ReadThrough,
                   WriteThrough) {
    const TempDir dir;
    const std::int32_t turns = rounds(200);
    const auto open = [&] { return OnSqlite<TestType>::open(at(dir / "db")); };
    REQUIRE(open()->save(player("won", 0)));
    // Each takes every turn that it can: a player of that turn's name, which must not be there yet.
    const auto work = [&](ProcessGate& gate) {
        gate.pass();
        auto store = open();
        std::int32_t taken = 0;
        for (std::int32_t turn = 0; store && turn < turns; ++turn) {
            const auto saved = store->save(player("turn " + std::to_string(turn)), {.expect = joinly::absent});
            if (!saved && saved.error() != Errc::conflict) return 1;
            if (saved) ++taken;
        }
        const auto told = store ? store->template update<Player>("won", [&](Player& won) { won.skill_rating += taken; })
                                : joinly::failure(Errc::io);
        return told ? 0 : 2;
    };
    ProcessGate gate;
    ChildProcess first{[&] { return work(gate); }};
    ChildProcess second{[&] { return work(gate); }};
    gate.open();
    CHECK(first.wait() == 0);
    CHECK(second.wait() == 0);
    CHECK(rating(*open(), "won") == turns);
}

TEMPLATE_TEST_CASE("a cache notices the commit of another process within the check", "[policy][foreign][processes]", ReadThrough,
                   WriteThrough) {
    const TempDir dir;
    ProcessGate may_write;
    ProcessGate has_written;
    REQUIRE(SqliteBackend::open(at(dir / "db"))->write(put(player("ada", 1))));
    ChildProcess child{[&] {
        may_write.pass();
        const bool written = SqliteBackend::open(at(dir / "db")).value().write(put(player("ada", 2))).has_value();
        has_written.open();
        return written ? 0 : 1;
    }};
    ManualTraits traits;
    auto store = *OnSqlite<TestType>::open(at(dir / "db"), {}, traits);
    REQUIRE(rating(store, "ada") == 1);
    may_write.open();
    has_written.pass();
    CHECK(rating(store, "ada") == 1);
    traits.clock.advance(100ms);
    CHECK(rating(store, "ada") == 2);
    CHECK(child.wait() == 0);
}

TEMPLATE_TEST_CASE("a transaction that refuses on what the cache has still is tried again on what another process committed",
                   "[policy][foreign][transaction]", ReadThrough, WriteThrough) {
    Shared<TestType> shared;
    REQUIRE(shared.store.save(player("ada", 1)));
    REQUIRE(rating(shared.store, "ada") == 1);  // and cached
    const auto version = shared.other.write(put(player("ada", 2)));
    REQUIRE(version);
    SECTION("by a version that it expects") {
        CHECK(
            shared.store.transaction([&](auto& tx) -> joinly::Status { return tx.save(player("ada", 3), {.expect = *version}); }));
        CHECK(rating(shared.store, "ada") == 3);
    }
    SECTION("by what it reads") {
        CHECK(shared.store.transaction([](auto& tx) -> joinly::Status {
            const auto loaded = tx.template load<Player>("ada");
            if (!loaded) return joinly::failure(loaded.error());
            if ((*loaded)->skill_rating < 2) return joinly::failure(Errc::busy, "not yet");
            return tx.save(player("ada", 3));
        }));
        CHECK(rating(shared.store, "ada") == 3);
    }
}

TEMPLATE_TEST_CASE("what a lobby in the cache would refuse is not the answer once another process has erased it",
                   "[policy][foreign][transaction]", ReadThrough, WriteThrough) {
    Shared<TestType> shared;
    REQUIRE(joinly::create_lobby(shared.store, {.lobby_id = "arena", .state = joinly::LobbyState::closed, .owner = "ada"}));
    REQUIRE(shared.store.template exists<joinly::Lobby>("arena") == true);  // and cached
    auto other = *OnSqlite<WriteThrough>::open(at(shared.dir / "db"), {}, shared.traits);
    REQUIRE(other.template erase<joinly::Lobby>("arena"));
    SECTION("a leave") { CHECK(joinly::leave_lobby(shared.store, "arena", "eve").error() == Errc::not_found); }
    SECTION("a start") { CHECK(joinly::start_lobby(shared.store, "arena", "match").error() == Errc::not_found); }
}

TEMPLATE_TEST_CASE("what a lobby in the cache would refuse is asked of the lobby as another process has left it",
                   "[policy][foreign][transaction]", ReadThrough, WriteThrough) {
    Shared<TestType> shared;
    REQUIRE(joinly::create_lobby(shared.store, {.lobby_id = "arena", .max_players = 1, .owner = "ada"}));
    REQUIRE(shared.store.template exists<joinly::Lobby>("arena") == true);  // and cached
    auto other = *OnSqlite<WriteThrough>::open(at(shared.dir / "db"), {}, shared.traits);
    SECTION("a join") {
        REQUIRE(joinly::leave_lobby(other, "arena", "ada", {.when_empty = joinly::WhenEmpty::keep}));
        CHECK(joinly::join_lobby(shared.store, "arena", "eve") == joinly::JoinOutcome::joined);
    }
    SECTION("calling a countdown off") {
        REQUIRE(joinly::begin_countdown(other, "arena") == joinly::StartOutcome::started);
        CHECK(joinly::cancel_countdown(shared.store, "arena"));
    }
    SECTION("beginning a countdown") {
        REQUIRE(joinly::begin_countdown(other, "arena") == joinly::StartOutcome::started);
        shared.traits.clock.advance(1s);
        REQUIRE((*shared.store.template load<joinly::Lobby>("arena"))->state == joinly::LobbyState::starting);
        REQUIRE(joinly::cancel_countdown(other, "arena"));
        CHECK(joinly::begin_countdown(shared.store, "arena") == joinly::StartOutcome::started);
    }
}

TEMPLATE_TEST_CASE("a lease that another process has taken over lets nothing through", "[policy][foreign][lease]", NoCache,
                   ReadThrough, WriteThrough) {
    Shared<TestType> shared;
    auto other = *OnSqlite<TestType>::open(at(shared.dir / "db"), {}, shared.traits);
    const auto old = *joinly::acquire_lease(shared.store, "ada", "server-1", 30s);
    CHECK(joinly::acquire_lease(other, "ada", "server-2", 30s).error() == Errc::busy);
    REQUIRE(joinly::save_fenced(shared.store, old, player("ada", 1)));
    SECTION("after it was released") { REQUIRE(joinly::release_lease(shared.store, old)); }
    SECTION("after its time was over") { shared.traits.clock.advance(30s); }
    const auto lease = joinly::acquire_lease(other, "ada", "server-2", 30s);
    REQUIRE(lease);
    CHECK(lease->token > old.token);
    CHECK(joinly::save_fenced(shared.store, old, player("ada", 2)).error() == Errc::conflict);
    CHECK(joinly::renew_lease(shared.store, old, 30s).error() == Errc::conflict);
    CHECK(rating(other, "ada") == 1);
}

TEMPLATE_TEST_CASE("what two processes sweep is told once", "[policy][foreign][expiry]", NoCache, ReadThrough, WriteThrough) {
    Shared<TestType> shared;
    auto other = *OnSqlite<TestType>::open(at(shared.dir / "db"), {}, shared.traits);
    for (int i = 0; i < 10; ++i) REQUIRE(shared.store.save(player(std::to_string(i), i), {.ttl = 10s}));
    shared.traits.clock.advance(10s);
    std::atomic<int> told{0};
    std::atomic<int> failed{0};
    Latch begin;
    const auto sweep = [&](auto& store) {
        begin.wait();
        for (bool is_done = false; !is_done && failed == 0;) {
            const auto swept = store.sweep(1s, [&](const joinly::ExpiredEntity&) { ++told; });
            failed += !swept;
            is_done = swept && swept->is_done;
        }
    };
    std::thread one{[&] { sweep(shared.store); }};
    std::thread two{[&] { sweep(other); }};
    begin.open();
    one.join();
    two.join();
    CHECK(failed == 0);
    CHECK(told == 10);
}

TEST_CASE("raw bytes are refused as soon as another store has made the kind one with indexes", "[policy][foreign][index]") {
    const TempDir dir;
    auto first = *joinly::Store<SqliteBackend, WriteThrough>::open(at(dir / "db"));
    auto second = *joinly::Store<SqliteBackend, WriteThrough>::open(at(dir / "db"));
    REQUIRE(second.put("player:raw", ""));
    REQUIRE(second.erase_key("player:raw"));
    REQUIRE(first.save(player("ada", 1)));
    CHECK(second.put("player:raw", "").error() == Errc::invalid_argument);
    CHECK(second.put("of no kind", ""));
    CHECK(second.put("other:kind", "", {.expect = joinly::absent}));
    CHECK(second.put("other:kind", "", {.expect = joinly::absent}).error() == Errc::conflict);
}

}  // namespace
