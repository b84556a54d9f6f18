// What a store does with ids, ttls, values and clocks that nobody meant to give it. What is already shown on every backend is
// in conformance/store_suite.hpp; here is the rest.
//
//     JOINLY_CLOCK_JUMPS=5000   how often the clock jumps in the longest of these; 30 without it
//     JOINLY_SEED=17            where it jumps to
#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/temp_dir.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using joinly::absent;
using joinly::Drive;
using joinly::Errc;
using joinly::LevelDbBackend;
using joinly::ManualTraits;
using joinly::MemoryBackend;
using joinly::NoCache;
using joinly::Player;
using joinly::ReadThrough;
using joinly::SqliteBackend;
using joinly::Sync;
using joinly::Ttl;
using joinly::WriteBehind;
using joinly::WriteBehindOptions;
using joinly::WriteThrough;
using joinly::test::account;
using joinly::test::Account;
using joinly::test::player;
using joinly::test::TempDir;

const std::string too_long(joinly::max_id_bytes + 1, 'x');

template <class Policy>
struct InMemory {
    using Store = joinly::Store<MemoryBackend, Policy, ManualTraits>;
    ManualTraits traits;
    Store store = *Store::open({}, {}, traits);

    std::int32_t rating(std::string_view id) {
        auto loaded = store.template load<Player>(id);
        return loaded ? (*loaded)->skill_rating : -1;
    }
};

#define JOINLY_EACH_POLICY(name, tags) TEMPLATE_TEST_CASE(name, "[bad_input]" tags, NoCache, ReadThrough, WriteThrough, WriteBehind)

// --- ids ---------------------------------------------------------------------------------------------------------------

JOINLY_EACH_POLICY("one id that is empty or too long makes save_many save none, and load_many answers the others", "[id]") {
    InMemory<TestType> memory;
    REQUIRE(memory.store.save(player("bob", 2)));
    for (const std::string& id : {""s, too_long}) {
        CHECK(memory.store.save_many(std::vector{player("ada"), player(id)}).error() == Errc::invalid_argument);
        CHECK(memory.store.template exists<Player>("ada") == false);
        const std::vector<std::string> ids{id, "bob"};
        const auto loaded = memory.store.template load_many<Player>(ids);
        CHECK(loaded[0].error() == Errc::invalid_argument);
        CHECK((*loaded[1])->skill_rating == 2);
    }
}

JOINLY_EACH_POLICY("a page may begin after any bytes, whether or not they could be an id", "[id]") {
    InMemory<TestType> memory;
    REQUIRE(memory.store.save_many(std::vector{player("a"), player("x"), player("y")}));
    CHECK(*memory.store.template ids<Player>({.after = too_long}) == std::vector{"y"s});
    CHECK(*memory.store.template ids<Player>({.after = "a\0"s}) == std::vector{"x"s, "y"s});
    CHECK(memory.store.template ids<Player>({.after = "\xff"})->empty());
}

JOINLY_EACH_POLICY("ids that begin alike are different entities", "[id]") {
    InMemory<TestType> memory;
    const std::vector<std::string> ids{"a"s, "a\0"s, "a\0b"s, "a%"s, "a:"s, "a:b"s, "aa"s};
    for (const std::string& gone : ids) {
        for (const std::string& id : ids) REQUIRE(memory.store.save(player(id, 7)));
        REQUIRE(memory.store.flush());
        REQUIRE(memory.store.template erase<Player>(gone));
        for (const std::string& id : ids) CHECK(memory.rating(id) == (id == gone ? -1 : 7));
        CHECK(*memory.store.template count<Player>() == ids.size() - 1);
    }
}

JOINLY_EACH_POLICY("a raw key that reads as an entity's must have an id that an entity can have", "[id]") {
    InMemory<TestType> memory;
    for (const std::string& key : {"player:"s, "player:" + too_long}) {
        CHECK(memory.store.put(key, "x").error() == Errc::invalid_argument);
        CHECK(memory.store.get(key).error() == Errc::invalid_argument);
        CHECK(memory.store.erase_key(key).error() == Errc::invalid_argument);
    }
    CHECK(memory.store.put("Player:", "x"));  // no kind has capital letters
    CHECK(memory.store.template ids<Player>()->empty());
}

