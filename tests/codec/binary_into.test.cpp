// Decoding by Binary into an object that has been in use: the answer is that of a fresh one, and its memory serves again.
// JOINLY_INPUTS and JOINLY_SEED set how many random pairs of object and bytes there are, and which.

#include "tests/codec/samples.hpp"
#include "tests/fuzz/judge.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/count_allocations.hpp"
#include "tests/support/settings.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/binary_into.hpp>
#include <joinly/detail/codec/wire_reader.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

/// Defaults that are not those of the types, in each place that can have one.
struct Settings {
    game::Loadout loadout = {.weapon = "sword", .ammunition = 7, .perks = {1}};
    std::optional<game::Loadout> spare = game::Loadout{.weapon = "spoon"};
    std::vector<std::string> tags = {"default"};
    std::optional<int> limit = 5;
    std::string title = "a title that is too long to be kept without memory of its own";
    std::int32_t number = -1;
    friend bool operator==(const Settings&, const Settings&) = default;
};

/// Does not take in all of what it is: `from_wire` adds to what is there.
struct Tally {
    int total = 0;
    friend bool operator==(const Tally&, const Tally&) = default;
};
struct Scores {
    Tally first = {.total = 10};
    std::optional<Tally> second = {};
    std::vector<Tally> rest = {};
    std::map<std::string, Tally> by_name = {};
    friend bool operator==(const Scores&, const Scores&) = default;
};

/// A description that cannot be followed at compile time.
struct Late {
    std::string name = "late";
    std::vector<std::string> notes = {"default"};
    std::int32_t number = 3;
    friend bool operator==(const Late&, const Late&) = default;
};

}  // namespace

template <>
struct joinly::Entity<Settings> {
    static constexpr void fields(auto& settings, auto&& field) {
        field(1, "loadout", settings.loadout);
        field(2, "spare", settings.spare);
        field(3, "tags", settings.tags);
        field(4, "limit", settings.limit);
        field(5, "title", settings.title);
        field(6, "number", settings.number);
    }
};
template <>
struct joinly::Entity<Tally> {
    static std::int32_t to_wire(const Tally& tally) { return tally.total; }
    static bool from_wire(std::int32_t more, Tally& tally) {
        tally.total = static_cast<int>(static_cast<unsigned>(tally.total) + static_cast<unsigned>(more));
        return true;
    }
};
template <>
struct joinly::Entity<Scores> {
    static constexpr void fields(auto& scores, auto&& field) {
        field(1, "first", scores.first);
        field(2, "second", scores.second);
        field(3, "rest", scores.rest);
        field(4, "by_name", scores.by_name);
    }
};
template <>
struct joinly::Entity<Late> {
    static void fields(auto& late, auto&& field) {
        field(1, "name", late.name);
        field(2, "notes", late.notes);
        field(3, "number", late.number);
    }
};

