#ifndef JOINLY_TESTS_SUPPORT_INDEXED_ENTITIES_HPP
#define JOINLY_TESTS_SUPPORT_INDEXED_ENTITIES_HPP
// An entity with an index of every kind, and one whose description cannot be walked at compile time.

#include <joinly/core/clock.hpp>
#include <joinly/entity/entity.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace game {

enum class Region : std::int8_t { unknown = -1, eu, us };

struct Created {
    joinly::Timestamp created_at = {};
};

struct Guild : Created {
    std::string guild_id = {};
    std::string name = {};
    Region region = Region::eu;
    std::int32_t trophies = 0;
    std::uint16_t members = 0;
    double win_rate = 0;
    bool is_open = true;
    std::optional<std::string> motto = {};
    std::optional<std::int32_t> rank = {};
    std::vector<std::string> officers = {};
};

/// Described as in C++11: neither constexpr nor auto.
struct Plain {
    std::string name;
    int score = 0;
    int level = 0;
};

}  // namespace game

template <>
struct joinly::Entity<game::Guild> {
    static constexpr std::string_view kind = "guild";
    static constexpr auto& id(auto& guild) { return guild.guild_id; }
    static constexpr void fields(auto& guild, auto&& field) {
        field(1, "guild_id", guild.guild_id);
        field(2, "name", guild.name, indexed);
        field(3, "region", guild.region);
        field(4, "trophies", guild.trophies, indexed);
        field(5, "members", guild.members, indexed);
        field(6, "win_rate", guild.win_rate, indexed);
        field(7, "is_open", guild.is_open);
        field(8, "motto", guild.motto, indexed);
        field(9, "rank", guild.rank, indexed);
        field(10, "officers", guild.officers);
        field(11, "created_at", guild.created_at, indexed);
    }
    static constexpr void indexes(auto& guild, auto&& index) {
        index(1000, "region_trophies", guild.region, guild.trophies);
        index(1001, "open_motto_name", guild.is_open, guild.motto, guild.name);
        index(1002, "region_win_rate", guild.region, guild.win_rate);
    }
};

template <>
struct joinly::Entity<game::Plain> {
    static constexpr const char* kind = "plain";
    static const std::string& id(const game::Plain& plain) { return plain.name; }
    template <class Object, class Field>
    static void fields(Object& plain, Field&& field) {
        field(1U, "name", plain.name);
        field(2L, "score", plain.score, indexed);
        field(3, "level", plain.level);
    }
    template <class Object, class Index>
    static void indexes(Object& plain, Index&& index) {
        index(100L, "level_score", plain.level, plain.score);
    }
};

namespace joinly::test {

inline game::Guild guild(std::string id, std::int32_t trophies = 0, game::Region region = game::Region::eu) {
    game::Guild guild;
    guild.guild_id = std::move(id);
    guild.trophies = trophies;
    guild.region = region;
    return guild;
}

}  // namespace joinly::test
#endif
