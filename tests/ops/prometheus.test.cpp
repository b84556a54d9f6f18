#include <joinly/backend/memory.hpp>
#include <joinly/ops/prometheus.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/exposition.hpp>
#include <tests/support/temp_dir.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::MemoryBackend;
using joinly::test::Account;
using joinly::test::account;
using joinly::test::ExpositionReader;
using joinly::test::Labels;
using joinly::test::TempDir;

using Traits = joinly::LatencyTraits<joinly::ManualTraits>;
using Measured = joinly::Store<MemoryBackend, joinly::WriteBehind, Traits>;
using Plain = joinly::Store<MemoryBackend, joinly::NoCache>;

/// A store with some of everything behind it: saves, hits, misses, a flush, and a save that is pending for two seconds.
struct Worked {
    Worked() {
        REQUIRE(store.save(account("ada")));
        REQUIRE(store.load<Account>("ada"));
        REQUIRE(!store.load<Account>("nobody"));
        REQUIRE(store.flush());
        REQUIRE(store.save(account("bob")));
        traits.clock.advance(2s);
    }
    [[nodiscard]] joinly::WriteBehindOptions options() const {
        joinly::WriteBehindOptions made{.drive = joinly::Drive::caller};
        made.journal.path = dir / "journal";
        return made;
    }
    TempDir dir;
    Traits traits;
    Measured store = *Measured::open({}, options(), traits);
};

TEST_CASE("a store's page is in good order and has its numbers", "[prometheus]") {
    Worked worked;
    const joinly::StoreStats stats = worked.store.stats();
    const joinly::StoreHealth health = worked.store.health();
    const ExpositionReader page{joinly::to_prometheus(worked.store, "players")};
    REQUIRE(page.fault() == "");
    const Labels store{{"store", "players"}};
    const auto of = [](std::string label, std::string value) {
        return Labels{{"store", "players"}, {std::move(label), std::move(value)}};
    };
    CHECK(page.value("joinly_operations_total", of("operation", "save")) == 2);
    CHECK(page.value("joinly_operations_total", of("operation", "load")) ==
          static_cast<double>(stats.operations[joinly::Operation::load]));
    CHECK(page.value("joinly_operations_total", of("operation", "sweep")) == 0);
    CHECK(page.value("joinly_errors_total", of("code", "not_found")) == 1);
    CHECK(page.value("joinly_errors_total", of("code", "io")) == 0);
    CHECK(page.value("joinly_cache_hits_total", store) == static_cast<double>(stats.cache.hits));
    CHECK(page.value("joinly_cache_misses_total", store) == static_cast<double>(stats.cache.misses));
    CHECK(page.value("joinly_cache_entries", store) == static_cast<double>(stats.cache.size));
    CHECK(page.value("joinly_cache_max_entries", store) == static_cast<double>(stats.cache.max_size));
    CHECK(page.value("joinly_flushes_total", store) == 1);
    CHECK(page.value("joinly_flushed_entries_total", store) == static_cast<double>(stats.flushes.entries));
    CHECK(page.value("joinly_pending_entries", store) == 1);
    CHECK(page.value("joinly_pending_bytes", store) == static_cast<double>(health.pending_bytes));
    CHECK(page.value("joinly_pending_age_seconds", store) == 2);
    CHECK(page.value("joinly_storage_bytes", of("part", "journal")) == static_cast<double>(health.journal_bytes));
}

TEST_CASE("every number of a store's page is the one that its name says", "[prometheus]") {
    struct Told {
        [[nodiscard]] static joinly::StoreStats stats() {
            joinly::StoreStats stats;
            stats.cache = {.hits = 1, .misses = 2, .insertions = 3, .evictions = 4, .expirations = 5, .size = 6, .max_size = 7};
            stats.backend_reads = 8;
            stats.backend_writes = 9;
            stats.flush_failures = 10;
            stats.flushes = {.count = 11, .entries = 12, .total = 13s, .longest = 14s, .newest = 15s};
            stats.retries = 16;
            return stats;
        }
        [[nodiscard]] static joinly::StoreHealth health() {
            joinly::StoreHealth health;
            health.pending_entries = 17;
            health.pending_bytes = 18;
            health.oldest_pending = 19s;
            health.retries = 20;
            health.dead_letters = 21;
            health.journal_bytes = 22;
            return health;
        }
        [[nodiscard]] static joinly::Result<std::vector<joinly::StoragePart>> size_by_part() {
            return std::vector<joinly::StoragePart>{{"database", 23}, {"log", 24}};
        }
        [[nodiscard]] static int observer() { return 0; }
    } told;
    const ExpositionReader page{joinly::to_prometheus(told, "s")};
    REQUIRE(page.fault() == "");
    const auto value = [&](const std::string& name) { return page.value("joinly_" + name, {{"store", "s"}}); };
    CHECK(value("cache_hits_total") == 1);
    CHECK(value("cache_misses_total") == 2);
    CHECK(value("cache_insertions_total") == 3);
    CHECK(value("cache_evictions_total") == 4);
    CHECK(value("cache_expirations_total") == 5);
    CHECK(value("cache_entries") == 6);
    CHECK(value("cache_max_entries") == 7);
    CHECK(value("backend_reads_total") == 8);
    CHECK(value("backend_writes_total") == 9);
    CHECK(value("flush_failures_total") == 10);
    CHECK(value("flushes_total") == 11);
    CHECK(value("flushed_entries_total") == 12);
    CHECK(value("flush_seconds_total") == 13);
    CHECK(value("flush_longest_seconds") == 14);
    CHECK(value("retries_total") == 16);
    CHECK(value("pending_entries") == 17);
    CHECK(value("pending_bytes") == 18);
    CHECK(value("pending_age_seconds") == 19);
    CHECK(value("dead_letters") == 21);
    CHECK(page.value("joinly_storage_bytes", {{"store", "s"}, {"part", "database"}}) == 23);
    CHECK(page.value("joinly_storage_bytes", {{"store", "s"}, {"part", "log"}}) == 24);
}