JOINLY_EACH_POLICY("a message about a hostile id is printable, and does not end at its NUL", "[id]") {
    InMemory<TestType> memory;
    const std::string id = "a\0\n\x1b[31m\xff\"z"s;
    REQUIRE(memory.store.save(account(id)));
    const auto conflict = memory.store.save(account(id), {.expect = absent}).error();
    REQUIRE(memory.store.put("player:" + id, "\xff\xff\xff"));
    const auto corrupt = memory.store.template load<Account>(id).error();
    for (const joinly::Error& error : {conflict, corrupt}) {
        const std::string message{error.message()};
        INFO(message);
        CHECK(std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; }));
        CHECK(message.find("player:a\\x00\\x0a\\x1b[31m\\xff\"z") != std::string::npos);
    }
}

// --- times to live -----------------------------------------------------------------------------------------------------

JOINLY_EACH_POLICY("a ttl of zero or less is refused by every call that takes one, and what was there stays", "[ttl]") {
    InMemory<TestType> memory;
    auto& store = memory.store;
    REQUIRE(store.save(player("ada", 1), {.ttl = 1h}));
    REQUIRE(store.put("key", "old"));
    for (const Ttl ttl : {Ttl{0s}, Ttl{-1ns}, Ttl{-1h}, Ttl{(std::chrono::hours::min)()}}) {
        CHECK(store.save(player("ada", 2), {.ttl = ttl}).error() == Errc::invalid_argument);
        CHECK(store.save_many(std::vector{player("bob"), player("ada", 3)}, {.ttl = ttl}).error() == Errc::invalid_argument);
        CHECK(store.put("key", "new", {.ttl = ttl}).error() == Errc::invalid_argument);
        CHECK(store.template touch<Player>("ada", ttl).error() == Errc::invalid_argument);
        REQUIRE(store.transaction([&](auto& tx) {
            CHECK(tx.save(player("ada", 4), {.ttl = ttl}).error() == Errc::invalid_argument);
            CHECK(tx.put("key", "new", {.ttl = ttl}).error() == Errc::invalid_argument);
        }));
    }
    CHECK(memory.rating("ada") == 1);
    CHECK(memory.rating("bob") == -1);
    CHECK(store.get("key") == "old");
    memory.traits.clock.advance(1h);
    CHECK(memory.rating("ada") == -1);
}

JOINLY_EACH_POLICY("a ttl of less than a millisecond lasts one", "[ttl]") {
    InMemory<TestType> memory;
    REQUIRE(memory.store.save(player("ada", 1), {.ttl = 1ns}));
    CHECK(memory.rating("ada") == 1);
    memory.traits.clock.advance(1ms);
    CHECK(memory.rating("ada") == -1);
}

JOINLY_EACH_POLICY("a ttl that overflows the time never ends, whichever call takes it", "[ttl]") {
    InMemory<TestType> memory;
    auto& store = memory.store;
    const Ttl longest = (std::chrono::hours::max)();
    memory.traits.clock.set_wall((joinly::WallTime::max)() - 1ms);
    REQUIRE(store.save(player("ada", 1), {.ttl = 1ms}));
    REQUIRE(store.save_many(std::vector{player("bob", 2)}, {.ttl = longest}));
    REQUIRE(store.put("key", "value", {.ttl = longest}));
    REQUIRE(store.save(player("cat", 3), {.ttl = 1ms}));
    REQUIRE(store.template touch<Player>("cat", longest));
    REQUIRE(store.transaction([&](auto& tx) {
        CHECK(tx.save(player("dan", 4), {.ttl = longest}));
        CHECK(tx.put("other", "value", {.ttl = longest}));
    }));
    memory.traits.clock.advance(1ms);
    CHECK(store.template load<Player>("ada")->expires_at().is_never());
    for (const char* id : {"bob", "cat", "dan"}) CHECK(store.template load<Player>(id)->expires_at().is_never());
    CHECK(store.get("other") == "value");
    CHECK(store.get("key") == "value");
}

JOINLY_EACH_POLICY("a clock from before 1970 expires what it should", "[ttl][clock]") {
    InMemory<TestType> memory;
    memory.traits.clock.set_wall((joinly::WallTime::min)());
    REQUIRE(memory.store.save(player("ada", 1), {.ttl = 1s}));
    REQUIRE(memory.store.save(player("bob", 2), {.ttl = 24h * 365 * 400}));
    CHECK(memory.rating("ada") == 1);
    memory.traits.clock.advance(1s);
    CHECK(memory.rating("ada") == -1);
    CHECK(memory.rating("bob") == 2);
}

