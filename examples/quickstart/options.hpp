#ifndef QUICKSTART_OPTIONS_HPP
#define QUICKSTART_OPTIONS_HPP
// What the command line asks for.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quickstart {

enum class Backend : std::uint8_t { sqlite, leveldb, memory };
enum class Policy : std::uint8_t { no_cache, read_through, write_through, write_behind };

inline constexpr std::array backends{Backend::sqlite, Backend::leveldb, Backend::memory};
inline constexpr std::array policies{Policy::no_cache, Policy::read_through, Policy::write_through, Policy::write_behind};

[[nodiscard]] constexpr std::string_view name_of(Backend backend) noexcept {
    return std::array<std::string_view, 3>{"sqlite", "leveldb", "memory"}[static_cast<std::size_t>(backend)];
}
[[nodiscard]] constexpr std::string_view name_of(Policy policy) noexcept {
    return std::array<std::string_view, 4>{"no-cache", "read-through", "write-through",
                                           "write-behind"}[static_cast<std::size_t>(policy)];
}

struct Options {
    std::string players;   ///< a file; empty: none, for there is one of lobbies
    std::string lobbies;   ///< a file; empty: none, for there is one of players
    std::string lobby;     ///< the lobby to show; empty: the fullest of the file
    std::string database;  ///< empty: in a temporary directory
    Backend backend = Backend::sqlite;
    Policy policy = Policy::write_behind;
    bool compare = true;                  ///< every backend under every policy, once the main job is done
    std::uint64_t compare_rows = 20'000;  ///< of each file, so that comparing stays quick and small; 0: all
};

/// Reads the command line. Holds an exit code instead when the program should end at once: help was printed (0), or the
/// command line makes no sense, which has been said on stderr (2).
struct Parsed {
    Options options;
    std::optional<int> exit_code;
};
[[nodiscard]] Parsed parse_command_line(int argc, char** argv);

}  // namespace quickstart
#endif
