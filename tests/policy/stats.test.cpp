// What Store::stats, Store::health and Store::size_by_part tell.
#include <joinly/policy/stats.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/temp_dir.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::Errc;
using joinly::ManualTraits;
using joinly::Operation;
using joinly::StoreStats;
using joinly::test::Account;
using joinly::test::account;
using joinly::test::FailingBackend;
using joinly::test::TempDir;

template <class Policy>
struct Rig {
    using Store = joinly::Store<FailingBackend, Policy, ManualTraits>;

    explicit Rig(typename Policy::Options options = {}) : store{*Store::open({.control = control}, options, traits)} {}

    /// How many operations of a kind `work` was.
    template <class Work>
    std::uint64_t counted(Operation operation, Work work) {
        const std::uint64_t before = store.stats().operations[operation];
        work(store);
        return store.stats().operations[operation] - before;
    }

    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
    ManualTraits traits;
    Store store;
};
using BehindRig = Rig<joinly::WriteBehind>;

TEST_CASE("a count for each enumerator visits those that have a name", "[stats]") {
    joinly::CountBy<Errc> counts;
    counts[Errc::closed] = 3;
    std::vector<std::string> names;
    std::uint64_t sum = 0;
    counts.for_each([&](Errc code, std::uint64_t count) {
        names.emplace_back(to_string(code));
        sum += count;
    });
    CHECK(sum == 3);
    CHECK(names.front() == "not_found");
    CHECK(names.size() == joinly::CountBy<Errc>::size - 1);
    CHECK(joinly::CountBy<Operation>::size == static_cast<std::size_t>(Operation::flush) + 1);
}

TEMPLATE_TEST_CASE("every key that is looked up counts as a load, cached or not", "[stats]", joinly::NoCache, joinly::WriteThrough,
                   joinly::WriteBehind) {
    Rig<TestType> rig;
    REQUIRE(rig.store.save(account("ada")));
    const std::vector<std::string> ids{"ada", "nobody", "ada"};
    CHECK(rig.counted(Operation::load, [](auto& store) { REQUIRE(store.template load<Account>("ada")); }) == 1);
    CHECK(rig.counted(Operation::load, [](auto& store) { REQUIRE(store.template load<Account>("ada")); }) == 1);
    CHECK(rig.counted(Operation::load, [](auto& store) { REQUIRE(!store.template load<Account>("nobody")); }) == 1);
    CHECK(rig.counted(Operation::load, [](auto& store) { REQUIRE(store.template exists<Account>("ada")); }) == 1);
    CHECK(rig.counted(Operation::load, [](auto& store) { REQUIRE(store.get("player:ada")); }) == 1);
    CHECK(rig.counted(Operation::load, [&](auto& store) { REQUIRE(store.template load_many<Account>(ids).size() == 3); }) == 3);
    CHECK(rig.counted(Operation::load, [](auto& store) {
        REQUIRE(store.template update<Account>("ada", [](Account& one) { ++one.skill_rating; }));
    }) == 1);
}

TEST_CASE("calls are counted by their kind, those that fail as well", "[stats]") {
    BehindRig rig;
    const auto once = [](auto call) { return [call](auto& store) { (void)call(store); }; };
    CHECK(rig.counted(Operation::save, once([](auto& store) { return store.save(account("ada")); })) == 1);
    CHECK(rig.counted(Operation::save, once([](auto& store) { return store.save(account("")); })) == 1);
    CHECK(rig.counted(Operation::save, once([](auto& store) { return store.put("raw", "bytes"); })) == 1);
    CHECK(rig.counted(Operation::save_many, once([](auto& store) { return store.save_many(std::vector{account("bob")}); })) == 1);
    CHECK(rig.counted(Operation::erase, once([](auto& store) { return store.erase_key("raw"); })) == 1);
    CHECK(rig.counted(Operation::scan, once([](auto& store) { return store.keys(); })) == 1);
    CHECK(rig.counted(Operation::sweep, once([](auto& store) { return store.sweep(); })) == 1);
    CHECK(rig.counted(Operation::transaction, once([](auto& store) { return store.transaction([](auto&) {}); })) == 1);
    CHECK(rig.counted(Operation::transaction, once([](auto& store) { return store.save(account("cleo")); })) == 0);
}

