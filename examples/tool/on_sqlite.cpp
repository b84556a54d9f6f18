#include <joinly/backend/sqlite.hpp>
#include <joinly/store.hpp>

#include "engine_of.hpp"
#include "keep.hpp"

namespace tool {

joinly::Result<std::unique_ptr<Engine>> open_sqlite(const Place& place, Access access) {
    return open_engine_of<joinly::SqliteBackend>({.path = place.path, .read_only = access == Access::read});
}

joinly::Result<joinly::BackupReport> back_up_sqlite(const std::string& path, const std::string& directory,
                                                    const joinly::BackupOptions& options) {
    auto store = joinly::open<joinly::SqliteBackend, joinly::NoCache>({.path = path, .read_only = true});
    if (!store) return joinly::failure(store.error());
    return joinly::backup(*store, directory, options);
}

joinly::Result<joinly::RestoreReport> restore_sqlite(const std::string& backup, const std::string& path,
                                                     const joinly::RestoreOptions& options) {
    return joinly::restore<joinly::SqliteBackend>(backup, {.path = path}, options);
}

joinly::Result<joinly::SqliteSalvage> salvage_sqlite(const std::string& path, const std::string& into,
                                                     const joinly::SqliteSalvageOptions& options) {
    return joinly::SqliteBackend::salvage({.path = path}, into, options);
}

}  // namespace tool
