#ifndef JOINLY_BACKEND_SQLITE_SALVAGE_HPP
#define JOINLY_BACKEND_SQLITE_SALVAGE_HPP
// What SqliteBackend::salvage may be told, and has saved of a damaged database. Free of the engine's headers.

#include <joinly/config.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

JOINLY_NAMESPACE_BEGIN

struct SqliteSalvageOptions {
    /// Called every 1,000 records that are looked at, and while the files are copied every MiB, with how many are saved so far;
    /// false stops.
    std::function<bool(std::uint64_t records)> on_progress = {};
};

struct SqliteSalvage {
    std::uint64_t records = 0;           ///< that are in the new database
    std::uint64_t lost = 0;              ///< that were there, and cannot be read or are damaged
    std::vector<std::string> lost_keys;  ///< of these the first ones, printable
    std::vector<std::string> gaps;       ///< where: "rows from number 100 to 131"; of these, some may be saved
    bool may_lack_names = false;         ///< the index of keys is damaged, too, or does not fit: more may be lost than was counted

    static constexpr std::size_t most_lost_keys = 10'000;
};

JOINLY_NAMESPACE_END
#endif
