#ifndef JOINLY_TESTS_CODEC_SAMPLES_HPP
#define JOINLY_TESTS_CODEC_SAMPLES_HPP
// Structs with every kind of field, a game's own types, and one filled object of each of the library's entities: what the
// golden files hold.

#include <joinly/entity/lobby.hpp>
#include <joinly/entity/match.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/entity/queue.hpp>
#include <joinly/entity/queue_claims.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace game {

enum class Mode : std::int8_t { casual = 1, ranked = 2, retired = -1 };
enum Undescribed : unsigned { none = 0, some = 7 };

/// A type of the game's own, which travels as text.
struct Uuid {
    std::array<std::uint8_t, 2> bytes{};
    friend bool operator==(const Uuid&, const Uuid&) = default;
    friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

/// A struct within others, with defaults that are not zero.
struct Loadout {
    std::string weapon = "bow";
    std::uint8_t ammunition = 20;
    std::vector<std::uint32_t> perks = {};
    friend bool operator==(const Loadout&, const Loadout&) = default;
};

struct Hero {
    Uuid hero_id = {};
    Mode mode = Mode::casual;
    Loadout loadout = {};
    std::optional<Loadout> spare = {};
    std::vector<Loadout> stash = {};
    std::map<Uuid, Loadout> lent = {};
    std::string name = {};
    friend bool operator==(const Hero&, const Hero&) = default;
};

/// Every kind of field.
struct Everything {
    bool flag = false;
    char letter = 0;
    std::int8_t i8 = 0;
    std::uint8_t u8 = 0;
    std::int16_t i16 = 0;
    std::uint16_t u16 = 0;
    std::int32_t i32 = 0;
    std::uint32_t u32 = 0;
    std::int64_t i64 = 0;
    std::uint64_t u64 = 0;
    float single_precision = 0;
    double double_precision = 0;
    Mode mode = Mode::casual;
    Undescribed undescribed = none;
    std::string text = {};
    std::vector<std::byte> bytes = {};
    std::chrono::sys_time<std::chrono::milliseconds> at = {};
    std::chrono::sys_days day = {};
    std::optional<std::int32_t> maybe_number = {};
    std::optional<std::string> maybe_text = {};
    std::vector<bool> flags = {};
    std::vector<std::int64_t> numbers = {};
    std::vector<double> reals = {};
    std::vector<std::string> texts = {};
    std::vector<std::vector<std::byte>> blobs = {};
    std::vector<Mode> modes = {};
    std::vector<Uuid> uuids = {};
    std::vector<Loadout> loadouts = {};
    std::map<std::int32_t, std::string> by_number = {};
    std::map<bool, std::uint64_t> by_flag = {};
    std::map<Mode, float> by_mode = {};
    std::unordered_map<std::string, Loadout> by_name = {};
    friend bool operator==(const Everything&, const Everything&) = default;
};

/// A struct that contains itself.
struct Tree {
    std::int32_t value = 0;
    std::vector<Tree> children = {};
    friend bool operator==(const Tree&, const Tree&) = default;
};

/// Knows little, keeps the rest, and has a version.
struct Keeper {
    std::string name = {};
    std::vector<Keeper> within;
    std::map<std::string, Keeper> by_name;
    joinly::UnknownFields unknown_fields;
    friend bool operator==(const Keeper& left, const Keeper& right) {
        return left.name == right.name && left.within == right.within && left.by_name == right.by_name &&
               left.unknown_fields == right.unknown_fields;
    }
};

}  // namespace game

template <>
struct joinly::Entity<game::Mode> {
    static constexpr void values(auto&& value) {
        value(game::Mode::casual, "casual");
        value(game::Mode::ranked, "ranked");
        value(game::Mode::retired, "retired");
    }
};

