// What queries by index promise over every backend and under every policy, one test each. To be included as store_suite.hpp.
#ifndef JOINLY_TESTED_BACKEND
#error "define JOINLY_TESTED_BACKEND before including this"
#endif

#include <joinly/cache/lru.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/opened_store.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace game {

struct Guild {
    std::string guild_id;
    std::string name;
    std::string region;
    std::int32_t trophies = 0;
    double strength = 0;

    friend bool operator==(const Guild&, const Guild&) = default;
};

/// The same, as a build had it that did not know of indexes.
struct OldGuild {
    std::string guild_id;
    std::string name;
    std::string region;
    std::int32_t trophies = 0;
};

}  // namespace game

template <>
struct joinly::Entity<game::OldGuild> {
    static constexpr std::string_view kind = "guild";
    static constexpr auto& id(auto& guild) { return guild.guild_id; }
    static constexpr void fields(auto& guild, auto&& field) {
        field(1, "guild_id", guild.guild_id);
        field(2, "name", guild.name);
        field(3, "region", guild.region);
        field(4, "trophies", guild.trophies);
    }
};

template <>
struct joinly::Entity<game::Guild> {
    static constexpr std::string_view kind = "guild";
    static constexpr auto& id(auto& guild) { return guild.guild_id; }
    static constexpr void fields(auto& guild, auto&& field) {
        field(1, "guild_id", guild.guild_id);
        field(2, "name", guild.name, joinly::indexed);
        field(3, "region", guild.region);
        field(4, "trophies", guild.trophies, joinly::indexed);
        field(5, "strength", guild.strength, joinly::indexed);
    }
    static constexpr void indexes(auto& guild, auto&& index) { index(1000, "region_trophies", guild.region, guild.trophies); }
};

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using game::Guild;
using game::OldGuild;
using joinly::Errc;
using joinly::NoCache;
using joinly::Query;
using joinly::ReadThrough;
using joinly::Status;
using joinly::where;
using joinly::WriteBehind;
using joinly::WriteThrough;
using joinly::test::JournalledWriteBehind;
using Ids = std::vector<std::string>;

template <class Policy>
using Fixture = joinly::test::OpenedStore<JOINLY_TESTED_BACKEND, Policy>;

Guild guild(std::string id, std::int32_t trophies, std::string region = "eu") {
    Guild guild;
    guild.name = "name of " + id;
    guild.guild_id = std::move(id);
    guild.region = std::move(region);
    guild.trophies = trophies;
    return guild;
}

template <class Store>
Ids found(Store& store, const Query<Guild>& query) {
    const auto page = store.template find_ids<Guild>(query);
    INFO((page ? "" : std::string{page.error().message()}));
    REQUIRE(page);
    return page->ids;
}

#define JOINLY_EACH_POLICY(name) \
    TEMPLATE_TEST_CASE(name, "[find][conformance]", NoCache, ReadThrough, WriteThrough, WriteBehind, JournalledWriteBehind)

JOINLY_EACH_POLICY("entities are found by a range of an indexed field, in its order") {
    Fixture<TestType> store;
    for (const auto& each : {guild("a", 30), guild("b", -10), guild("c", 20), guild("d", 10)}) REQUIRE(store->save(each));
    CHECK(found(*store, where(&Guild::trophies).between(10, 20)) == Ids{"d", "c"});
    CHECK(found(*store, where(&Guild::trophies)) == Ids{"b", "d", "c", "a"});
    CHECK(found(*store, where(&Guild::trophies).descending().limit(2)) == Ids{"a", "c"});
    CHECK(found(*store, where(&Guild::trophies).less_than(10)) == Ids{"b"});
    CHECK(found(*store, where(&Guild::trophies).equals(20)) == Ids{"c"});
    CHECK(found(*store, where(&Guild::trophies).between(20, 10)).empty());
    CHECK(found(*store, where(&Guild::trophies).limit(0)).empty());
}