JOINLY_EACH_POLICY("what was erased or replaced once it had expired does not come back when the clock is set back",
                   "[ttl][clock]") {
    InMemory<TestType> memory;
    REQUIRE(memory.store.save_many(std::vector{player("ada", 1), player("bob", 1), player("eve", 1)}, {.ttl = 1h}));
    REQUIRE(memory.store.flush());
    memory.traits.clock.advance(24h * 365);
    REQUIRE(memory.store.template erase<Player>("ada"));
    REQUIRE(memory.store.save(player("bob", 2), {.expect = absent}));
    CHECK(memory.rating("eve") == -1);
    memory.traits.clock.set_wall(memory.traits.clock.now() - 24h * 365);
    CHECK(memory.rating("ada") == -1);
    CHECK(memory.rating("bob") == 2);
    CHECK(memory.rating("eve") == 1);  // by this clock its hour is not over
}

TEMPLATE_TEST_CASE("a cached absence ends when it should, though the clock is set back", "[bad_input][clock]", ReadThrough,
                   WriteThrough, WriteBehind) {
    ManualTraits traits;
    using Store = joinly::Store<MemoryBackend, TestType, ManualTraits>;
    auto store = *Store::open({}, {.absence_ttl = 20ms}, traits);
    REQUIRE(store.save(player("ada", 1), {.ttl = 1h}));
    REQUIRE(store.flush());
    traits.clock.advance(1h);
    CHECK(store.template exists<Player>("ada") == false);
    traits.clock.set_wall(traits.clock.now() - 24h * 365);
    traits.clock.advance(20ms);
    CHECK(store.template exists<Player>("ada") == true);
}

// --- large values ------------------------------------------------------------------------------------------------------

SqliteBackend::Options options_of(const SqliteBackend*, const TempDir& dir) {
    return {.path = dir / "store.db", .sync = Sync::process_crash};
}
LevelDbBackend::Options options_of(const LevelDbBackend*, const TempDir& dir) {
    return {.path = dir / "store", .sync = Sync::process_crash};
}

/// A store in a directory of its own, with a clock that the test turns.
template <class Backend, class Policy>
class Durable {
public:
    using Store = joinly::Store<Backend, Policy, ManualTraits>;

    Durable() { open(); }
    Store* operator->() { return &*store_; }

    void reopen() {
        REQUIRE(store_->close());
        store_.reset();
        open();
    }
    ManualTraits traits;

private:
    void open() {
        auto opened = Store::open(options_of(static_cast<const Backend*>(nullptr), dir_), {}, traits);
        INFO((opened ? "" : std::string{opened.error().message()}));
        REQUIRE(opened);
        store_.emplace(std::move(*opened));
    }
    TempDir dir_;
    std::optional<Store> store_;
};
using SqliteWriteThrough = Durable<SqliteBackend, WriteThrough>;
using SqliteWriteBehind = Durable<SqliteBackend, WriteBehind>;
using LevelDbWriteThrough = Durable<LevelDbBackend, WriteThrough>;
using LevelDbWriteBehind = Durable<LevelDbBackend, WriteBehind>;

Player large_player() {
    Player large = player("ada", 7);
    large.username.assign(64U << 20U, 'v');
    return large;
}

TEMPLATE_TEST_CASE("an entity of 64 MiB comes back whole", "[bad_input][large]", SqliteWriteThrough, LevelDbWriteBehind) {
    TestType store;
    const Player large = large_player();
    REQUIRE(store->save(large));
    REQUIRE(store->save(player("bob", 1)));
    store.reopen();
    const auto loaded = store->template load<Player>("ada");
    REQUIRE(loaded);
    CHECK((**loaded == large));  // in parentheses, so that nobody prints it
    CHECK((*store->template load<Player>("bob"))->skill_rating == 1);
}

JOINLY_EACH_POLICY("an entity of 64 MiB comes back whole from memory", "[large]") {
    InMemory<TestType> memory;
    const Player large = large_player();
    REQUIRE(memory.store.save(large));
    REQUIRE(memory.store.flush());
    const auto loaded = memory.store.template load<Player>("ada");
    REQUIRE(loaded);
    CHECK((**loaded == large));
}

