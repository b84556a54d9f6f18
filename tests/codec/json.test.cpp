// The Json codec: round trips, what Python writes, and text that nobody vouches for.

#include "tests/codec/samples.hpp"
#include "tests/fuzz/json_judge.hpp"
#include "tests/support/catch.hpp"

#include <joinly/codec/concepts.hpp>
#include <joinly/codec/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::string_literals;

static_assert(codec_for<Json, Player> && codec_for<Json, game::Everything>);
static_assert(Json::form == ValueForm::text);

namespace {

template <class T>
std::string encoded(const T& object) {
    std::string text;
    const Status status = Json::encode(object, text);
    INFO((status ? std::string{} : std::string{status.error().message()}));
    REQUIRE(status);
    return text;
}

template <class T>
T decoded(std::string_view text) {
    T object;
    const Status status = Json::decode(text, object);
    INFO((status ? std::string{} : std::string{status.error().message()}));
    REQUIRE(status);
    return object;
}

/// Whether it takes no tree to read `text`.
template <class T>
bool is_read_in_one_walk(std::string_view text) {
    T object;
    detail::JsonScan scan{text};
    return detail::scan_json_object(scan, object) && scan.at_end();
}

template <class T>
std::string fault_in(std::string_view text) {
    T object;
    const Status status = Json::decode(text, object);
    REQUIRE_FALSE(status);
    REQUIRE(status.error() == Errc::corrupt);
    return std::string{status.error().message()};
}

template <class T>
std::string refusal_of(const T& object) {
    std::string text = "unchanged";
    const Status status = Json::encode(object, text);
    REQUIRE_FALSE(status);
    REQUIRE(status.error() == Errc::invalid_argument);
    REQUIRE(text == "unchanged");
    return std::string{status.error().message()};
}

/// Sums up what is asked of it.
template <class T>
struct MeteredAllocator {
    using value_type = T;
    inline static std::size_t bytes = 0;

    MeteredAllocator() = default;
    template <class U>
    MeteredAllocator(const MeteredAllocator<U>&) noexcept {}
    T* allocate(std::size_t count) {
        bytes += count * sizeof(T);
        return std::allocator<T>{}.allocate(count);
    }
    void deallocate(T* memory, std::size_t count) { std::allocator<T>{}.deallocate(memory, count); }
    friend bool operator==(const MeteredAllocator&, const MeteredAllocator&) { return true; }
};

/// Large when decoded, two bytes of text when empty.
struct Bulky {
    std::array<char, 4000> scratch{};  // not a field
    std::string name = {};
};
struct Bulkies {
    std::vector<Bulky, MeteredAllocator<Bulky>> list = {};
    std::map<std::string, Bulky> map = {};
};

std::string list_of(const std::string& element, int count) {
    std::string text = R"({"list":[)" + element;
    for (int i = 1; i < count; ++i) text += ',' + element;
    return text + "]}";
}

}  // namespace

template <>
struct joinly::Entity<Bulky> {
    static constexpr void fields(auto& bulky, auto&& field) { field(1, "name", bulky.name); }
};
template <>
struct joinly::Entity<Bulkies> {
    static constexpr void fields(auto& bulkies, auto&& field) {
        field(1, "list", bulkies.list);
        field(2, "map", bulkies.map);
    }
};

TEST_CASE("what Json encodes it decodes to an equal object", "[json]") {
    CHECK(decoded<Player>(encoded(golden_player())) == golden_player());
    CHECK(decoded<Lobby>(encoded(golden_lobby())) == golden_lobby());
    CHECK(decoded<Match>(encoded(golden_match())) == golden_match());
    CHECK(decoded<Queue>(encoded(golden_queue())) == golden_queue());
    CHECK(decoded<game::Everything>(encoded(everything_filled())) == everything_filled());
    CHECK(decoded<game::Everything>(encoded(game::Everything{})) == game::Everything{});
}

TEST_CASE("extreme numbers survive Json", "[json]") {
    game::Everything all;
    all.i8 = INT8_MAX;
    all.i16 = INT16_MAX;
    all.i32 = INT32_MAX;
    all.i64 = INT64_MAX;
    all.single_precision = std::numeric_limits<float>::max();
    all.reals = {std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest(), 5e-324, 0.1, -0.0};
    CHECK(decoded<game::Everything>(encoded(all)) == all);
    all.single_precision = std::numeric_limits<float>::lowest();
    CHECK(decoded<game::Everything>(encoded(all)) == all);
}

