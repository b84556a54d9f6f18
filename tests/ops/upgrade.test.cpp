// Records of other builds in a store, under every policy: what loads and changes make of them, and upgrade_all.

#include "tests/support/catch.hpp"
#include "tests/support/failing_backend.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/index/query.hpp>
#include <joinly/ops/upgrade.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::chrono_literals;

namespace game {

/// What the oldest build keeps.
struct Crate {
    std::string crate_id = {};
    double pounds = 0;
    UnknownFields unknown_fields = {};
};
/// What today's build keeps.
struct NewCrate {
    std::string crate_id = {};
    double grams = 0;
    std::string label = {};
};
/// What tomorrow's build keeps; today's may read it.
struct FutureCrate {
    std::string crate_id = {};
    double grams = 0;
    std::string label = {};
    std::string owner = {};
};

/// With an index, before and after its unit has changed.
struct Barrel {
    std::string barrel_id = {};
    std::int32_t litres = 0;
};
struct NewBarrel {
    std::string barrel_id = {};
    std::int32_t millilitres = 0;
};

}  // namespace game

template <>
struct joinly::Entity<game::Crate> {
    static constexpr std::string_view kind = "crate";
    static constexpr auto& id(auto& crate) { return crate.crate_id; }
    static constexpr auto& unknown_fields(auto& crate) { return crate.unknown_fields; }
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
        field(3, "label", crate.label);
    }
    static Status upgrade(game::NewCrate& crate, int) {
        if (crate.crate_id == "stuck") return failure(Errc::unsupported, "nobody can lift it");
        crate.grams *= 454;
        if (crate.crate_id == "weird") crate.grams = std::numeric_limits<double>::quiet_NaN();
        return {};
    }
};
template <>
struct joinly::Entity<game::FutureCrate> {
    static constexpr std::string_view kind = "crate";
    static constexpr int version = 3;
    static constexpr int oldest_reader = 1;
    static constexpr auto& id(auto& crate) { return crate.crate_id; }
    static constexpr void fields(auto& crate, auto&& field) {
        field(1, "crate_id", crate.crate_id);
        field(2, "weight", crate.grams);
        field(3, "label", crate.label);
        field(4, "owner", crate.owner);
    }
};
template <>
struct joinly::Entity<game::Barrel> {
    static constexpr std::string_view kind = "barrel";
    static constexpr auto& id(auto& barrel) { return barrel.barrel_id; }
    static constexpr void fields(auto& barrel, auto&& field) {
        field(1, "barrel_id", barrel.barrel_id);
        field(2, "content", barrel.litres, indexed);
    }
};
template <>
struct joinly::Entity<game::NewBarrel> {
    static constexpr std::string_view kind = "barrel";
    static constexpr int version = 2;
    static constexpr auto& id(auto& barrel) { return barrel.barrel_id; }
    static constexpr void fields(auto& barrel, auto&& field) {
        field(1, "barrel_id", barrel.barrel_id);
        field(2, "content", barrel.millilitres, indexed);
    }
    static Status upgrade(game::NewBarrel& barrel, int) {
        barrel.millilitres *= 1'000;
        return {};
    }
};

namespace {

using game::Barrel;
using game::Crate;
using game::FutureCrate;
using game::NewBarrel;
using game::NewCrate;

struct BinaryTraits : ManualTraits {};
struct JsonTraits : ManualTraits {
    using Codec = Json;
};

template <class Policy, class Traits>
struct Subject {
    using Store = joinly::Store<FailingBackend, Policy, Traits>;

    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
    Traits traits;
    Store store = *Store::open({.control = control}, {}, traits);