namespace {

template <class T>
std::string encoded(const T& object) {
    std::string bytes;
    REQUIRE(Binary::encode(object, bytes));
    return bytes;
}

const std::string long_text(100, 'x');

const game::Loadout axe{.weapon = long_text, .ammunition = 0, .perks = {1, 2, 3}};

/// Some of each type that differ in every field.
std::vector<std::string> samples_of(std::type_identity<Player>) {
    return {encoded(golden_player()), encoded(Player{.username = long_text, .attributes = {{long_text, "a"}, {"b", long_text}}}),
            encoded(Player{})};
}
std::vector<std::string> samples_of(std::type_identity<Lobby>) {
    return {encoded(golden_rated_lobby()), encoded(Lobby{.players = {long_text, "", long_text, "ada"}}), encoded(Lobby{})};
}
std::vector<std::string> samples_of(std::type_identity<Match>) {
    return {encoded(golden_match()), encoded(Match{.ended_at = at_second(0), .result = {{"x", 1}}})};
}
std::vector<std::string> samples_of(std::type_identity<Queue>) {
    return {encoded(golden_queue()), encoded(Queue{.tickets = {{.player_id = long_text}, {}, {.skill_rating = 3}}})};
}
std::vector<std::string> samples_of(std::type_identity<game::Everything>) {
    game::Everything other;
    other.texts = {long_text, long_text, "", long_text};
    other.loadouts = {axe, axe, {}};
    other.maybe_text = long_text;
    other.by_name = {{"a", axe}, {"spare", {}}};
    other.by_number = {{1, long_text}, {2, "x"}, {-3, ""}};
    return {encoded(everything_filled()), encoded(other), encoded(game::Everything{})};
}
std::vector<std::string> samples_of(std::type_identity<game::Hero>) {
    return {encoded(game::Hero{.loadout = axe, .spare = axe, .stash = {axe, {}, axe}, .lent = {{{}, axe}}, .name = "ada"}),
            encoded(game::Hero{.hero_id = {{1, 2}}, .spare = game::Loadout{.perks = {9}}, .stash = {{.perks = {1}}}}),
            encoded(game::Hero{})};
}
std::vector<std::string> samples_of(std::type_identity<game::Tree>) {
    return {encoded(game::Tree{1, {{2, {{3, {}}, {4, {}}}}, {5, {}}}}), encoded(game::Tree{0, {{}, {0, {{7, {}}}}, {}}})};
}
std::vector<std::string> samples_of(std::type_identity<game::Keeper>) {
    game::Keeper keeper;
    keeper.name = long_text;
    keeper.within.resize(2);
    keeper.by_name["x"].name = "named";
    keeper.within[0].within.resize(1);
    const std::string old_versions = "\xb0\xa3\x09\x02\x82\x01\x00\x82\x01\x02\x08\x01"s;
    return {encoded(keeper), encoded(game::Hero{.loadout = axe, .spare = axe, .name = "ada"}), old_versions};
}
std::vector<std::string> samples_of(std::type_identity<Settings>) {
    return {encoded(Settings{}),
            encoded(Settings{.loadout = axe, .spare = axe, .tags = {long_text, "b"}, .title = "", .number = 0}),
            encoded(Settings{.loadout = {}, .spare = {}, .tags = {}, .limit = {}, .title = "t", .number = 9})};
}
std::vector<std::string> samples_of(std::type_identity<Scores>) {
    return {encoded(Scores{.first = {3}, .second = Tally{4}, .rest = {{5}, {6}}, .by_name = {{"a", {7}}, {"b", {8}}}}),
            encoded(Scores{.first = {0}, .rest = {{1}}, .by_name = {{"a", {2}}}})};
}
std::vector<std::string> samples_of(std::type_identity<Late>) {
    return {encoded(Late{.name = long_text, .notes = {long_text, "b"}, .number = 0}), encoded(Late{.notes = {}}), encoded(Late{})};
}

/// Each field of the samples, with its tag.
std::vector<std::string> fields_of(const std::vector<std::string>& messages) {
    std::vector<std::string> fields;
    for (const std::string& message : messages) {
        detail::Decoding decoding{message};
        detail::WireReader in{decoding, message};
        while (!in.at_end()) {
            const char* const start = in.at();
            std::uint32_t number = 0;
            detail::WireType type{};
            REQUIRE(in.tag(number, type));
            REQUIRE(in.skip(type));
            fields.emplace_back(start, in.at());
        }
    }
    return fields;
}

/// A sample, the fields of one with some missing, or any in any order and number; now and then damaged.
class Messages {
public:
    Messages(const std::vector<std::string>& samples, std::uint64_t seed)
        : samples_{samples}, fields_{fields_of(samples)}, random_{seed} {}

    std::string next() {
        std::string message;
        switch (below(4)) {
            case 0: message = samples_[below(samples_.size())]; break;
            case 1:
                for (const std::string& field : fields_of({samples_[below(samples_.size())]})) {
                    if (below(3) != 0) message += field;
                }
                break;
            default:
                for (std::size_t left = below(8); left != 0 && !fields_.empty(); --left) message += fields_[below(fields_.size())];
        }
        if (below(4) == 0 && !message.empty()) {
            char& byte = message[below(message.size())];
            byte = static_cast<char>(byte ^ (1 << below(8)));
        }
        return message;
    }

private:
    std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }

    std::vector<std::string> samples_;
    std::vector<std::string> fields_;
    std::mt19937_64 random_;
};

template <class T>
bool are_alike_encoded(const T& left, const T& right) {
    std::string left_bytes;
    std::string right_bytes;
    REQUIRE(Binary::encode(left, left_bytes));
    REQUIRE(Binary::encode(right, right_bytes));
    return are_alike(left, right, left_bytes, right_bytes);
}

/// How often decoding `bytes` allocates, the second time that it is into the same object.
template <class T>
std::uint64_t allocations_of_second(const std::string& bytes, T& object) {
    REQUIRE(decode_into(bytes, object));
    Status again;
    const std::uint64_t count = allocations_of([&] { again = decode_into(bytes, object); });
    REQUIRE(again);
    return count;
}

}  // namespace