template <>
struct joinly::Entity<game::Uuid> {
    static std::string to_wire(const game::Uuid& uuid) {
        std::string text;
        for (const std::uint8_t byte : uuid.bytes) {
            text.push_back("0123456789abcdef"[byte >> 4]);
            text.push_back("0123456789abcdef"[byte & 15]);
        }
        return text;
    }
    static bool from_wire(const std::string& text, game::Uuid& uuid) {
        constexpr std::string_view digits = "0123456789abcdef";
        if (text.size() != 2 * uuid.bytes.size()) return false;
        for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
            const std::size_t high = digits.find(text[2 * i]);
            const std::size_t low = digits.find(text[2 * i + 1]);
            if (high == digits.npos || low == digits.npos) return false;
            uuid.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
        }
        return true;
    }
};

template <>
struct joinly::Entity<game::Loadout> {
    static constexpr void fields(auto& loadout, auto&& field) {
        field(1, "weapon", loadout.weapon);
        field(2, "ammunition", loadout.ammunition);
        field(3, "perks", loadout.perks);
    }
};

template <>
struct joinly::Entity<game::Hero> {
    static constexpr std::string_view kind = "hero";
    static constexpr auto& id(auto& hero) { return hero.name; }
    static constexpr void fields(auto& hero, auto&& field) {
        field(1, "hero_id", hero.hero_id);
        field(2, "mode", hero.mode);
        field(3, "loadout", hero.loadout);
        field(4, "spare", hero.spare);
        field(5, "stash", hero.stash);
        field(6, "lent", hero.lent);
        field(7, "name", hero.name);
    }
};

template <>
struct joinly::Entity<game::Everything> {
    static constexpr void fields(auto& all, auto&& field) {
        field(1, "flag", all.flag);
        field(2, "letter", all.letter);
        field(3, "i8", all.i8);
        field(4, "u8", all.u8);
        field(5, "i16", all.i16);
        field(6, "u16", all.u16);
        field(7, "i32", all.i32);
        field(8, "u32", all.u32);
        field(9, "i64", all.i64);
        field(10, "u64", all.u64);
        field(11, "single_precision", all.single_precision);
        field(12, "double_precision", all.double_precision);
        field(13, "mode", all.mode);
        field(14, "undescribed", all.undescribed);
        field(15, "text", all.text);
        field(16, "bytes", all.bytes);
        field(17, "at", all.at);
        field(18, "day", all.day);
        field(19, "maybe_number", all.maybe_number);
        field(20, "maybe_text", all.maybe_text);
        field(21, "flags", all.flags);
        field(22, "numbers", all.numbers);
        field(23, "reals", all.reals);
        field(24, "texts", all.texts);
        field(25, "blobs", all.blobs);
        field(26, "modes", all.modes);
        field(27, "uuids", all.uuids);
        field(28, "loadouts", all.loadouts);
        field(29, "by_number", all.by_number);
        field(30, "by_flag", all.by_flag);
        field(31, "by_mode", all.by_mode);
        field(536'870'911, "by_name", all.by_name);
    }
};

template <>
struct joinly::Entity<game::Tree> {
    static constexpr void fields(auto& tree, auto&& field) {
        field(1, "value", tree.value);
        field(2, "children", tree.children);
    }
};

template <>
struct joinly::Entity<game::Keeper> {
    static constexpr int version = 3;
    static constexpr int oldest_reader = 2;
    static constexpr auto& unknown_fields(auto& keeper) { return keeper.unknown_fields; }
    static constexpr void fields(auto& keeper, auto&& field) {
        field(15, "name", keeper.name, joinly::formerly("weapon"));
        field(16, "within", keeper.within, joinly::formerly("tickets"));
        field(6, "by_name", keeper.by_name, joinly::formerly("lent"));
    }
    static joinly::Status upgrade(game::Keeper& keeper, int) {
        if (keeper.name.empty()) keeper.name = "upgraded";
        return {};
    }
};