TEST_CASE("what Json and Python write is read in one walk", "[json]") {
    const auto check_one = [](const auto& object) {
        using T = std::remove_cvref_t<decltype(object)>;
        const std::string text = encoded(object);
        CHECK(is_read_in_one_walk<T>(text));
        CHECK(is_read_in_one_walk<T>(spaced(text)));
        CHECK(decoded<T>(spaced(text)) == object);
    };
    check_one(golden_player());
    check_one(golden_lobby());
    check_one(golden_match());
    check_one(golden_queue());
    check_one(everything_filled());
    check_one(game::Everything{});
    check_one(Player{.username = "Zo\xc3\xab \"x\" \\ \n \xf0\x9f\x98\x80"});
    CHECK(is_read_in_one_walk<Player>(R"({"username": "Zo\u00eb \ud83d\ude00"})"));
    CHECK(is_read_in_one_walk<Player>(" {\n  \"username\" : null\n}\n"));
}

TEST_CASE("members in another order, of other names or of another version take a tree, and are read as well", "[json]") {
    for (const char* text :
         {R"({"username":"a","player_id":"b"})", R"({"player_id":"b","x":[],"username":"a"})",
          R"({"_version":1,"player_id":"b","username":"a"})", R"({"player_id":"x","player_id":"b","username":"a"})",
          R"({"player_id":"b","username":"a","skill_rating":4.0})"}) {
        CHECK_FALSE(is_read_in_one_walk<Player>(text));
        CHECK(decoded<Player>(text).player_id == "b");
        CHECK(decoded<Player>(text).username == "a");
    }
}

TEST_CASE("what was read before it took a tree leaves nothing behind", "[json]") {
    const std::string twice = R"({"loadout":{"weapon":"axe"},"loadout":{"ammunition":3}})";
    CHECK(decoded<game::Hero>(twice).loadout == game::Loadout{.ammunition = 3});
}

TEST_CASE("Json has the shape of the documented dictionaries", "[json]") {
    CHECK(encoded(Lobby{.lobby_id = "lobby_123", .players = {"a", "b"}}) ==
          R"({"lobby_id":"lobby_123","state":"waiting","players":["a","b"],"max_players":8,"owner":"",)"
          R"("created_at":0.0,"attributes":{},"rating":0})");
    CHECK(encoded(Match{.match_id = "m", .result = {{"a", 2}}}) ==
          R"({"match_id":"m","lobby_id":"","players":[],"started_at":0.0,"ended_at":null,"result":{"a":2.0}})");
}

