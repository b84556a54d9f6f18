#ifndef TOOL_COMMANDS_HPP
#define TOOL_COMMANDS_HPP
// The commands and what each may be told. command_line.cpp fills these in; the file that a group of commands lies in is named above
// it. `store` and the like are places as people type them (see place.hpp), keys are text (see key_text.hpp).

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "console.hpp"

namespace tool {

// read.cpp

struct InfoOptions {
    std::string store;
};
[[nodiscard]] Exit info(const InfoOptions& options, Console& console);

struct GetOptions {
    std::string store;
    std::vector<std::string> keys;
    bool raw = false;  ///< bytes as they are stored
};
[[nodiscard]] Exit get(const GetOptions& options, Console& console);

struct LsOptions {
    std::string store;
    std::string prefix;
    std::string after;
    std::uint64_t limit = (std::numeric_limits<std::uint64_t>::max)();
    bool details = false;
};
[[nodiscard]] Exit ls(const LsOptions& options, Console& console);

// stats.cpp

struct StatsOptions {
    std::string store;
};
[[nodiscard]] Exit stats(const StatsOptions& options, Console& console);

// query.cpp

struct QueryCommandOptions {
    std::string store;
    std::string sql;
    std::string timeout = "10s";
    bool views = false;
};
[[nodiscard]] Exit query(const QueryCommandOptions& options, Console& console);

// write.cpp

struct PutOptions {
    std::string store;
    std::string key;
    std::string value = "-";  ///< "-": what stdin has
    std::string ttl;          ///< "30m"; empty: for ever
    std::string expect;       ///< a version, or "absent"; empty: whatever is there
};
[[nodiscard]] Exit put(const PutOptions& options, Console& console);

struct EraseCommandOptions {
    std::string store;
    std::vector<std::string> keys;
    std::string expect;
};
[[nodiscard]] Exit erase(const EraseCommandOptions& options, Console& console);

struct SweepOptions {
    std::string store;
};
[[nodiscard]] Exit sweep(const SweepOptions& options, Console& console);

// move.cpp

struct DumpCommandOptions {
    std::string store;
    std::string file = "-";
    bool force = false;  ///< replace the file
};
[[nodiscard]] Exit dump(const DumpCommandOptions& options, Console& console);

struct LoadCommandOptions {
    std::string store;
    std::string file = "-";
    std::string existing = "refuse";  ///< or "overwrite", or "skip"
    std::vector<std::string> raw_kinds;
};
[[nodiscard]] Exit load(const LoadCommandOptions& options, Console& console);

struct MigrateCommandOptions {
    std::string from;
    std::string into;
    bool dry_run = false;
    std::vector<std::string> raw_kinds;
};
[[nodiscard]] Exit migrate(const MigrateCommandOptions& options, Console& console);

// keep.cpp

struct BackupCommandOptions {
    std::string store;
    std::string directory;
    std::string name = "joinly";
    std::size_t keep = 0;  ///< so many of the name are left, the newest; 0: all
};
[[nodiscard]] Exit backup(const BackupCommandOptions& options, Console& console);

struct RestoreCommandOptions {
    std::string backup;
    std::string store;
    std::string journal;
    bool discard = false;  ///< what was there
};
[[nodiscard]] Exit restore(const RestoreCommandOptions& options, Console& console);

struct RepairOptions {
    std::string store;
    std::string into;  ///< SQLite: where the new database goes
};
[[nodiscard]] Exit repair(const RepairOptions& options, Console& console);

struct ReindexOptions {
    std::string store;
};
[[nodiscard]] Exit reindex(const ReindexOptions& options, Console& console);

// verify.cpp

struct VerifyCommandOptions {
    std::string store;
    bool quick = false;  ///< without the engine's own check
};
[[nodiscard]] Exit verify(const VerifyCommandOptions& options, Console& console);

// bench.cpp

struct BenchOptions {
    std::string directory;  ///< a directory is made in it, and removed at the end; empty: where temporary files go
    std::string backend;    ///< "sqlite" or "leveldb"; empty: both
    std::uint64_t records = 20'000;
    std::uint64_t value_bytes = 200;
};
[[nodiscard]] Exit bench(const BenchOptions& options, Console& console);

}  // namespace tool
#endif
