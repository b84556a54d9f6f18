// Descriptions that change: what an older or a newer build wrote, under all codecs. The cases state the rules of "Changing a
// description" in joinly/entity/entity.hpp.

#include "tests/support/catch.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/concepts.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/codec/proto_schema.hpp>
#include <joinly/codec/zstd.hpp>
#include <joinly/entity/entity.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace joinly;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace game {

using joinly::Status;
using joinly::UnknownFields;

enum class Rank : std::uint8_t { none, bronze, silver };
enum class NamedRank : std::uint8_t { none, bronze, silver };

/// One field, of any type: what it reads of what a Box of another type wrote.
template <class T>
struct Box {
    T value = {};
    friend bool operator==(const Box&, const Box&) = default;
};

/// A part of both pilots: the newer one has more.
struct Ship {
    std::string name = {};
    UnknownFields unknown_fields = {};
    friend bool operator==(const Ship&, const Ship&) = default;
};
struct NewShip {
    std::string name = {};
    std::vector<std::string> crew = {};
    friend bool operator==(const NewShip&, const NewShip&) = default;
};

/// The oldest pilot.
struct Pilot {
    std::string pilot_id = {};
    int skill = 0;
    Ship ship = {};
    std::vector<Ship> hangar = {};
    std::map<std::string, Ship> lent = {};
    std::optional<Ship> wreck = {};
    UnknownFields unknown_fields = {};
    friend bool operator==(const Pilot&, const Pilot&) = default;
};
/// The same without a place for what it does not know.
struct ForgetfulPilot {
    std::string pilot_id = {};
    int skill = 0;
    friend bool operator==(const ForgetfulPilot&, const ForgetfulPilot&) = default;
};
struct NewPilot {
    std::string pilot_id = {};
    int rating = 0;
    NewShip ship = {};
    std::vector<NewShip> hangar = {};
    std::map<std::string, NewShip> lent = {};
    std::optional<NewShip> wreck = {};
    std::string clan = {};
    std::vector<double> history = {};
    friend bool operator==(const NewPilot&, const NewPilot&) = default;
};

struct ClanPilot {
    std::string pilot_id = {};
    std::string clan = {};
    UnknownFields unknown_fields = {};
};

/// A medal in three versions of its description; `upgraded_from` is no field.
template <int known, int oldest>
struct Medal {
    std::string medal_id = {};
    int grams = 0;  // version 1 had ounces, of 28 grams
    std::string title = {};
    std::vector<int> upgraded_from = {};
    UnknownFields unknown_fields = {};
    friend bool operator==(const Medal&, const Medal&) = default;
};
template <class M, int known>
struct MedalUpgrade {
    static Status upgrade(M& medal, int from) {
        medal.upgraded_from.push_back(from);
        if (from < 2) medal.grams *= 28;
        if (from < 3 && medal.title.empty()) medal.title = "the " + medal.medal_id;
        return {};
    }
};
template <class M>
struct MedalUpgrade<M, 1> {};

template <class M>
struct Cabinet {
    M best = {};
    std::vector<M> medals = {};
};

/// A version without an upgrade: it only marks.
struct Marked {
    std::string marked_id = {};
};
/// Refuses what version 1 wrote.
struct Strict {
    std::string strict_id = {};
};

}  // namespace game

template <>
struct joinly::Entity<game::NamedRank> {
    static constexpr void values(auto&& value) {
        value(game::NamedRank::none, "none");
        value(game::NamedRank::bronze, "copper");  // the new name
        value(game::NamedRank::bronze, "bronze");
        value(game::NamedRank::silver, "silver");
    }
};

template <class T>
struct joinly::Entity<game::Box<T>> {
    static constexpr std::string_view kind = "box";
    static constexpr void fields(auto& box, auto&& field) { field(1, "value", box.value); }
};