JOINLY_EACH_POLICY("what is found is whole, with its version") {
    Fixture<TestType> store;
    const auto version = store->save(guild("a", 30));
    const auto page = store->template find<Guild>(where(&Guild::trophies).equals(30));
    REQUIRE(page);
    REQUIRE(page->items.size() == 1);
    CHECK(*page->items[0] == guild("a", 30));
    CHECK(page->items[0].version() == *version);
    CHECK(page->cursor.empty());
}

JOINLY_EACH_POLICY("entities are found by a prefix of a string, and by two fields") {
    Fixture<TestType> store;
    for (const auto& each : {guild("owl", 1, "eu"), guild("owls", 2, "eu"), guild("cat", 3, "us"), guild("o", 4, "us")})
        REQUIRE(store->save(each));
    CHECK(found(*store, where(&Guild::name).starts_with("name of ow")) == Ids{"owl", "owls"});
    CHECK(found(*store, where(&Guild::region, &Guild::trophies).equals("us").at_least(4)) == Ids{"o"});
    CHECK(found(*store, where(&Guild::region, &Guild::trophies).equals("eu").descending()) == Ids{"owls", "owl"});
}

JOINLY_EACH_POLICY("an index follows its entities through changes, erasing and raw writes") {
    Fixture<TestType> store;
    REQUIRE(store->save(guild("a", 1)));
    REQUIRE(store->save(guild("b", 2)));
    REQUIRE(store->flush());
    REQUIRE(store->template update<Guild>("a", [](Guild& each) { each.trophies = 3; }));
    CHECK(found(*store, where(&Guild::trophies)) == Ids{"b", "a"});
    REQUIRE(store->template erase<Guild>("b"));
    CHECK(found(*store, where(&Guild::trophies)) == Ids{"a"});
    REQUIRE(store->erase_key("guild:a"));
    CHECK(found(*store, where(&Guild::trophies)).empty());
    REQUIRE(store->flush());
    CHECK(found(*store, where(&Guild::trophies)).empty());
    CHECK(found(*store, where(&Guild::name)).empty());
}

JOINLY_EACH_POLICY("a refused save leaves the index as it was") {
    Fixture<TestType> store;
    REQUIRE(store->save(guild("a", 1)));
    CHECK(store->save(guild("a", 2), {.expect = joinly::absent}).error() == Errc::conflict);
    Guild broken = guild("a", 3);
    broken.strength = std::numeric_limits<double>::quiet_NaN();
    const auto refused = store->save(broken);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(std::string{refused.error().message()}.find("strength") != std::string::npos);
    CHECK(found(*store, where(&Guild::trophies)) == Ids{"a"});
    CHECK(found(*store, where(&Guild::trophies).equals(1)) == Ids{"a"});
}

JOINLY_EACH_POLICY("what has expired is not found") {
    Fixture<TestType> store;
    REQUIRE(store->save(guild("a", 1), {.ttl = 10s}));
    REQUIRE(store->save(guild("b", 2)));
    REQUIRE(store->flush());
    REQUIRE(store->save(guild("c", 3), {.ttl = 10s}));
    store.traits.clock.advance(10s);
    CHECK(found(*store, where(&Guild::trophies)) == Ids{"b"});
}

JOINLY_EACH_POLICY("pages follow each other, whatever is written in between") {
    Fixture<TestType> store;
    for (int i = 0; i < 10; ++i) REQUIRE(store->save(guild(std::string(1, static_cast<char>('a' + i)), i)));
    const auto query = where(&Guild::trophies).at_least(0).limit(4);
    const auto first = store->template find_ids<Guild>(query);
    REQUIRE(first);
    CHECK(first->ids == Ids{"a", "b", "c", "d"});
    REQUIRE_FALSE(first->cursor.empty());

    REQUIRE(store->template erase<Guild>("d"));
    REQUIRE(store->save(guild("aa", 0)));
    REQUIRE(store->save(guild("ff", 5)));
    const auto second = store->template find_ids<Guild>(query.after(first->cursor));
    REQUIRE(second);
    CHECK(second->ids == Ids{"e", "f", "ff", "g"});
    const auto third = store->template find_ids<Guild>(query.after(second->cursor));
    REQUIRE(third);
    CHECK(third->ids == Ids{"h", "i", "j"});
    CHECK(third->cursor.empty());
}

