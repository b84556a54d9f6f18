// Every promise about expiry, over SqliteBackend.
#include <joinly/backend/sqlite.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>

namespace {

struct Sqlite {
    using Backend = joinly::SqliteBackend;
    static Backend::Options options(const joinly::test::TempDir& dir) {
        return {.path = dir / "store", .sync = joinly::Sync::process_crash};
    }
};

}  // namespace

#define JOINLY_TESTED_BACKEND Sqlite
#include <tests/conformance/expiry_suite.hpp>

TEST_CASE("damaged records do not hold up the sweep of those behind them", "[expiry][sqlite][damage]") {
    const joinly::test::TempDir dir;
    joinly::ManualTraits traits;
    auto store = *joinly::Store<joinly::SqliteBackend, NoCache, joinly::ManualTraits>::open(Sqlite::options(dir), {}, traits);
    std::vector<Player> players;
    for (int i = 0; i < 700; ++i) players.push_back(player("p" + std::to_string(1000 + i)));
    REQUIRE(store.save_many(players, {.ttl = 1s}));
    joinly::test::SqliteProbe{dir / "store"}.run(
        "UPDATE record SET checksum = 0 WHERE key < CAST('player:p1600' AS BLOB) AND key > x'01'");
    traits.clock.advance(1s);
    const auto swept = store.sweep();
    REQUIRE(swept);
    CHECK(swept->erased == 100);
    CHECK_FALSE(swept->is_done);
    CHECK(store.sweep()->erased == 0);
}
