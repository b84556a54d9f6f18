#ifndef TOOL_KEEP_HPP
#define TOOL_KEEP_HPP
// What each engine does in its own way: backup, restore, repair. In on_sqlite.cpp and on_leveldb.cpp.

#include <joinly/backend/leveldb_repair.hpp>
#include <joinly/backend/sqlite_salvage.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/restore.hpp>

#include <string>

#include "place.hpp"

namespace tool {

[[nodiscard]] joinly::Result<joinly::BackupReport> back_up_sqlite(const std::string& path, const std::string& directory,
                                                                  const joinly::BackupOptions& options);
[[nodiscard]] joinly::Result<joinly::BackupReport> back_up_leveldb(const std::string& path, const std::string& directory,
                                                                   const joinly::BackupOptions& options);

[[nodiscard]] joinly::Result<joinly::RestoreReport> restore_sqlite(const std::string& backup, const std::string& path,
                                                                   const joinly::RestoreOptions& options);
[[nodiscard]] joinly::Result<joinly::RestoreReport> restore_leveldb(const std::string& backup, const std::string& path,
                                                                    const joinly::RestoreOptions& options);

/// Makes a new database of what can be read of a damaged one.
[[nodiscard]] joinly::Result<joinly::SqliteSalvage> salvage_sqlite(const std::string& path, const std::string& into,
                                                                   const joinly::SqliteSalvageOptions& options);
/// Makes a damaged database one that opens, in its place.
[[nodiscard]] joinly::Result<joinly::LevelDbRepair> repair_leveldb(const std::string& path);

}  // namespace tool
#endif
