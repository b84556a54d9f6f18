#include <joinly/backend/leveldb.hpp>
#include <joinly/store.hpp>

#include "engine_of.hpp"
#include "keep.hpp"

namespace tool {

joinly::Result<std::unique_ptr<Engine>> open_leveldb(const Place& place, Access) {
    return open_engine_of<joinly::LevelDbBackend>({.path = place.path});
}

joinly::Result<joinly::BackupReport> back_up_leveldb(const std::string& path, const std::string& directory,
                                                     const joinly::BackupOptions& options) {
    auto store = joinly::open<joinly::LevelDbBackend, joinly::NoCache>({.path = path});
    if (!store) return joinly::failure(store.error());
    return joinly::backup(*store, directory, options);
}

joinly::Result<joinly::RestoreReport> restore_leveldb(const std::string& backup, const std::string& path,
                                                      const joinly::RestoreOptions& options) {
    return joinly::restore<joinly::LevelDbBackend>(backup, {.path = path}, options);
}

joinly::Result<joinly::LevelDbRepair> repair_leveldb(const std::string& path) {
    return joinly::LevelDbBackend::repair({.path = path});
}

}  // namespace tool
