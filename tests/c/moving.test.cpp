// What moves a database or mends it, by way of the shared library: dump and load, verify, migrate, repair and salvage.

#include <tests/c/rig.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <joinly/c/joinly.h>

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

namespace joinly::test {
namespace {

namespace fs = std::filesystem;

constexpr joinly_code nonsense = JOINLY_INVALID_ARGUMENT;
constexpr const char* ada = R"({"username": "Ada", "skill_rating": 1200, "player_id": "ada"})";

std::string read_file(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}
void write_file(const std::string& path, const std::string& text) { std::ofstream{path, std::ios::binary} << text; }

/// A player that expires, a lobby, and bytes under a key of no kind.
void fill(const CStore& store) {
    REQUIRE(set(store, "player:ada", ada, 3'600'000) == JOINLY_OK);
    REQUIRE(set(store, "lobby:1", R"({"state":"waiting","players":["ada"],"lobby_id":"1"})") == JOINLY_OK);
    REQUIRE(set(store, "raw", std::string_view{"\0\xff", 2}) == JOINLY_OK);
}

std::int64_t expiry_of(const CStore& store, std::string_view key) {
    joinly_info info{};
    (void)joinly_exists(store.get(), key.data(), key.size(), &info, nullptr);
    return info.expires_at;
}

void check_same(const CStore& found, const CStore& wanted) {
    CHECK(keys_of(scan(found, "")) == keys_of(scan(wanted, "")));
    for (const char* key : {"player:ada", "lobby:1", "raw"}) {
        CHECK(version_of(found, key) == version_of(wanted, key));
        CHECK(expiry_of(found, key) == expiry_of(wanted, key));
    }
    CHECK(get(found, "raw") == get(wanted, "raw"));
    CHECK(get(found, "player:ada").find("Ada") != std::string::npos);
}

/// What the answer's report is, or the name of what went wrong.
template <class Call>
std::string report_of(Call call) {
    std::string text(JOINLY_REPORT_BYTES, '?');
    const std::int64_t size = call(text.data(), text.size());
    if (size < 0) return joinly_code_name(static_cast<joinly_code>(-size));
    REQUIRE(size <= JOINLY_REPORT_BYTES);
    text.resize(static_cast<std::size_t>(size));
    return text;
}
std::string verify_report(const CStore& store, int thorough = 1) {
    return report_of([&](char* to, std::size_t room) { return joinly_verify(store.get(), thorough, to, room, nullptr); });
}
std::string salvage_report(const std::string& from, const std::string& into) {
    return report_of(
        [&](char* to, std::size_t room) { return joinly_salvage("sqlite", from.c_str(), into.c_str(), to, room, nullptr); });
}

/// Changes the values of the players in the file, but not what proves them.
void damage_players(const std::string& path) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    const int done =
        sqlite3_exec(db, "UPDATE record SET value = CAST('{\"skill_rating\":9}' AS BLOB) WHERE CAST(key AS TEXT) LIKE 'player:%'",
                     nullptr, nullptr, nullptr);
    sqlite3_close(db);
    REQUIRE(done == SQLITE_OK);
}

joinly_code dump(const CStore& store, const std::string& file, std::uint64_t* records = nullptr, joinly_error* error = nullptr) {
    return joinly_dump(store.get(), file.c_str(), records, error);
}
joinly_code load(const CStore& store, const std::string& file, int existing = JOINLY_REFUSE, joinly_error* error = nullptr) {
    return joinly_load_dump(store.get(), file.c_str(), existing, nullptr, nullptr, error);
}
joinly_code migrate(const CStore& store, const char* backend, const std::string& path, joinly_error* error = nullptr) {
    return joinly_migrate(store.get(), backend, path.c_str(), nullptr, nullptr, nullptr, error);
}

TEST_CASE("a dump brings everything into a store of another backend and codec", "[c][dump]") {
    const TempDir dir;
    const auto [from, codec, into, other_codec] =
        GENERATE(table<std::string, std::string, std::string, std::string>({{"sqlite", "json", "leveldb", "binary"},
                                                                            {"leveldb", "binary+zstd", "sqlite", "json"},
                                                                            {"memory", "json+zstd", "sqlite", "json+zstd"},
                                                                            {"sqlite", "binary", "memory", "json"}}));
    const auto path_of = [&](const std::string& backend, const char* name) { return backend == "memory" ? "" : dir / name; };
    const CStore source = open_c(from.c_str(), path_of(from, "from"), "write_behind", {{"codec", codec}});
    fill(source);  // pending still
    std::uint64_t records = 0;
    CHECK(dump(source, dir / "dump.jsonl", &records) == JOINLY_OK);
    CHECK(records >= 3);
    CHECK(read_file(dir / "dump.jsonl").find(R"("skill_rating")") != std::string::npos);
    const CStore target = open_c(into.c_str(), path_of(into, "into"), "none", {{"codec", other_codec}});
    std::uint64_t loaded = 0;
    std::uint64_t skipped = 9;
    joinly_error error{};
    const joinly_code code = joinly_load_dump(target.get(), (dir / "dump.jsonl").c_str(), JOINLY_REFUSE, &loaded, &skipped, &error);
    INFO(error.message);
    REQUIRE(code == JOINLY_OK);
    CHECK(loaded == 3);
    CHECK(skipped == 0);
    check_same(target, source);
    CHECK(verify_report(target).find(R"({"sound":true,)") == 0);
}

TEST_CASE("a dump replaces nothing, and leaves nothing half made", "[c][dump]") {
    const TempDir dir;
    joinly_error error{};
    {
        const CStore store = open_c("sqlite", dir / "db", "write_through");
        fill(store);
        write_file(dir / "there", "mine");
        CHECK(dump(store, dir / "there", nullptr, &error) == nonsense);
        CHECK(std::string{error.message}.find("there") != std::string::npos);
        CHECK(read_file(dir / "there") == "mine");
        CHECK(dump(store, dir / "none/dump") == JOINLY_IO);
        CHECK(dump(store, "") == nonsense);
        CHECK(joinly_close(store.get(), -1, nullptr) == JOINLY_OK);
        CHECK(dump(store, dir / "dump") == JOINLY_CLOSED);
    }
    damage_players(dir / "db");
    const CStore store = open_c("sqlite", dir / "db", "write_through");
    const auto before = std::distance(fs::directory_iterator{dir.path()}, fs::directory_iterator{});
    CHECK(dump(store, dir / "dump", nullptr, &error) == JOINLY_CORRUPT);
    CHECK(std::string{error.message}.find("player:ada") != std::string::npos);
    CHECK(std::distance(fs::directory_iterator{dir.path()}, fs::directory_iterator{}) == before);
}

TEST_CASE("a dump's records take the place of what is there as it is told", "[c][dump]") {
    const TempDir dir;
    const CStore source = open_c("memory", "", "none");
    fill(source);
    REQUIRE(dump(source, dir / "dump") == JOINLY_OK);
    const CStore target = open_c("sqlite", dir / "db", "none");
    CHECK(set(target, "raw", "own") == JOINLY_OK);
    joinly_error error{};
    CHECK(load(target, dir / "dump", JOINLY_REFUSE, &error) == JOINLY_CONFLICT);
    CHECK(std::string{error.message}.find("line ") != std::string::npos);
    std::uint64_t loaded = 0;
    std::uint64_t skipped = 0;
    CHECK(joinly_load_dump(target.get(), (dir / "dump").c_str(), JOINLY_SKIP, &loaded, &skipped, nullptr) == JOINLY_OK);
    CHECK(loaded == 2);
    CHECK(skipped == 1);
    CHECK(get(target, "raw") == "own");
    CHECK(load(target, dir / "dump", JOINLY_OVERWRITE) == JOINLY_OK);
    CHECK(get(target, "raw") == std::string_view{"\0\xff", 2});
    CHECK(load(target, dir / "dump", 3) == nonsense);
    CHECK(load(target, dir / "dump", -1) == nonsense);
}

TEST_CASE("what is no dump, or none of this store's, is refused", "[c][dump]") {
    const TempDir dir;
    const CStore source = open_c("memory", "", "none");
    fill(source);
    REQUIRE(dump(source, dir / "dump") == JOINLY_OK);
    const std::string text = read_file(dir / "dump");
    write_file(dir / "cut", text.substr(0, text.rfind("\n{")));
    write_file(dir / "text", "once upon a time\n");
    write_file(dir / "empty", "");
    const CStore target = open_c("sqlite", dir / "db", "none");
    joinly_error error{};
    CHECK(load(target, dir / "text", JOINLY_REFUSE, &error) == JOINLY_CORRUPT);
    CHECK(std::string{error.message} ==
          dir / "text" + ": line 1: " + std::string{error.message}.substr((dir / "text").size() + 10));
    CHECK(load(target, dir / "cut") == JOINLY_CORRUPT);
    CHECK(load(target, dir / "none") == JOINLY_NOT_FOUND);
    CHECK(load(target, dir.path(), JOINLY_REFUSE) == JOINLY_IO);
    CHECK(load(target, "") == nonsense);
    CHECK(keys_of(scan(target, "")).empty());
    CHECK(load(target, dir / "empty") == JOINLY_OK);
    for (const char* policy : {"read_through", "write_through", "write_behind"})
        CHECK(load(open_c("memory", "", policy), dir / "dump", JOINLY_REFUSE, &error) == nonsense);
    CHECK(std::string{error.message}.find("'none'") != std::string::npos);
}

TEST_CASE("a line may be of any length", "[c][dump]") {
    const TempDir dir;
    const CStore source = open_c("memory", "", "none");
    const std::string large(std::size_t{3} << 20, 'x');
    for (const char* key : {"a", "b"}) CHECK(set(source, key, large + key) == JOINLY_OK);
    REQUIRE(dump(source, dir / "dump") == JOINLY_OK);
    const CStore target = open_c("memory", "", "none");
    CHECK(load(target, dir / "dump") == JOINLY_OK);
    for (const std::string key : {"a", "b"})
        CHECK(joinly_get(target.get(), key.data(), 1, nullptr, 0, nullptr, nullptr) == static_cast<std::int64_t>(large.size() + 1));
}

TEST_CASE("a store is verified, and its flaws are told", "[c][verify]") {
    const TempDir dir;
    {
        const CStore store = open_c("sqlite", dir / "db", "write_behind");
        fill(store);
        CHECK(verify_report(store) ==
              R"({"sound":true,"complete":true,"records":3,"flaw_count":0,"kinds":{"":1,"lobby":1,"player":1},)"
              R"("unknown_kinds":[],"flaws":[],"cut_off":false})");
        CHECK(verify_report(store, 0).find(R"({"sound":true,)") == 0);
        char small[] = "as it is";
        CHECK(joinly_verify(store.get(), 0, small, sizeof small, nullptr) > 9);
        CHECK(std::string_view{small} == "as it is");
        CHECK(joinly_verify(store.get(), 2, nullptr, 0, nullptr) == -nonsense);
        CHECK(joinly_verify(store.get(), 1, nullptr, 9, nullptr) == -nonsense);
        CHECK(joinly_verify(nullptr, 1, nullptr, 0, nullptr) == -nonsense);
        CHECK(set(store, "match_notes:1", "x") == JOINLY_OK);
        CHECK(verify_report(store).find(R"("unknown_kinds":["match_notes"])") != std::string::npos);
    }
    damage_players(dir / "db");
    const CStore store = open_c("sqlite", dir / "db", "write_through");
    const std::string report = verify_report(store);
    CHECK(report.find(R"({"sound":false,"complete":true,"records":3,"flaw_count":1,)") == 0);
    CHECK(report.find(R"("flaws":[{"key":"player:ada","code":"corrupt","what":")") != std::string::npos);
    CHECK(joinly_close(store.get(), -1, nullptr) == JOINLY_OK);
    CHECK(verify_report(store) == "closed");
}

TEST_CASE("records of another codec are flaws", "[c][verify]") {
    const TempDir dir;
    fill(open_c("sqlite", dir / "db", "none", {{"codec", "binary"}}));
    CHECK(verify_report(open_c("sqlite", dir / "db", "none")).find(R"({"sound":false,)") == 0);
    CHECK(verify_report(open_c("sqlite", dir / "db", "none", {{"codec", "binary"}})).find(R"({"sound":true,)") == 0);
}

TEST_CASE("a report has room in the buffer that the header names, whatever is to be told", "[c][verify]") {
    const TempDir dir;
    {
        const CStore store = open_c("sqlite", dir / "db", "none", {{"sync", "process_crash"}});
        for (int i = 0; i < 300; ++i) {
            const std::string id = std::string(1'000, '\1') + std::to_string(i);
            REQUIRE(joinly_save_player(store.get(), id.data(), id.size(), "{}", 2, 0, nullptr, nullptr, nullptr) == JOINLY_OK);
            REQUIRE(set(store, std::string(50, 'k') + std::to_string(i) + ":1", "x") == JOINLY_OK);
        }
    }
    damage_players(dir / "db");
    const std::string report = verify_report(open_c("sqlite", dir / "db", "none"), 0);
    CHECK(report.size() < JOINLY_REPORT_BYTES);
    CHECK(report.find(R"("flaw_count":300,)") != std::string::npos);
    CHECK(report.find(R"("flaws":[{"key":)") != std::string::npos);
    CHECK(report.find(R"("cut_off":true})") != std::string::npos);
    const std::string salvaged = salvage_report(dir / "db", dir / "saved");
    CHECK(salvaged.find(R"("lost":300,)") != std::string::npos);
    CHECK(salvaged.find(R"("cut_off":true})") != std::string::npos);
}

TEST_CASE("a migration brings everything into another backend, and going on is calling again", "[c][migrate]") {
    const TempDir dir;
    const auto [from, to] = GENERATE(table<std::string, std::string>({{"sqlite", "leveldb"}, {"leveldb", "sqlite"}}));
    const std::string into = to;  // which a lambda can capture
    const std::string codec = GENERATE("json", "binary", "json+zstd");
    const CStore source = open_c(from.c_str(), dir / "from", "write_behind", {{"codec", codec}});
    fill(source);
    std::uint64_t records = 0;
    std::uint64_t written = 0;
    joinly_error error{};
    const auto run = [&] {
        return joinly_migrate(source.get(), into.c_str(), (dir / "into").c_str(), nullptr, &records, &written, &error);
    };
    CHECK(run() == JOINLY_OK);
    CHECK(std::string{error.message}.empty());
    CHECK(records == 3);
    CHECK(written >= 3);
    CHECK(run() == JOINLY_OK);  // all of it is there
    CHECK(written == 0);
    {
        const CStore target = open_c(into.c_str(), dir / "into", "write_through", {{"codec", codec}});
        check_same(target, source);
        CHECK(verify_report(target).find(R"({"sound":true,)") == 0);
        CHECK(set(target, "another", "one") == JOINLY_OK);
    }
    CHECK(run() == JOINLY_CONFLICT);
}

TEST_CASE("a migration that cannot be says why", "[c][migrate]") {
    const TempDir dir;
    joinly_error error{};
    {
        const CStore store = open_c("sqlite", dir / "db", "none");
        fill(store);
        const std::unique_ptr<joinly_options, Free> options{joinly_options_new()};
        REQUIRE(joinly_options_set(options.get(), "codec", "binary", nullptr) == JOINLY_OK);
        const auto run = [&](const char* backend, const char* path) {
            return joinly_migrate(store.get(), backend, path, options.get(), nullptr, nullptr, &error);
        };
        CHECK(run("leveldb", (dir / "into").c_str()) == nonsense);
        CHECK(std::string{error.message}.find("codec") != std::string::npos);
        REQUIRE(joinly_options_set(options.get(), "codec", "json", nullptr) == JOINLY_OK);
        CHECK(run("leveldb", nullptr) == nonsense);
        CHECK(run(nullptr, "x") == nonsense);
        CHECK(run("redis", "x") == nonsense);
        CHECK(run("", "x") == nonsense);
        CHECK(run("leveldb", "") == nonsense);
        CHECK(run("memory", "") == JOINLY_UNSUPPORTED);
        CHECK(run("sqlite", (dir / "none/db").c_str()) == JOINLY_IO);
        CHECK(joinly_options_set(options.get(), "max_delay", "1", nullptr) == JOINLY_OK);
        CHECK(run("leveldb", (dir / "into").c_str()) == nonsense);
        CHECK_FALSE(fs::exists(dir / "into"));
        const CStore other = open_c("leveldb", dir / "held", "none");
        CHECK(migrate(store, "leveldb", dir / "held") == JOINLY_BUSY);
        CHECK(joinly_migrate(nullptr, "leveldb", "x", nullptr, nullptr, nullptr, nullptr) == nonsense);
        CHECK(joinly_migrate(store.get(), "leveldb", "x", static_cast<joinly_options*>(static_cast<void*>(store.get())), nullptr,
                             nullptr, nullptr) == nonsense);
    }
    damage_players(dir / "db");
    const CStore store = open_c("sqlite", dir / "db", "none");
    CHECK(migrate(store, "leveldb", dir / "into", &error) == JOINLY_CORRUPT);
    CHECK(std::string{error.message}.find("player:ada") != std::string::npos);
    CHECK(erase(store, "player:ada") == JOINLY_OK);
    CHECK(migrate(store, "leveldb", dir / "into") == JOINLY_OK);  // its cause was removed
    CHECK(joinly_close(store.get(), -1, nullptr) == JOINLY_OK);
    CHECK(migrate(store, "leveldb", dir / "into") == JOINLY_CLOSED);
}

TEST_CASE("a damaged LevelDB database is repaired in its place", "[c][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    fill(open_c("leveldb", path, "none"));
    fs::remove(path + "/CURRENT");
    joinly_error error{};
    joinly_store* store = nullptr;
    CHECK(joinly_open("leveldb", path.c_str(), "none", nullptr, &store, nullptr) == JOINLY_CORRUPT);
    CHECK(joinly_repair("leveldb", path.c_str(), &error) == JOINLY_OK);
    CHECK(std::string{error.message}.empty());
    const CStore repaired = open_c("leveldb", path, "none");
    CHECK(get(repaired, "player:ada").find("Ada") != std::string::npos);
    CHECK(verify_report(repaired).find(R"({"sound":true,)") == 0);
    CHECK(joinly_repair("leveldb", path.c_str(), nullptr) == JOINLY_BUSY);
    CHECK(joinly_repair("leveldb", (dir / "none").c_str(), nullptr) == nonsense);
    CHECK(joinly_repair("leveldb", "", nullptr) == nonsense);
    CHECK(joinly_repair("leveldb", nullptr, nullptr) == nonsense);
    CHECK(joinly_repair(nullptr, "x", nullptr) == nonsense);
    CHECK(joinly_repair("redis", "x", nullptr) == nonsense);
    CHECK(joinly_repair("sqlite", "x", nullptr) == JOINLY_UNSUPPORTED);
    CHECK(joinly_repair("memory", "x", nullptr) == JOINLY_UNSUPPORTED);
}

TEST_CASE("what can be read of a damaged SQLite database is salvaged into a new one", "[c][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    {
        const CStore store = open_c("sqlite", path, "none");
        fill(store);
        CHECK(salvage_report(path, dir / "saved") == "busy");
    }
    damage_players(path);
    char small[8];
    CHECK(joinly_salvage("sqlite", path.c_str(), (dir / "saved").c_str(), nullptr, 9, nullptr) == -nonsense);
    CHECK_FALSE(fs::exists(dir / "saved"));
    CHECK(salvage_report(path, dir / "saved").find(R"("lost":1,"may_lack_names":false,"gaps":[],"lost_keys":["player:ada"])") !=
          std::string::npos);
    const CStore saved = open_c("sqlite", dir / "saved", "none");
    CHECK(keys_of(scan(saved, "")) == std::vector<std::string>{"lobby:1", "raw"});
    CHECK(verify_report(saved).find(R"({"sound":true,)") == 0);
    CHECK(salvage_report(path, dir / "saved") == "invalid_argument");  // it is there
    CHECK(salvage_report(dir / "none", dir / "another") == "not_found");
    CHECK(joinly_salvage("sqlite", nullptr, "x", small, sizeof small, nullptr) == -nonsense);
    CHECK(joinly_salvage("sqlite", "x", nullptr, small, sizeof small, nullptr) == -nonsense);
    CHECK(joinly_salvage(nullptr, "x", "y", small, sizeof small, nullptr) == -nonsense);
    CHECK(joinly_salvage("redis", "x", "y", small, sizeof small, nullptr) == -nonsense);
    CHECK(joinly_salvage("leveldb", "x", "y", small, sizeof small, nullptr) == -JOINLY_UNSUPPORTED);
    CHECK(joinly_salvage("memory", "x", "y", small, sizeof small, nullptr) == -JOINLY_UNSUPPORTED);
    write_file(dir / "text", std::string(10'000, 'x'));
    CHECK(salvage_report(dir / "text", dir / "another") != "ok");
    CHECK_FALSE(fs::exists(dir / "another"));
}

TEST_CASE("arguments of no use move nothing", "[c]") {
    const CStore store = open_c("memory", "", "none");
    CHECK(joinly_dump(nullptr, "x", nullptr, nullptr) == nonsense);
    CHECK(joinly_dump(store.get(), nullptr, nullptr, nullptr) == nonsense);
    CHECK(joinly_load_dump(nullptr, "x", JOINLY_REFUSE, nullptr, nullptr, nullptr) == nonsense);
    CHECK(joinly_load_dump(store.get(), nullptr, JOINLY_REFUSE, nullptr, nullptr, nullptr) == nonsense);
    joinly_cache* cache = nullptr;
    REQUIRE(joinly_cache_new(3, &cache, nullptr) == JOINLY_OK);
    const CCache owner{cache};
    auto* const wrong = static_cast<joinly_store*>(static_cast<void*>(cache));
    CHECK(joinly_dump(wrong, "x", nullptr, nullptr) == nonsense);
    CHECK(joinly_verify(wrong, 1, nullptr, 0, nullptr) == -nonsense);
}

}  // namespace
}  // namespace joinly::test