JOINLY_EACH_POLICY("a cursor is refused by another query, and when it is damaged") {
    Fixture<TestType> store;
    for (int i = 0; i < 4; ++i) REQUIRE(store->save(guild(std::to_string(i), i)));
    const auto page = store->template find_ids<Guild>(where(&Guild::trophies).limit(2));
    REQUIRE(page);
    const auto refused = [&](const Query<Guild>& query) {
        return store->template find_ids<Guild>(query).error() == Errc::invalid_argument;
    };
    CHECK(refused(where(&Guild::name).limit(2).after(page->cursor)));
    CHECK(refused(where(&Guild::trophies).descending().after(page->cursor)));
    CHECK(refused(where(&Guild::trophies).after("0" + page->cursor)));
    CHECK(refused(where(&Guild::trophies).after("nonsense")));
}

JOINLY_EACH_POLICY("a transaction finds what it has written, and is tried again when what it asked for changes") {
    Fixture<TestType> store;
    REQUIRE(store->save(guild("a", 1)));
    REQUIRE(store->save(guild("b", 2)));
    int tries = 0;
    Ids seen;
    const auto run = [&](auto meanwhile) {
        tries = 0;
        REQUIRE(store->transaction([&](auto& tx) -> Status {
            (void)tx.save(guild("own", 15));
            auto page = tx.template find_ids<Guild>(where(&Guild::trophies).between(1, 20));
            if (!page) return joinly::failure(page.error());
            seen = page->ids;
            if (++tries == 1) meanwhile();
            return {};
        }));
    };
    run([] {});
    CHECK(tries == 1);
    CHECK(seen == Ids{"a", "b", "own"});
    run([&] { REQUIRE(store->save(guild("c", 3))); });  // a phantom
    CHECK(tries == 2);
    CHECK(seen == Ids{"a", "b", "c", "own"});
    run([&] { REQUIRE(store->save(guild("d", 100))); });
    CHECK(tries == 1);
    run([&] { REQUIRE(store->save(guild("b", 100))); });
    CHECK(tries == 2);
    CHECK(seen == Ids{"a", "c", "own"});
    run([&] { REQUIRE(store->template erase<Guild>("a")); });
    CHECK(tries == 2);
    run([&] { REQUIRE(store->save(guild("d", 4))); });
    CHECK(tries == 2);
    CHECK(seen == Ids{"c", "d", "own"});
}

JOINLY_EACH_POLICY("a transaction's page does not answer for what lies behind it") {
    Fixture<TestType> store;
    for (int i = 0; i < 6; ++i) REQUIRE(store->save(guild(std::to_string(i), i * 10)));
    int tries = 0;
    const auto run = [&](std::int32_t trophies) {
        tries = 0;
        REQUIRE(store->transaction([&](auto& tx) -> Status {
            (void)tx.template find_ids<Guild>(where(&Guild::trophies).descending().limit(2));
            if (++tries == 1) REQUIRE(store->save(guild("late", trophies)));
            return tx.save(guild("own", -1));
        }));
        return tries;
    };
    CHECK(run(5) == 1);
    CHECK(run(45) == 2);
}

JOINLY_EACH_POLICY("a transaction that found nothing of a kind is tried again when the kind has begun meanwhile") {
    Fixture<TestType> store;
    int tries = 0;
    REQUIRE(store->transaction([&](auto& tx) -> Status {
        const auto page = tx.find_ids(where(&Guild::trophies).ascending());
        if (!page) return joinly::failure(page.error());
        if (++tries == 1) REQUIRE(store->save(guild("first", 1)));
        return tx.save(guild("own", 2));
    }));
    CHECK(tries == 2);
    CHECK(found(*store, where(&Guild::trophies)) == Ids{"first", "own"});
}

OldGuild old_guild(std::string id, std::int32_t trophies) { return {std::move(id), "old", "eu", trophies}; }

