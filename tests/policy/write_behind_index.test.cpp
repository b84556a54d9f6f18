// Write-behind and indexes: what is pending, flushed, brought back by a journal or set aside is found as it is.

#include <joinly/backend/memory.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/temp_dir.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace game {

struct Horse {
    std::string horse_id;
    std::int32_t speed = 0;
};

}  // namespace game

template <>
struct joinly::Entity<game::Horse> {
    static constexpr std::string_view kind = "horse";
    static constexpr auto& id(auto& horse) { return horse.horse_id; }
    static constexpr void fields(auto& horse, auto&& field) {
        field(1, "horse_id", horse.horse_id);
        field(2, "speed", horse.speed, joinly::indexed);
    }
};

namespace {

using game::Horse;
using joinly::Drive;
using joinly::Errc;
using joinly::ManualTraits;
using joinly::MemoryBackend;
using joinly::where;
using joinly::WriteBehind;
using joinly::WriteBehindOptions;
using joinly::test::FailingBackend;
using joinly::test::TempDir;
using Ids = std::vector<std::string>;

template <class Store>
Ids by_speed(Store& store) {
    const auto page = store.template find_ids<Horse>(where(&Horse::speed));
    INFO((page ? "" : std::string{page.error().message()}));
    REQUIRE(page);
    return page->ids;
}

using Store = joinly::Store<FailingBackend, WriteBehind, ManualTraits>;

/// A database and a journal that outlive the stores which are opened on them.
struct Stable {
    [[nodiscard]] Store open() const {
        WriteBehindOptions options;
        options.drive = Drive::caller;
        options.journal = {.path = dir / "journal", .segment_bytes = 64 << 10, .limit_bytes = 256 << 10};
        return *Store::open({.control = control}, options, traits);
    }
    TempDir dir;
    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
    ManualTraits traits;
};

TEST_CASE("what a journal brings back is found by its index, before and after it is stored", "[write_behind][index]") {
    const Stable stable;
    {
        Store store = stable.open();
        REQUIRE(store.save(Horse{"moved", 1}));
        REQUIRE(store.save(Horse{"gone", 2}));
        REQUIRE(store.flush());
        REQUIRE(store.save(Horse{"moved", 30}));
        REQUIRE(store.save(Horse{"new", 20}));
        REQUIRE(store.erase<Horse>("gone"));
        stable.control->refuse_writes = Errc::io;
    }
    stable.control->refuse_writes = std::nullopt;
    Store store = stable.open();
    CHECK(store.health().pending_entries == 3);
    CHECK(by_speed(store) == Ids{"new", "moved"});
    REQUIRE(store.flush());
    CHECK(by_speed(store) == Ids{"new", "moved"});
    CHECK(store.verify_indexes<Horse>());
}

TEST_CASE("a memory store's checkpoint keeps its indexes", "[write_behind][index][journal]") {
    const TempDir dir;
    WriteBehindOptions options;
    options.journal = {.path = dir / "journal", .segment_bytes = 4 << 10, .limit_bytes = 16 << 10};
    const auto open = [&] { return *joinly::open<MemoryBackend, WriteBehind>({}, options); };
    {
        auto store = open();
        for (int round = 0; round < 50; ++round) {  // more than the segments hold: the older rounds are in a checkpoint
            for (int i = 0; i < 10; ++i) REQUIRE(store.save(Horse{"horse " + std::to_string(i), (round + i) % 10}));
            REQUIRE(store.flush());
        }
    }
    auto store = open();
    Ids expected;
    for (int i = 0; i < 10; ++i) expected.push_back("horse " + std::to_string((i + 1) % 10));
    CHECK(by_speed(store) == expected);
    CHECK(store.verify_indexes<Horse>());
}

TEST_CASE("a query merges what is pending, what is being stored and what is stored", "[write_behind][index]") {
    auto control = std::make_shared<FailingBackend::Control>();
    Store store = *Store::open({.control = control}, {.drive = Drive::caller}, {});
    for (int i = 0; i < 6; ++i) REQUIRE(store.save(Horse{std::string(1, static_cast<char>('a' + i)), i}));
    REQUIRE(store.flush());
    REQUIRE(store.save(Horse{"a", 10}));
    REQUIRE(store.erase<Horse>("b"));
    control->refuse_writes = Errc::io;
    CHECK_FALSE(store.flush());  // on its way, and not there
    REQUIRE(store.save(Horse{"c", -1}));
    REQUIRE(store.erase<Horse>("d"));
    CHECK(by_speed(store) == Ids{"c", "e", "f", "a"});
    const auto page = store.find_ids<Horse>(where(&Horse::speed).descending().limit(2));
    REQUIRE(page);
    CHECK(page->ids == Ids{"a", "f"});
    control->refuse_writes = std::nullopt;
    REQUIRE(store.flush());
    CHECK(by_speed(store) == Ids{"c", "e", "f", "a"});
    CHECK(store.verify_indexes<Horse>());
}

TEST_CASE("what was set aside as a dead letter is not found", "[write_behind][index]") {
    auto control = std::make_shared<FailingBackend::Control>();
    Store store = *Store::open({.control = control}, {.drive = Drive::caller}, {});
    REQUIRE(store.save(Horse{"a", 1}));
    REQUIRE(store.flush());
    REQUIRE(store.save(Horse{"a", 2}));
    REQUIRE(store.save(Horse{"b", 3}));
    control->refuse_writes = Errc::invalid_argument;
    CHECK_FALSE(store.flush());
    control->refuse_writes = std::nullopt;
    CHECK(by_speed(store) == Ids{"a"});
    CHECK(store.find<Horse>(where(&Horse::speed).equals(1))->items.size() == 1);
}

TEST_CASE("a transaction that has listed what is then set aside is tried again", "[write_behind][index]") {
    auto control = std::make_shared<FailingBackend::Control>();
    Store store = *Store::open({.control = control}, {.drive = Drive::caller}, {});
    REQUIRE(store.save(Horse{"a", 1}));
    REQUIRE(store.flush());
    REQUIRE(store.save(Horse{"b", 2}));
    int tries = 0;
    Ids seen;
    REQUIRE(store.transaction([&](auto& tx) -> joinly::Status {
        seen = *tx.template ids<Horse>();
        if (++tries == 1) {
            control->refuse_writes = Errc::invalid_argument;
            (void)store.flush();
            control->refuse_writes = std::nullopt;
        }
        return tx.save(Horse{"own", 5});
    }));
    CHECK(tries == 2);
    CHECK(seen == Ids{"a"});
}

}  // namespace