TEST_CASE("Json keeps UTF-8 and escapes what JSON wants escaped", "[json]") {
    const Player player{.player_id = "\xe2\x9a\x94\xf0\x9f\x8e\xae", .username = "\"\\/\b\f\n\r\t\x01\x1f\x7f\0"s};
    CHECK(encoded(player).find("\"\xe2\x9a\x94\xf0\x9f\x8e\xae\"") != std::string::npos);
    CHECK(encoded(player).find(R"("\"\\/\b\f\n\r\t\u0001\u001f)"
                               "\x7f"
                               R"(\u0000")") != std::string::npos);
    CHECK(decoded<Player>(encoded(player)) == player);
}

TEST_CASE("keys that are no strings are written as Python writes them", "[json]") {
    game::Everything all;
    all.by_number = {{-3, "x"}};
    all.by_flag = {{true, 1}};
    all.by_mode = {{game::Mode::ranked, 1.0F}, {static_cast<game::Mode>(9), 2.0F}};
    const std::string text = encoded(all);
    CHECK(text.find(R"("by_number":{"-3":"x"},"by_flag":{"true":1},"by_mode":{"ranked":1.0,"9":2.0})") != std::string::npos);
    CHECK(decoded<game::Everything>(text) == all);
}

TEST_CASE("Json reads what Python's json.dumps writes", "[json][python]") {
    // json.dumps({'player_id': 'player_456', 'username': 'Zoë', 'skill_rating': 1200.0, 'created_at': time.time(),
    //             'attributes': {}, 'banned': None, 'friends': [1, {'a': []}]})
    auto player = decoded<Player>(R"({"player_id": "player_456", "username": "Zo\u00eb \ud83c\udfae", )"
                                  R"("skill_rating": 1200.0, "created_at": 1700000000.1234567, "attributes": {}, )"
                                  R"("banned": null, "friends": [1, {"a": []}]})");
    CHECK(encoded(player).find(R"(,"banned":null,"friends":[1, {"a": []}]})") != std::string::npos);
    player.unknown_fields.clear();
    CHECK(player == Player{.player_id = "player_456",
                           .username = "Zo\xc3\xab \xf0\x9f\x8e\xae",
                           .skill_rating = 1200,
                           .created_at = at_second(1'700'000'000, 123'457)});
    // json.dumps(lobby, indent=2, sort_keys=True)
    const auto lobby = decoded<Lobby>(
        "{\n  \"created_at\": 1700000000,\n  \"lobby_id\": \"lobby_123\",\n"
        "  \"owner\": null,\n  \"players\": [\n    \"a\"\n  ],\n  \"state\": \"closed\"\n}");
    CHECK(lobby ==
          Lobby{.lobby_id = "lobby_123", .state = LobbyState::closed, .players = {"a"}, .created_at = at_second(1'700'000'000)});
}

TEST_CASE("a key that is missing or null keeps the default, null empties an optional", "[json]") {
    CHECK(decoded<Lobby>("{}") == Lobby{});
    CHECK(decoded<Lobby>(R"({"max_players": null, "players": null, "attributes": null})") == Lobby{});
    CHECK_FALSE(decoded<Match>(R"({"ended_at": null})").ended_at.has_value());
    CHECK(decoded<Match>(R"({"ended_at": 0})").ended_at == Timestamp{});
}

TEST_CASE("of several values under one key the last one wins", "[json]") {
    CHECK(decoded<Lobby>(R"({"owner": "a", "players": ["x"], "owner": "b", "players": ["y"]})") ==
          Lobby{.players = {"y"}, .owner = "b"});
}

TEST_CASE("an enum is its name, and a number where it has none", "[json]") {
    CHECK(decoded<Lobby>(R"({"state": 3})").state == LobbyState::closed);
    const Lobby unnamed{.state = static_cast<LobbyState>(200)};
    CHECK(decoded<Lobby>(encoded(unnamed)) == unnamed);
    CHECK(fault_in<Lobby>(R"({"state": "lost"})") == "lobby, field state: there is no enumerator 'lost'");
    CHECK(fault_in<Lobby>(R"({"state": 256})") == "lobby, field state: the number is out of range");
}

TEST_CASE("times survive Json to the microsecond", "[json]") {
    for (const std::int64_t second : {-8'000'000'000LL, -1LL, 0LL, 1'700'000'000LL, 4'102'444'800LL, 8'000'000'000LL}) {
        for (const std::int64_t microsecond : {0, 1, 333'333, 499'999, 999'999}) {
            const Player player{.created_at = at_second(second, microsecond)};
            CHECK(decoded<Player>(encoded(player)) == player);
        }
    }
    CHECK(refusal_of(Player{.created_at = Timestamp::max()}) ==
          "player, field created_at: it is too far from 1970 for seconds in a double");
    CHECK(refusal_of(Player{.created_at = Timestamp::min()}).find("created_at") != std::string::npos);
}

TEST_CASE("what Json cannot give back is refused, and the field named", "[json]") {
    for (const std::string& text : {"\xff"s, "\xc0\x80"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "a\xe2\x9a"s}) {
        CHECK(refusal_of(Queue{.tickets = {{.player_id = text}}}) ==
              "queue, field tickets.player_id: it is not UTF-8; std::vector<std::byte> holds any bytes");
        CHECK(refusal_of(Player{.attributes = {{text, ""}}}).find("field attributes") != std::string::npos);
    }
    for (const double number : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        CHECK(refusal_of(Match{.result = {{"a", number}}}) == "match, field result: it is not a finite number");
    }
}

TEST_CASE("a number that the field cannot hold is corrupt", "[json][hostile]") {
    CHECK(fault_in<Player>(R"({"skill_rating": 2147483648})") == "player, field skill_rating: the number is out of range");
    CHECK(fault_in<Player>(R"({"skill_rating": 1.5})") == "player, field skill_rating: the number is not whole");
    CHECK(fault_in<Player>(R"({"skill_rating": 1e10})") == "player, field skill_rating: the number is out of range");
    CHECK(fault_in<Lobby>(R"({"max_players": -1})") == "lobby, field max_players: the number is out of range");
    CHECK(fault_in<Player>(R"({"created_at": 1e300})") == "player, field created_at: the time is out of range");
    CHECK(fault_in<game::Everything>(R"({"u64": 18446744073709551616})").find("out of range") != std::string::npos);
    CHECK(fault_in<game::Everything>(R"({"i64": -9223372036854775809})").find("out of range") != std::string::npos);
    CHECK(fault_in<game::Everything>(R"({"i64": 9223372036854775808})").find("out of range") != std::string::npos);
    CHECK(fault_in<game::Everything>(R"({"single_precision": 1e39})").find("out of range") != std::string::npos);
    CHECK(fault_in<game::Everything>(R"({"i64": 9007199254740994.0})").find("out of range") != std::string::npos);
    CHECK(decoded<game::Everything>(R"({"i64": -9007199254740992.0})").i64 == -9007199254740992);
}

TEST_CASE("a value of another type is corrupt, and the field named", "[json][hostile]") {
    CHECK(fault_in<Queue>(R"({"tickets": [{"player_id": 4}]})") == "queue, field tickets[0].player_id: it is not a string");
    CHECK(fault_in<Queue>(R"({"tickets": [null]})") == "queue, field tickets[0]: it is not an object");
    CHECK(fault_in<Lobby>(R"({"players": {}})") == "lobby, field players: it is not an array");
    CHECK(fault_in<Lobby>(R"({"attributes": []})") == "lobby, field attributes: it is not an object");
    CHECK(fault_in<Lobby>(R"({"max_players": "8"})") == "lobby, field max_players: it is not a number");
    CHECK(fault_in<Lobby>("[]") == "lobby: it is not an object");
    CHECK(fault_in<game::Everything>(R"({"flag": 2})").find("it is not true or false") != std::string::npos);
    CHECK(fault_in<game::Everything>(R"({"by_number": {"x": ""}})").find("the key is not a number") != std::string::npos);
    CHECK(fault_in<game::Everything>(R"({"by_number": {"99999999999": ""}})").find("the key is") != std::string::npos);
    for (const char* text : {"A", "AAA", "A===", "AAAA=", "AB==", "AAB=", "AA-A", "=AAA", "AA=A"}) {
        CHECK(fault_in<game::Everything>(R"({"bytes": ")" + std::string{text} + "\"}").find("base64") != std::string::npos);
    }
    CHECK(fault_in<game::Hero>(R"({"hero_id": "xyz"})").find("not one that from_wire accepts") != std::string::npos);
}

TEST_CASE("text that is not JSON is corrupt, and the byte named", "[json][hostile]") {
    CHECK(fault_in<Lobby>("").find("lobby: at byte 1: ") == 0);
    CHECK(fault_in<Lobby>(R"({"owner": "a",})") ==
          "lobby: at byte 15: syntax error while parsing object key - unexpected '}'; expected string literal");
    for (const char* text : {"NaN", "Infinity", "-Infinity", "1e999", "'a'", "\"\xff\"", "\"\\ud800\"", "{} {}", "01"}) {
        CHECK(fault_in<Match>(R"({"result": {"a": )" + std::string{text} + "}}").find("at byte") != std::string::npos);
    }
}

TEST_CASE("in JSON of several lines the line and the column are named, too", "[json]") {
    CHECK(fault_in<Lobby>("{\n  \"owner\" 1}").find("lobby: at byte 13, line 2, column 11: syntax error") == 0);
}

TEST_CASE("the element of a JSON list that does not fit is named by its index", "[json][hostile]") {
    CHECK(fault_in<Lobby>(R"({"players": ["a", "b", "c", 4]})") == "lobby, field players[3]: it is not a string");
    CHECK(fault_in<Queue>(R"({"tickets": [{}, {"player_id": []}]})") == "queue, field tickets[1].player_id: it is not a string");
}

TEST_CASE("the entry of a JSON map that does not fit is named by its key", "[json][hostile]") {
    CHECK(fault_in<Lobby>(R"({"attributes": {"map": "ruins", "region": 4}})") ==
          "lobby, field attributes.region: it is not a string");
    CHECK(fault_in<Lobby>(R"({"attributes": {"": 4}})") == "lobby, field attributes.'': it is not a string");
    CHECK(fault_in<game::Everything>(R"({"by_number": {"x": ""}})") ==
          "object, field by_number.x: the key is not a number that fits");
}

TEST_CASE("of what players wrote a message shows a short and printable part", "[json][hostile]") {
    const std::string name = "\\u001b" + std::string(1'000, 'a');
    const std::string shown = "\\x1b" + std::string(39, 'a') + "...";
    CHECK(fault_in<Lobby>(R"({"state": ")" + name + "\"}") == "lobby, field state: there is no enumerator '" + shown + "'");
    CHECK(fault_in<Lobby>(R"({"attributes": {")" + name + "\": 4}}") ==
          "lobby, field attributes." + shown + ": it is not a string");
    CHECK(fault_in<Lobby>(R"({"max_players": )" + std::string(1'000, '9') + "}").size() < 200);
}

TEST_CASE("a message about broken JSON does not repeat what players wrote", "[json][hostile]") {
    CHECK(fault_in<Player>(R"({"username": "the secret)").find("secret") == std::string::npos);
}

TEST_CASE("a message about broken JSON is printable, whatever byte broke it", "[json][hostile]") {
    for (int byte = 0; byte < 256; ++byte) {
        for (const std::string& before : {""s, R"({"username": )"s, R"({"username": "tru\u00)"s, R"({"username": tr)"s}) {
            Player player;
            const Status status = Json::decode(before + static_cast<char>(byte) + "\xff\x1b", player);
            REQUIRE_FALSE(status);
            for (const char c : status.error().message()) CHECK((c >= 0x20 && c < 0x7f));
        }
    }
}

TEST_CASE("a list in JSON cannot ask for more memory than its text accounts for", "[json][hostile]") {
    const std::string refusal = "object, field list: it asks for more memory than its size accounts for";
    for (const std::string& element : {"0"s, "{}"s}) {
        const std::size_t before = MeteredAllocator<Bulky>::bytes;
        const std::string text = list_of(element, 200'000);
        CHECK(fault_in<Bulkies>(text) == refusal);
        CHECK(MeteredAllocator<Bulky>::bytes - before <= 64 * text.size() + 64 * 1024);
    }
    CHECK(decoded<Bulkies>(list_of("{}", 10)).list.size() == 10);  // what fits is fine
}

TEST_CASE("a map in JSON cannot ask for more memory than its text accounts for", "[json][hostile]") {
    std::string text = R"({"map":{"":{})";
    for (int i = 0; i < 10'000; ++i) text += ",\"" + std::to_string(i) + "\":{}";
    CHECK(fault_in<Bulkies>(text + "}}") == "object, field map: it asks for more memory than its size accounts for");
    CHECK(decoded<Bulkies>(R"({"map":{"a":{},"b":{}}})").map.size() == 2);
}

TEST_CASE("Json does not write more empty elements than it would read", "[json][hostile]") {
    Bulkies lists;
    lists.list.resize(1'000);
    CHECK(refusal_of(lists) == "object: it has so many empty elements that decoding could not bound its memory");
    Bulkies maps;
    for (int i = 0; i < 1'000; ++i) maps.map.try_emplace(std::to_string(i));
    CHECK(refusal_of(maps) == "object: it has so many empty elements that decoding could not bound its memory");

    lists.list.resize(10);
    CHECK(decoded<Bulkies>(encoded(lists)).list.size() == 10);
}

TEST_CASE("nesting without end is corrupt", "[json][hostile]") {
    CHECK(fault_in<Lobby>(std::string(1'000'000, '[')) == "lobby: it is nested too deeply");
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += R"({"children":[)";
    CHECK(fault_in<game::Tree>(text) == "object: it is nested too deeply");
}

TEST_CASE("a recursive struct survives Json up to 64 levels, and is refused beyond", "[json]") {
    game::Tree tree{.value = 1};
    for (int level = 1; level < 64; ++level) {
        game::Tree parent{.value = level};
        parent.children.push_back(std::move(tree));
        tree = std::move(parent);
    }
    CHECK(decoded<game::Tree>(encoded(tree)) == tree);
    game::Tree deeper;
    deeper.children.push_back(std::move(tree));
    CHECK(refusal_of(deeper).find("it is nested deeper than 64 levels") != std::string::npos);
}

TEST_CASE("every cut and every flipped bit of JSON text decodes or is corrupt", "[json][hostile]") {
    const std::string text = encoded(golden_queue());
    for (std::size_t length = 0; length < text.size(); ++length) {
        CHECK_FALSE(fault_in<Queue>(std::string_view{text}.substr(0, length)).empty());
    }
    for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
        std::string damaged = text;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        Queue queue;
        const Status status = Json::decode(damaged, queue);
        CHECK((status || status.error() == Errc::corrupt));
    }
}