TEST_CASE("errors are counted by their code, and none that a call has dealt with", "[stats]") {
    Rig<joinly::WriteThrough> rig;
    REQUIRE(rig.store.save(account("ada")));
    REQUIRE(!rig.store.load<Account>("nobody"));
    REQUIRE(!rig.store.load<Account>("nobody"));
    REQUIRE(rig.store.exists<Account>("nobody") == false);
    REQUIRE(!rig.store.save(account("ada"), {.expect = joinly::absent}));
    const std::vector<std::string> ids{"nobody", "ada", "noone", ""};
    REQUIRE(rig.store.load_many<Account>(ids).size() == 4);
    rig.control->refuse_writes = Errc::io;
    REQUIRE(!rig.store.save(account("ada")));
    REQUIRE(rig.store.close());
    REQUIRE(!rig.store.load<Account>("ada"));

    const auto errors = rig.store.stats().errors;
    CHECK(errors[Errc::not_found] == 4);
    CHECK(errors[Errc::conflict] == 1);
    CHECK(errors[Errc::invalid_argument] == 1);
    CHECK(errors[Errc::io] == 1);
    CHECK(errors[Errc::closed] == 1);
    CHECK(errors[Errc::corrupt] == 0);
}

TEST_CASE("a try that somebody got in the way of is counted as a retry and not as an error", "[stats]") {
    Rig<joinly::WriteThrough> rig;
    REQUIRE(rig.store.save(account("ada", 1)));
    int left = 2;
    REQUIRE(rig.store.update<Account>("ada", [&](Account& one) {
        if (left-- > 0) REQUIRE(rig.store.save(account("ada", 10 + left)));
        ++one.skill_rating;
    }));
    CHECK(rig.store.stats().retries == 2);
    left = 1;
    REQUIRE(rig.store.transaction([&](auto& tx) -> joinly::Status {
        auto loaded = tx.template load<Account>("ada");
        if (!loaded) return joinly::failure(loaded.error());
        if (left-- > 0) REQUIRE(rig.store.save(account("ada", 20)));
        return tx.save(account("ada", 21));
    }));
    CHECK(rig.store.stats().retries == 3);
    CHECK(rig.store.stats().errors[Errc::conflict] == 0);
}

TEST_CASE("flushes are counted, with what was in them and how long they took", "[stats]") {
    BehindRig rig{{.drive = joinly::Drive::caller}};
    rig.control->before_write = [&](const joinly::Batch&) { rig.traits.clock.advance(7ms); };
    REQUIRE(rig.store.save(account("ada")));
    REQUIRE(rig.store.save(account("bob")));
    REQUIRE(rig.store.flush());
    rig.control->before_write = [&](const joinly::Batch&) { rig.traits.clock.advance(5ms); };
    REQUIRE(rig.store.save(account("cleo")));
    rig.control->refuse_writes = Errc::io;
    REQUIRE(!rig.store.flush());
    CHECK(rig.store.stats().flushes.count == 1);
    rig.control->refuse_writes = std::nullopt;
    REQUIRE(rig.store.flush());

    const StoreStats stats = rig.store.stats();
    CHECK(stats.flushes.count == 2);
    CHECK(stats.flushes.entries == 3);
    CHECK(stats.flushes.total == 12ms);
    CHECK(stats.flushes.longest == 7ms);
    CHECK(stats.flushes.newest == 5ms);
    CHECK(stats.flush_failures == 1);
    CHECK(stats.operations[Operation::flush] == 3);
}

TEST_CASE("every key asked of the backend is counted, and none that the cache knows", "[stats]") {
    const auto reads_of = [](auto& rig, const char* id) {
        const std::uint64_t before = rig.store.stats().backend_reads;
        (void)rig.store.template load<Account>(id);
        return rig.store.stats().backend_reads - before;
    };
    Rig<joinly::NoCache> without;
    REQUIRE(without.store.save(account("ada")));
    const std::uint64_t before = without.store.stats().backend_reads;
    CHECK(reads_of(without, "ada") == 1);
    CHECK(reads_of(without, "ada") == 1);
    CHECK(reads_of(without, "nobody") == 1);
    CHECK(without.store.stats().backend_reads == before + 3);

    Rig<joinly::WriteThrough> with;
    REQUIRE(with.store.save(account("bob")));
    CHECK(reads_of(with, "bob") == 0);
    CHECK(reads_of(with, "nobody") == 1);
    CHECK(reads_of(with, "nobody") == 1);
}

