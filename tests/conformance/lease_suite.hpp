// What leases promise over every backend and under every policy, one test each. To be included as store_suite.hpp.
#ifndef JOINLY_TESTED_BACKEND
#error "define JOINLY_TESTED_BACKEND before including this"
#endif

#include <joinly/codec/json.hpp>
#include <joinly/lease.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/opened_store.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::acquire_lease;
using joinly::Errc;
using joinly::Lease;
using joinly::NoCache;
using joinly::Player;
using joinly::ReadThrough;
using joinly::save_fenced;
using joinly::Status;
using joinly::WriteBehind;
using joinly::WriteThrough;
using joinly::test::JournalledWriteBehind;
using joinly::test::player;

template <class Policy>
using Fixture = joinly::test::OpenedStore<JOINLY_TESTED_BACKEND, Policy>;

/// The lease of "ada" for a server, for 30 seconds.
template <class Store>
Lease acquired(Store& store, const std::string& owner) {
    auto lease = acquire_lease(store, "ada", owner, 30s);
    INFO((lease ? "" : std::string{lease.error().message()}));
    REQUIRE(lease);
    return *lease;
}

template <class Store>
std::int32_t rating_of_ada(Store& store) {
    auto loaded = store.template load<Player>("ada");
    REQUIRE(loaded);
    return (*loaded)->skill_rating;
}

#define JOINLY_EACH_POLICY(name) \
    TEMPLATE_TEST_CASE(name, "[lease][conformance]", NoCache, ReadThrough, WriteThrough, WriteBehind, JournalledWriteBehind)

JOINLY_EACH_POLICY("a lease is one owner's, and the refusal names him and how long he has it") {
    Fixture<TestType> store;
    const auto lease = acquired(*store, "server-1");
    CHECK(lease.owner == "server-1");
    CHECK(lease.expires_at.at() == store.traits.clock.now() + 30s);
    store.traits.clock.advance(10s);

    const auto refused = acquire_lease(*store, "ada", "server-2", 30s);
    CHECK(refused.error() == Errc::busy);
    CHECK(refused.error().message() == "ada is held by server-1 for another 20000 ms");
    CHECK(acquire_lease(*store, "bob", "server-2", 30s));
}

