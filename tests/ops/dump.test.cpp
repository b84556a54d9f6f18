#include <joinly/ops/dump.hpp>

#include "tests/codec/samples.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/entities.hpp"

#include <joinly/backend/memory.hpp>
#include <joinly/codec/zstd.hpp>
#include <joinly/ops/inventory.hpp>
#include <joinly/store.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::chrono_literals;

namespace {

/// A time that JSON's seconds cannot tell to its last digit.
struct Moment {
    std::string moment_id;
    std::chrono::sys_time<std::chrono::nanoseconds> at;
};

struct JsonTraits : DefaultTraits {
    using Codec = Json;
};
struct SmallTraits : DefaultTraits {
    using Codec = Zstd<Binary, ZstdOptions{.threshold_bytes = 64}>;
};
using BinaryStore = Store<MemoryBackend, NoCache>;
using JsonStore = Store<MemoryBackend, NoCache, JsonTraits>;

template <class OpenedStore = BinaryStore>
OpenedStore empty_store() {
    return std::move(*OpenedStore::open({}));
}

using Lines = std::vector<std::string>;

template <class... T, class OpenedStore>
Lines dumped(OpenedStore& store) {
    Lines lines;
    const auto report = dump<T...>(store, [&](std::string_view line) -> Status {
        lines.emplace_back(line);
        return {};
    });
    REQUIRE(report);
    CHECK(report->is_finished);
    CHECK(report->records == lines.size() - 2);
    return lines;
}

template <class... T, class OpenedStore>
Result<LoadReport> load(OpenedStore& store, const Lines& lines, const LoadOptions& options = {}) {
    std::size_t next = 0;
    return load_dump<T...>(
        store,
        [&](std::string& line) -> Result<bool> {
            if (next == lines.size()) return false;
            line = lines[next++];
            return true;
        },
        options);
}

/// Without the first line and the last, and the library's own records: versions go on there.
Lines records_of(Lines lines) {
    std::erase_if(
        lines, [](const std::string& line) { return line.starts_with("{\"joinly_dump") || line.starts_with(R"({"key":"\u0000)"); });
    return lines;
}

std::string message_of(const Result<LoadReport>& report) { return report ? "loaded" : std::string{report.error().message()}; }

/// Why lines are refused, where the store is empty.
template <class... T>
Error refusal_of(const Lines& lines) {
    BinaryStore store = empty_store();
    const auto report = load<T...>(store, lines);
    REQUIRE_FALSE(report);
    return report.error();
}

/// Entities, one that expires, one that no type is named for, and raw bytes under keys of every form.
BinaryStore filled_store() {
    BinaryStore store = empty_store();
    REQUIRE(store.save(golden_player()));
    REQUIRE(store.save(golden_lobby(), {.ttl = 1h}));
    REQUIRE(store.save(golden_match()));
    REQUIRE(store.put("motd", "Grüß Gott"));
    REQUIRE(store.put(std::string{"\xff\0\n key", 7}, std::string{"\0\xff bytes", 8}));
    REQUIRE(store.put("empty", ""));
    REQUIRE(store.erase<Match>("nobody"));
    return store;
}

template <class Left, class Right>
void check_same(Left& left, Right& right) {
    CHECK(take_inventory(left.backend())->kinds == take_inventory(right.backend())->kinds);
    CHECK(*right.backend().last_version() >= *left.backend().last_version());
}

}  // namespace

template <>
struct joinly::Entity<Moment> {
    static constexpr std::string_view kind = "moment";
    static constexpr auto& id(auto& moment) { return moment.moment_id; }
    static constexpr void fields(auto& moment, auto&& field) {
        field(1, "moment_id", moment.moment_id);
        field(2, "at", moment.at);
    }
};

TEST_CASE("what is dumped and loaded is the same to the byte", "[dump]") {
    BinaryStore store = filled_store();
    const Lines lines = dumped<Player, Lobby>(store);
    BinaryStore other = empty_store();
    const auto report = load<Player, Lobby>(other, lines, {.batch_bytes = 1});
    INFO(message_of(report));
    REQUIRE(report);
    CHECK(report->is_finished);
    CHECK(report->loaded == 6);
    check_same(store, other);
    CHECK(records_of(dumped<Player, Lobby>(other)) == records_of(lines));
    CHECK(other.verify_indexes<Player>());
    CHECK(other.find<Player>(where(&Player::skill_rating).at_least(0))->items.size() == 1);
}

TEST_CASE("values are readable where their type is named and bytes where it is not", "[dump]") {
    BinaryStore store = empty_store();
    REQUIRE(store.save(account("ada", 7), {.expect = absent}));
    REQUIRE(store.put("motd", "hello"));
    CHECK(dumped<Account>(store) ==
          Lines{R"({"joinly_dump":1,"codec":"binary","last_version":2})", R"({"key":"motd","version":2,"value_base64":"aGVsbG8="})",
                R"({"key":"player:ada","version":1,"value":{"player_id":"ada","username":"name of ada","skill_rating":7}})",
                R"({"joinly_dump_end":2})"});
    CHECK(dumped<>(store)[2] == R"({"key":"player:ada","version":1,"value_base64":"CgNhZGESC25hbWUgb2YgYWRhGAc="})");
}

TEST_CASE("a dump that an earlier build has made is read", "[dump][golden]") {
    std::ifstream file{JOINLY_TEST_SOURCE_DIR "/golden/dump_v1.jsonl"};
    Lines lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    REQUIRE(lines.size() > 2);
    BinaryStore store = empty_store();
    const auto report = load<Player, Lobby>(store, lines);
    INFO(message_of(report));
    REQUIRE(report);
    CHECK(**store.load<Player>(golden_player().player_id) == golden_player());
    CHECK(store.load<Lobby>(golden_lobby().lobby_id)->expires_at() == Expiry{WallTime{4'102'444'800'000ms}});
    CHECK(records_of(dumped<Player, Lobby>(store)) == records_of(lines));
}

TEST_CASE("a dump is loaded into a store of another codec", "[dump]") {
    BinaryStore store = empty_store();
    Player wordy = golden_player();
    wordy.username.assign(500, 'a');
    REQUIRE(store.save(wordy));
    REQUIRE(store.save(golden_lobby(), {.ttl = 1h}));
    auto json = empty_store<JsonStore>();
    REQUIRE(load<Player, Lobby>(json, dumped<Player, Lobby>(store)));
    CHECK(**json.load<Player>(wordy.player_id) == wordy);
    CHECK(json.load<Lobby>(golden_lobby().lobby_id)->expires_at() == store.load<Lobby>(golden_lobby().lobby_id)->expires_at());

    BinaryStore back = empty_store();
    REQUIRE(load<Player, Lobby>(back, dumped<Player, Lobby>(json)));
    check_same(store, back);

    auto small = empty_store<Store<MemoryBackend, NoCache, SmallTraits>>();
    REQUIRE(load<Player>(small, dumped<Player>(store)));  // the lobby as Binary's bytes, which Zstd reads
    CHECK(**small.load<Lobby>(golden_lobby().lobby_id) == golden_lobby());
    CHECK(small.get("player:" + wordy.player_id)->front() == '\xff');
    CHECK(dumped<Player, Lobby>(small)[3] == dumped<Player, Lobby>(store)[3]);
}

TEST_CASE("JSON that somebody else has written stays as it is", "[dump]") {
    auto store = empty_store<JsonStore>();
    const std::string spaced = R"({"skill_rating": 12.0, "player_id": "ada", "more": [1, {"x": "}"}]})";
    REQUIRE(store.put("player:ada", spaced));
    REQUIRE(store.put("player:bob", "{\n\"player_id\": \"bob\"}"));         // of two lines: as bytes
    REQUIRE(store.put("player:cid", R"({"player_id": "somebody else"})"));  // under a key that is not its own: as bytes
    REQUIRE(store.put("player:dan", R"({"skill_rating": 12})"));
    const Lines lines = dumped<Account>(store);
    CHECK(lines[1] == R"({"key":"player:ada","version":1,"value":)" + spaced + '}');
    CHECK(std::count_if(lines.begin(), lines.end(),
                        [](const std::string& line) { return line.find("value_base64") != std::string::npos; }) == 3);
    auto other = empty_store<JsonStore>();
    REQUIRE(load<Account>(other, lines));
    check_same(store, other);
}

TEST_CASE("an entity that would not come back exactly is dumped as bytes", "[dump]") {
    BinaryStore store = empty_store();
    REQUIRE(store.save(Moment{"fine", std::chrono::sys_time<std::chrono::nanoseconds>{1'700'000'000'123'456'789ns}}));
    REQUIRE(store.save(Moment{"whole", std::chrono::sys_time<std::chrono::nanoseconds>{1'700'000'000s}}));
    REQUIRE(store.put("moment:not one", "\x07"));
    REQUIRE(store.put("moment:other", *store.get("moment:whole")));
    const Lines lines = dumped<Moment>(store);
    CHECK(lines[1].find("value_base64") != std::string::npos);
    CHECK(lines[2].find("value_base64") != std::string::npos);
    CHECK(lines[3].find("value_base64") != std::string::npos);
    CHECK(lines[4].find("\"value\":") != std::string::npos);
    BinaryStore other = empty_store();
    REQUIRE(load<Moment>(other, lines));
    check_same(store, other);
}

TEST_CASE("a record that is there already is refused or overwritten or skipped as the options say", "[dump]") {
    BinaryStore store = empty_store();
    for (const char* id : {"ada", "bob", "cid"}) REQUIRE(store.save(player(id, 1)));
    const Lines lines = dumped<Player>(store);
    BinaryStore other = empty_store();
    REQUIRE(other.save(player("bob", 2)));
    const Version before = other.load<Player>("bob")->version();

    SECTION("refused and named with its line") {
        const auto report = load<Player>(other, lines);
        CHECK(report.error() == Errc::conflict);
        CHECK(message_of(report) == "line 4: player:bob is there already");
        CHECK((*other.load<Player>("bob"))->skill_rating == 2);
        CHECK_FALSE(*other.exists<Player>("ada"));  // of the same batch
    }
    SECTION("overwritten, with a new version and an index that follows") {
        const auto report = load<Player>(other, lines, {.existing = Existing::overwrite});
        REQUIRE(report);
        CHECK(report->loaded == 3);
        CHECK((*other.load<Player>("bob"))->skill_rating == 1);
        CHECK(other.load<Player>("bob")->version() > before);
        CHECK(other.find<Player>(where(&Player::skill_rating).equals(1))->items.size() == 3);
        CHECK(other.verify_indexes<Player>());
    }
    SECTION("skipped") {
        const auto report = load<Player>(other, lines, {.existing = Existing::skip});
        REQUIRE(report);
        CHECK(report->loaded == 2);
        CHECK(report->skipped == 1);
        CHECK(other.load<Player>("bob")->version() == before);
        CHECK(other.count<Player>() == 3);
    }
}

TEST_CASE("a key that comes twice is refused also where the store was empty", "[dump]") {
    const std::string line = R"({"key":"motd","version":1,"value_base64":"aGVsbG8="})";
    CHECK(refusal_of<>({line, line}).message() == "line 2: motd comes twice");
    BinaryStore store = empty_store();
    CHECK(load<>(store, {line, line}, {.existing = Existing::overwrite}));
}

TEST_CASE("versions are kept in an empty store and new ones given when that is asked for", "[dump]") {
    BinaryStore store = empty_store();
    for (int i = 0; i < 10; ++i) REQUIRE(store.save(player("ada", i)));
    REQUIRE(store.put("motd", "hello"));
    const Lines lines = dumped<Player>(store);
    BinaryStore kept = empty_store();
    REQUIRE(load<Player>(kept, lines));
    CHECK(kept.load<Player>("ada")->version() == store.load<Player>("ada")->version());
    BinaryStore renewed = empty_store();
    REQUIRE(load<Player>(renewed, lines, {.keep_versions = false}));
    CHECK(renewed.load<Player>("ada")->version() == *renewed.backend().last_version());
}

TEST_CASE("a dump that is cut off is noticed at its end", "[dump]") {
    BinaryStore store = filled_store();
    Lines lines = dumped<Player>(store);
    lines.pop_back();
    CHECK(refusal_of<Player>(lines) == Errc::corrupt);
    CHECK(refusal_of<Player>(lines).message() ==
          "line " + std::to_string(lines.size()) +
              ": the dump is cut off: its last line, which tells the number of records, is missing");
    lines.erase(lines.begin() + 2);
    lines.push_back(R"({"joinly_dump_end":8})");
    CHECK(refusal_of<Player>(lines) == Errc::corrupt);
}

TEST_CASE("lines that somebody has picked out of a dump are loaded without its first and last", "[dump]") {
    BinaryStore store = filled_store();
    Lines lines = dumped<Player>(store);
    std::erase_if(lines, [](const std::string& line) { return line.find("\"player:") == std::string::npos; });
    lines.push_back("");
    BinaryStore other = empty_store();
    REQUIRE(load<Player>(other, lines));
    CHECK(**other.load<Player>(golden_player().player_id) == golden_player());
    CHECK(other.find<Player>(where(&Player::skill_rating).at_least(0))->items.size() == 1);
}

TEST_CASE("what is wrong with a line is told with its number", "[dump]") {
    const std::string good = R"({"key":"motd","version":1,"value_base64":"aGVsbG8="})";
    const auto second = [&](std::string line) { return refusal_of<Account>({good, std::move(line)}); };
    const std::vector<std::pair<std::string, std::string>> faults{
        {"{", "line 2: at byte 1: it is not a string"},
        {"nonsense", "line 2: at byte 0: it is no JSON object"},
        {good + "x", "line 2: at byte 52: something stands behind the object"},
        {R"({"key":"a","version":-1,"value_base64":""})", "line 2: at byte 21: it is not a whole number that fits"},
        {R"({"key":"a","version":1,"value_base64":"a"})", "line 2: at byte 41: it is not base64"},
        {R"({"key":"a","version":1,"colour":1})", "line 2: at byte 32: a dump has no member of this name"},
        {R"({"key":"a","version":1})", "line 2: a record has a key, and a value or a value_base64"},
        {R"({"key":"a","version":1,"value":{"x":[})", "line 2: at byte 38: the object does not end"},
        {R"({"key":"\ud800","version":1,"value_base64":""})", "line 2: at byte 14: there is no such escape"},
        {R"({"key":"","version":1,"value_base64":""})", "line 2: the key is empty"},
        {R"({"key":"\u0000i","version":1,"value_base64":""})", "line 2: the key begins with a NUL byte, which is reserved"},
        {R"({"key":"player:a","version":1,"value":{"skill_rating":"x"}})",
         "line 2: player:a: player, field skill_rating: it is not a number"},
        {R"({"key":"player:a","version":1,"value":{"player_id":"b"}})", "line 2: player:a: the entity says that its id is 'b'"},
        {R"({"key":"player:a","version":1,"value":{}})", "line 2: player:a: the entity says that its id is ''"},
        {R"({"key":"lobby:a","version":1,"value":{}})",
         "line 2: lobby:a: its value is readable, so its type must be named, as in load_dump<Player>(...)"},
        {R"({"joinly_dump":1,"codec":"binary","last_version":1})", "line 2: a dump begins in the midst of another one"}};
    for (const auto& [line, message] : faults) CHECK(second(line).message() == message);
    CHECK(refusal_of<>({R"({"joinly_dump":2})"}) == Errc::incompatible);
}

TEST_CASE("bytes of another codec are refused unless they are of no entity", "[dump]") {
    BinaryStore store = empty_store();
    REQUIRE(store.put("config:main", "a=1"));
    REQUIRE(store.put("motd", "hello"));
    const Lines lines = dumped<>(store);
    auto json = empty_store<JsonStore>();
    CHECK(load<>(json, lines).error() == Errc::unsupported);
    REQUIRE(load<>(json, lines, {.raw_kinds = {"config"}}));
    CHECK(json.get("config:main") == "a=1");
}

TEST_CASE("an index that the bytes of a dump do not know is not made to lie", "[dump]") {
    BinaryStore store = empty_store();
    REQUIRE(store.save(account("ada", 1)));  // without an index
    const Lines lines = dumped<>(store);
    BinaryStore with_index = empty_store();
    REQUIRE(with_index.save(player("bob", 1)));
    const auto refused = load<>(with_index, lines);
    CHECK(refused.error() == Errc::incompatible);
    REQUIRE(load<Player>(with_index, dumped<Account>(store)));
    CHECK(with_index.find<Player>(where(&Player::skill_rating).equals(1))->items.size() == 2);
}

TEST_CASE("an error of the sink or the source ends the work and is passed on", "[dump]") {
    BinaryStore store = filled_store();
    CHECK(dump<Player>(store, [](std::string_view) -> Status { return failure(Errc::full, "no room"); }).error() == Errc::full);
    CHECK(load_dump<Player>(store, [](std::string&) -> Result<bool> { return failure(Errc::io, "gone"); }).error() == Errc::io);
}

TEST_CASE("loading tells its progress and can be stopped and gone on with", "[dump]") {
    BinaryStore store = filled_store();
    const Lines lines = dumped<Player>(store);
    BinaryStore other = empty_store();
    const auto stopped =
        load<Player>(other, lines, {.batch_bytes = 1, .progress = [](const LoadReport& report) { return report.loaded < 2; }});
    REQUIRE(stopped);
    CHECK_FALSE(stopped->is_finished);
    CHECK(stopped->loaded == 2);
    const auto rest = load<Player>(other, lines, {.existing = Existing::skip});
    INFO(message_of(rest));
    REQUIRE(rest);
    CHECK(rest->loaded == 4);
}