template <>
struct joinly::Entity<game::Ship> {
    static constexpr auto& unknown_fields(auto& ship) { return ship.unknown_fields; }
    static constexpr void fields(auto& ship, auto&& field) { field(1, "name", ship.name); }
};
template <>
struct joinly::Entity<game::NewShip> {
    static constexpr void fields(auto& ship, auto&& field) {
        field(1, "name", ship.name);
        field(2, "crew", ship.crew);
    }
};
template <>
struct joinly::Entity<game::Pilot> {
    static constexpr std::string_view kind = "pilot";
    static constexpr auto& id(auto& pilot) { return pilot.pilot_id; }
    static constexpr auto& unknown_fields(auto& pilot) { return pilot.unknown_fields; }
    static constexpr void fields(auto& pilot, auto&& field) {
        field(1, "pilot_id", pilot.pilot_id);
        field(2, "skill", pilot.skill);
        field(3, "ship", pilot.ship);
        field(4, "hangar", pilot.hangar);
        field(5, "lent", pilot.lent);
        field(6, "wreck", pilot.wreck);
    }
};
template <>
struct joinly::Entity<game::ForgetfulPilot> {
    static constexpr std::string_view kind = "pilot";
    static constexpr auto& id(auto& pilot) { return pilot.pilot_id; }
    static constexpr void fields(auto& pilot, auto&& field) {
        field(2, "skill", pilot.skill);
        field(1, "pilot_id", pilot.pilot_id);
    }
};
template <>
struct joinly::Entity<game::NewPilot> {
    static constexpr std::string_view kind = "pilot";
    static constexpr auto& id(auto& pilot) { return pilot.pilot_id; }
    static constexpr void fields(auto& pilot, auto&& field) {
        field(1, "pilot_id", pilot.pilot_id);
        field(2, "rating", pilot.rating, joinly::formerly("skill"), joinly::indexed, joinly::formerly("elo"));
        field(3, "ship", pilot.ship);
        field(4, "hangar", pilot.hangar);
        field(5, "lent", pilot.lent);
        field(6, "wreck", pilot.wreck);
        field(7, "clan", pilot.clan);
        field(8, "history", pilot.history);
    }
};

template <>
struct joinly::Entity<game::ClanPilot> {
    static constexpr auto& unknown_fields(auto& pilot) { return pilot.unknown_fields; }
    static constexpr void fields(auto& pilot, auto&& field) {
        field(1, "pilot_id", pilot.pilot_id);
        field(7, "clan", pilot.clan);
    }
};

template <int known, int oldest>
struct joinly::Entity<game::Medal<known, oldest>> : game::MedalUpgrade<game::Medal<known, oldest>, known> {
    static constexpr std::string_view kind = "medal";
    static constexpr int version = known;
    static constexpr int oldest_reader = oldest;
    static constexpr auto& id(auto& medal) { return medal.medal_id; }
    static constexpr auto& unknown_fields(auto& medal) { return medal.unknown_fields; }
    static constexpr void fields(auto& medal, auto&& field) {
        field(1, "medal_id", medal.medal_id);
        field(2, "grams", medal.grams);
        if (known >= 3) field(3, "title", medal.title);
    }
};
template <class M>
struct joinly::Entity<game::Cabinet<M>> {
    static constexpr void fields(auto& cabinet, auto&& field) {
        field(1, "best", cabinet.best);
        field(2, "medals", cabinet.medals);
    }
};
template <>
struct joinly::Entity<game::Marked> {
    static constexpr std::string_view kind = "marked";
    static constexpr int version = 2;
    static constexpr auto& id(auto& marked) { return marked.marked_id; }
    static constexpr void fields(auto& marked, auto&& field) { field(1, "marked_id", marked.marked_id); }
};
template <>
struct joinly::Entity<game::Strict> {
    static constexpr std::string_view kind = "strict";
    static constexpr int version = 2;
    static constexpr auto& id(auto& strict) { return strict.strict_id; }
    static constexpr void fields(auto& strict, auto&& field) { field(1, "strict_id", strict.strict_id); }
    static Status upgrade(game::Strict&, int) { return failure(Errc::unsupported, "version 1 is history"); }
};

static_assert(entity<game::Pilot> && entity<game::NewPilot> && entity<game::Medal<3, 2>>);
static_assert(versioning_codec_for<Binary, game::Pilot> && versioning_codec_for<Json, game::Pilot>);
static_assert(sizeof(UnknownFields) == sizeof(void*));

