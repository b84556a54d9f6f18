// What leases promise besides over a durable backend, under every policy. Included after lease_suite.hpp.

#include <tests/support/catch.hpp>

namespace {

JOINLY_EACH_POLICY("a lease and its token outlast a restart") {
    Fixture<TestType> store;
    const auto lease = acquired(*store, "server-1");
    store.reopen();
    CHECK(joinly::find_lease(*store, "ada") == lease);
    CHECK(acquire_lease(*store, "ada", "server-2", 30s).error() == Errc::busy);
    CHECK(save_fenced(*store, lease, player("ada", 1)));
}

JOINLY_EACH_POLICY("the token grows over a restart, after expiry and release") {
    Fixture<TestType> store;
    const auto first = acquired(*store, "server-1");
    store.traits.clock.advance(30s);
    store.reopen();
    const auto second = acquired(*store, "server-1");
    CHECK(second.token > first.token);
    REQUIRE(joinly::release_lease(*store, second));
    store.reopen();
    CHECK(acquired(*store, "server-1").token > second.token);
    CHECK(save_fenced(*store, second, player("ada", 1)).error() == Errc::conflict);
}

}  // namespace
