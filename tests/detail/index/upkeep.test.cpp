// What becomes of an index beside writes and queries that are under way, where one store has a kind's entities as two types: one
// with an index, as the present build has them, and one without. Where processes share a file, see policy/foreign_indexes.

#include <joinly/backend/leveldb.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace game {

/// Rings while its ship is written.
struct Bell {
    std::uint32_t strokes = 0;
    static inline std::function<void()> when_rung = {};
};
struct OldShip {
    std::string ship_id;
    std::int32_t guns = 0;
    Bell bell = {};
};
struct Ship {
    std::string ship_id;
    std::int32_t guns = 0;
};

}  // namespace game

template <>
struct joinly::Entity<game::Bell> {
    static std::uint32_t to_wire(const game::Bell& bell) {
        if (auto ring = std::exchange(game::Bell::when_rung, nullptr)) ring();
        return bell.strokes;
    }
    static bool from_wire(std::uint32_t strokes, game::Bell& bell) {
        bell.strokes = strokes;
        return true;
    }
};
template <>
struct joinly::Entity<game::OldShip> {
    static constexpr std::string_view kind = "ship";
    static constexpr auto& id(auto& ship) { return ship.ship_id; }
    static constexpr void fields(auto& ship, auto&& field) {
        field(1, "ship_id", ship.ship_id);
        field(2, "guns", ship.guns);
        field(3, "bell", ship.bell);
    }
};
template <>
struct joinly::Entity<game::Ship> {
    static constexpr std::string_view kind = "ship";
    static constexpr auto& id(auto& ship) { return ship.ship_id; }
    static constexpr void fields(auto& ship, auto&& field) {
        field(1, "ship_id", ship.ship_id);
        field(2, "guns", ship.guns, joinly::indexed);
    }
};

namespace {

using game::Bell;
using game::OldShip;
using game::Ship;
using joinly::Errc;
using joinly::LevelDbBackend;
using joinly::LevelDbOptions;
using joinly::NoCache;
using joinly::ReadThrough;
using joinly::Status;
using joinly::where;
using joinly::WriteBehind;
using joinly::WriteThrough;
using joinly::test::TempDir;

/// LevelDbBackend, which leaves a record's entries where a type without indexes replaces it; and somebody else has a turn before
/// one of its calls.
class InterruptedLevelDb : public LevelDbBackend {
public:
    struct Turn {
        int calls_left = 0;            ///< until it is taken, counting the call that it comes before; 0: never
        bool is_before_write = false;  ///< or else before a scan
        std::function<void()> take;
        bool refuses_writes = false;
    };
    struct Options : LevelDbOptions {
        std::shared_ptr<Turn> turn;
    };
    [[nodiscard]] static joinly::Result<InterruptedLevelDb> open(const Options& options) {
        return InterruptedLevelDb{*LevelDbBackend::open(options), options.turn};
    }

    [[nodiscard]] joinly::Result<joinly::Version> write(const joinly::Batch& batch) {
        if (turn_->is_before_write) before_call();
        if (turn_->refuses_writes) return joinly::failure(Errc::invalid_argument, "the test refuses writes");
        return LevelDbBackend::write(batch);
    }
    [[nodiscard]] Status scan(const joinly::KeyRange& range, joinly::ScanVisitor visit) {
        if (!turn_->is_before_write) before_call();
        return LevelDbBackend::scan(range, visit);
    }
    [[nodiscard]] Status follow(const joinly::KeyRange& range, joinly::EntryVisitor visit) {
        if (!turn_->is_before_write) before_call();
        return LevelDbBackend::follow(range, visit);
    }

private:
    InterruptedLevelDb(LevelDbBackend backend, std::shared_ptr<Turn> turn)
        : LevelDbBackend{std::move(backend)}, turn_{std::move(turn)} {}