JOINLY_EACH_POLICY("an index that does not cover what is stored is incompatible, until it has been built") {
    Fixture<TestType> store;
    REQUIRE(store->save(old_guild("a", 2)));
    REQUIRE(store->save(old_guild("b", 1)));
    const auto refused = store->template find_ids<Guild>(where(&Guild::trophies));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::incompatible);
    CHECK(std::string{refused.error().message()}.find("trophies") != std::string::npos);
    REQUIRE(store->save(guild("c", 3)));  // in the index; the others still are not
    CHECK(store->template find_ids<Guild>(where(&Guild::trophies)).error() == Errc::incompatible);

    std::size_t calls = 0;
    const auto rebuilt = store->template rebuild_indexes<Guild>([&](const joinly::RebuildProgress&) { ++calls; });
    REQUIRE(rebuilt);
    CHECK(rebuilt->seen == 3);
    CHECK(rebuilt->rewritten == 2);
    CHECK(calls == 1);
    CHECK(found(*store, where(&Guild::trophies)) == Ids{"b", "a", "c"});
    CHECK(store->template verify_indexes<Guild>());
    CHECK(store->template rebuild_indexes<Guild>()->rewritten == 0);
}

JOINLY_EACH_POLICY("a record that an index has no place for is named when indexes are built") {
    Fixture<TestType> store;
    OldGuild unfit = old_guild("b", 1);
    unfit.name = std::string(joinly::max_index_term_bytes, 'x');
    REQUIRE(store->save(old_guild("a", 2)));
    REQUIRE(store->save(unfit));
    const auto rebuilt = store->template rebuild_indexes<Guild>();
    REQUIRE_FALSE(rebuilt);
    CHECK(rebuilt.error() == Errc::invalid_argument);
    CHECK(std::string{rebuilt.error().message()}.find("guild:b") != std::string::npos);
    CHECK(store->template find_ids<Guild>(where(&Guild::trophies)).error() == Errc::incompatible);
    CHECK(store->template verify_indexes<Guild>().error() == Errc::incompatible);

    REQUIRE(store->save(old_guild("b", 1)));
    REQUIRE(store->template rebuild_indexes<Guild>());
    CHECK(found(*store, where(&Guild::trophies)) == Ids{"b", "a"});
}

JOINLY_EACH_POLICY("an index that has not been built is incompatible to verify_indexes, and not corrupt") {
    Fixture<TestType> store;
    REQUIRE(store->save(old_guild("a", 2)));
    const auto verified = store->template verify_indexes<Guild>();
    REQUIRE_FALSE(verified);
    CHECK(verified.error() == Errc::incompatible);
    CHECK(std::string{verified.error().message()}.find("rebuild_indexes") != std::string::npos);
    REQUIRE(store->template rebuild_indexes<Guild>());
    CHECK(store->template verify_indexes<Guild>());
}

JOINLY_EACH_POLICY("indexes are built of any number of records, with progress") {
    Fixture<TestType> store;
    std::vector<OldGuild> old;
    for (int i = 0; i < 600; ++i) old.push_back(old_guild(std::to_string(i), i));
    REQUIRE(store->save_many(old));
    std::vector<std::size_t> seen;
    const auto built =
        store->template rebuild_indexes<Guild>([&](const joinly::RebuildProgress& progress) { seen.push_back(progress.seen); });
    REQUIRE(built);
    CHECK(seen == std::vector<std::size_t>{256, 512, 600});
    CHECK(built->rewritten == 600);
    CHECK(found(*store, where(&Guild::trophies)).size() == 600);
}

JOINLY_EACH_POLICY("a rebuilding leaves alone what has expired and was not swept") {
    Fixture<TestType> store;
    REQUIRE(store->save(guild("a", 1), {.ttl = 10s}));
    REQUIRE(store->flush());
    store.traits.clock.advance(10s);
    REQUIRE(store->template rebuild_indexes<Guild>());
    std::size_t entries = 0;
    REQUIRE(store->backend().follow(joinly::detail::entries_of("guild"),
                                    [&](std::string_view, std::string_view, const joinly::RecordView&) { return ++entries != 0; }));
    CHECK(entries == 4);
}