TEST_CASE("a store that keeps latencies has a histogram of each kind of operation that was met", "[prometheus]") {
    Worked worked;
    const ExpositionReader page{joinly::to_prometheus(worked.store, "players")};
    REQUIRE(page.fault() == "");
    const std::string name = "joinly_operation_duration_seconds";
    const auto of = [](std::string operation) { return Labels{{"store", "players"}, {"operation", std::move(operation)}}; };
    CHECK(page.value(name + "_count", of("load")) == 2);
    CHECK(page.value(name + "_count", of("save")) == 2);
    CHECK(page.value(name + "_count", of("flush")) == 1);
    CHECK(!page.value(name + "_count", of("sweep")));
    CHECK(page.value(name + "_sum", of("save")).value_or(0) > 0);
    Labels up_to_17_seconds = of("save");
    up_to_17_seconds["le"] = "17.179869184";
    CHECK(page.value(name + "_bucket", up_to_17_seconds) == 2);
}

TEST_CASE("a latency is in the buckets that it is not longer than", "[prometheus]") {
    Plain plain = *Plain::open({});
    struct Told {
        Plain& store;
        struct Observer {
            [[nodiscard]] joinly::LatencyHistogram histogram(joinly::Operation operation) const {
                joinly::LatencyHistogram histogram;
                if (operation == joinly::Operation::update) {
                    histogram.record(64ns);
                    histogram.record(65ns);
                    histogram.record(1h);
                }
                return histogram;
            }
        } told{};
        [[nodiscard]] auto stats() const { return store.stats(); }
        [[nodiscard]] auto health() const { return store.health(); }
        [[nodiscard]] auto size_by_part() { return store.size_by_part(); }
        [[nodiscard]] const Observer& observer() const { return told; }
    } told{plain};
    const ExpositionReader page{joinly::to_prometheus(told, "s")};
    REQUIRE(page.fault() == "");
    const auto bucket = [&](std::string bound) {
        return page.value("joinly_operation_duration_seconds_bucket",
                          {{"store", "s"}, {"operation", "update"}, {"le", std::move(bound)}});
    };
    CHECK(bucket("6.4e-08") == 1);
    CHECK(bucket("1.28e-07") == 2);
    CHECK(bucket("17.179869184") == 2);
    CHECK(bucket("+Inf") == 3);
}

TEST_CASE("a store without latencies and without a cache has a page as well", "[prometheus]") {
    Plain plain = *Plain::open({});
    const std::string text = joinly::to_prometheus(plain);
    const ExpositionReader page{text};
    REQUIRE(page.fault() == "");
    CHECK(text.find("duration") == text.npos);
    CHECK(page.value("joinly_cache_max_entries", {{"store", "joinly"}}) == 0);
}

TEST_CASE("several stores are on one page, each metric once", "[prometheus]") {
    Worked worked;
    Plain plain = *Plain::open({});
    REQUIRE(plain.save(account("ada")));
    joinly::PrometheusPage both;
    both.add(worked.store, "players");
    both.add(plain, "sessions");
    const ExpositionReader page{both.text()};
    REQUIRE(page.fault() == "");
    CHECK(page.value("joinly_operations_total", {{"store", "players"}, {"operation", "save"}}) == 2);
    CHECK(page.value("joinly_operations_total", {{"store", "sessions"}, {"operation", "save"}}) == 1);
}

TEST_CASE("a store may have any name", "[prometheus]") {
    Plain plain = *Plain::open({});
    const auto named = [&](const std::string& name, const std::string& as) {
        const ExpositionReader page{joinly::to_prometheus(plain, name)};
        CHECK(page.fault() == "");
        CHECK(page.value("joinly_retries_total", {{"store", as}}) == 0);
    };
    named("", "");
    named("a \"b\" \\ c\nd", "a \"b\" \\ c\nd");
    named("Spieler \xc3\xa4", "Spieler \xc3\xa4");
    named("bad \xff byte", "bad \xef\xbf\xbd byte");
}

}  // namespace