namespace {

using game::Box;
using game::Medal;
using game::NewPilot;
using game::Pilot;

using Medal1 = Medal<1, 1>;
using Medal2 = Medal<2, 2>;
using Medal3 = Medal<3, 2>;  // version 2 may read it
using ClosedMedal3 = Medal<3, 3>;

template <class Codec, class T>
std::string encoded(const T& object) {
    std::string bytes;
    const Status status = Codec::encode(object, bytes);
    INFO((status ? std::string{} : std::string{status.error().message()}));
    REQUIRE(status);
    return bytes;
}

template <class Codec, class T>
T decoded(std::string_view bytes) {
    T object;
    const Status status = Codec::decode(bytes, object);
    INFO((status ? std::string{} : std::string{status.error().message()}));
    REQUIRE(status);
    return object;
}

template <class Codec, class T>
Error fault_in(std::string_view bytes) {
    T object;
    const Status status = Codec::decode(bytes, object);
    REQUIRE_FALSE(status);
    return status.error();
}

/// What a build with one description of an object reads of what another one wrote.
template <class Codec, class Reader, class Writer>
Reader as_read_by(const Writer& object) {
    return decoded<Codec, Reader>(encoded<Codec>(object));
}
template <class Codec, class Reader, class Writer>
bool is_corrupt_to(const Writer& object) {
    return fault_in<Codec, Reader>(encoded<Codec>(object)) == Errc::corrupt;
}

/// What a field of one type becomes as another.
template <class Codec, class To, class From>
To turned_into(From value) {
    return as_read_by<Codec, Box<To>>(Box<From>{value}).value;
}
template <class Codec, class To, class From>
bool cannot_become(From value) {
    return is_corrupt_to<Codec, Box<To>>(Box<From>{value});
}

NewPilot new_pilot() {
    NewPilot pilot;
    pilot.pilot_id = "ada";
    pilot.rating = 1200;
    pilot.ship = {"swan", {"bob", "\"eve\"\n\xc3\xab"}};
    pilot.hangar = {{"duck", {}}, {"teal", {"joe"}}};
    pilot.lent = {{"to \"dan\"", {"gull", {"dan"}}}, {"to eve", {}}};
    pilot.wreck = game::NewShip{"dodo", {"nobody"}};
    pilot.clan = "owls";
    pilot.history = {1.5, -0.25};
    return pilot;
}

}  // namespace

// --- fields that come, go and change ----------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("a field that an old record lacks has its default", "[evolution]", Binary, Json) {
    const auto pilot = as_read_by<TestType, NewPilot>(Pilot{.pilot_id = "ada"});
    CHECK(pilot.pilot_id == "ada");
    CHECK(pilot.clan.empty());
}

TEMPLATE_TEST_CASE("a field that was removed is skipped, and the order of fields does not matter", "[evolution]", Binary, Json) {
    const auto pilot = as_read_by<TestType, game::ForgetfulPilot>(Pilot{.pilot_id = "ada", .skill = 3, .ship = {.name = "swan"}});
    CHECK(pilot == game::ForgetfulPilot{"ada", 3});
}

TEST_CASE("Binary reads a field under any name", "[evolution][binary]") {
    CHECK(as_read_by<Binary, NewPilot>(Pilot{.skill = 7}).rating == 7);
}

TEST_CASE("Json reads a field under its former names, and writes the present one", "[evolution][json]") {
    CHECK(decoded<Json, NewPilot>(R"({"skill": 7})").rating == 7);
    CHECK(decoded<Json, NewPilot>(R"({"elo": 8})").rating == 8);
    CHECK(decoded<Json, NewPilot>(R"({"elo": 8, "skill": 7})").rating == 7);  // in the order of the description
    CHECK(decoded<Json, NewPilot>(R"({"skill": 7, "rating": 9})").rating == 9);
    CHECK(encoded<Json>(NewPilot{.rating = 9}).find(R"("rating":9)") != std::string::npos);
    CHECK(encoded<Json>(NewPilot{.rating = 9}).find("skill") == std::string::npos);
    CHECK(fault_in<Json, NewPilot>(R"({"skill": "high"})").message() == "pilot, field rating: it is not a number");
}