    void before_call() {
        if (turn_->calls_left > 0 && --turn_->calls_left == 0) turn_->take();
    }
    std::shared_ptr<Turn> turn_;
};

template <class Policy>
struct Rig {
    Rig() {
        options.path = dir / "db";
        options.sync = joinly::Sync::process_crash;
    }
    TempDir dir;
    InterruptedLevelDb::Options options{{}, std::make_shared<InterruptedLevelDb::Turn>()};
    joinly::Store<InterruptedLevelDb, Policy, joinly::ManualTraits> open() {
        return *joinly::Store<InterruptedLevelDb, Policy, joinly::ManualTraits>::open(options);
    }
};

/// Everything, or that it must be built first; and once it is, everything.
template <class Store>
void check_whole(Store& store, std::size_t ships) {
    for (int i = 0; i < 2; ++i) {
        const auto found = store.template find_ids<Ship>(where(&Ship::guns));
        INFO((found ? "" : std::string{found.error().message()}));
        if (found) {
            CHECK(found->ids.size() == ships);
            CHECK(store.template verify_indexes<Ship>());
        } else {
            CHECK(found.error() == Errc::incompatible);
        }
        REQUIRE(store.template rebuild_indexes<Ship>());
    }
}

template <class Store>
struct NamedWrite {
    std::string_view name;
    std::function<bool(Store&)> made_on;
};
template <class Store>
std::vector<NamedWrite<Store>> writes() {
    const OldShip ship{"b", 2, {}};
    return {
        {"save", [=](Store& store) { return store.save(ship).has_value(); }},
        {"save_many", [=](Store& store) { return store.save_many(std::vector{ship}).has_value(); }},
        {"update", [](Store& store) { return store.template update<OldShip>("a", [](OldShip& a) { ++a.guns; }).has_value(); }},
        {"touch", [](Store& store) { return store.template touch<OldShip>("a", std::chrono::hours{1}).has_value(); }},
        {"transaction",
         [=](Store& store) { return store.transaction([&](auto& tx) -> Status { return tx.save(ship); }).has_value(); }},
    };
}

TEMPLATE_TEST_CASE("an index that is built while somebody who does not know it writes does not lack that", "[index]", NoCache,
                   ReadThrough, WriteThrough, WriteBehind) {
    Rig<TestType> names;
    auto unused = names.open();
    for (const auto& write : writes<decltype(unused)>()) {
        CAPTURE(write.name);
        Rig<TestType> rig;
        auto store = rig.open();
        REQUIRE(store.save(OldShip{"a", 1, {}}));
        bool is_built = false;
        Bell::when_rung = [&] { is_built = store.template rebuild_indexes<Ship>().has_value(); };
        REQUIRE(write.made_on(store));
        CHECK(is_built);
        check_whole(store, store.template count<Ship>().value());
    }
}

TEMPLATE_TEST_CASE("an index that comes with a kind's first record does not lack what was being written just then", "[index]",
                   NoCache, ReadThrough, WriteThrough, WriteBehind) {
    Rig<TestType> rig;
    auto store = rig.open();
    Bell::when_rung = [&] { REQUIRE(store.save(Ship{"a", 1})); };
    REQUIRE(store.save(OldShip{"b", 2, {}}));
    check_whole(store, 2);
}

TEMPLATE_TEST_CASE("an index that is built while a transaction runs does not lack what that writes", "[index]", NoCache,
                   ReadThrough, WriteThrough, WriteBehind) {
    const bool erases = GENERATE(false, true);
    Rig<TestType> rig;
    auto store = rig.open();
    REQUIRE(store.save(OldShip{"a", 1, {}}));
    REQUIRE(store.transaction([&](auto& tx) -> Status {
        auto written = erases ? tx.template erase<OldShip>("a") : tx.save(OldShip{"b", 2, {}});
        REQUIRE(store.template rebuild_indexes<Ship>());
        return written;
    }));
    check_whole(store, erases ? 0 : 2);
}

TEMPLATE_TEST_CASE("a query that an index ceases to be good for meanwhile is not answered by it", "[index]", NoCache, ReadThrough,
                   WriteThrough, WriteBehind) {
    const bool within_transaction = GENERATE(false, true);
    bool is_interrupted = true;
    for (int call = 1; is_interrupted; ++call) {
        CAPTURE(call, within_transaction);
        Rig<TestType> rig;
        auto store = rig.open();
        REQUIRE(store.save(Ship{"a", 1}));
        REQUIRE(store.flush());
        rig.options.turn->take = [&] { REQUIRE(store.save(OldShip{"a", 2, {}})); };
        rig.options.turn->calls_left = call;
        joinly::Result<joinly::FoundIds> found;
        if (within_transaction) {
            const auto asked = store.transaction([&](auto& tx) -> Status {
                found = tx.find_ids(joinly::Query<Ship>{where(&Ship::guns)});
                return found ? Status{} : Status{joinly::failure(found.error())};
            });
            if (!asked) found = joinly::failure(asked.error());
        } else {
            found = store.template find_ids<Ship>(where(&Ship::guns));
        }
        is_interrupted = rig.options.turn->calls_left == 0;
        INFO((found ? "" : std::string{found.error().message()}));
        if (found) {
            CHECK(found->ids.size() == 1);
        } else {
            CHECK(found.error() == Errc::incompatible);
        }
    }
}

TEST_CASE("a dead letter of somebody who does not know an index that was built since is not missing from it", "[index]") {
    const bool erases = GENERATE(false, true);
    Rig<WriteBehind> rig;
    auto store = rig.open();
    REQUIRE(store.save(OldShip{"a", 1, {}}));
    REQUIRE(store.flush());
    rig.options.turn->refuses_writes = true;
    if (erases) {
        REQUIRE(store.erase<OldShip>("a"));
    } else {
        REQUIRE(store.save(OldShip{"b", 2, {}}));
    }
    CHECK(!store.flush());
    rig.options.turn->refuses_writes = false;
    REQUIRE(store.rebuild_indexes<Ship>());
    REQUIRE(store.dead_letters().size() == 1);
    REQUIRE(store.retry_dead_letter(store.dead_letters()[0].id, {.overwrite = erases}));  // the building has written "a" again
    check_whole(store, erases ? 0 : 2);
}

TEMPLATE_TEST_CASE("a write that an index may lack, for it cannot be struck out, says that it was made", "[index]", NoCache,
                   ReadThrough, WriteThrough) {
    Rig<TestType> rig;
    auto store = rig.open();
    REQUIRE(store.save(OldShip{"a", 1, {}}));
    rig.options.turn->is_before_write = true;
    Bell::when_rung = [&] {
        REQUIRE(store.template rebuild_indexes<Ship>());
        rig.options.turn->take = [&] { rig.options.turn->refuses_writes = true; };
        rig.options.turn->calls_left = 2;  // the save, and what strikes the index out
    };
    const auto saved = store.save(OldShip{"b", 2, {}});
    rig.options.turn->refuses_writes = false;
    REQUIRE(!saved);
    CHECK(saved.error().message().starts_with("it was written, but"));
    CHECK(store.template load<OldShip>("b"));
    REQUIRE(store.save(OldShip{"b", 3, {}}));
    check_whole(store, 2);
}

// Under write-behind it is not the one who saves that writes.
TEMPLATE_TEST_CASE("whatever is saved while indexes are built, what somebody who does not know them has left does not stay",
                   "[index]", NoCache, ReadThrough, WriteThrough) {
    const bool erases = GENERATE(false, true);
    bool is_interrupted = true;
    for (int call = 1; is_interrupted; ++call) {
        CAPTURE(call, erases);
        Rig<TestType> rig;
        rig.options.turn->is_before_write = true;
        auto store = rig.open();
        REQUIRE(store.save(Ship{"a", 1}));
        REQUIRE(store.save(OldShip{"a", 2, {}}));
        rig.options.turn->take = [&] {
            if (erases) {
                REQUIRE(store.template erase<Ship>("a"));
            } else {
                REQUIRE(store.save(Ship{"a", 3}));
            }
        };
        rig.options.turn->calls_left = call;
        REQUIRE(store.template rebuild_indexes<Ship>());
        is_interrupted = rig.options.turn->calls_left == 0;
        const auto found = store.template find_ids<Ship>(where(&Ship::guns));
        INFO((found ? "" : std::string{found.error().message()}));
        REQUIRE(found);
        CHECK(found->ids.size() == (is_interrupted && erases ? 0 : 1));
        CHECK(store.template verify_indexes<Ship>());
    }
}

}  // namespace