WriteBehindOptions options_with_journal(const TempDir& dir) {
    WriteBehindOptions options{.drive = Drive::caller};
    options.journal = {.path = dir / "journal", .segment_bytes = std::size_t{1} << 20};
    return options;
}

TEST_CASE("an entity of 64 MiB comes back whole from a journal", "[bad_input][large]") {
    const TempDir dir;
    const Player large = large_player();
    {
        auto store = *joinly::open<MemoryBackend, WriteBehind>({}, options_with_journal(dir));
        REQUIRE(store.save(large));
        REQUIRE(store.save(player("bob", 1)));
    }
    auto store = *joinly::open<MemoryBackend, WriteBehind>({}, options_with_journal(dir));  // it has nothing but the journal
    const auto loaded = store.load<Player>("ada");
    REQUIRE(loaded);
    CHECK((**loaded == large));
    CHECK((*store.load<Player>("bob"))->skill_rating == 1);
}

TEST_CASE("an entity that is larger than its journal may become is refused, and what was there stays", "[bad_input][large]") {
    const TempDir dir;
    auto options = options_with_journal(dir);
    options.journal.limit_bytes = std::size_t{32} << 20;
    auto store = *joinly::open<MemoryBackend, WriteBehind>({}, options);
    REQUIRE(store.save(player("ada", 1)));
    const auto refused = store.save(large_player()).error();
    CHECK(refused == Errc::invalid_argument);
    CHECK(std::string{refused.message()}.find("is more than the journal's limit of 33554432") != std::string::npos);
    CHECK((*store.load<Player>("ada"))->skill_rating == 1);
    REQUIRE(store.save(player("ada", 2)));
    REQUIRE(store.flush());
    CHECK((*store.load<Player>("ada"))->skill_rating == 2);
}

TEST_CASE("an entity that is larger than what may be pending is taken when nothing is", "[bad_input][large]") {
    auto store = *joinly::open<MemoryBackend, WriteBehind>({}, {.pending_limit_bytes = 1U << 20U, .drive = Drive::caller});
    REQUIRE(store.save(player("bob", 1)));
    CHECK(store.save(large_player()).error() == Errc::full);
    REQUIRE(store.flush());
    REQUIRE(store.save(large_player()));
    REQUIRE(store.flush());
    CHECK((*store.load<Player>("ada"))->skill_rating == 7);
}

// --- clocks that jump --------------------------------------------------------------------------------------------------

/// Records with all sorts of ends, under a clock that jumps up to two years both ways, the store reopened in between.
TEMPLATE_TEST_CASE("a clock that jumps by years loses nothing that lives and returns nothing that has expired",
                   "[bad_input][clock]", SqliteWriteThrough, SqliteWriteBehind, LevelDbWriteThrough, LevelDbWriteBehind) {
    TestType store;
    const std::uint64_t seed = joinly::test::setting("JOINLY_SEED", std::random_device{}());
    INFO("JOINLY_SEED=" << seed);
    std::mt19937_64 random{seed};
    const auto up_to = [&](std::chrono::milliseconds longest) {
        return std::chrono::milliseconds{1 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(longest.count()))};
    };
    std::map<std::string, joinly::Expiry> ends;
    const std::uint64_t jumps = joinly::test::setting("JOINLY_CLOCK_JUMPS", 30);
    std::uint64_t wrong = 0;
    for (std::uint64_t jump = 0; jump < jumps; ++jump) {
        for (int i = 0; i < 4; ++i) {
            const std::string id = std::to_string(random() % 40);
            const std::optional<Ttl> ttl = random() % 8 == 0 ? std::nullopt : std::optional<Ttl>{up_to(24h * 730)};
            REQUIRE(store->save(player(id), {.ttl = ttl}));
            ends[id] = ttl ? *joinly::Expiry::after(store.traits.clock.now(), *ttl) : joinly::Expiry{};
        }
        const auto by = up_to(24h * 365);
        store.traits.clock.set_wall(store.traits.clock.now() + (random() % 2 == 0 ? by : -by));
        if (random() % 2 == 0) store.reopen();
        std::vector<std::string> living;
        for (const auto& [id, end] : ends) {
            const bool lives = !end.has_passed(store.traits.clock.now());
            if (lives) living.push_back(id);
            if (store->template exists<Player>(id) != lives) ++wrong;
        }
        if (store->template ids<Player>() != living) ++wrong;
    }
    CHECK(wrong == 0);
}

#undef JOINLY_EACH_POLICY

}  // namespace
