// Backup and restore, which every backend must allow: included by a file that defines JOINLY_TESTED_BACKEND, a class with
// `Backend`, `Policy`, and how a store of it is opened in a directory and restored there.

#include <joinly/ops/backup.hpp>
#include <joinly/ops/restore.hpp>
#include <joinly/ops/verify.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/temp_dir.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace game {

template <bool is_indexed>
struct Guild {
    std::string guild_id;
    std::int32_t trophies = 0;
};

}  // namespace game

template <bool is_indexed>
struct joinly::Entity<game::Guild<is_indexed>> {
    static constexpr std::string_view kind = "guild";
    static constexpr auto& id(auto& guild) { return guild.guild_id; }
    static constexpr void fields(auto& guild, auto&& field) {
        field(1, "guild_id", guild.guild_id);
        if constexpr (is_indexed) {
            field(2, "trophies", guild.trophies, joinly::indexed);
        } else {
            field(2, "trophies", guild.trophies);
        }
    }
};

namespace {

using namespace joinly;
using namespace joinly::test;
using namespace std::chrono_literals;

using Subject = JOINLY_TESTED_BACKEND;
using SubjectStore = Store<Subject::Backend, Subject::Policy, DefaultTraits>;

SubjectStore open_subject(const TempDir& dir) {
    auto store = SubjectStore::open(Subject::options(dir), Subject::policy(dir));
    INFO((store ? "" : std::string{store.error().message()}));
    REQUIRE(store);
    return std::move(*store);
}

template <class T>
T must(Result<T> result) {
    INFO((result ? "" : std::string{result.error().message()}));
    REQUIRE(result);
    return std::move(*result);
}

}  // namespace

TEST_CASE("a backup that is made while others write is of one moment and restores as such", "[ops][backup]") {
    const TempDir dir;
    std::vector<std::string> backups;
    {
        SubjectStore store = open_subject(dir);
        REQUIRE(store.save_many(std::vector{account("left", 0), account("right", 0)}));
        for (int i = 0; i < 3'000; ++i) REQUIRE(store.save(account("idle" + std::to_string(i)), {.ttl = i % 7 == 0 ? 1h : 1'000h}));
        std::atomic<bool> ending{false};
        std::atomic<int> written{0};
        std::jthread writer{[&] {
            for (int n = 1; !ending; ++n) {
                if (store.save_many(std::vector{account("left", n), account("right", n)})) written = n;
            }
        }};
        std::jthread reader{[&] {
            while (!ending) (void)store.load<Account>("left");
        }};
        for (int i = 0; i < 4; ++i) {
            const int before = written;
            while (written < before + 3) std::this_thread::yield();
            const int acknowledged = written;
            const BackupReport made = must(backup(store, dir / "backups"));
            CHECK(made.manifest.inventory.kinds.at("player").records == 3'002);
            backups.push_back(made.path);
            CHECK(read_backup_manifest(made.path) == made.manifest);
            CHECK(acknowledged > before);
        }
        ending = true;
    }
    int last = 0;
    for (const std::string& path : backups) {
        const RestoreReport report = must(Subject::restore(dir, path));
        CHECK_FALSE(report.replaced.empty());
        SubjectStore store = open_subject(dir);
        const int left = (*store.load<Account>("left"))->skill_rating;
        CHECK((*store.load<Account>("right"))->skill_rating == left);
        CHECK(left > last);  // each was made after more had been acknowledged
        last = left;
        CHECK(must(take_inventory(store.backend())) == report.manifest.inventory);
        CHECK(must(store.save(account("new"))) > report.version);
    }
}

TEST_CASE("a store that is open is not restored over", "[ops][restore]") {
    const TempDir dir;
    SubjectStore store = open_subject(dir);
    REQUIRE(store.save(account("ada", 1)));
    const std::string path = must(backup(store, dir / "backups")).path;
    REQUIRE(store.save(account("ada", 2)));
    CHECK(Subject::restore(dir, path).error() == Errc::busy);
    CHECK((*store.load<Account>("ada"))->skill_rating == 2);
    REQUIRE(store.save(account("ada", 3)));
}

TEST_CASE("what a build without an index has replaced and erased is no flaw, and is backed up", "[ops][backup][verify]") {
    using Indexed = game::Guild<true>;
    using Unindexed = game::Guild<false>;
    const TempDir dir;
    SubjectStore store = open_subject(dir);
    REQUIRE(store.save_many(std::vector{Indexed{"replaced", 1}, Indexed{"erased", 2}, Indexed{"left", 3}}));
    REQUIRE(store.flush());
    REQUIRE(store.save(Unindexed{"replaced", 4}));
    REQUIRE(store.erase<Unindexed>("erased"));
    REQUIRE(store.flush());

    CHECK(must(verify_store<Unindexed>(store)).flaws.empty());
    CHECK(must(backup(store, dir / "backups")).manifest.inventory.kinds.at("guild").records == 2);
    CHECK(store.find_ids(where(&Indexed::trophies).between(0, 9)).error() == Errc::incompatible);
    REQUIRE(store.rebuild_indexes<Indexed>());
    CHECK(must(store.find_ids(where(&Indexed::trophies).between(0, 9))).ids.size() == 2);
    CHECK(must(verify_store<Indexed>(store)).flaws.empty());
}