namespace joinly::test {

inline Timestamp at_second(std::int64_t seconds, std::int64_t microseconds = 0) {
    return Timestamp{std::chrono::seconds{seconds} + std::chrono::microseconds{microseconds}};
}

inline Player golden_player() {
    return {.player_id = "player_456",
            .username = "PlayerOne \xe2\x9a\x94",
            .skill_rating = 1200,
            .created_at = at_second(1'700'000'000, 123'456),
            .attributes = {{"clan", "owls"}, {"region", "eu"}}};
}

inline Lobby golden_lobby() {
    return {.lobby_id = "lobby_123",
            .state = LobbyState::in_game,
            .players = {"player_456", "player_789"},
            .max_players = 4,
            .owner = "player_456",
            .created_at = at_second(1'700'000'100, 500'000),
            .attributes = {{"map", "dust"}}};
}

/// Since lobbies have a rating.
inline Lobby golden_rated_lobby() {
    Lobby lobby = golden_lobby();
    lobby.rating = -1350;
    return lobby;
}

inline Match golden_match() {
    return {.match_id = "match_1",
            .lobby_id = "lobby_123",
            .players = {"player_456", "player_789"},
            .started_at = at_second(1'700'000'200),
            .ended_at = at_second(1'700'001'100, 250'000),
            .result = {{"player_456", 1.5}, {"player_789", -0.25}}};
}

inline Queue golden_queue() {
    return {.queue_id = "ranked_eu",
            .tickets = {{.player_id = "player_456", .skill_rating = 1200, .enqueued_at = at_second(1'700'000'300)},
                        {.player_id = "player_789", .skill_rating = -7, .enqueued_at = at_second(1'700'000'301, 1)}}};
}

inline QueueClaims golden_queue_claims() {
    const QueueTicket ticket{.player_id = "player_456", .skill_rating = 1200, .enqueued_at = at_second(1'700'000'300)};
    return {.queue_id = "ranked_eu",
            .last_number = 300,
            .claims = {{.queue_id = "ranked_eu",
                        .number = 299,
                        .claimer = "server-1",
                        .tickets = {ticket},
                        .expires_at = at_second(1'700'000'360, 5)}}};
}

inline std::vector<std::byte> bytes_of(std::string_view text) {
    std::vector<std::byte> bytes;
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return bytes;
}

inline game::Everything everything_filled() {
    game::Everything all;
    all.flag = true;
    all.letter = 'x';
    all.i8 = INT8_MIN;
    all.u8 = UINT8_MAX;
    all.i16 = INT16_MIN;
    all.u16 = UINT16_MAX;
    all.i32 = INT32_MIN;
    all.u32 = UINT32_MAX;
    all.i64 = INT64_MIN;
    all.u64 = UINT64_MAX;
    all.single_precision = 0.1F;
    all.double_precision = -1e300;
    all.mode = game::Mode::retired;
    all.undescribed = game::some;
    all.text = std::string{"quote \" slash \\ newline \n NUL \0 bell \x07 e \xc3\xa9", 44};
    all.bytes = bytes_of("\xff\x00\x7f\x80");
    all.at = std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds{-1'500}};
    all.day = std::chrono::sys_days{std::chrono::days{20'000}};
    all.maybe_number = 0;
    all.maybe_text = "";
    all.flags = {true, false, true};
    all.numbers = {0, -1, INT64_MAX, INT64_MIN, 300};
    all.reals = {0.0, 1.5, 5e-324};
    all.texts = {"", "a", std::string(300, 'z')};
    all.blobs = {{}, bytes_of("ab")};
    all.modes = {game::Mode::ranked, game::Mode::casual};
    all.uuids = {game::Uuid{{1, 2}}, game::Uuid{{0xab, 0xcd}}};
    all.loadouts = {{}, {.weapon = "", .ammunition = 0, .perks = {1, 2}}};
    all.by_number = {{-3, "minus three"}, {0, ""}};
    all.by_flag = {{false, 0}, {true, UINT64_MAX}};
    all.by_mode = {{game::Mode::ranked, 0.5F}};
    all.by_name = {{"", {}}, {"spare", {.weapon = "axe"}}};
    return all;
}

}  // namespace joinly::test
#endif