JOINLY_EACH_POLICY("the holder of a lease can be looked up while it lasts") {
    Fixture<TestType> store;
    CHECK(joinly::find_lease(*store, "ada").error() == Errc::not_found);
    const auto lease = acquired(*store, "server-1");
    CHECK(joinly::find_lease(*store, "ada") == lease);
    store.traits.clock.advance(30s);
    CHECK(joinly::find_lease(*store, "ada").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("a lease without owner, key or time is refused") {
    Fixture<TestType> store;
    CHECK(acquire_lease(*store, "ada", "", 30s).error() == Errc::invalid_argument);
    CHECK(acquire_lease(*store, "ada", "", 30s).error().message() == "the owner of a lease of ada is empty");
    CHECK(acquire_lease(*store, "", "server-1", 30s).error() == Errc::invalid_argument);
    CHECK(acquire_lease(*store, "ada", "server-1", 0s).error() == Errc::invalid_argument);
    const auto lease = acquired(*store, "server-1");
    CHECK(joinly::renew_lease(*store, lease, -1s).error() == Errc::invalid_argument);
    CHECK(joinly::find_lease(*store, "ada") == lease);
}

struct JsonTraits : joinly::DefaultTraits {
    using Codec = joinly::Json;
};

JOINLY_EACH_POLICY("a lease's key and owner are what the codec takes: any bytes, or UTF-8") {
    Fixture<TestType> store;
    CHECK(acquire_lease(*store, "\xff", "\xfe", 30s));

    const joinly::test::TempDir dir;
    using Subject = JOINLY_TESTED_BACKEND;
    using Tested = joinly::test::TestedPolicy<TestType>;
    auto json =
        *joinly::open<typename Subject::Backend, typename Tested::Policy, JsonTraits>(Subject::options(dir), Tested::options(dir));
    CHECK(acquire_lease(json, "\xff", "server-1", 30s).error() == Errc::invalid_argument);
    CHECK(acquire_lease(json, "ada", "\xff", 30s).error() == Errc::invalid_argument);
    CHECK(acquire_lease(json, "ad\u00e4", "server-1", 30s));
}

JOINLY_EACH_POLICY("the token grows when a lease expires, is released, or is taken again by its owner") {
    Fixture<TestType> store;
    std::vector<joinly::Version> tokens{acquired(*store, "server-1").token};
    tokens.push_back(acquired(*store, "server-1").token);
    store.traits.clock.advance(30s);
    tokens.push_back(acquired(*store, "server-2").token);
    REQUIRE(joinly::release_lease(*store, acquired(*store, "server-2")));
    tokens.push_back(acquired(*store, "server-1").token);
    CHECK(std::is_sorted(tokens.begin(), tokens.end(), std::less_equal<>{}));
}

JOINLY_EACH_POLICY("a lease that was acquired is in the backend") {
    Fixture<TestType> store;
    const auto lease = acquired(*store, "server-1");
    const auto record = store->backend().read("lease:ada");
    REQUIRE(record);
    CHECK(record->version == lease.token);
}

JOINLY_EACH_POLICY("the holder of a lease writes and erases") {
    Fixture<TestType> store;
    const auto lease = acquired(*store, "server-1");
    CHECK(save_fenced(*store, lease, player("ada", 1)));
    CHECK(save_fenced(*store, lease, player("ada", 2)));
    CHECK(rating_of_ada(*store) == 2);
    CHECK(save_fenced(*store, lease, player("ada", 3), {.expect = joinly::absent}).error() == Errc::conflict);
    CHECK(joinly::erase_fenced<Player>(*store, lease, "ada"));
    CHECK(store->template exists<Player>("ada") == false);
}

JOINLY_EACH_POLICY("a renewed lease lasts longer, under its old token") {
    Fixture<TestType> store;
    const auto lease = acquired(*store, "server-1");
    store.traits.clock.advance(20s);
    const auto renewed = joinly::renew_lease(*store, lease, 30s);
    REQUIRE(renewed);
    CHECK(renewed->token == lease.token);
    CHECK(renewed->expires_at.at() == store.traits.clock.now() + 30s);
    CHECK(joinly::find_lease(*store, "ada") == *renewed);

    store.traits.clock.advance(20s);
    CHECK(acquire_lease(*store, "ada", "server-2", 30s).error() == Errc::busy);
    CHECK(joinly::renew_lease(*store, lease, 30s));
    CHECK(save_fenced(*store, lease, player("ada", 1)));
}

JOINLY_EACH_POLICY("a renewal keeps what a newer build has stored with the lease") {
    Fixture<TestType> store;
    const auto lease = acquired(*store, "server-1");
    REQUIRE(joinly::renew_lease(*store, lease, 30s));                 // from now on the token is in the record
    const std::string newer = *store->get("lease:ada") + "\x48\x01";  // a field 9
    REQUIRE(store->put("lease:ada", newer, {.ttl = 30s}));
    REQUIRE(joinly::renew_lease(*store, lease, 30s));
    CHECK(store->get("lease:ada") == newer);
}

JOINLY_EACH_POLICY("a lease that has run out lets nothing through, though nobody has it since") {
    Fixture<TestType> store;
    const auto lease = acquired(*store, "server-1");
    REQUIRE(save_fenced(*store, lease, player("ada", 1)));
    store.traits.clock.advance(30s);
    CHECK(save_fenced(*store, lease, player("ada", 2)).error() == Errc::conflict);
    CHECK(joinly::erase_fenced<Player>(*store, lease, "ada").error() == Errc::conflict);
    CHECK(joinly::renew_lease(*store, lease, 30s).error() == Errc::conflict);
    CHECK(rating_of_ada(*store) == 1);
}

JOINLY_EACH_POLICY("a write with an old token is refused, and the old holder's last write is the new one's to read") {
    Fixture<TestType> store;
    const auto old = acquired(*store, "server-1");
    REQUIRE(save_fenced(*store, old, player("ada", 1)));  // pending, where the policy delays writes
    store.traits.clock.advance(30s);
    const auto lease = acquired(*store, "server-2");
    CHECK(rating_of_ada(*store) == 1);

    REQUIRE(save_fenced(*store, lease, player("ada", 2)));
    CHECK(save_fenced(*store, old, player("ada", 3)).error() == Errc::conflict);
    CHECK(joinly::erase_fenced<Player>(*store, old, "ada").error() == Errc::conflict);
    CHECK(joinly::renew_lease(*store, old, 30s).error() == Errc::conflict);
    REQUIRE(store->flush());
    CHECK(save_fenced(*store, old, player("ada", 4)).error() == Errc::conflict);
    CHECK(rating_of_ada(*store) == 2);
    CHECK(joinly::find_lease(*store, "ada") == lease);
}

JOINLY_EACH_POLICY("an owner who acquires his lease again voids the one that he had") {
    Fixture<TestType> store;
    const auto old = acquired(*store, "server-1");
    const auto lease = acquired(*store, "server-1");
    CHECK(save_fenced(*store, old, player("ada", 1)).error() == Errc::conflict);
    CHECK(save_fenced(*store, lease, player("ada", 2)));
}

JOINLY_EACH_POLICY("a released lease is free at once, and its holder writes no more") {
    Fixture<TestType> store;
    const auto old = acquired(*store, "server-1");
    CHECK(joinly::release_lease(*store, old));
    CHECK(save_fenced(*store, old, player("ada", 1)).error() == Errc::conflict);
    const auto lease = acquired(*store, "server-2");
    CHECK(joinly::release_lease(*store, old));
    CHECK(joinly::find_lease(*store, "ada") == lease);
}

JOINLY_EACH_POLICY("a transaction that requires a lease writes all or nothing of what it is about") {
    Fixture<TestType> store;
    const auto lease = acquired(*store, "server-1");
    const auto trade = [&](std::int32_t rating) {
        return store->transaction([&](auto& tx) -> Status {
            if (auto held = joinly::require_lease(tx, lease); !held) return held;
            if (auto saved = tx.save(player("ada", rating)); !saved) return saved;
            return tx.save(player("bob", rating));
        });
    };
    CHECK(trade(1));
    store.traits.clock.advance(30s);
    const auto refused = trade(2);
    CHECK(refused.error() == Errc::conflict);
    CHECK(refused.error().message() == "the lease of ada with token " + std::to_string(lease.token) + " is over");
    CHECK(rating_of_ada(*store) == 1);
}

JOINLY_EACH_POLICY("a lease that is lost while a transaction runs takes its writes with it") {
    Fixture<TestType> store;
    const auto lease = acquired(*store, "server-1");
    int tries = 0;
    const auto refused = store->transaction([&](auto& tx) -> Status {
        if (auto held = joinly::require_lease(tx, lease); !held) return held;
        if (++tries == 1) {
            store.traits.clock.advance(30s);
            acquired(*store, "server-2");
        }
        return tx.save(player("ada", 1));
    });
    CHECK(refused.error() == Errc::conflict);
    CHECK(tries == 1);
    CHECK(store->template exists<Player>("ada") == false);
}

JOINLY_EACH_POLICY("of many who acquire at once one has the lease") {
    Fixture<TestType> store;
    std::atomic<int> owners{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> servers;
    for (int i = 0; i < 8; ++i) {
        servers.emplace_back([&, i] {
            const auto lease = acquire_lease(*store, "ada", "server-" + std::to_string(i), 30s);
            owners += lease.has_value();
            refused += !lease && lease.error() == Errc::busy;
        });
    }
    for (auto& server : servers) server.join();
    CHECK(owners == 1);
    CHECK(refused == 7);
}

JOINLY_EACH_POLICY("however owners take turns, no write follows one with a greater token") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 0)));
    constexpr int servers = 4;
    std::atomic<int> written{0};
    std::atomic<int> refused{0};
    std::atomic<int> wrong{0};
    std::vector<std::thread> running;
    for (int i = 0; i < servers; ++i) {
        running.emplace_back([&, i] {
            for (int round = 0; round < 15; ++round) {
                const auto lease = acquire_lease(*store, "ada", "server-" + std::to_string(i), 10ms);
                if (!lease) {
                    store.traits.clock.advance(5ms);  // so that the holder loses it, now and then before he writes
                    continue;
                }
                for (int write = 0; write < 3; ++write) {
                    bool went_back = false;  // in the try that was the last one: others prove nothing
                    const auto saved = store->transaction([&](auto& tx) -> Status {
                        if (auto held = joinly::require_lease(tx, *lease); !held) return held;
                        return tx.template update<Player>("ada", [&](Player& ada) {
                            const auto token = static_cast<std::int32_t>(lease->token);
                            went_back = ada.skill_rating > token;
                            ada.skill_rating = token;
                        });
                    });
                    wrong += saved && went_back;
                    ++(saved ? written : refused);
                }
            }
        });
    }
    for (auto& server : running) server.join();
    CHECK(wrong == 0);
    CHECK(written > 0);
}

}  // namespace