    void save_old(int count) {
        for (int i = 0; i < count; ++i) REQUIRE(store.save(Crate{.crate_id = name(i), .pounds = 1.0 + i}));
    }
    static std::string name(int i) { return "crate_" + std::to_string(1'000 + i); }

    double grams_of(const std::string& id) {
        const auto crate = store.template load<NewCrate>(id);
        REQUIRE(crate);
        return (*crate)->grams;
    }
    /// Of the record as it is stored.
    int stored_version_of(const std::string& id) {
        REQUIRE(store.flush());
        const auto record = control->records.read("crate:" + id);
        REQUIRE(record);
        return Traits::Codec::template stored_version<NewCrate>(record->value).value();
    }
};

using Subjects = std::tuple<Subject<NoCache, BinaryTraits>, Subject<ReadThrough, BinaryTraits>, Subject<WriteThrough, JsonTraits>,
                            Subject<WriteBehind, BinaryTraits>, Subject<WriteBehind, JsonTraits>>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("a record of an older version is upgraded each time it is read, and stored so when it is saved",
                        "[upgrade]", Subjects) {
    TestType subject;
    subject.save_old(1);
    const std::string id = subject.name(0);
    CHECK(subject.grams_of(id) == 454);
    CHECK(subject.grams_of(id) == 454);
    CHECK(subject.stored_version_of(id) == 1);
    REQUIRE(subject.store.template update<NewCrate>(id, [](NewCrate& crate) { crate.label = "heavy"; }));
    CHECK(subject.stored_version_of(id) == 2);
    CHECK(subject.grams_of(id) == 454);
}

TEMPLATE_LIST_TEST_CASE("a record that a newer build keeps to itself is incompatible and stays as it is", "[upgrade]", Subjects) {
    TestType subject;
    REQUIRE(subject.store.save(NewCrate{.crate_id = "c", .grams = 5}));
    const auto loaded = subject.store.template load<Crate>("c");
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error() == Errc::incompatible);
    CHECK(loaded.error().message() ==
          "crate:c: crate: it has description version 2, which takes a build of version 2 to read; this one has version 1");
    CHECK(subject.store.template update<Crate>("c", [](Crate& crate) { crate.pounds = 0; }).error() == Errc::incompatible);
    CHECK(subject.store.template for_each<Crate>([](const Loaded<Crate>&) {}).error() == Errc::incompatible);
    CHECK(subject.grams_of("c") == 5);
}

TEMPLATE_LIST_TEST_CASE("whichever way an older build changes a record, what the newer one stored stays", "[upgrade]", Subjects) {
    TestType subject;
    auto& store = subject.store;
    REQUIRE(store.save(FutureCrate{.crate_id = "c", .grams = 5, .label = "tea", .owner = "ada"}));
    const auto check_kept = [&](double weight) {
        const auto crate = store.template load<FutureCrate>("c");
        REQUIRE(crate);
        CHECK((*crate)->label == "tea");
        CHECK((*crate)->owner == "ada");
        CHECK((*crate)->grams == weight);
    };
    Crate old = **store.template load<Crate>("c");
    old.pounds = 6;
    REQUIRE(store.save(old));
    check_kept(6);
    REQUIRE(store.template update<Crate>("c", [](Crate& crate) { crate.pounds = 7; }));
    check_kept(7);
    REQUIRE(store.transaction([](auto& tx) { return tx.template update<Crate>("c", [](Crate& crate) { crate.pounds = 8; }); }));
    check_kept(8);
    REQUIRE(store.save_many(std::vector{**store.template load<Crate>("c")}));
    REQUIRE(store.flush());
    check_kept(8);
}

TEMPLATE_LIST_TEST_CASE("upgrade_all rewrites what is older, and nothing else", "[upgrade]", Subjects) {
    TestType subject;
    subject.save_old(10);
    REQUIRE(subject.store.save(NewCrate{.crate_id = "current", .grams = 5}));
    REQUIRE(subject.store.save(FutureCrate{.crate_id = "future", .grams = 6, .owner = "ada"}));
    REQUIRE(subject.store.put("crat", "of no kind"));
    REQUIRE(subject.store.flush());
    const Version before = subject.control->records.read("crate:current")->version;

    const auto report = upgrade_all<NewCrate>(subject.store, UpgradeOptions{.batch = 3});
    REQUIRE(report);
    CHECK(report->seen == 12);
    CHECK(report->rewritten == 10);
    CHECK(report->newer == 1);
    CHECK(report->failed == 0);
    CHECK(report->finished);
    for (int i = 0; i < 10; ++i) {
        CHECK(subject.stored_version_of(subject.name(i)) == 2);
        CHECK(subject.grams_of(subject.name(i)) == 454 * (1 + i));
    }
    CHECK(subject.control->records.read("crate:current")->version == before);
    CHECK((*subject.store.template load<FutureCrate>("future"))->owner == "ada");
}

TEMPLATE_LIST_TEST_CASE("the indexes of a new version are to be built, before or after the records were upgraded",
                        "[upgrade][index]", Subjects) {
    TestType subject;
    auto& store = subject.store;
    REQUIRE(store.save(Barrel{"a", 2}));
    REQUIRE(store.save(Barrel{"b", 1}));
    const auto query = where(&NewBarrel::millilitres).at_least(1'000);
    CHECK(store.find_ids(query).error() == Errc::incompatible);
    const bool upgrades = GENERATE(false, true);
    if (upgrades) REQUIRE(upgrade_all<NewBarrel>(store)->rewritten == 2);
    CHECK(store.find_ids(query).error() == Errc::incompatible);
    REQUIRE(store.template rebuild_indexes<NewBarrel>());
    CHECK(store.find_ids(query)->ids == std::vector<std::string>{"b", "a"});
    CHECK(store.template verify_indexes<NewBarrel>());
    CHECK(upgrade_all<NewBarrel>(store)->rewritten == 0);
}

TEMPLATE_LIST_TEST_CASE("upgrade_all can be stopped, and run again", "[upgrade]", Subjects) {
    TestType subject;
    subject.save_old(10);
    std::vector<std::uint64_t> told;
    const auto stop_at_4 = [&](const UpgradeReport& so_far) {
        told.push_back(so_far.rewritten);
        return so_far.rewritten < 4;
    };
    const auto stopped = upgrade_all<NewCrate>(subject.store, stop_at_4, UpgradeOptions{.batch = 2});
    REQUIRE(stopped);
    CHECK_FALSE(stopped->finished);
    CHECK(told == std::vector<std::uint64_t>{2, 4});

    const auto rest = upgrade_all<NewCrate>(subject.store);
    REQUIRE(rest);
    CHECK(rest->rewritten == 6);
    CHECK(rest->seen == 10);
    CHECK(upgrade_all<NewCrate>(subject.store)->rewritten == 0);
}

TEMPLATE_LIST_TEST_CASE("upgrade_all keeps the expiry of records, and leaves the expired ones", "[upgrade]", Subjects) {
    TestType subject;
    REQUIRE(subject.store.save(Crate{.crate_id = "a", .pounds = 1}, {.ttl = 1h}));
    REQUIRE(subject.store.save(Crate{.crate_id = "b", .pounds = 1}, {.ttl = 1ms}));
    const auto before = subject.store.template load<Crate>("a")->expires_at();
    subject.traits.clock.advance(1s);
    const auto report = upgrade_all<NewCrate>(subject.store);
    REQUIRE(report);
    CHECK(report->rewritten == 1);
    CHECK(report->failed == 0);
    CHECK(subject.store.template load<NewCrate>("a")->expires_at() == before);
    CHECK(subject.store.template load<NewCrate>("b").error() == Errc::not_found);
}

TEMPLATE_LIST_TEST_CASE("what upgrade refuses, or cannot be read, is counted and left, and the others are upgraded", "[upgrade]",
                        Subjects) {
    TestType subject;
    subject.save_old(2);
    REQUIRE(subject.store.save(Crate{.crate_id = "stuck", .pounds = 1}));
    REQUIRE(subject.store.put("crate:damaged", "\x0f\x0f\x0f"));
    const auto report = upgrade_all<NewCrate>(subject.store);
    REQUIRE(report);
    CHECK(report->rewritten == 2);
    CHECK(report->failed == 2);
    CHECK(report->first_failure.starts_with("crate:damaged: crate"));
    CHECK(report->finished);
    CHECK((*subject.store.template load<Crate>("stuck"))->pounds == 1);
}

TEST_CASE("what the codec refuses of an upgraded record does not hold up the others", "[upgrade][json]") {
    Subject<WriteThrough, JsonTraits> subject;
    subject.save_old(2);
    REQUIRE(subject.store.save(Crate{.crate_id = "weird", .pounds = 1}));
    const auto report = upgrade_all<NewCrate>(subject.store);
    REQUIRE(report);
    CHECK(report->rewritten == 2);
    CHECK(report->failed == 1);
    CHECK(report->first_failure.find("it is not a finite number") != std::string::npos);
    CHECK((*subject.store.load<Crate>("weird"))->pounds == 1);
}

TEST_CASE("a write that comes in between loses nothing", "[upgrade]") {
    Subject<WriteThrough, BinaryTraits> subject;
    subject.save_old(3);
    bool raced = false;
    subject.control->before_write = [&](const Batch&) {
        if (std::exchange(raced, true)) return;
        REQUIRE(subject.store.save(Crate{.crate_id = subject.name(1), .pounds = 100}));
    };
    const auto report = upgrade_all<NewCrate>(subject.store);
    REQUIRE(report);
    CHECK(raced);
    CHECK(report->rewritten == 3);
    CHECK(subject.grams_of(subject.name(1)) == 45'400);
}

TEST_CASE("a record that is erased in between stays erased", "[upgrade]") {
    Subject<NoCache, BinaryTraits> subject;
    subject.save_old(2);
    bool raced = false;
    subject.control->before_write = [&](const Batch&) {
        if (std::exchange(raced, true)) return;
        REQUIRE(subject.store.erase<Crate>(subject.name(0)));
    };
    const auto report = upgrade_all<NewCrate>(subject.store);
    REQUIRE(report);
    CHECK(report->rewritten == 1);
    CHECK(report->failed == 0);
    CHECK(subject.store.load<NewCrate>(subject.name(0)).error() == Errc::not_found);
}

TEST_CASE("an error that hits all records ends an upgrade, and what was done stays done", "[upgrade][fault]") {
    Subject<WriteThrough, BinaryTraits> subject;
    subject.save_old(6);
    const auto broken_after_one = [&](const UpgradeReport&) { subject.control->refuse_writes = Errc::io; };
    const auto broken = upgrade_all<NewCrate>(subject.store, broken_after_one, UpgradeOptions{.batch = 2});
    REQUIRE_FALSE(broken);
    CHECK(broken.error() == Errc::io);
    subject.control->refuse_writes = std::nullopt;
    CHECK(upgrade_all<NewCrate>(subject.store)->rewritten == 4);
}

TEST_CASE("what is up to date is told of in pages, too", "[upgrade]") {
    Subject<NoCache, BinaryTraits> subject;
    std::vector<NewCrate> crates;
    for (int i = 0; i < 5'000; ++i) crates.push_back({.crate_id = subject.name(i), .grams = 1});
    REQUIRE(subject.store.save_many(crates));
    std::size_t calls = 0;
    const auto report = upgrade_all<NewCrate>(subject.store, [&](const UpgradeReport&) { ++calls; });
    REQUIRE(report);
    CHECK(report->seen == 5'000);
    CHECK(calls == 2);
}