TEMPLATE_TEST_CASE("an integer that becomes wider keeps its value", "[evolution]", Binary, Json) {
    CHECK(turned_into<TestType, std::int64_t>(INT32_MIN) == INT32_MIN);
    CHECK(turned_into<TestType, std::uint64_t>(std::uint32_t{UINT32_MAX}) == UINT32_MAX);
    CHECK(turned_into<TestType, int>(std::uint8_t{200}) == 200);
    CHECK(turned_into<TestType, std::int16_t>(std::int64_t{-5}) == -5);  // an old build, a value that fits
}

TEST_CASE("an integer too wide for an old build is cut down in Binary and corrupt in Json", "[evolution]") {
    CHECK(turned_into<Binary, std::uint8_t>(0x1234) == 0x34);
    CHECK(turned_into<Binary, std::int32_t>(std::int64_t{1} << 32 | 5) == 5);
    CHECK(cannot_become<Json, std::uint8_t>(0x1234));
}

TEMPLATE_TEST_CASE("bool, integer and enum without names stand for each other", "[evolution]", Binary, Json) {
    CHECK(turned_into<TestType, int>(true) == 1);
    CHECK(turned_into<TestType, int>(false) == 0);
    CHECK(turned_into<TestType, bool>(1));
    CHECK_FALSE(turned_into<TestType, bool>(0));
    CHECK(turned_into<TestType, game::Rank>(2) == game::Rank::silver);
    CHECK(turned_into<TestType, int>(game::Rank::silver) == 2);
    CHECK(turned_into<TestType, game::Rank>(true) == game::Rank::bronze);
    CHECK(turned_into<TestType, game::NamedRank>(game::Rank::silver) == game::NamedRank::silver);
    CHECK(turned_into<TestType, game::NamedRank>(2) == game::NamedRank::silver);
}

TEST_CASE("as a bool any number but 0 is true in Binary, and only 0 and 1 are read in Json", "[evolution]") {
    CHECK(turned_into<Binary, bool>(2));
    CHECK(cannot_become<Json, bool>(2));
}

TEST_CASE("the name of an enumerator is one in Json only", "[evolution]") {
    CHECK(turned_into<Binary, int>(game::NamedRank::silver) == 2);
    CHECK(cannot_become<Json, int>(game::NamedRank::silver));
    CHECK(decoded<Json, Box<game::NamedRank>>(R"({"value": "bronze"})").value == game::NamedRank::bronze);
    CHECK(encoded<Json>(Box<game::NamedRank>{game::NamedRank::bronze}) == R"({"value":"copper"})");
    CHECK(turned_into<Binary, game::NamedRank>(9) == game::NamedRank{9});  // one that this build does not know
    CHECK(fault_in<Json, Box<game::NamedRank>>(R"({"value": "gold"})") == Errc::corrupt);
}

TEST_CASE("integers and floating-point numbers stand for each other in Json, not in Binary", "[evolution]") {
    CHECK(turned_into<Json, double>(7) == 7);
    CHECK(turned_into<Json, int>(7.0) == 7);
    CHECK(turned_into<Json, double>(0.5F) == 0.5);
    CHECK(cannot_become<Json, int>(7.5));
    CHECK(cannot_become<Binary, double>(7));
    CHECK(cannot_become<Binary, int>(7.0));
    CHECK(cannot_become<Binary, double>(0.5F));
}

TEMPLATE_TEST_CASE("a value becomes optional and back", "[evolution]", Binary, Json) {
    CHECK(turned_into<TestType, std::optional<int>>(7) == 7);
    CHECK(turned_into<TestType, int>(std::optional<int>{7}) == 7);
    CHECK(turned_into<TestType, int>(std::optional<int>{}) == 0);
    CHECK(turned_into<TestType, std::string>(std::optional<std::string>{"a"}) == "a");
}

TEST_CASE("a value becomes a list in Binary, not in Json", "[evolution]") {
    CHECK(turned_into<Binary, std::vector<std::string>>("a"s) == std::vector<std::string>{"a"});
    CHECK(turned_into<Binary, std::vector<int>>(7) == std::vector<int>{7});
    CHECK(turned_into<Binary, std::string>(std::vector<std::string>{"a", "b"}) == "b");
    CHECK(cannot_become<Binary, int>(std::vector<int>{7, 8}));
    CHECK(cannot_become<Json, std::vector<int>>(7));
    CHECK(cannot_become<Json, int>(std::vector<int>{7}));
}

