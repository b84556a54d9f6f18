#ifndef JOINLY_BACKEND_LEVELDB_REPAIR_HPP
#define JOINLY_BACKEND_LEVELDB_REPAIR_HPP
// What LevelDbBackend::repair has made of a damaged database. Free of the engine's headers.

#include <joinly/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

JOINLY_NAMESPACE_BEGIN

struct LevelDbRepair {
    std::uint64_t records = 0;           ///< that are there now, index entries aside
    std::uint64_t lost = 0;              ///< that could be read, but do not match their checksums
    std::vector<std::string> lost_keys;  ///< of these the first ones, printable

    /// What could not be read, and where: "000005.ldb: Corruption: block checksum mismatch: behind 'player:3' and before
    /// 'player:7'". Nobody can tell what was there: records, older states of records that are there, or erasures of records that
    /// are back now. At most this many, and then that there are more.
    std::vector<std::string> gaps;
    bool may_lack_names = false;  ///< there are gaps: more may be lost than was counted

    static constexpr std::size_t most_lost_keys = 10'000;
    static constexpr std::size_t most_gaps = 10'000;
};

JOINLY_NAMESPACE_END
#endif
