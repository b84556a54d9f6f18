// The .proto text, alone and under Google's own compiler, which must read what Binary writes and the other way round.

#include "tests/codec/samples.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/proto_schema.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

using namespace joinly;
using namespace joinly::test;

namespace {

void write_file(const std::string& path, const std::string& content) { std::ofstream{path, std::ios::binary} << content; }

std::string read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

bool has_protoc() { return std::system("protoc --version > /dev/null 2>&1") == 0; }

/// Runs protoc over `input` with T's schema; `how` is "--decode=Lobby" or "--encode=Lobby".
template <class T>
std::string protoc(const std::string& how, const std::string& input) {
    const TempDir dir;
    write_file(dir / "schema.proto", proto_schema<T>());
    write_file(dir / "input", input);
    const std::string command = "cd '" + dir.path().string() + "' && protoc " + how + " schema.proto < input > output";
    REQUIRE(std::system(command.c_str()) == 0);
    return read_file(dir / "output");
}

template <class T>
std::string encoded(const T& object) {
    std::string bytes;
    REQUIRE(Binary::encode(object, bytes));
    return bytes;
}

/// What we write, protoc turns into text and back into bytes that we read.
template <class T>
void check_both_ways(const std::string& message, const T& object) {
    const std::string text = protoc<T>("--decode=" + message, encoded(object));
    T back;
    REQUIRE(Binary::decode(protoc<T>("--encode=" + message, text), back));
    CHECK(back == object);
}

}  // namespace

namespace other {
enum class Mode : int { off = 0, on = 1, also_on = 1 };
enum class Wide : std::uint64_t { none = 0, far_away = 1ULL << 40 };
struct Names {
    game::Mode first = game::Mode::casual;
    Mode second = Mode::off;
    Wide wide = Wide::none;
    friend bool operator==(const Names&, const Names&) = default;
};
}  // namespace other
template <>
struct joinly::Entity<other::Mode> {
    static constexpr void values(auto&& value) {
        value(other::Mode::on, "on");
        value(other::Mode::also_on, "alsoOn");
        value(other::Mode::off, "off-line");
    }
};
template <>
struct joinly::Entity<other::Wide> {
    static constexpr void values(auto&& value) { value(other::Wide::far_away, "far_away"); }
};
template <>
struct joinly::Entity<other::Names> {
    static constexpr void fields(auto& names, auto&& field) {
        field(1, "first", names.first);
        field(2, "second", names.second);
        field(3, "wide", names.wide);
    }
};

TEST_CASE("the .proto text of a lobby", "[proto_schema]") {
    CHECK(proto_schema<Lobby>() == R"(syntax = "proto3";

message Lobby {
  string lobby_id = 1;
  LobbyState state = 2;
  repeated string players = 3;
  optional uint32 max_players = 4;
  string owner = 5;
  int64 created_at = 6;  // microseconds since the Unix epoch, UTC
  map<string, string> attributes = 7;
  int32 rating = 8;
}

enum LobbyState {
  LOBBY_STATE_WAITING = 0;
  LOBBY_STATE_STARTING = 1;
  LOBBY_STATE_IN_GAME = 2;
  LOBBY_STATE_CLOSED = 3;
}
)");
}

TEST_CASE("types of one name, aliases and enums that are too wide have a place in a .proto", "[proto_schema]") {
    CHECK(proto_schema<other::Names>() == R"(syntax = "proto3";

message Names {
  optional Mode first = 1;
  Mode2 second = 2;
  uint64 wide = 3;
}

enum Mode {
  MODE_UNSPECIFIED = 0;
  MODE_CASUAL = 1;
  MODE_RANKED = 2;
  MODE_RETIRED = -1;
}

enum Mode2 {
  option allow_alias = true;
  MODE2_OFF_LINE = 0;
  MODE2_ON = 1;
  MODE2_ALSO_ON = 1;
}
)");
}

TEST_CASE("a struct that contains itself is one message", "[proto_schema]") {
    CHECK(proto_schema<game::Tree>() ==
          "syntax = \"proto3\";\n\nmessage Tree {\n  int32 value = 1;\n  repeated Tree children = 2;\n}\n");
}

TEST_CASE("protoc reads what Binary writes, and writes what Binary reads", "[proto_schema][protoc]") {
    if (!has_protoc()) {
        WARN("protoc is not installed: nothing was checked");
        return;
    }
    check_both_ways("Player", golden_player());
    check_both_ways("Lobby", golden_rated_lobby());
    check_both_ways("Lobby", Lobby{.max_players = 0});
    check_both_ways("Match", golden_match());
    check_both_ways("Queue", golden_queue());
    check_both_ways("Everything", game::Everything{});
    check_both_ways("Everything", everything_filled());
    check_both_ways("Names", other::Names{.second = other::Mode::on, .wide = other::Wide::far_away});
}

TEST_CASE("protoc shows a stored lobby under the names of its description", "[proto_schema][protoc]") {
    if (!has_protoc()) {
        WARN("protoc is not installed: nothing was checked");
        return;
    }
    CHECK(protoc<Lobby>("--decode=Lobby", encoded(golden_lobby())) ==
          "lobby_id: \"lobby_123\"\nstate: LOBBY_STATE_IN_GAME\nplayers: \"player_456\"\nplayers: \"player_789\"\n"
          "max_players: 4\nowner: \"player_456\"\ncreated_at: 1700000100500000\n"
          "attributes {\n  key: \"map\"\n  value: \"dust\"\n}\n");
}
