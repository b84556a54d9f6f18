// Dumps of engines that keep files: from one to the other, damage, and a loading that is killed.

#include <joinly/ops/dump.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/entities.hpp"
#include "tests/support/temp_dir.hpp"

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/inventory.hpp>
#include <joinly/store.hpp>

#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;

namespace {

using Lines = std::vector<std::string>;

Store<SqliteBackend, NoCache> sqlite(const std::string& path) {
    return std::move(*open<SqliteBackend, NoCache>({.path = path, .sync = Sync::process_crash}));
}
Store<LevelDbBackend, NoCache> leveldb_store(const std::string& path) {
    return std::move(*open<LevelDbBackend, NoCache>({.path = path, .sync = Sync::process_crash}));
}

void fill(auto& store) {
    for (int i = 0; i < 50; ++i) REQUIRE(store.save(player("p" + std::to_string(100 + i), i)));
    REQUIRE(store.put("motd", "hello"));
}

Result<DumpReport> dump_to(Lines& lines, auto& store) {
    return dump<Player>(store, [&](std::string_view line) -> Status {
        lines.emplace_back(line);
        return {};
    });
}

Result<LoadReport> load(auto& store, const Lines& lines, const LoadOptions& options = {}) {
    std::size_t next = 0;
    return load_dump<Player>(
        store,
        [&](std::string& line) -> Result<bool> {
            if (next == lines.size()) return false;
            line = lines[next++];
            return true;
        },
        options);
}

}  // namespace

TEST_CASE("a dump that is killed while it is loaded is loaded to its end by skipping what is there", "[dump][crash]") {
    const TempDir dir;
    Lines lines;
    {
        auto source = sqlite(dir / "source");
        fill(source);
        REQUIRE(dump_to(lines, source));
    }
    ChildProcess child{[&] {
        auto target = sqlite(dir / "target");
        LoadOptions options{.batch_bytes = 500};
        options.progress = [](const LoadReport& so_far) { return so_far.loaded < 20 || ::raise(SIGKILL) == 0; };
        return load(target, lines, options) ? 0 : 1;
    }};
    REQUIRE(child.wait() == -1);

    auto target = sqlite(dir / "target");
    REQUIRE(load(target, lines).error() == Errc::conflict);
    const auto rest = load(target, lines, {.existing = Existing::skip});
    REQUIRE(rest);
    CHECK(rest->skipped >= 20);
    CHECK(rest->skipped + rest->loaded == 51);
    CHECK(target.count<Player>() == 50);
    CHECK(target.verify_indexes<Player>());
}

TEST_CASE("what SQLite dumps LevelDB loads and the other way round", "[dump]") {
    const TempDir dir;
    auto first = sqlite(dir / "first");
    fill(first);
    Lines lines;
    REQUIRE(dump_to(lines, first));
    auto second = leveldb_store(dir / "second");
    REQUIRE(load(second, lines));
    lines.clear();
    REQUIRE(dump_to(lines, second));
    auto third = sqlite(dir / "third");
    REQUIRE(load(third, lines));
    CHECK(take_inventory(second.backend())->kinds == take_inventory(first.backend())->kinds);
    CHECK(take_inventory(third.backend())->kinds == take_inventory(first.backend())->kinds);
    CHECK(third.verify_indexes<Player>());
}

TEST_CASE("a damaged record ends a dump and is named", "[dump][fault]") {
    const TempDir dir;
    auto store = sqlite(dir / "db");
    fill(store);
    REQUIRE(store.backend().execute("UPDATE record SET version = version + 1 WHERE key = CAST('player:p110' AS BLOB)"));
    Lines lines;
    const auto report = dump_to(lines, store);
    CHECK(report.error() == Errc::corrupt);
    CHECK_THAT(std::string{report.error().message()}, Catch::Matchers::Contains("player:p110"));
    CHECK_FALSE(lines.back().starts_with("{\"joinly_dump_end"));
}
