// What a query by index promises where builds that do not know the index write to the same file, as they do while a new build is
// rolled out: it finds everything, or it is `incompatible`. Two stores in one process are two processes to SQLite.
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/dump.hpp>
#include <joinly/store.hpp>

#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace game {

template <int build>
struct Guild {
    std::string guild_id;
    std::string name;
    std::int32_t trophies = 0;
};
using FirstGuild = Guild<1>;   // without an index
using SecondGuild = Guild<2>;  // with its first
using ThirdGuild = Guild<3>;   // with another

}  // namespace game

template <int build>
struct joinly::Entity<game::Guild<build>> {
    static constexpr std::string_view kind = "guild";
    static constexpr auto& id(auto& guild) { return guild.guild_id; }
    static constexpr void fields(auto& guild, auto&& field) {
        field(1, "guild_id", guild.guild_id);
        if constexpr (build < 2) {
            field(2, "name", guild.name);
        } else {
            field(2, "name", guild.name, joinly::indexed);
        }
        if constexpr (build < 3) {
            field(3, "trophies", guild.trophies);
        } else {
            field(3, "trophies", guild.trophies, joinly::indexed);
        }
    }
};

namespace {

using namespace std::chrono_literals;
using game::FirstGuild;
using game::SecondGuild;
using game::ThirdGuild;
using joinly::Errc;
using joinly::NoCache;
using joinly::Query;
using joinly::ReadThrough;
using joinly::SqliteBackend;
using joinly::Status;
using joinly::where;
using joinly::WriteThrough;
using joinly::test::TempDir;
using Ids = std::vector<std::string>;

template <class Guild>
Guild guild(std::string id, std::int32_t trophies) {
    std::string name = "name of " + id;
    return {std::move(id), std::move(name), trophies};
}

/// Everything, by the newest index that Guild has.
template <class Guild>
Query<Guild> by_newest_index() {
    if constexpr (std::is_same_v<Guild, ThirdGuild>) {
        return where(&Guild::trophies);
    } else {
        return where(&Guild::name);
    }
}
template <class Guild>
constexpr std::string_view newest_index = std::is_same_v<Guild, ThirdGuild> ? "trophies" : "name";

template <class Policy>
using OnSqlite = joinly::Store<SqliteBackend, Policy, joinly::ManualTraits>;

template <class Policy>
OnSqlite<Policy> open_on(const std::string& path, const joinly::ManualTraits& traits) {
    joinly::SqliteOptions options;
    options.path = path;
    options.sync = joinly::Sync::process_crash;
    options.busy_timeout = 20s;
    return *OnSqlite<Policy>::open(options, {}, traits);
}

/// A store of a build, and another one on the same file: a process of a newer build.
template <class Policy>
struct Shared {
    TempDir dir;
    joinly::ManualTraits traits;
    OnSqlite<Policy> older = open_on<Policy>(dir / "db", traits);
    OnSqlite<Policy> newer = open_on<Policy>(dir / "db", traits);
};

template <class Store>
struct NamedWrite {
    std::string_view name;
    std::function<bool(Store&)> made_on;
};

/// What a store may do to guild:a and guild:b.
template <class Guild, class Store>
std::vector<NamedWrite<Store>> writes() {
    const auto in_transaction = [](auto work) { return [work](Store& store) { return store.transaction(work).has_value(); }; };
    return {
        {"save", [](Store& store) { return store.save(guild<Guild>("c", 3)).has_value(); }},
        {"save over", [](Store& store) { return store.save(guild<Guild>("a", 10)).has_value(); }},
        {"save with a ttl", [](Store& store) { return store.save(guild<Guild>("c", 3), {.ttl = 1h}).has_value(); }},
        {"save_many",
         [](Store& store) {
             return store.save_many(std::vector<Guild>{guild<Guild>("b", 20), guild<Guild>("c", 3)}).has_value();
         }},
        {"update", [](Store& store) { return store.template update<Guild>("a", [](Guild& a) { a.trophies = 10; }).has_value(); }},
        {"erase", [](Store& store) { return store.template erase<Guild>("a").has_value(); }},
        {"touch", [](Store& store) { return store.template touch<Guild>("a", 1h).has_value(); }},
        {"a transaction's save", in_transaction([](auto& tx) -> Status { return tx.save(guild<Guild>("c", 3)); })},
        {"a transaction's erase", in_transaction([](auto& tx) -> Status { return tx.template erase<Guild>("a"); })},
        {"a transaction's update",
         in_transaction([](auto& tx) -> Status { return tx.template update<Guild>("a", [](Guild& a) { a.trophies = 10; }); })},
    };
}

template <class Guild, class Store>
void check_answers(Store& store, const Ids& expected) {
    const auto found = store.template find_ids<Guild>(by_newest_index<Guild>());
    INFO((found ? "" : std::string{found.error().message()}));
    REQUIRE(found);
    Ids ids = found->ids;
    std::sort(ids.begin(), ids.end());
    CHECK(ids == expected);
    CHECK(store.template verify_indexes<Guild>());
}

/// `incompatible`, which names the index; and all is well once it has been built again.
template <class Guild, class Store>
void check_must_be_built(Store& store) {
    const auto refused = store.template find_ids<Guild>(by_newest_index<Guild>());
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::incompatible);
    CHECK(refused.error().message().find(newest_index<Guild>) != std::string_view::npos);
    REQUIRE(store.template rebuild_indexes<Guild>());
    check_answers<Guild>(store, *store.template ids<Guild>());
}