TEST_CASE("a string becomes bytes in Binary, not in Json", "[evolution]") {
    CHECK(turned_into<Binary, std::vector<std::byte>>("a"s) == std::vector{std::byte{'a'}});
    CHECK(turned_into<Binary, std::string>(std::vector{std::byte{'a'}}) == "a");
    CHECK(cannot_become<Json, std::vector<std::byte>>("a"s));
}

TEST_CASE("a time may change its unit in Json, not in Binary", "[evolution]") {
    using std::chrono::milliseconds;
    using std::chrono::seconds;
    const std::chrono::sys_time<seconds> time{seconds{5}};
    CHECK(turned_into<Json, std::chrono::sys_time<milliseconds>>(time) == time);
    CHECK(turned_into<Binary, std::chrono::sys_time<milliseconds>>(time).time_since_epoch() == milliseconds{5});
}

// --- fields of newer builds -------------------------------------------------------------------------------------------------

using ZstdBinary = joinly::Zstd<Binary, joinly::ZstdOptions{.threshold_bytes = 16}>;
using ZstdJson = joinly::Zstd<Json, joinly::ZstdOptions{.threshold_bytes = 16}>;

TEMPLATE_TEST_CASE("an old build that reads, changes and writes an object loses nothing that a newer one stored", "[evolution]",
                   Binary, Json, ZstdBinary, ZstdJson) {
    auto old = as_read_by<TestType, Pilot>(new_pilot());
    CHECK(old.unknown_fields.size_bytes() > 0);
    CHECK(old.hangar.at(1).unknown_fields.size_bytes() > 0);
    old.pilot_id = "bea";
    old.hangar.push_back({.name = "swift"});

    NewPilot expected = new_pilot();
    expected.pilot_id = "bea";
    expected.hangar.push_back({.name = "swift"});
    if constexpr (TestType::form == joinly::ValueForm::text ||
                  std::same_as<TestType, ZstdJson>) {  // whose rating has another name in the old build: see formerly
        CHECK(old.skill == 0);
    }
    CHECK(as_read_by<TestType, NewPilot>(old) == expected);
}

TEMPLATE_TEST_CASE("what an old build keeps does not grow with each save", "[evolution]", Binary, Json) {
    const auto once = as_read_by<TestType, Pilot>(new_pilot());
    CHECK(as_read_by<TestType, Pilot>(as_read_by<TestType, Pilot>(once)) == once);
}

TEMPLATE_TEST_CASE("a struct without a place for unknown fields loses them", "[evolution]", Binary, Json) {
    const auto forgetful = as_read_by<TestType, game::ForgetfulPilot>(new_pilot());
    CHECK(as_read_by<TestType, NewPilot>(forgetful).clan.empty());
}

TEST_CASE("an object without unknown fields is written as if it had no place for them", "[evolution]") {
    CHECK(encoded<Binary>(game::Ship{.name = "swan"}) == "\x0a\x04swan");
    CHECK(encoded<Json>(game::Ship{.name = "swan"}) == R"({"name":"swan"})");
}

TEMPLATE_TEST_CASE("unknown fields that were cleared are gone", "[evolution]", Binary, Json) {
    auto old = as_read_by<TestType, Pilot>(new_pilot());
    old.unknown_fields.clear();
    CHECK(as_read_by<TestType, NewPilot>(old).clan.empty());
}

TEST_CASE("unknown fields of another codec's are refused, not lost", "[evolution]") {
    const auto from_binary = as_read_by<Binary, Pilot>(new_pilot());
    std::string out = "unchanged";
    const Status to_json = Json::encode(from_binary, out);
    REQUIRE_FALSE(to_json);
    CHECK(to_json.error() == Errc::invalid_argument);
    CHECK(to_json.error().message() ==
          "pilot, field ship: its unknown fields were read by another codec; clear them to do without");
    CHECK(out == "unchanged");

    const auto from_json = as_read_by<Json, game::Ship>(game::NewShip{"swan", {"bob"}});
    const Status to_binary = Binary::encode(from_json, out);
    REQUIRE_FALSE(to_binary);
    CHECK(to_binary.error() == Errc::invalid_argument);
    CHECK(out == "unchanged");
    CHECK_FALSE(Binary::measure(from_json));
}