TEST_CASE("every batch given to the backend is counted, refused ones included", "[stats]") {
    Rig<joinly::WriteThrough> rig;
    REQUIRE(rig.store.save(account("ada")));
    const std::uint64_t before = rig.store.stats().backend_writes;
    REQUIRE(rig.store.save_many(std::vector{account("ada"), account("bob")}));
    CHECK(rig.store.stats().backend_writes == before + 1);
    rig.control->refuse_writes = Errc::io;
    REQUIRE(!rig.store.save(account("ada")));
    CHECK(rig.store.stats().backend_writes == before + 2);
    REQUIRE(rig.store.load<Account>("bob"));
    CHECK(rig.store.stats().backend_writes == before + 2);
}

TEST_CASE("health tells how long ago the backend has taken something", "[stats]") {
    BehindRig rig{{.drive = joinly::Drive::caller}};
    CHECK(!rig.store.health().since_flush);
    REQUIRE(rig.store.save(account("ada")));
    CHECK(!rig.store.health().since_flush);
    REQUIRE(rig.store.flush());
    rig.traits.clock.advance(3s);
    CHECK(rig.store.health().since_flush == 3s);
    rig.control->refuse_writes = Errc::io;
    REQUIRE(rig.store.save(account("ada")));
    REQUIRE(!rig.store.flush());
    CHECK(rig.store.health().since_flush == 3s);
}

TEST_CASE("the hit rate of a store is told in percent", "[stats]") {
    Rig<joinly::WriteThrough> rig{{.capacity_entries = 100}};
    REQUIRE(rig.store.save(account("ada")));
    for (int i = 0; i < 3; ++i) REQUIRE(rig.store.load<Account>("ada"));
    const double before = rig.store.stats().cache.hit_rate_percent();
    REQUIRE(!rig.store.load<Account>("nobody"));
    const joinly::CacheStats cache = rig.store.stats().cache;
    CHECK(cache.hits == 3);
    CHECK(cache.hit_rate_percent() < before);
    CHECK(cache.hit_rate_percent() == 300.0 / static_cast<double>(3 + cache.misses));
    CHECK(cache.max_size == 100);
}

TEST_CASE("the journal is a part of a store's size, and a backend without files has no other", "[stats]") {
    const TempDir dir;
    joinly::WriteBehindOptions options{.drive = joinly::Drive::caller};
    options.journal.path = dir / "journal";
    BehindRig rig{options};
    REQUIRE(rig.store.save(account("ada")));
    const auto parts = rig.store.size_by_part();
    REQUIRE(parts);
    REQUIRE(parts->size() == 1);
    CHECK(parts->front().name == "journal");
    CHECK(parts->front().bytes == rig.store.health().journal_bytes);
    CHECK(rig.store.size_on_disk() == parts->front().bytes);
    CHECK(BehindRig{{.drive = joinly::Drive::caller}}.store.size_by_part()->empty());
}

TEST_CASE("threads count while another one reads, nothing is lost and no count goes back", "[stats][race]") {
    constexpr std::uint64_t each = 500;
    Rig<joinly::WriteThrough> rig;
    REQUIRE(rig.store.save(account("ada")));
    const std::uint64_t loads_before = rig.store.stats().operations[Operation::load];
    std::atomic<int> running{3};
    std::vector<std::thread> callers;
    for (int thread = 0; thread < 3; ++thread) {
        callers.emplace_back([&] {
            for (std::uint64_t i = 0; i < each; ++i) {
                (void)rig.store.load<Account>("ada");
                (void)rig.store.load<Account>("");
                (void)rig.store.save(account("ada"));
            }
            --running;
        });
    }
    StoreStats before;
    std::size_t went_back = 0;
    do {
        const StoreStats now = rig.store.stats();
        now.operations.for_each(
            [&](Operation operation, std::uint64_t count) { went_back += count < before.operations[operation]; });
        now.errors.for_each([&](Errc code, std::uint64_t count) { went_back += count < before.errors[code]; });
        before = now;
    } while (running != 0);
    for (auto& caller : callers) caller.join();
    CHECK(went_back == 0);
    const StoreStats stats = rig.store.stats();
    CHECK(stats.operations[Operation::load] - loads_before == 3 * each);
    CHECK(stats.operations[Operation::save] == 3 * each + 1);
    CHECK(stats.errors[Errc::invalid_argument] == 3 * each);
}

}  // namespace
