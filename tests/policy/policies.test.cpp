// What every policy that caches promises about races and refusals, over a backend that fails and pauses on command.
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/latch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::Errc;
using joinly::ManualTraits;
using joinly::NoCache;
using joinly::Player;
using joinly::ReadThrough;
using joinly::WriteBehind;
using joinly::WriteThrough;
using joinly::test::FailingBackend;
using joinly::test::Latch;
using joinly::test::player;

template <class Policy>
struct Rig {
    using Store = joinly::Store<FailingBackend, Policy, ManualTraits>;

    /// A store over a backend that holds some players already: write-behind must be the only writer once it is open.
    explicit Rig(const std::vector<Player>& there = {}, typename Policy::Options options = {})
        : store{(put_there(there), *Store::open({.control = control}, options, traits))} {}

    std::int32_t rating(std::string_view id) {
        auto loaded = store.template load<Player>(id);
        return loaded ? (*loaded)->skill_rating : -1;
    }
    /// Puts players into the backend past the store, as another process would.
    void put_there(const std::vector<Player>& players) {
        for (const Player& there : players) {
            std::string bytes;
            REQUIRE(joinly::Binary::encode(there, bytes));
            REQUIRE(control->records.write(joinly::Batch{}.put("player:" + there.player_id, bytes)));
        }
    }

    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
    ManualTraits traits;
    Store store;
};

TEMPLATE_TEST_CASE("a cached object is read without the backend", "[policy]", ReadThrough, WriteThrough, WriteBehind) {
    Rig<TestType> rig{{player("ada", 5)}};
    CHECK(rig.rating("ada") == 5);
    CHECK(rig.rating("ada") == 5);
    CHECK(rig.control->reads == 1);
    CHECK(rig.store.stats().cache.hits == 1);
    CHECK(rig.store.stats().cache.misses == 1);
}

TEMPLATE_TEST_CASE("two loads of a cached object share it", "[policy]", ReadThrough, WriteThrough, WriteBehind) {
    Rig<TestType> rig{{player("ada")}};
    REQUIRE(rig.store.template load<Player>("ada"));
    const auto first = rig.store.template load<Player>("ada");
    const auto second = rig.store.template load<Player>("ada");
    CHECK(&**first == &**second);
}

TEMPLATE_TEST_CASE("a write that the backend refuses is not left in the cache", "[policy][fault]", NoCache, ReadThrough,
                   WriteThrough) {
    Rig<TestType> rig;
    REQUIRE(rig.store.save(player("ada", 1200)));
    CHECK(rig.rating("ada") == 1200);
    rig.control->refuse_writes = Errc::io;
    CHECK(rig.store.save(player("ada", 1300)).error() == Errc::io);
    CHECK(rig.store.template erase<Player>("ada").error() == Errc::io);
    CHECK(rig.rating("ada") == 1200);
}

TEMPLATE_TEST_CASE("after a write whose answer was lost, loads tell what the backend has", "[policy][fault]", NoCache, ReadThrough,
                   WriteThrough) {
    Rig<TestType> rig;
    REQUIRE(rig.store.save(player("ada", 1200)));
    CHECK(rig.rating("ada") == 1200);
    rig.control->lose_answers = Errc::io;
    CHECK(rig.store.save(player("ada", 1300)).error() == Errc::io);
    CHECK(rig.rating("ada") == 1300);
}

TEMPLATE_TEST_CASE("a backend that cannot read is an error and is asked again", "[policy][fault]", NoCache, ReadThrough,
                   WriteThrough, WriteBehind) {
    Rig<TestType> rig{{player("ada", 5)}};
    rig.control->refuse_reads = Errc::io;
    CHECK(rig.store.template load<Player>("ada").error() == Errc::io);
    CHECK(rig.store.template ids<Player>().error() == Errc::io);
    rig.control->refuse_reads = std::nullopt;
    CHECK(rig.rating("ada") == 5);
}

TEMPLATE_TEST_CASE("concurrent misses of one key make one backend read", "[policy][race]", ReadThrough, WriteThrough, WriteBehind) {
    Rig<TestType> rig{{player("ada", 5)}};
    Latch in_backend;
    Latch go_on;
    rig.control->after_read = [&](std::string_view) {
        in_backend.open();
        go_on.wait();
    };
    std::atomic<int> right{0};
    std::vector<std::thread> readers;
    const auto load = [&] {
        if (rig.rating("ada") == 5) ++right;
    };
    readers.emplace_back(load);
    in_backend.wait();
    for (int i = 0; i < 4; ++i) readers.emplace_back(load);
    go_on.open();
    for (auto& reader : readers) reader.join();
    CHECK(right == 5);
    CHECK(rig.control->reads == 1);
}

