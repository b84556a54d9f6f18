// Backing up and restoring a SQLite store while its allocations fail in turn, SQLite's own included: it ends in an error, in
// std::bad_alloc or well, and never ends the program; afterwards there are whole backups and a whole database.

#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/restore.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/fail_allocations.hpp>
#include <tests/support/fail_sqlite_allocations.hpp>
#include <tests/support/temp_dir.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace joinly::test {
namespace {

int entries_of(const std::string& directory) {
    int entries = 0;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) entries += entry.is_directory() ? 1 : 0;
    return entries;
}

/// Else there would be more to list each time, and so more allocations.
void remove_what_was_put_aside(const std::string& directory) {
    std::vector<std::filesystem::path> aside;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        if (entry.path().filename().string().find(".restore-") != std::string::npos) aside.push_back(entry.path());
    }
    for (const auto& path : aside) std::filesystem::remove_all(path);
}

/// A restoring syncs many files: of its allocations every seventh fails, with JOINLY_FAULTS=all each of them. Printed is how many.
int step() {
    const char* const asked = std::getenv("JOINLY_FAULTS");
    return asked != nullptr && std::string_view{asked} == "all" ? 1 : 7;
}

SqliteOptions at(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    options.sync = Sync::process_crash;
    return options;
}

TEST_CASE("an allocation that fails during a backup costs the backup, and nothing else", "[backup][allocations][sqlite]") {
    REQUIRE(count_allocations_of_sqlite());
    const TempDir dir;
    ::alarm(240);  // a deadlock ends the program
    const std::string backups = dir / "backups of a store, in a directory whose name is a long one";
    auto store = open<SqliteBackend, NoCache>(at(dir / "db"));
    REQUIRE(store);
    REQUIRE(store->save(player("a player whose id does not fit into a short string", 1200)));
    REQUIRE(backup(*store, backups, {.keep = 1}));
    int n = 0;
    for (bool failed = true; failed; ++n) {
        INFO("allocation " << n);
        bool is_made = false;
        failed = with_failing_allocation(n, [&] { is_made = backup(*store, backups, {.keep = 1}).has_value(); });
        REQUIRE((is_made || failed));
        if (entries_of(backups) > 1) REQUIRE(backup(*store, backups, {.keep = 1}));  // clears away what is left of that one
        REQUIRE(entries_of(backups) == 1);
        REQUIRE(store->load<Player>("a player whose id does not fit into a short string"));
    }
    CHECK(n > 100);
    std::cout << "backup: " << n - 1 << " allocations failed in turn" << std::endl;
    const auto made = backup(*store, backups, {.keep = 1});
    REQUIRE(made);
    CHECK(made->pruned);
    CHECK(entries_of(backups) == 1);
    CHECK(restore<SqliteBackend>(made->path, at(dir / "restored")));
    ::alarm(0);
}

TEST_CASE("an allocation that fails during a restore leaves one database or the other", "[restore][allocations][sqlite]") {
    REQUIRE(count_allocations_of_sqlite());
    const TempDir dir;
    ::alarm(240);
    std::string path;
    {
        auto store = open<SqliteBackend, NoCache>(at(dir / "db"));
        REQUIRE(store);
        REQUIRE(store->save(player("ada", 1200)));
        const auto made = backup(*store, dir / "backups");
        REQUIRE(made);
        path = made->path;
        REQUIRE(store->save(player("ada", 1300)));
    }
    int n = 0;
    for (bool failed = true; failed; n += step()) {
        INFO("allocation " << n);
        bool is_restored = false;
        failed = with_failing_allocation(
            n, [&] { is_restored = restore<SqliteBackend>(path, at(dir / "db"), {.keep_replaced = false}).has_value(); });
        REQUIRE((is_restored || failed));
        auto store = open<SqliteBackend, NoCache>(at(dir / "db"));
        REQUIRE(store);
        const auto ada = store->load<Player>("ada");
        REQUIRE(ada);
        REQUIRE(((*ada)->skill_rating == 1200 || ((*ada)->skill_rating == 1300 && !is_restored)));
        REQUIRE(store->save(player("ada", 1300)));
        remove_what_was_put_aside(dir.path());
    }
    CHECK(n > 100);
    std::cout << "restore: " << n / step() - 1 << " allocations failed in turn" << std::endl;
    ::alarm(0);
}

}  // namespace
}  // namespace joinly::test