template <class Policy>
struct FirstIndex {
    using CachePolicy = Policy;
    using Older = FirstGuild;
    using Newer = SecondGuild;
};
template <class Policy>
struct FurtherIndex {
    using CachePolicy = Policy;
    using Older = SecondGuild;
    using Newer = ThirdGuild;
};

#define JOINLY_EACH_ROLLOUT(name)                                                                                                \
    TEMPLATE_TEST_CASE(name, "[policy][foreign][index]", FirstIndex<NoCache>, FirstIndex<ReadThrough>, FirstIndex<WriteThrough>, \
                       FurtherIndex<NoCache>, FurtherIndex<ReadThrough>, FurtherIndex<WriteThrough>)

JOINLY_EACH_ROLLOUT("an index that another process has built does not miss what an older build writes afterwards") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    using Store = OnSqlite<typename TestType::CachePolicy>;
    for (const auto& write : writes<Older, Store>()) {
        INFO(write.name);
        Shared<typename TestType::CachePolicy> shared;
        REQUIRE(shared.older.save_many(std::vector<Older>{guild<Older>("a", 1), guild<Older>("b", 2)}));
        REQUIRE(shared.newer.template rebuild_indexes<Newer>());
        check_answers<Newer>(shared.newer, {"a", "b"});
        REQUIRE(write.made_on(shared.older));
        check_must_be_built<Newer>(shared.newer);
    }
}

JOINLY_EACH_ROLLOUT("an index that came with a kind's first record does not miss what an older build writes afterwards") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    Shared<typename TestType::CachePolicy> shared;
    REQUIRE(shared.older.template erase<Older>("nobody"));
    REQUIRE(shared.newer.template save(guild<Newer>("a", 1)));
    check_answers<Newer>(shared.newer, {"a"});
    REQUIRE(shared.older.save(guild<Older>("b", 2)));
    check_must_be_built<Newer>(shared.newer);
}

JOINLY_EACH_ROLLOUT("what a build writes that knows the index is found, though another process has built it meanwhile") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    using Store = OnSqlite<typename TestType::CachePolicy>;
    for (const auto& write : writes<Newer, Store>()) {
        INFO(write.name);
        Shared<typename TestType::CachePolicy> shared;
        auto third = open_on<typename TestType::CachePolicy>(shared.dir / "db", shared.traits);
        REQUIRE(shared.older.save_many(std::vector<Older>{guild<Older>("a", 1), guild<Older>("b", 2)}));
        REQUIRE(third.template touch<Newer>("b", std::nullopt));
        REQUIRE(shared.newer.template rebuild_indexes<Newer>());
        REQUIRE(write.made_on(third));
        check_answers<Newer>(shared.newer, *shared.newer.template ids<Newer>());
        check_answers<Newer>(third, *shared.newer.template ids<Newer>());
        REQUIRE(shared.older.save(guild<Older>("d", 1)));  // strikes it out
        REQUIRE(write.made_on(third));
        check_must_be_built<Newer>(third);
        check_answers<Newer>(shared.newer, *shared.newer.template ids<Newer>());
    }
}

