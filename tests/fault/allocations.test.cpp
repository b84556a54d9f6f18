// Stores whose every allocation fails in turn, SQLite's own included: a call then says so, as an Error, and has done all of its
// work or nothing. Allocations on the store's own threads are left out; under Drive::caller there are none.
// There is no shorter form: each run fails them all, and prints how many there were.

#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/detail/entity/type_name.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/fail_allocations.hpp>
#include <tests/support/fail_sqlite_allocations.hpp>
#include <tests/support/temp_dir.hpp>

#include <unistd.h>

#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using joinly::Errc;
using joinly::Loaded;
using joinly::MemoryBackend;
using joinly::NoCache;
using joinly::Player;
using joinly::ReadThrough;
using joinly::SqliteBackend;
using joinly::Status;
using joinly::WriteBehind;
using joinly::WriteThrough;
using joinly::test::player;
using joinly::test::TempDir;
using joinly::test::with_failing_allocation;

struct InMemory {
    using Backend = MemoryBackend;
    static MemoryBackend::Options options(const TempDir&) { return {}; }
};
struct InSqlite {
    using Backend = SqliteBackend;
    static joinly::SqliteOptions options(const TempDir& dir) {
        joinly::SqliteOptions options;
        options.path = dir / "db";
        options.sync = joinly::Sync::process_crash;
        return options;
    }
};

template <class Policy>
typename Policy::Options policy_options() {
    typename Policy::Options options;
    if constexpr (std::is_same_v<Policy, WriteBehind>) options.drive = joinly::Drive::caller;
    return options;
}

const std::vector<std::string> ids{"a player whose id does not fit into a short string", "b", "c"};

/// The rating that all players have; nullopt when they differ: half a batch.
template <class Store>
std::optional<std::int32_t> common_rating(Store& store) {
    std::optional<std::int32_t> common;
    for (const std::string& id : ids) {
        const auto loaded = store.template load<Player>(id);
        REQUIRE(loaded);
        if (common && *common != (*loaded)->skill_rating) return std::nullopt;
        common = (*loaded)->skill_rating;
    }
    return common;
}

std::vector<Player> players(std::int32_t rating) {
    std::vector<Player> made;
    for (const std::string& id : ids) made.push_back(player(id, rating));
    return made;
}

/// Batches, flushes, reads and listings, each with every allocation failing in turn.
template <class Place, class Policy>
void fail_every_allocation() {
    REQUIRE(joinly::test::count_allocations_of_sqlite());
    const TempDir dir;
    ::alarm(120);  // a deadlock ends the program
    auto opened = joinly::open<typename Place::Backend, Policy>(Place::options(dir), policy_options<Policy>());
    REQUIRE(opened);
    auto& store = *opened;
    REQUIRE(store.save_many(players(0)));
    std::int32_t rating = 0;
    int failures = 0;

    const auto sweep = [&](const char* what, auto work) {
        int n = 0;
        for (bool failed = true; failed; ++n) {
            INFO(what << ", allocation " << n);
            const auto batch = players(++rating);
            bool succeeded = false;
            bool returned = false;
            failed = with_failing_allocation(n, [&] {
                succeeded = work(batch).has_value();
                returned = true;
            });
            CHECK(returned);  // an error and no exception
            const auto found = common_rating(store);
            REQUIRE(found);  // never half a batch
            CHECK((*found == rating || !succeeded));
            CHECK((*found == rating || *found == rating - 1 || failed));
            CHECK((succeeded || failed));
            REQUIRE(store.save_many(batch));  // the store works on
            REQUIRE(store.flush());
        }
        CHECK(n > 1);
        failures += n - 1;  // in the last round none was reached
    };
    sweep("save_many", [&](const std::vector<Player>& batch) { return store.save_many(batch); });
    sweep("save_many and flush", [&](const std::vector<Player>& batch) -> Status {
        if (auto saved = store.save_many(batch); !saved) return joinly::failure(saved.error());
        return store.flush();
    });
    sweep("save_many, load, list", [&](const std::vector<Player>& batch) -> Status {
        if (auto saved = store.save_many(batch); !saved) return joinly::failure(saved.error());
        for (const std::string& id : ids) {
            if (auto loaded = store.template load<Player>(id); !loaded) return joinly::failure(loaded.error());
        }
        return store.template for_each<Player>([](const Loaded<Player>&) {});
    });
    sweep("update", [&](const std::vector<Player>& batch) -> Status {
        auto updated = store.template update<Player>(ids[0], [](Player&) {});
        if (!updated) return joinly::failure(updated.error());
        auto saved = store.save_many(batch);
        if (!saved) return joinly::failure(saved.error());
        return {};
    });
    const auto before = common_rating(store);
    for (int n = 0;; ++n) {
        INFO("close, allocation " << n);
        bool returned = false;
        const bool failed = with_failing_allocation(n, [&] {
            (void)store.close();
            returned = true;
        });
        CHECK(returned);
        if (!failed) break;
        ++failures;
    }
    std::cout << joinly::detail::short_type_name<typename Place::Backend>() << " under "
              << joinly::detail::short_type_name<Policy>() << ": " << failures << " allocations failed in turn" << std::endl;
    CHECK(store.close());
    if constexpr (std::is_same_v<Place, InSqlite>) {
        opened = joinly::failure(Errc::closed);
        opened = joinly::open<typename Place::Backend, Policy>(Place::options(dir), policy_options<Policy>());
        REQUIRE(opened);
        CHECK(common_rating(*opened) == before);
    }
    ::alarm(0);
}

TEMPLATE_TEST_CASE("an allocation that fails leaves no half batch and no deadlock in memory", "[fault][allocations]", NoCache,
                   ReadThrough, WriteThrough, WriteBehind) {
    fail_every_allocation<InMemory, TestType>();
}

TEMPLATE_TEST_CASE("an allocation that fails leaves no half batch and no deadlock over SQLite", "[fault][allocations][sqlite]",
                   NoCache, ReadThrough, WriteThrough, WriteBehind) {
    fail_every_allocation<InSqlite, TestType>();
}

}  // namespace