TEMPLATE_TEST_CASE("an unknown field that the description has after all is not written twice", "[evolution]", Binary, Json) {
    // What a program may do that knows both structs, and converts one into the other itself.
    const auto old = as_read_by<TestType, Pilot>(NewPilot{.clan = "owls", .history = {1.5}});
    const game::ClanPilot converted{.clan = "hawks", .unknown_fields = old.unknown_fields};
    const auto back = as_read_by<TestType, NewPilot>(converted);
    CHECK(back.clan == "hawks");
    CHECK(back.history == std::vector<double>{1.5});
}

TEST_CASE("Binary keeps unknown fields of every wire type, byte by byte", "[evolution][binary]") {
    const auto unknown =
        "\x78\xff\x80\x00"  // 15: a varint that could be shorter
        "\x79"
        "12345678"
        "\x7a\x03"
        "abc"
        "\x7d"
        "1234"
        "\xf8\xff\xff\xff\x0f\x01"sv;
    const std::string known = "\x0a\x04swan";
    const auto ship = decoded<Binary, game::Ship>(std::string{unknown} + known);
    CHECK(encoded<Binary>(ship) == known + std::string{unknown});
}

TEST_CASE("Json keeps unknown members to the letter", "[evolution][json]") {
    const auto ship = decoded<Json, game::Ship>(
        "{ \"a\" : 12345678901234567890123,\n\"b\": [1, {\"c\" : \"}],\\\"\"} ], \"name\": "
        "\"swan\" ,\"\\u00e9\\\"\":\"\\\\\",\"d\" :1.50e+01\t,\"e\":null,\"f\":{\"f\":{}},"
        "\"g\":\"\" }");
    CHECK(encoded<Json>(ship) == R"({"name":"swan","a":12345678901234567890123,"b":[1, {"c" : "}],\""} ],)"
                                 "\"\xc3\xa9\\\"\":\"\\\\\","
                                 R"("d":1.50e+01,"e":null,"f":{"f":{}},"g":""})");
    CHECK(decoded<Json, game::Ship>(encoded<Json>(ship)) == ship);
    CHECK(ship.name == "swan");
}

TEST_CASE("a known member whose key is written with escapes is not taken for an unknown one", "[evolution][json]") {
    const auto ship = decoded<Json, game::Ship>(R"({"\u006eame": "swan"})");
    CHECK(ship == game::Ship{.name = "swan"});
}

TEST_CASE("of objects under one key twice, the last one's unknown members are kept", "[evolution][json]") {
    const auto pilot = decoded<Json, Pilot>(R"({"ship": {"a": {"x": 1}}, "ship": {"b": {"y": 2}}, "hangar": [{"c": 1}, {}]})");
    CHECK(encoded<Json>(pilot.ship) == R"({"name":"","b":{"y": 2}})");
    CHECK(encoded<Json>(pilot.hangar.at(0)) == R"({"name":"","c":1})");
    CHECK(pilot.hangar.at(1) == game::Ship{});
}

TEST_CASE("unknown members nested as deep as reading allows are written again, and deeper down refused", "[evolution][json]") {
    const std::string deep = std::string(129, '[') + std::string(129, ']');
    const auto ship = decoded<Json, game::Ship>(R"({"deep":)" + deep + "}");
    CHECK(decoded<Json, game::Ship>(encoded<Json>(ship)) == ship);
    std::string out;
    const Status deeper = Json::encode(Pilot{.ship = ship}, out);
    REQUIRE_FALSE(deeper);
    CHECK(deeper.error().message() == "pilot, field ship: its unknown fields are nested too deeply to stand here");
}

// --- versions ---------------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("an object of an older version is upgraded when it is read", "[evolution][version]", Binary, Json) {
    const auto medal = as_read_by<TestType, Medal3>(Medal1{.medal_id = "m", .grams = 2});
    CHECK(medal.grams == 56);
    CHECK(medal.title == "the m");
    CHECK(medal.upgraded_from == std::vector<int>{1});
    CHECK(as_read_by<TestType, Medal3>(Medal2{.medal_id = "m", .grams = 50}).upgraded_from == std::vector<int>{2});
}

