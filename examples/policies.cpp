// The four cache policies side by side: when a save returns, and when the database has it.
// The program looks into the same SQLite file through a second store, which has no cache and only reads: nobody else may
// write what a store under write-behind has open.

#include <joinly/backend/sqlite.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

/// Saves a player under `CachePolicy` and says what another store on the file finds before and after a flush.
template <class CachePolicy>
joinly::Status show(const char* policy, const std::string& path) {
    auto store = joinly::open<joinly::SqliteBackend, CachePolicy>({.path = path});
    if (!store) return joinly::failure(store.error());
    auto database = joinly::open<joinly::SqliteBackend, joinly::NoCache>({.path = path, .read_only = true});
    if (!database) return joinly::failure(database.error());
    const auto in_database = [&] { return database->template load<joinly::Player>(policy) ? "yes" : "not yet"; };

    const auto start = std::chrono::steady_clock::now();
    if (auto saved = store->save(joinly::Player{.player_id = policy, .username = "Ada"}); !saved) {
        return joinly::failure(saved.error());
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    const char* const at_once = in_database();
    if (auto flushed = store->flush(); !flushed) return flushed;
    const char* const after_flush = in_database();

    for (int i = 0; i < 10; ++i) {
        if (auto loaded = store->template load<joinly::Player>(policy); !loaded) return joinly::failure(loaded.error());
    }
    std::printf("%-14s %9.0f us  %-8s %-12s %5.1f %%\n", policy, took.count(), at_once, after_flush,
                store->stats().cache.hit_rate_percent());
    return store->close();
}

}  // namespace

int main() {
    std::string directory = (std::filesystem::temp_directory_path() / "joinly-policies-XXXXXX").string();
    if (mkdtemp(directory.data()) == nullptr) return 2;
    const std::string path = directory + "/joinly.db";

    std::printf("                                in the database\n");
    std::printf("policy         save took     at once  after flush  hit rate of 10 loads\n");
    joinly::Status done = show<joinly::NoCache>("no-cache", path);
    if (done) done = show<joinly::ReadThrough>("read-through", path);
    if (done) done = show<joinly::WriteThrough>("write-through", path);
    if (done) done = show<joinly::WriteBehind>("write-behind", path);
    if (!done) std::fprintf(stderr, "policies: %s\n", std::string{done.error().message()}.c_str());

    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
    return done ? 0 : 1;
}