JOINLY_EACH_ROLLOUT("an expectation that is not met is a conflict, whatever has become of the indexes") {
    using Older = typename TestType::Older;
    Shared<typename TestType::CachePolicy> shared;
    REQUIRE(shared.older.save(guild<Older>("a", 1)));
    REQUIRE(shared.newer.template rebuild_indexes<typename TestType::Newer>());
    CHECK(shared.older.save(guild<Older>("a", 2), {.expect = joinly::absent}).error() == Errc::conflict);
    CHECK(shared.older.template erase<Older>("a", {.expect = 1'000}).error() == Errc::conflict);
    CHECK((*shared.older.template load<Older>("a"))->trophies == 1);
    CHECK(shared.older.save(guild<Older>("b", 2), {.expect = joinly::absent}));
}

JOINLY_EACH_ROLLOUT("a transaction is called again when an index has come after it began") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    Shared<typename TestType::CachePolicy> shared;
    REQUIRE(shared.older.save(guild<Older>("a", 1)));
    int calls = 0;
    REQUIRE(shared.older.transaction([&](auto& tx) -> Status {
        auto saved = tx.save(guild<Older>("b", 2));
        if (++calls == 1) REQUIRE(shared.newer.template rebuild_indexes<Newer>());
        return saved;
    }));
    CHECK(calls == 2);
    check_must_be_built<Newer>(shared.newer);
}

JOINLY_EACH_ROLLOUT("a rebuilding during which an older build writes is a conflict, and lists nothing") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    using Store = OnSqlite<typename TestType::CachePolicy>;
    for (const auto& write : writes<Older, Store>()) {
        INFO(write.name);
        Shared<typename TestType::CachePolicy> shared;
        REQUIRE(shared.older.save_many(std::vector<Older>{guild<Older>("a", 1), guild<Older>("b", 2)}));
        const auto rebuilt = shared.newer.template rebuild_indexes<Newer>(
            [&](const joinly::RebuildProgress&) { REQUIRE(write.made_on(shared.older)); });
        REQUIRE_FALSE(rebuilt);
        CHECK(rebuilt.error() == Errc::conflict);
        check_must_be_built<Newer>(shared.newer);
    }
}

JOINLY_EACH_ROLLOUT("a rebuilding is not disturbed by what builds write that know the index") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    using Store = OnSqlite<typename TestType::CachePolicy>;
    for (const auto& write : writes<Newer, Store>()) {
        INFO(write.name);
        Shared<typename TestType::CachePolicy> shared;
        auto third = open_on<typename TestType::CachePolicy>(shared.dir / "db", shared.traits);
        REQUIRE(shared.older.save_many(std::vector<Older>{guild<Older>("a", 1), guild<Older>("b", 2)}));
        REQUIRE(third.template touch<Newer>("b", std::nullopt));
        REQUIRE(
            shared.newer.template rebuild_indexes<Newer>([&](const joinly::RebuildProgress&) { REQUIRE(write.made_on(third)); }));
        check_answers<Newer>(shared.newer, *shared.newer.template ids<Newer>());
        check_answers<Newer>(third, *shared.newer.template ids<Newer>());
    }
}

JOINLY_EACH_ROLLOUT("a rebuilding does not trust what its store has cached of an index that another process has struck out") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    Shared<typename TestType::CachePolicy> shared;
    REQUIRE(shared.newer.save(guild<Newer>("a", 1)));
    check_answers<Newer>(shared.newer, {"a"});
    REQUIRE(shared.older.save(guild<Older>("b", 2)));
    REQUIRE(shared.newer.template rebuild_indexes<Newer>());
    check_answers<Newer>(shared.newer, {"a", "b"});
}

