// What a store over a durable backend promises besides, under every policy. Included after store_suite.hpp.

#include <tests/support/catch.hpp>

namespace {

using joinly::test::TempDir;

TEMPLATE_TEST_CASE("closing and reopening loses nothing", "[store][conformance][durable]", NoCache, ReadThrough, WriteThrough,
                   WriteBehind, JournalledWriteBehind) {
    Fixture<TestType> store;
    REQUIRE(store->save_many(std::vector{player("ada", 1), player("bob", 2)}));
    REQUIRE(store->save(lobby("one"), {.ttl = 1h}));
    const auto version = store->template load<Lobby>("one")->version();
    REQUIRE(store->template erase<Player>("bob"));
    store.reopen();

    CHECK(rating_of(*store, "ada") == 1);
    CHECK(store->template load<Player>("bob").error() == Errc::not_found);
    CHECK(store->template load<Lobby>("one")->version() == version);
    store.traits.clock.advance(2h);
    CHECK(store->template load<Lobby>("one").error() == Errc::not_found);
}

TEMPLATE_TEST_CASE("versions go on growing over a restart", "[store][conformance][durable]", NoCache, ReadThrough, WriteThrough,
                   WriteBehind, JournalledWriteBehind) {
    Fixture<TestType> store;
    const auto before = store->save(player("ada"));
    REQUIRE(store->template erase<Player>("ada"));
    store.reopen();
    const auto after = store->save(player("ada"), {.expect = absent});
    REQUIRE(after);
    CHECK(*after > *before);
    CHECK(store->save(player("ada"), {.expect = *before}).error() == Errc::conflict);
}

TEMPLATE_TEST_CASE("a destroyed store has stored what it acknowledged", "[store][conformance][durable]", NoCache, ReadThrough,
                   WriteThrough, WriteBehind, JournalledWriteBehind) {
    const TempDir dir;
    using Tested = joinly::test::TestedPolicy<TestType>;
    using Store = joinly::Store<JOINLY_TESTED_BACKEND::Backend, typename Tested::Policy>;
    {
        auto store = Store::open(JOINLY_TESTED_BACKEND::options(dir), Tested::options(dir));
        REQUIRE(store);
        REQUIRE(store->save(player("ada", 3)));
    }
    auto store = Store::open(JOINLY_TESTED_BACKEND::options(dir), Tested::options(dir));
    REQUIRE(store);
    CHECK(rating_of(*store, "ada") == 3);
    CHECK(*store->size_on_disk() > 0);
}

}  // namespace