JOINLY_EACH_POLICY("a query can have the index built that it needs") {
    Fixture<TestType> store;
    REQUIRE(store->save(old_guild("a", 2)));
    const auto page = store->template find_ids<Guild>(where(&Guild::trophies), {.build_missing_index = true});
    REQUIRE(page);
    CHECK(page->ids == Ids{"a"});
}

JOINLY_EACH_POLICY("a program that does not know an index does not make it answer wrongly") {
    const bool stored = GENERATE(false, true);
    Fixture<TestType> store;
    for (const auto& each : {guild("a", 1), guild("b", 2), guild("c", 3)}) REQUIRE(store->save(each));
    CHECK(found(*store, where(&Guild::trophies)).size() == 3);
    for (int round = 0; round < 2; ++round) {
        REQUIRE(store->save(old_guild("a", 10 + round)));
        REQUIRE(store->template erase<OldGuild>("b"));
        if (stored) REQUIRE(store->flush());
        CHECK(store->template find_ids<Guild>(where(&Guild::trophies)).error() == Errc::incompatible);
        REQUIRE(store->template rebuild_indexes<Guild>());
        CHECK(found(*store, where(&Guild::trophies)) == Ids{"c", "a"});
        CHECK(found(*store, where(&Guild::name).equals("old")) == Ids{"a"});
        CHECK(store->template verify_indexes<Guild>());
    }
}

JOINLY_EACH_POLICY("an index covers what had expired when it was built, for a clock that is set back brings it back") {
    Fixture<TestType> store;
    const joinly::WallTime begin = store.traits.clock.now();
    REQUIRE(store->save(old_guild("passing", 1), {.ttl = 1s}));
    REQUIRE(store->flush());
    store.traits.clock.advance(2s);
    REQUIRE(store->save(guild("b", 2)));
    CHECK(store->template find_ids<Guild>(where(&Guild::trophies)).error() == Errc::incompatible);
    REQUIRE(store->template rebuild_indexes<Guild>());
    CHECK(found(*store, where(&Guild::trophies)) == Ids{"b"});
    store.traits.clock.set_wall(begin);
    CHECK(found(*store, where(&Guild::trophies)) == Ids{"passing", "b"});
    CHECK(store->template verify_indexes<Guild>());
}

/// Runs something at one of the moments at which the store asks for the time.
struct InterruptingClock {
    [[nodiscard]] joinly::WallTime now() const {
        const joinly::WallTime time = clock.now();
        if (interruption->calls_left > 0 && --interruption->calls_left == 0) interruption->run();
        return time;
    }
    [[nodiscard]] std::chrono::nanoseconds monotonic() const { return clock.monotonic(); }

    struct Interruption {
        int calls_left = 0;
        std::function<void()> run;
    };
    joinly::ManualClock clock;
    std::shared_ptr<Interruption> interruption = std::make_shared<Interruption>();
};
struct InterruptedTraits {
    using Codec = joinly::Binary;
    using Eviction = joinly::Lru;
    using Clock = InterruptingClock;
    Clock clock;
};

// Not under WriteBehind, which asks for the time while it holds its lock.
TEMPLATE_TEST_CASE("what has expired is not found beside what was saved because of that", "[find][conformance]", NoCache,
                   ReadThrough, WriteThrough) {
    using Subject = JOINLY_TESTED_BACKEND;
    const bool within_transaction = GENERATE(false, true);
    for (int call = 1; call < 12; ++call) {
        joinly::test::TempDir dir;
        InterruptedTraits traits;
        auto store =
            *joinly::Store<typename Subject::Backend, TestType, InterruptedTraits>::open(Subject::options(dir), {}, traits);
        REQUIRE(store.save(guild("first", 1), {.ttl = 1s}));
        REQUIRE(store.flush());
        auto& interruption = *traits.clock.interruption;
        interruption.run = [&] {
            traits.clock.clock.advance(1s);
            REQUIRE(store.save(guild("second", 2)));
        };
        interruption.calls_left = call;
        const auto query = where(&Guild::trophies).ascending();
        joinly::Result<joinly::FoundIds> page;
        if (within_transaction) {
            REQUIRE(store.transaction([&](auto& tx) -> Status {
                page = tx.find_ids(query);
                return page ? Status{} : Status{joinly::failure(page.error())};
            }));
        } else {
            page = store.find_ids(query);
        }
        CAPTURE(call);
        REQUIRE(page);
        CHECK(page->ids.size() <= 1);
    }
}