TEMPLATE_TEST_CASE("an object of this version is not upgraded again", "[evolution][version]", Binary, Json) {
    const auto medal = as_read_by<TestType, Medal3>(as_read_by<TestType, Medal3>(Medal1{.medal_id = "m", .grams = 2}));
    CHECK(medal.grams == 56);
    CHECK(medal.upgraded_from.empty());
}

TEMPLATE_TEST_CASE("an object of a newer version is incompatible, naming kind and versions", "[evolution][version]", Binary, Json) {
    const Error newer = fault_in<TestType, Medal2>(encoded<TestType>(ClosedMedal3{.medal_id = "m"}));
    CHECK(newer == Errc::incompatible);
    CHECK(newer.message() ==
          "medal: it has description version 3, which takes a build of version 3 to read; this one has version 2");
    CHECK(fault_in<TestType, Medal1>(encoded<TestType>(Medal3{.medal_id = "m"})).message() ==
          "medal: it has description version 3, which takes a build of version 2 to read; this one has version 1");
}

TEST_CASE("an object of a newer version is incompatible, whatever else this build cannot read in it", "[evolution][version]") {
    CHECK(fault_in<Binary, Medal2>("\xb0\xa3\x09\x03\x0d"
                                   "1234"sv) == Errc::incompatible);  // the id as a fixed32
    CHECK(fault_in<Json, Medal2>(R"({"grams": "many", "_version": 3})") == Errc::incompatible);
}

TEMPLATE_TEST_CASE("a newer version that allows this build's is read, and its fields are kept", "[evolution][version]", Binary,
                   Json) {
    const Medal3 newer{.medal_id = "m", .grams = 50, .title = "the best"};
    auto medal = as_read_by<TestType, Medal2>(newer);
    CHECK(medal.grams == 50);
    CHECK(medal.upgraded_from.empty());
    medal.grams = 60;
    CHECK(as_read_by<TestType, Medal3>(medal).title == "the best");
}

TEMPLATE_TEST_CASE("a newer object that an older build has rewritten is of the older version, and upgraded once more",
                   "[evolution][version]", Binary, Json) {
    const auto rewritten =
        encoded<TestType>(as_read_by<TestType, Medal2>(Medal3{.medal_id = "m", .grams = 50, .title = "the best"}));
    CHECK(TestType::template stored_version<Medal3>(rewritten) == 2);
    const auto medal = decoded<TestType, Medal3>(rewritten);
    CHECK(medal.upgraded_from == std::vector<int>{2});
    CHECK(medal.title == "the best");
    CHECK(medal.grams == 50);
}

TEMPLATE_TEST_CASE("nested structs have versions of their own", "[evolution][version]", Binary, Json) {
    const game::Cabinet<Medal1> old{.best = {.medal_id = "b", .grams = 1}, .medals = {{.medal_id = "m", .grams = 2}}};
    const auto cabinet = as_read_by<TestType, game::Cabinet<Medal3>>(old);
    CHECK(cabinet.best.grams == 28);
    CHECK(cabinet.medals.at(0).grams == 56);
    const auto again = as_read_by<TestType, game::Cabinet<Medal3>>(cabinet);
    CHECK(again.medals.at(0).upgraded_from.empty());
    const Error newer = fault_in<TestType, game::Cabinet<Medal1>>(encoded<TestType>(cabinet));
    CHECK(newer == Errc::incompatible);
    CHECK(newer.message().starts_with("object, field best: it has description version 3"));
}

TEMPLATE_TEST_CASE("an error of upgrade is the answer", "[evolution][version]", Binary, Json) {
    const std::string first = std::same_as<TestType, Json> ? R"({"strict_id":"s"})" : "\x0a\x01s";
    const Error refused = fault_in<TestType, game::Strict>(first);
    CHECK(refused == Errc::unsupported);
    CHECK(refused.message() == "strict: version 1 is history");
    CHECK(as_read_by<TestType, game::Strict>(game::Strict{.strict_id = "s"}).strict_id == "s");
}

