#include <joinly/backend/memory.hpp>
#include <joinly/core/observer.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using joinly::Errc;
using joinly::Operation;
using joinly::Status;
using joinly::test::Account;
using joinly::test::account;

/// Writes down "save" for a save that succeeded, "load not_found" for one that failed so, "begin load" before each.
struct Scribe {
    struct Begun {
        Operation operation;
    };
    [[nodiscard]] Begun begin(Operation operation) const noexcept {
        lines->push_back("begin " + std::string{to_string(operation)});
        return {operation};
    }
    void end(Operation operation, Begun begun, std::optional<Errc> error) const noexcept {
        std::string line{to_string(operation)};
        if (begun.operation != operation) line += " with what another one began";
        if (error) line += " " + std::string{to_string(*error)};
        lines->push_back(std::move(line));
    }
    std::shared_ptr<std::vector<std::string>> lines = std::make_shared<std::vector<std::string>>();
};
struct Watched : joinly::DefaultTraits {
    using Observer = Scribe;
    Observer observer;
};

using Store = joinly::Store<joinly::MemoryBackend, joinly::WriteThrough, Watched>;

struct Rig {
    /// What the observer has heard since the last call, beginnings left out.
    std::vector<std::string> heard() {
        std::vector<std::string> ended;
        for (std::string& line : *traits.observer.lines) {
            if (!line.starts_with("begin ")) ended.push_back(std::move(line));
        }
        traits.observer.lines->clear();
        return ended;
    }
    Watched traits;
    Store store = *Store::open({}, {}, traits);
};
using Heard = std::vector<std::string>;

static_assert(joinly::store_observer<joinly::NoObserver>);
static_assert(std::is_empty_v<joinly::NoObserver> && std::is_empty_v<joinly::DefaultTraits>);
static_assert(std::is_same_v<joinly::detail::ObserverOf<joinly::ManualTraits>::type, joinly::NoObserver>);
static_assert(joinly::store_observer<Scribe>);
static_assert(!joinly::store_observer<int>);

TEST_CASE("an observer is told when an operation begins and when it ends", "[observer]") {
    Rig rig;
    REQUIRE(rig.store.save(account("ada")));
    CHECK(*rig.traits.observer.lines == Heard{"begin save", "save"});
}

TEST_CASE("each call is one operation of its kind whatever it is made of", "[observer]") {
    Rig rig;
    REQUIRE(rig.store.save(account("ada")));
    const Account kept = account("bob");
    REQUIRE(rig.store.save(kept));
    REQUIRE(rig.store.put("raw", "bytes"));
    CHECK(rig.heard() == Heard{"save", "save", "save"});

    REQUIRE(rig.store.load<Account>("ada"));
    REQUIRE(rig.store.exists<Account>("nobody"));
    REQUIRE(rig.store.get("raw"));
    CHECK(rig.heard() == Heard{"load", "load", "load"});

    REQUIRE(rig.store.save_many(std::vector{account("cleo")}));
    const std::vector<std::string> ids{"ada", "bob"};
    REQUIRE(rig.store.load_many<Account>(ids).size() == 2);
    CHECK(rig.heard() == Heard{"save_many", "load_many"});

    REQUIRE(rig.store.update<Account>("ada", [](Account& one) { ++one.skill_rating; }));
    REQUIRE(rig.store.touch<Account>("ada", std::nullopt));
    REQUIRE(rig.store.transaction([](auto& tx) -> Status {
        if (auto loaded = tx.template load<Account>("ada"); !loaded) return joinly::failure(loaded.error());
        return tx.save(account("dora"));
    }));
    CHECK(rig.heard() == Heard{"update", "touch", "transaction"});

    REQUIRE(rig.store.ids<Account>());
    REQUIRE(rig.store.count<Account>());
    REQUIRE(rig.store.keys());
    REQUIRE(rig.store.for_each<Account>([](const auto&) {}));
    CHECK(rig.heard() == Heard{"scan", "scan", "scan", "scan"});

    REQUIRE(rig.store.erase<Account>("ada"));
    REQUIRE(rig.store.erase_key("raw"));
    REQUIRE(rig.store.sweep());
    CHECK(rig.heard() == Heard{"erase", "erase", "sweep"});
}

TEST_CASE("an observer is told the code of an operation's error", "[observer]") {
    Rig rig;
    CHECK(!rig.store.load<Account>("nobody"));
    REQUIRE(rig.store.save(account("ada")));
    CHECK(!rig.store.save(account("ada"), {.expect = joinly::absent}));
    CHECK(!rig.store.load<Account>(""));
    const std::vector<std::string> ids{"ada", "nobody", ""};
    CHECK(rig.store.load_many<Account>(ids).size() == 3);
    REQUIRE(rig.store.close());
    CHECK(!rig.store.save(account("ada")));
    CHECK(rig.heard() ==
          Heard{"load not_found", "save", "save conflict", "load invalid_argument", "load_many not_found", "save closed"});
}

}  // namespace