TEMPLATE_TEST_CASE("a load that began before a save never caches what it read", "[policy][race]", ReadThrough, WriteThrough,
                   WriteBehind) {
    Rig<TestType> rig{{player("ada", 1)}};
    Latch has_read;
    Latch go_on;
    rig.control->after_read = [&](std::string_view) {
        has_read.open();
        go_on.wait();
    };
    std::thread reader{[&] { (void)rig.rating("ada"); }};
    has_read.wait();
    rig.control->after_read = nullptr;
    const auto saved = rig.store.save(player("ada", 2));
    const auto seen_at_once = rig.rating("ada");
    const auto flushed = rig.store.flush();
    go_on.open();
    reader.join();
    CHECK(saved);
    CHECK(flushed);
    CHECK(seen_at_once == 2);
    CHECK(rig.rating("ada") == 2);
}

TEMPLATE_TEST_CASE("a load that began before an erase does not bring the entity back", "[policy][race]", ReadThrough, WriteThrough,
                   WriteBehind) {
    Rig<TestType> rig{{player("ada", 1)}};
    Latch has_read;
    Latch go_on;
    rig.control->after_read = [&](std::string_view) {
        has_read.open();
        go_on.wait();
    };
    std::thread reader{[&] { (void)rig.rating("ada"); }};
    has_read.wait();
    rig.control->after_read = nullptr;
    const auto erased = rig.store.template erase<Player>("ada");
    const auto flushed = rig.store.flush();
    go_on.open();
    reader.join();
    CHECK(erased);
    CHECK(flushed);
    CHECK(rig.rating("ada") == -1);
}

TEMPLATE_TEST_CASE("a load_many that began before a save never caches what it read", "[policy][race]", ReadThrough, WriteThrough,
                   WriteBehind) {
    Rig<TestType> rig{{player("ada", 1)}};
    Latch has_read;
    Latch go_on;
    rig.control->after_read = [&](std::string_view) {
        has_read.open();
        go_on.wait();
    };
    std::thread reader{[&] {
        const std::vector<std::string> ids{"ada"};
        (void)rig.store.template load_many<Player>(ids);
    }};
    has_read.wait();
    rig.control->after_read = nullptr;
    const auto saved = rig.store.save(player("ada", 2));
    const auto flushed = rig.store.flush();
    go_on.open();
    reader.join();
    CHECK(saved);
    CHECK(flushed);
    CHECK(rig.rating("ada") == 2);
}

TEMPLATE_TEST_CASE("load_many makes one trip to the backend for all it misses", "[policy]", NoCache, ReadThrough, WriteThrough,
                   WriteBehind) {
    Rig<TestType> rig{{player("a", 5), player("b", 5), player("c", 5)}};
    const std::vector<std::string> ids{"a", "b", "c", "d"};
    const auto loaded = rig.store.template load_many<Player>(ids);
    CHECK(rig.control->trips == 1);
    CHECK((*loaded[2])->skill_rating == 5);
    CHECK(loaded[3].error() == Errc::not_found);
}

TEMPLATE_TEST_CASE("absence is cached for the stated time, and a save ends it", "[policy]", ReadThrough, WriteThrough,
                   WriteBehind) {
    typename TestType::Options options;
    options.absence_ttl = 10s;
    Rig<TestType> rig{{}, options};
    CHECK(rig.rating("ada") == -1);
    CHECK(rig.rating("ada") == -1);
    CHECK(rig.control->reads == 1);
    rig.traits.clock.advance(10s);
    CHECK(rig.rating("ada") == -1);
    CHECK(rig.control->reads == 2);
    REQUIRE(rig.store.save(player("ada", 7)));
    CHECK(rig.rating("ada") == 7);
}

TEMPLATE_TEST_CASE("absence is not cached unless asked for", "[policy]", ReadThrough, WriteThrough, WriteBehind) {
    Rig<TestType> rig;
    CHECK(rig.rating("ada") == -1);
    rig.put_there({player("ada", 7)});
    CHECK(rig.rating("ada") == 7);
}

TEMPLATE_TEST_CASE("a cache of no entries serves every load from the backend", "[policy]", ReadThrough, WriteThrough, WriteBehind) {
    typename TestType::Options options;
    options.capacity_entries = 0;
    Rig<TestType> rig{{}, options};
    REQUIRE(rig.store.save(player("ada", 7)));
    CHECK(rig.rating("ada") == 7);
    REQUIRE(rig.store.flush());
    CHECK(rig.rating("ada") == 7);
    CHECK(rig.rating("ada") == 7);
    CHECK(rig.control->reads >= 2);
}

TEMPLATE_TEST_CASE("a conflict that somebody else's write brought about is resolved by update", "[policy]", NoCache, ReadThrough,
                   WriteThrough) {
    Rig<TestType> rig;
    REQUIRE(rig.store.save(player("ada", 1)));
    CHECK(rig.rating("ada") == 1);
    rig.put_there({player("ada", 10)});  // another process writes behind the cache's back
    REQUIRE(rig.store.template update<Player>("ada", [](Player& ada) { ada.skill_rating += 1; }));
    CHECK(rig.rating("ada") == 11);
}

}  // namespace