TEMPLATE_TEST_CASE("a version without an upgrade only marks", "[evolution][version]", Binary, Json) {
    const std::string first = std::same_as<TestType, Json> ? R"({"marked_id":"m"})" : "\x0a\x01m";
    const auto marked = decoded<TestType, game::Marked>(first);
    CHECK(marked.marked_id == "m");
    CHECK(TestType::template stored_version<game::Marked>(first) == 1);
    CHECK(TestType::template stored_version<game::Marked>(encoded<TestType>(marked)) == 2);
}

TEST_CASE("where the version stands is pinned", "[evolution][version][golden]") {
    CHECK(encoded<Json>(Medal1{}) == R"({"medal_id":"","grams":0})");
    CHECK(encoded<Json>(Medal2{}) == R"({"_version":2,"medal_id":"","grams":0})");
    CHECK(encoded<Json>(Medal3{}) == R"({"_version":3,"_oldest_reader":2,"medal_id":"","grams":0,"title":""})");
    CHECK(encoded<Binary>(Medal1{.medal_id = "m"}) == "\x0a\x01m");
    CHECK(encoded<Binary>(Medal2{.medal_id = "m"}) == "\xb0\xa3\x09\x02\x0a\x01m");
    CHECK(encoded<Binary>(Medal3{.medal_id = "m"}) == "\xb0\xa3\x09\x03\xb8\xa3\x09\x02\x0a\x01m");
}

TEMPLATE_TEST_CASE("the version of an encoding is told without decoding it", "[evolution][version]", Binary, Json) {
    CHECK(TestType::template stored_version<Medal1>(encoded<TestType>(Medal1{.medal_id = "m"})) == 1);
    CHECK(TestType::template stored_version<Medal1>(encoded<TestType>(Medal3{.medal_id = "m"})) == 3);
    CHECK(TestType::template stored_version<Medal3>(encoded<TestType>(Medal3{.medal_id = "m"})) == 3);
}

TEST_CASE("a version that is none is corrupt", "[evolution][version][hostile]") {
    for (const std::string_view bytes : {"\xb0\xa3\x09\x00"sv,                                             // version 0
                                         "\xb0\xa3\x09\xff\xff\xff\xff\x0f"sv,                             // beyond an int
                                         "\xb0\xa3\x09\x02\xb8\xa3\x09\x03"sv,                             // reader above version
                                         "\xb8\xa3\x09\x02"sv, "\xb2\xa3\x09\x00"sv, "\xb0\xa3\x09"sv}) {  // no version; no number
        CHECK(fault_in<Binary, Medal2>(bytes) == Errc::corrupt);
        CHECK(fault_in<Binary, Pilot>(bytes) == Errc::corrupt);
    }
    CHECK(Binary::stored_version<Medal2>("\xb0\xa3\x09\x00"sv).error() == Errc::corrupt);
    CHECK(Binary::stored_version<Medal2>("\x0a\x09"sv).error() == Errc::corrupt);
    for (const char* text : {R"({"_version": 0})", R"({"_version": -1})", R"({"_version": "2"})", R"({"_version": 2.5})",
                             R"({"_version": 99999999999})", R"({"_version": 2, "_oldest_reader": 3})", R"({"_version": null})"}) {
        CHECK(fault_in<Json, Medal2>(text) == Errc::corrupt);
        CHECK(Json::stored_version<Medal2>(text).error() == Errc::corrupt);
    }
    CHECK(Json::stored_version<Medal2>("[]").error() == Errc::corrupt);
    CHECK(Json::stored_version<Medal2>("{").error() == Errc::corrupt);
}

TEMPLATE_TEST_CASE("the mark of a version is no unknown field", "[evolution][version]", Binary, Json) {
    const auto medal = as_read_by<TestType, Medal2>(Medal3{.medal_id = "m"});
    CHECK(encoded<TestType>(medal).find(std::same_as<TestType, Json> ? "\"_version\":3" : "\xb0\xa3\x09\x03") == std::string::npos);
}

TEST_CASE("a .proto shows the version, and no unknown fields", "[evolution][version][proto]") {
    const std::string schema = proto_schema<Medal3>();
    CHECK(schema.find("  int32 joinly_version = 18998;  // 3\n  int32 joinly_oldest_reader = 18999;  // 2\n}") !=
          std::string::npos);
    CHECK(schema.find("unknown") == std::string::npos);
    CHECK(proto_schema<Medal1>().find("joinly") == std::string::npos);
}
