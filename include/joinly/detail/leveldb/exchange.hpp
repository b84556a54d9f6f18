#ifndef JOINLY_DETAIL_LEVELDB_EXCHANGE_HPP
#define JOINLY_DETAIL_LEVELDB_EXCHANGE_HPP
// Putting one database directory in the place of another that nobody may have open.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/files.hpp>
#include <joinly/detail/ops/files.hpp>

#include <string>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Exchanges the database at `path`, if one is there, for the one at `other`, which is closed; both paths are absolute and on one
/// file system. At every moment one of the two is at `path`.
/// @return `busy`: somebody has it open; `incompatible`: what is there is no database.
[[nodiscard]] inline Status leveldb_exchange(const std::string& path, const std::string& other) {
    const auto found = leveldb_inspect(path);
    if (!found && found.error() != Errc::corrupt) return failure(found.error());
    if (found && *found == LevelDbPlace::missing) return exchange_durably(path, other);
    const auto lock = LevelDbDirectoryLock::take(path);
    if (!lock) return failure(lock.error());
    leveldb::Env& env = *leveldb::Env::Default();
    leveldb::FileLock* engine_lock = nullptr;
    if (const auto locked = env.LockFile(path + "/LOCK", &engine_lock); !locked.ok()) return leveldb_failure(locked, path);
    Status exchanged = exchange_durably(path, other);
    env.UnlockFile(engine_lock);
    return exchanged;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