JOINLY_EACH_ROLLOUT("a query does not trust what its store has cached of an index that another process has struck out") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    Shared<typename TestType::CachePolicy> shared;
    REQUIRE(shared.older.save(guild<Older>("a", 1)));
    REQUIRE(shared.newer.template rebuild_indexes<Newer>());
    for (int i = 0; i < 2; ++i) check_answers<Newer>(shared.newer, {"a"});
    REQUIRE(shared.older.template update<Older>("a", [](Older& a) { a.trophies = 2; }));
    CHECK(shared.newer.template find_ids<Newer>(by_newest_index<Newer>()).error() == Errc::incompatible);
    CHECK(shared.newer.template find<Newer>(by_newest_index<Newer>(), {.build_missing_index = true})->items.size() == 1);
}

/// SqliteBackend, and somebody else has a turn before one of its calls.
class InterruptedSqlite : public SqliteBackend {
public:
    struct Turn {
        int calls_left = 0;  ///< until it is taken, counting the call that it comes before; 0: never
        std::function<void()> take;
    };
    struct Options : joinly::SqliteOptions {
        std::shared_ptr<Turn> turn;
    };
    [[nodiscard]] static joinly::Result<InterruptedSqlite> open(const Options& options) {
        return InterruptedSqlite{*SqliteBackend::open(options), options.turn};
    }

    [[nodiscard]] joinly::Result<joinly::Record> read(std::string_view key) {
        before_call();
        return SqliteBackend::read(key);
    }
    [[nodiscard]] Status scan(const joinly::KeyRange& range, joinly::ScanVisitor visit) {
        before_call();
        return SqliteBackend::scan(range, visit);
    }
    [[nodiscard]] Status follow(const joinly::KeyRange& range, joinly::EntryVisitor visit) {
        before_call();
        return SqliteBackend::follow(range, visit);
    }

private:
    InterruptedSqlite(SqliteBackend backend, std::shared_ptr<Turn> turn)
        : SqliteBackend{std::move(backend)}, turn_{std::move(turn)} {}

    void before_call() {
        if (turn_->calls_left > 0 && --turn_->calls_left == 0) turn_->take();
    }
    std::shared_ptr<Turn> turn_;
};

JOINLY_EACH_ROLLOUT("beside an older build that writes, verify_indexes says that an index must be built, and nothing of damage") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    using Policy = typename TestType::CachePolicy;
    const bool builds_again = GENERATE(false, true);
    bool is_interrupted = true;
    for (int call = 1; is_interrupted; ++call) {
        CAPTURE(call, builds_again);
        Shared<Policy> shared;
        InterruptedSqlite::Options options;
        options.path = shared.dir / "db";
        options.sync = joinly::Sync::process_crash;
        options.turn = std::make_shared<InterruptedSqlite::Turn>();
        auto verifying = *joinly::Store<InterruptedSqlite, Policy, joinly::ManualTraits>::open(options, {}, shared.traits);
        REQUIRE(shared.newer.save_many(std::vector<Newer>{guild<Newer>("a", 1), guild<Newer>("b", 2)}));
        options.turn->take = [&] {
            REQUIRE(shared.older.save_many(std::vector<Older>{guild<Older>("a", 10), guild<Older>("c", 3)}));
            REQUIRE(shared.older.template erase<Older>("b"));
            if (builds_again) REQUIRE(shared.newer.template rebuild_indexes<Newer>());
        };
        options.turn->calls_left = call;
        const Status verified = verifying.template verify_indexes<Newer>();
        is_interrupted = options.turn->calls_left == 0;
        INFO((verified ? "" : std::string{verified.error().message()}));
        if (is_interrupted && !builds_again) {
            REQUIRE_FALSE(verified);
            REQUIRE(verified.error() == Errc::incompatible);
        } else {
            REQUIRE(verified);
        }
    }
}

JOINLY_EACH_ROLLOUT("to an older build's verify_indexes, what it has no index for is no damage") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    Shared<typename TestType::CachePolicy> shared;
    REQUIRE(shared.newer.save_many(std::vector<Newer>{guild<Newer>("a", 1), guild<Newer>("b", 2)}));
    CHECK(shared.older.template verify_indexes<Older>());
    for (const auto& write : writes<Older, OnSqlite<typename TestType::CachePolicy>>()) {
        INFO(write.name);
        REQUIRE(write.made_on(shared.older));
        CHECK(shared.older.template verify_indexes<Older>());
        REQUIRE(shared.newer.template rebuild_indexes<Newer>());
        REQUIRE(shared.newer.save_many(std::vector<Newer>{guild<Newer>("a", 1), guild<Newer>("b", 2)}));
    }
}

