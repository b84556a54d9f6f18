// Write-behind when memory runs out at the end of a flush, of which the backend has the writes already, or has refused them.

#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/fail_allocations.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/temp_dir.hpp>
#include <tests/support/write_behind_rig.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace {

using namespace std::chrono_literals;
using joinly::Batch;
using joinly::Drive;
using joinly::Errc;
using joinly::WriteBehind;
using joinly::WriteBehindOptions;
using joinly::test::FailingBackend;
using joinly::test::no_allocation_fails;
using joinly::test::player;
using joinly::test::TempDir;
using joinly::test::with_failing_allocation;
using joinly::test::WriteBehindRig;

TEST_CASE("a batch is set aside once, whichever allocation fails", "[write_behind][dead_letter][allocations]") {
    int n = 0;
    for (bool failed = true; failed; ++n) {
        INFO("allocation " << n);
        WriteBehindRig rig;
        rig.control->refuse_if = [](const Batch& batch) -> std::optional<Errc> {
            const auto is_refused = [](const auto& change) { return change.key == "player:p3"; };
            const bool refused = std::any_of(batch.changes.begin(), batch.changes.end(), is_refused);
            return refused ? std::optional{Errc::invalid_argument} : std::nullopt;
        };
        for (int i = 0; i < 8; ++i) REQUIRE(rig.store.save(player("p" + std::to_string(i), i)));
        failed = with_failing_allocation(n, [&] { (void)rig.store.flush(); });
        (void)rig.store.flush();
        CHECK(rig.store.stats().pending_entries == 0);
        CHECK(rig.store.dead_letters().size() == 1);
        for (int i = 0; i < 8; ++i) CHECK(rig.stored_rating("p" + std::to_string(i)) == (i == 3 ? -1 : i));
    }
    CHECK(n > 20);
}

TEST_CASE("those who wait for a flush are told of its end, whichever allocation fails then", "[write_behind][allocations]") {
    const TempDir dir;
    WriteBehindOptions options{.max_delay = 0ms, .longest_backoff = 1ms};
    options.journal = {.path = dir / "journal", .segment_bytes = 64 << 10, .limit_bytes = 1 << 20};
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = joinly::open<FailingBackend, WriteBehind>({.control = control}, options);
    REQUIRE(store);
    auto big = player("ada", 1);
    big.username = std::string(40'000, 'a');  // so that each batch has a segment, and the one before is given back
    for (int n = 0; n < 30; ++n) {
        INFO("allocation " << n);
        control->after_write = [n](const Batch&) { joinly::test::allocations_left = n; };  // of the flushing thread
        const auto saved = store->save(big);
        REQUIRE(saved);
        const auto start = std::chrono::steady_clock::now();
        CHECK(store->wait(*saved, 20s));
        REQUIRE(std::chrono::steady_clock::now() - start < 10s);
        control->after_write = [](const Batch&) { joinly::test::allocations_left = no_allocation_fails; };
        const auto another = store->save(big);
        REQUIRE(another);
        CHECK(store->wait(*another, 20s));
    }
    control->after_write = nullptr;
    CHECK(store->close());
}

TEST_CASE("a store that is destroyed beside a failing backend ends, whichever allocation fails", "[write_behind][allocations]") {
    int n = 0;
    for (bool failed = true; failed; ++n) {
        INFO("allocation " << n);
        std::optional<WriteBehindRig> rig{std::in_place};
        rig->control->refuse_writes = Errc::io;
        REQUIRE(rig->store.put("key", "value"));
        failed = with_failing_allocation(n, [&] { rig.reset(); });
    }
    CHECK(n > 5);
}

}  // namespace
