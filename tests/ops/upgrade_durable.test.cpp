// upgrade_all on the backends that last: what an older build has left on disk.

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/upgrade.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

using namespace joinly;
using namespace joinly::test;

namespace game {

struct Crate {
    std::string crate_id = {};
    int pounds = 0;
};
struct NewCrate {
    std::string crate_id = {};
    int grams = 0;
};

}  // namespace game

template <>
struct joinly::Entity<game::Crate> {
    static constexpr std::string_view kind = "crate";
    static constexpr auto& id(auto& crate) { return crate.crate_id; }
    static constexpr void fields(auto& crate, auto&& field) {
        field(1, "crate_id", crate.crate_id);
        field(2, "weight", crate.pounds);
    }
};
template <>
struct joinly::Entity<game::NewCrate> {
    static constexpr std::string_view kind = "crate";
    static constexpr int version = 2;
    static constexpr auto& id(auto& crate) { return crate.crate_id; }
    static constexpr void fields(auto& crate, auto&& field) {
        field(1, "crate_id", crate.crate_id);
        field(2, "weight", crate.grams);
    }
    static Status upgrade(game::NewCrate& crate, int) {
        crate.grams *= 454;
        return {};
    }
};

namespace {

using Stores = std::tuple<Store<SqliteBackend, WriteThrough, DefaultTraits>, Store<SqliteBackend, WriteBehind, DefaultTraits>,
                          Store<LevelDbBackend, WriteThrough, DefaultTraits>, Store<LevelDbBackend, WriteBehind, DefaultTraits>>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("what an older build left on disk is upgraded once and stays so", "[upgrade]", Stores) {
    const TempDir dir;
    const auto open = [&] { return TestType::open({.path = dir / "store"}); };
    {
        auto old_build = open();
        REQUIRE(old_build);
        for (int i = 1; i <= 100; ++i) REQUIRE(old_build->save(game::Crate{.crate_id = std::to_string(i), .pounds = i}));
        REQUIRE(old_build->close());
    }
    for (const std::uint64_t expected : {100U, 0U}) {
        auto store = open();
        REQUIRE(store);
        const auto report = upgrade_all<game::NewCrate>(*store);
        REQUIRE(report);
        CHECK(report->seen == 100);
        CHECK(report->rewritten == expected);
        CHECK((*store->template load<game::NewCrate>("7"))->grams == 7 * 454);
        REQUIRE(store->close());
    }
}
