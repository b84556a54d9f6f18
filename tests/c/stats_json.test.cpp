// How statistics become JSON, number by number.

#include <joinly/detail/c/stats_json.hpp>
#include <tests/support/catch.hpp>

#include <chrono>
#include <string>

namespace joinly::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("every number of flushes is told under its own name, times in milliseconds", "[c][stats]") {
    StoreStats stats;
    stats.retries = 1;
    stats.flushes = {.count = 2, .entries = 3, .total = 12'500us, .longest = 7ms, .newest = 5'500us};
    stats.flush_failures = 4;
    StoreHealth health;
    health.pending_entries = 5;
    health.pending_bytes = 6;
    health.oldest_pending = 7ms;
    health.dead_letters = 8;
    health.journal_bytes = 9;
    health.last_error = "out of luck";
    const auto end_of = [](const std::string& text) { return text.substr(text.find("\"retries\"")); };
    CHECK(end_of(detail::stats_json({}, stats, health, {})) ==
          R"("retries":1,"flushes":2,"flushed_entries":3,"flush_total_ms":12.5,"flush_longest_ms":7.0,"flush_newest_ms":5.5,)"
          R"("since_flush_ms":null,"pending_entries":5,"pending_bytes":6,"oldest_pending_ms":7,"flush_failures":4,)"
          R"("last_error":"out of luck","dead_letters":8,"journal_bytes":9})");
    health.since_flush = 3s;
    CHECK(detail::stats_json({}, stats, health, {}).find(R"("since_flush_ms":3000,)") != std::string::npos);
}

}  // namespace
}  // namespace joinly::test