JOINLY_EACH_ROLLOUT("what an older build has left of a kind that it has emptied does not get into an answer") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    Shared<typename TestType::CachePolicy> shared;
    REQUIRE(shared.newer.save(guild<Newer>("a", 1)));
    REQUIRE(shared.older.save(guild<Older>("a", 10)));
    REQUIRE(shared.older.template erase<Older>("a"));
    CHECK(shared.newer.template find_ids<Newer>(by_newest_index<Newer>())->ids.empty());
    REQUIRE(shared.newer.save(guild<Newer>("b", 2)));
    const auto found = shared.newer.template find_ids<Newer>(by_newest_index<Newer>());
    if (found) {
        CHECK(found->ids == Ids{"b"});
    } else {
        CHECK(found.error() == Errc::incompatible);
    }
    REQUIRE(shared.newer.template rebuild_indexes<Newer>());
    check_answers<Newer>(shared.newer, {"b"});
}

TEST_CASE("a load of a dump ends when an index has come that the records would be missing from", "[policy][foreign][index]") {
    Shared<NoCache> shared;
    REQUIRE(shared.older.save(guild<FirstGuild>("a", 1)));
    std::vector<std::string> dump;
    REQUIRE(joinly::dump(shared.older, [&](std::string_view line) -> Status {
        dump.emplace_back(line);
        return {};
    }));
    REQUIRE(shared.older.erase<FirstGuild>("a"));
    REQUIRE(shared.older.save(guild<FirstGuild>("b", 2)));
    std::size_t given = 0;
    const auto loaded = joinly::load_dump(shared.older, [&](std::string& line) -> joinly::Result<bool> {
        if (given == dump.size()) {
            REQUIRE(shared.newer.rebuild_indexes<SecondGuild>());
            return false;
        }
        line = dump[given++];
        return true;
    });
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error() == Errc::conflict);
    check_answers<SecondGuild>(shared.newer, {"b"});
}

JOINLY_EACH_ROLLOUT("beside older builds that write and newer ones that build, every answer is whole") {
    using Older = typename TestType::Older;
    using Newer = typename TestType::Newer;
    constexpr std::size_t guilds = 12;
    Shared<typename TestType::CachePolicy> shared;
    std::vector<Older> all;
    for (std::size_t i = 0; i < guilds; ++i) all.push_back(guild<Older>("g" + std::to_string(i), 0));
    REQUIRE(shared.older.save_many(all));
    std::atomic<bool> ends{false};
    std::atomic<int> refused{0};
    const auto older_build = [&](std::size_t first) {
        for (std::size_t i = first; !ends; ++i) {
            auto saved = i % 3 == 0 ? shared.older.template update<Older>(all[i % guilds].guild_id, [](Older& g) { ++g.trophies; })
                                    : shared.older.save(all[i % guilds]);
            if (!saved) ++refused;
            if (i % 8 == 0) std::this_thread::sleep_for(1ms);  // or nothing is ever built
        }
    };
    std::thread one{older_build, 0};
    std::thread other{older_build, 5};
    int whole = 0;
    std::string wrong;
    for (int i = 0; i < 5'000 && whole < 20 && wrong.empty(); ++i) {
        const auto found = shared.newer.template find_ids<Newer>(by_newest_index<Newer>(), {.build_missing_index = true});
        if (found) {
            ++whole;
            if (found->ids.size() != guilds) wrong = "found " + std::to_string(found->ids.size());
        } else if (found.error() != Errc::incompatible && found.error() != Errc::conflict) {
            wrong = found.error().message();
        }
    }
    ends = true;
    one.join();
    other.join();
    CHECK(wrong == "");
    CHECK(whole > 0);
    CHECK(refused == 0);
}

}  // namespace
