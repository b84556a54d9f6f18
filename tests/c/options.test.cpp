// Each option of joinly_options_set: who has it, who has not, and that it does what joinly.h says.

#include <tests/c/rig.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>

#include <joinly/c/joinly.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace joinly::test {
namespace {

/// What opening answers, with options besides the one that is looked at.
joinly_code opened(const std::string& backend, const char* policy, Settings settings) {
    const TempDir dir;
    const std::unique_ptr<joinly_options, Free> options{joinly_options_new()};
    for (const auto& [name, value] : settings) {
        REQUIRE(joinly_options_set(options.get(), name, value.c_str(), nullptr) == JOINLY_OK);
    }
    const std::string path = backend == "memory" ? "" : dir / "db";
    joinly_store* store = nullptr;
    const joinly_code code = joinly_open(backend.c_str(), path.c_str(), policy, options.get(), &store, nullptr);
    const CStore owner{store};
    CHECK((store == nullptr) == (code != JOINLY_OK));
    return code;
}

/// A number that stands in the statistics once.
std::uint64_t stat(const CStore& store, const std::string& name) {
    std::string text(4096, ' ');
    text.resize(static_cast<std::size_t>(joinly_stats(store.get(), text.data(), text.size(), nullptr)));
    const std::size_t at = text.find('"' + name + "\":");
    REQUIRE(at != std::string::npos);
    return std::strtoull(text.c_str() + at + name.size() + 3, nullptr, 10);
}

constexpr const char* an_hour = "3600000";

TEST_CASE("an option is taken by the backends and policies that have it, and refused by the others", "[c][options]") {
    constexpr joinly_code refused = JOINLY_INVALID_ARGUMENT;
    for (const char* backend : {"sqlite", "leveldb", "memory"}) {
        const bool is_sqlite = std::string_view{backend} == "sqlite";
        const bool is_leveldb = std::string_view{backend} == "leveldb";
        for (const char* policy : {"none", "read_through", "write_through", "write_behind"}) {
            const bool is_behind = std::string_view{policy} == "write_behind";
            const bool caches = std::string_view{policy} != "none";
            INFO(backend << ", " << policy);
            const auto is_taken_if = [&](bool has_it, const char* name, const std::string& value) {
                INFO(name);
                CHECK(opened(backend, policy, {{name, value}}) == (has_it ? JOINLY_OK : refused));
            };
            is_taken_if(true, "codec", "binary+zstd");
            is_taken_if(is_sqlite || is_leveldb, "sync", "process_crash");
            is_taken_if(is_sqlite, "busy_timeout", "1");
            is_taken_if(is_sqlite, "sql_views", "true");
            is_taken_if(is_leveldb, "compression", "false");
            is_taken_if(caches, "capacity_entries", "1");
            is_taken_if(caches, "absence_ttl", an_hour);
            is_taken_if(caches && !is_behind, "foreign_check", "0");
            is_taken_if(is_behind, "max_delay", "1");
            is_taken_if(is_behind, "flush_entries", "1");
            is_taken_if(is_behind, "full_timeout", "0");
            const TempDir dir;
            is_taken_if(is_behind && (is_sqlite || is_leveldb), "journal", dir / "journal");
            is_taken_if(is_behind && (is_sqlite || is_leveldb), "journal_sync", "power_loss");
            if (!is_sqlite) is_taken_if(false, "read_only", "true");
        }
    }
}

TEST_CASE("read_only refuses writes and creates nothing", "[c][options]") {
    const TempDir dir;
    joinly_store* none = nullptr;
    const std::unique_ptr<joinly_options, Free> options{joinly_options_new()};
    REQUIRE(joinly_options_set(options.get(), "read_only", "true", nullptr) == JOINLY_OK);
    CHECK(joinly_open("sqlite", (dir / "db").c_str(), "none", options.get(), &none, nullptr) != JOINLY_OK);
    CHECK_FALSE(std::filesystem::exists(dir / "db"));
    CHECK(set(open_c("sqlite", dir / "db", "none"), "k", "v") == JOINLY_OK);
    const CStore store = open_c("sqlite", dir / "db", GENERATE("none", "read_through", "write_through"), {{"read_only", "true"}});
    CHECK(get(store, "k") == "v");
    CHECK(set(store, "k", "w") == JOINLY_READ_ONLY);
    CHECK(erase(store, "k") == JOINLY_READ_ONLY);
    CHECK(get(store, "k") == "v");
}

TEST_CASE("absence_ttl keeps the answer that there is none", "[c][options]") {
    const auto* const policy = GENERATE("read_through", "write_through", "write_behind");
    const auto reads_of_two_gets = [&](const char* ttl) {
        const CStore store = open_c("memory", "", policy, {{"absence_ttl", ttl}});
        const std::uint64_t before = stat(store, "backend_reads");
        CHECK(get(store, "k") == "not_found");
        CHECK(get(store, "k") == "not_found");
        return stat(store, "backend_reads") - before;
    };
    CHECK(reads_of_two_gets("0") == 2);
    CHECK(reads_of_two_gets(an_hour) == 1);
}

TEST_CASE("foreign_check is how long another one's commit may go unseen", "[c][options]") {
    const TempDir dir;
    const auto* const policy = GENERATE("read_through", "write_through");
    const auto seen_with = [&](const char* check) {
        const CStore other = open_c("sqlite", dir / "db", "none");
        CHECK(set(other, "k", "old") == JOINLY_OK);
        const CStore store = open_c("sqlite", dir / "db", policy, {{"foreign_check", check}});
        CHECK(get(store, "k") == "old");
        CHECK(get(store, "k") == "old");
        CHECK(set(other, "k", "new") == JOINLY_OK);
        return get(store, "k");
    };
    CHECK(seen_with("0") == "new");
    CHECK(seen_with(an_hour) == "old");
}

TEST_CASE("flush_entries starts a flush before its time", "[c][options]") {
    const CStore store = open_c("memory", "", "write_behind", {{"max_delay", an_hour}, {"flush_entries", "3"}});
    CHECK(set(store, "a", "v") == JOINLY_OK);
    CHECK(set(store, "b", "v") == JOINLY_OK);
    CHECK(stat(store, "flushes") == 0);
    CHECK(set(store, "c", "v") == JOINLY_OK);
    while (stat(store, "flushes") == 0) std::this_thread::yield();
    CHECK(stat(store, "flushed_entries") == 3);
}

TEST_CASE("max_delay brings a write to the backend that nothing else brings there", "[c][options]") {
    const CStore store = open_c("memory", "", "write_behind", {{"max_delay", "1"}});
    CHECK(set(store, "a", "v") == JOINLY_OK);
    while (stat(store, "flushes") == 0) std::this_thread::yield();
    CHECK(stat(store, "flushed_entries") == 1);
}

TEST_CASE("busy_timeout is how long a lock is waited for", "[c][options]") {
    const TempDir dir;
    const CStore store = open_c("sqlite", dir / "db", "none", {{"busy_timeout", "0"}});
    SqliteProbe probe{dir / "db"};
    probe.run("BEGIN IMMEDIATE");
    CHECK(set(store, "k", "v") == JOINLY_BUSY);
    probe.run("ROLLBACK");
    CHECK(set(store, "k", "v") == JOINLY_OK);
}

TEST_CASE("full_timeout is how long room is waited for, and a close that timed out may be called again", "[c][options]") {
    const TempDir dir;
    const CStore store =
        open_c("sqlite", dir / "db", "write_behind", {{"busy_timeout", "0"}, {"full_timeout", "0"}, {"sync", "process_crash"}});
    SqliteProbe probe{dir / "db"};
    probe.run("BEGIN IMMEDIATE");
    const CTransaction all_that_may_wait = begin(store);
    int refused = 0;
    for (int i = 0; i < 100'000; ++i) refused += set(all_that_may_wait, std::to_string(i), "") == JOINLY_OK ? 0 : 1;
    CHECK(refused == 0);
    CHECK(joinly_commit(all_that_may_wait.get(), nullptr, nullptr) == JOINLY_OK);
    CHECK(set(store, "k", "v") == JOINLY_FULL);
    joinly_error error{};
    CHECK(joinly_flush(store.get(), 20, &error) == JOINLY_TIMED_OUT);
    CHECK(joinly_close(store.get(), 20, &error) == JOINLY_TIMED_OUT);
    CHECK(set(store, "k", "v") == JOINLY_CLOSED);
    probe.run("ROLLBACK");
    CHECK(joinly_close(store.get(), 60'000, &error) == JOINLY_OK);
    CHECK(std::string{error.message}.empty());
    const CStore again = open_c("sqlite", dir / "db", "none");
    CHECK(get(again, "99999").empty());
    CHECK(get(again, "k") == "not_found");
}

TEST_CASE("compression makes what compresses well smaller on disk", "[c][options]") {
    const auto size_with = [](const char* compression) {
        const TempDir dir;
        const Settings settings = {{"compression", compression}, {"sync", "process_crash"}};
        {
            const CStore store = open_c("leveldb", dir / "db", "none", settings);
            for (int i = 0; i < 3'000; ++i) CHECK(set(store, "key" + std::to_string(i), std::string(2'000, 'x')) == JOINLY_OK);
        }
        return stat(open_c("leveldb", dir / "db", "none", settings), "size_on_disk");
    };
    const std::uint64_t plain = size_with("false");
    CHECK(plain > 6'000'000);
    CHECK(size_with("true") < plain / 2);
}

}  // namespace
}  // namespace joinly::test
