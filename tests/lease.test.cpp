// What leases make of a backend that refuses: the rest is in conformance/lease_suite.hpp.
#include <joinly/lease.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/write_behind_rig.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

namespace {

using namespace std::chrono_literals;
using joinly::Batch;
using joinly::Errc;
using joinly::test::account;
using joinly::test::WriteBehindRig;

auto refuse(std::string key) {
    return [key](const Batch& batch) -> std::optional<Errc> {
        const auto is_it = [&](const auto& change) { return change.key == key; };
        if (std::none_of(batch.changes.begin(), batch.changes.end(), is_it)) return std::nullopt;
        return Errc::invalid_argument;
    };
}

TEST_CASE("a lease is acquired though the backend refuses what somebody else has saved", "[lease][write_behind][fault]") {
    WriteBehindRig rig;
    rig.control->refuse_if = refuse("player:bob");
    REQUIRE(rig.store.save(account("bob")));
    const auto lease = joinly::acquire_lease(rig.store, "ada", "server-1", 10s);
    INFO((lease ? "" : std::string{lease.error().message()}));
    REQUIRE(lease);
    CHECK(rig.store.dead_letters().size() == 1);
    CHECK(joinly::save_fenced(rig.store, *lease, account("ada")));
}

TEST_CASE("a lease that the backend refuses is nobody's", "[lease][write_behind][fault]") {
    WriteBehindRig rig;
    rig.control->refuse_if = refuse("lease:ada");
    CHECK(joinly::acquire_lease(rig.store, "ada", "server-1", 10s).error() == Errc::invalid_argument);
    CHECK(joinly::find_lease(rig.store, "ada").error() == Errc::not_found);
}

}  // namespace