JOINLY_EACH_POLICY("raw bytes cannot be put where an index would not find them") {
    Fixture<TestType> store;
    REQUIRE(store->put("guild:raw", ""));
    REQUIRE(store->erase_key("guild:raw"));
    REQUIRE(store->save(guild("a", 1)));
    CHECK(store->put("guild:raw", "").error() == Errc::invalid_argument);
    CHECK(store->put("guild", ""));
}

JOINLY_EACH_POLICY("an index that lacks an entry is found by verify_indexes") {
    Fixture<TestType> store;
    REQUIRE(store->save(guild("a", 1)));
    REQUIRE(store->flush());
    CHECK(store->template verify_indexes<Guild>());
    std::vector<std::string> entries;
    REQUIRE(store->backend().scan(joinly::KeyRange::prefix("\0i"s), [&](std::string_view key, const joinly::RecordView&) {
        entries.emplace_back(key);
        return true;
    }));
    REQUIRE(entries.size() == 4);
    REQUIRE(store->backend().write(joinly::Batch{}.erase(entries[1])));
    const auto lacking = store->template verify_indexes<Guild>();
    REQUIRE_FALSE(lacking);
    CHECK(lacking.error() == Errc::corrupt);
    CHECK(std::string{lacking.error().message()}.find("guild:a") != std::string::npos);
}

JOINLY_EACH_POLICY("an index answers as a plain map does, over random writes") {
    Fixture<TestType> store;
    std::map<std::string, Guild> model;
    std::mt19937 random{20260101};
    const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
    for (int step = 0; step < 400; ++step) {
        const std::string id = "g" + std::to_string(pick(20));
        const int action = pick(10);
        if (action < 6) {
            model[id] = guild(id, pick(10), pick(2) == 0 ? "eu" : "us");
            REQUIRE(store->save(model[id]));
        } else if (action < 8) {
            model.erase(id);
            REQUIRE(store->template erase<Guild>(id));
        } else if (action == 8) {
            REQUIRE(store->flush());
        } else {
            const std::int32_t low = pick(10);
            std::vector<Guild> expected;
            for (const auto& [key, each] : model) {
                if (each.region == "eu" && each.trophies >= low) expected.push_back(each);
            }
            std::stable_sort(expected.begin(), expected.end(),
                             [](const Guild& a, const Guild& b) { return a.trophies < b.trophies; });
            const auto page = store->template find<Guild>(where(&Guild::region, &Guild::trophies).equals("eu").at_least(low));
            REQUIRE(page);
            std::vector<Guild> got;
            for (const auto& each : page->items) got.push_back(*each);
            REQUIRE(got == expected);
        }
    }
}

JOINLY_EACH_POLICY("a query beside writers sees each entity once, and as it was at one moment") {
    Fixture<TestType> store;
    REQUIRE(store->save(guild("walker", 0)));
    std::atomic<bool> done{false};
    std::atomic<int> failed{0};
    std::thread writer{[&] {
        for (int i = 1; i <= 300; ++i) {
            if (!store->save(guild("walker", i % 20))) ++failed;
        }
        done = true;
    }};
    int wrong = 0;
    while (!done) {
        const auto page = store->template find<Guild>(where(&Guild::trophies));
        if (!page || page->items.size() != 1) ++wrong;
    }
    writer.join();
    CHECK(wrong == 0);
    CHECK(failed == 0);
}

}  // namespace