TEMPLATE_TEST_CASE("decoding into any object gives what decoding into a fresh one gives", "[binary][random]", Player, Lobby, Match,
                   Queue, game::Everything, game::Hero, game::Tree, game::Keeper, Settings, Scores, Late) {
    const std::uint64_t seed = setting("JOINLY_SEED", std::random_device{}());
    INFO("JOINLY_SEED=" << seed);
    Messages messages{samples_of(std::type_identity<TestType>{}), seed};
    TestType used;
    std::uint64_t accepted = 0;
    for (std::uint64_t left = setting("JOINLY_INPUTS", 3'000); left != 0; --left) {
        const std::string bytes = messages.next();
        TestType fresh;
        const Status expected = Binary::decode(bytes, fresh);
        const Status status = decode_into(bytes, used);  // after a refusal as well, with whatever that left
        REQUIRE(status.has_value() == expected.has_value());
        if (expected) {
            ++accepted;
            REQUIRE(are_alike_encoded(used, fresh));
        } else {
            REQUIRE(status.error().code() == expected.error().code());
            REQUIRE(status.error().message() == expected.error().message());
        }
    }
    CHECK(accepted > 0);
}

TEST_CASE("an object that held more, and in every field, is as a fresh one afterwards", "[binary]") {
    game::Everything all = everything_filled();
    REQUIRE(decode_into("", all));
    CHECK(all == game::Everything{});

    Lobby lobby = golden_rated_lobby();
    REQUIRE(decode_into(encoded(Lobby{.players = {"ada"}}), lobby));
    CHECK(lobby == Lobby{.players = {"ada"}});
}

TEST_CASE("of entries with one key the last one wins, in a map that held others", "[binary]") {
    const std::string twice = "\x2a\x06\x0a\x01k\x12\x01x\x2a\x06\x0a\x01k\x12\x01y"s;
    Player player{.attributes = {{"a", "1"}, {"b", "2"}, {"c", "3"}}};
    REQUIRE(decode_into(twice, player));
    CHECK(player.attributes == std::map<std::string, std::string>{{"k", "y"}});

    const std::string unordered =
        "\xfa\xff\xff\xff\x0f\x07\x0a\x01k\x12\x02\x10\x01\xfa\xff\xff\xff\x0f\x07\x0a\x01k\x12\x02\x10\x02"s;
    game::Everything all;
    all.by_name = {{"a", axe}, {"b", axe}, {"c", axe}};
    REQUIRE(decode_into(unordered, all));
    CHECK(all.by_name.size() == 1);
    CHECK(all.by_name["k"] == game::Loadout{.ammunition = 2});
}

TEST_CASE("fields of an unknown build do not stay from one message to the next", "[binary]") {
    Player player;
    REQUIRE(decode_into("\x78\x01"sv, player));
    CHECK(player.unknown_fields.size_bytes() == 2);
    REQUIRE(decode_into("\x78\x02"sv, player));
    CHECK(encoded(player) == "\x78\x02"sv);
    REQUIRE(decode_into("", player));
    CHECK(player.unknown_fields.empty());
}

TEST_CASE("an older version is upgraded each time", "[binary]") {
    game::Keeper keeper;
    keeper.name = "before";
    REQUIRE(decode_into("", keeper));
    CHECK(keeper.name == "upgraded");
    const Status refused = decode_into("\xb0\xa3\x09\x07\xb8\xa3\x09\x05"sv, keeper);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::incompatible);
}

TEST_CASE("decoding again into the same object allocates nothing", "[binary][allocations]") {
    if (!counts_allocations) return;
    Player player;
    CHECK(allocations_of_second(encoded(golden_player()), player) == 0);
    const std::string long_names =
        encoded(Player{.player_id = long_text, .username = long_text, .attributes = {{long_text, long_text}}});
    CHECK(allocations_of_second(long_names, player) == 0);

    Lobby lobby;
    for (int number = 0; number < 8; ++number) lobby.players.push_back(long_text + std::to_string(number));
    lobby.attributes = {{"map", long_text}, {"mode", "ranked"}, {long_text, "eu"}};
    const std::string of_eight = encoded(lobby);
    Lobby used;
    CHECK(allocations_of_second(of_eight, used) == 0);
    CHECK(used == lobby);

    Queue queue;
    CHECK(allocations_of_second(encoded(Queue{.tickets = {8, {.player_id = long_text}}}), queue) == 0);
    game::Keeper keeper;  // of a description with versions
    keeper.name = long_text;
    keeper.within.assign(3, keeper);
    keeper.by_name["x"].name = long_text;
    const std::string of_keepers = encoded(keeper);
    CHECK(allocations_of_second(of_keepers, keeper) == 0);
    game::Hero hero;
    CHECK(allocations_of_second(samples_of(std::type_identity<game::Hero>{}).front(), hero) <=
          1);  // Uuid::to_wire's text is a string, which is short
}

TEST_CASE("a message that fits into what another one has left allocates nothing", "[binary][allocations]") {
    if (!counts_allocations) return;
    Lobby lobby;
    REQUIRE(decode_into(encoded(Lobby{.players = std::vector<std::string>(8, long_text), .owner = long_text}), lobby));
    const std::string smaller = encoded(Lobby{.players = {long_text, long_text.substr(50)}, .owner = long_text.substr(1)});
    Status decoded;
    CHECK(allocations_of([&] { decoded = decode_into(smaller, lobby); }) == 0);
    CHECK(decoded);
    CHECK(lobby.players.size() == 2);
    CHECK(lobby.players.capacity() >= 8);
}
