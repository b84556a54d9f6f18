#ifndef JOINLY_OPS_BACKUP_HPP
#define JOINLY_OPS_BACKUP_HPP
// Copies of a live store that have been proved to be good: restore them with joinly/ops/restore.hpp.
//
//     auto made = joinly::backup(*store, "backups", {.keep = 7});
//     if (made) std::printf("%s: %llu records\n", made->path.c_str(), made->manifest.inventory.total().records);

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/ops/backup_directory.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/ops/memory_copy.hpp>
#include <joinly/fwd.hpp>
#include <joinly/ops/backup_manifest.hpp>
#include <joinly/ops/inventory.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// How far a backup or a restoring has come.
struct BackupProgress {
    enum class Phase : std::uint8_t { copying, checking };
    Phase phase = Phase::copying;
    std::uint64_t records = 0;  ///< in this phase so far
    std::uint64_t bytes = 0;    ///< of these
};

struct BackupOptions {
    /// Backups are directories named `<name>-2026-11-29T22-56-04Z`, in UTC. Of a-z, 0-9 and '_', up to 63 characters: give stores
    /// that share a directory names of their own.
    std::string name = "joinly";

    /// So many backups of this name and engine are left when this one is done, the newest ones; 0: all. Only what this library
    /// has made, whole and with a sound manifest, is ever removed.
    std::size_t keep = 0;

    /// Called every 1,024 records, in the caller's thread; false gives the backup up.
    std::function<bool(const BackupProgress&)> on_progress = {};
};

struct BackupReport {
    std::string path;  ///< of the backup: a directory with `manifest.json` and `database`
    BackupManifest manifest;
    std::vector<std::string> removed;  ///< older backups, by `keep`
    Status pruned;                     ///< why older ones are still there; the backup is good all the same
};

namespace detail {

/// Counts what goes by, and tells the caller's progress function.
class BackupCounter {
public:
    using Progress = std::function<bool(const BackupProgress&)>;
    BackupCounter(BackupProgress::Phase phase, const Progress& on_progress) : on_progress_{on_progress} { progress_.phase = phase; }

    /// @return whether to go on.
    bool operator()(std::string_view key, const RecordView& record) {
        inventory_.add(key, record);
        progress_.bytes += key.size() + record.value.size();
        return ++progress_.records % 1024 != 0 || !on_progress_ || on_progress_(progress_);
    }
    [[nodiscard]] const Inventory& inventory() const noexcept { return inventory_; }

private:
    const Progress& on_progress_;
    BackupProgress progress_;
    Inventory inventory_;
};

template <storage_backend Backend>
[[nodiscard]] std::string_view engine_name_of([[maybe_unused]] const Backend& backend) noexcept {
    if constexpr (volatile_backend<Backend>) {
        return "memory";
    } else if constexpr (requires { backend.engine(); }) {
        return backend.engine();  // it was chosen at run time
    } else {
        return Backend::engine_name;
    }
}

/// Copies the database into `directory`, and proves the copy.
template <storage_backend Backend>
[[nodiscard]] Result<BackupManifest> copy_database(Backend& backend, const std::string& directory, const BackupOptions& options) {
    BackupCounter copied{BackupProgress::Phase::copying, options.on_progress};
    BackupCounter read_back{BackupProgress::Phase::checking, options.on_progress};
    const std::string database = directory + "/database";
    const auto version = [&] {
        if constexpr (volatile_backend<Backend>) {
            return back_up_memory(backend, database, CopyWatch{copied, read_back});
        } else {
            return backend.backup_to(database, CopyWatch{copied, read_back});
        }
    }();
    if (!version) return failure(version.error());
    if (auto same = require_same_records(copied.inventory(), read_back.inventory(), true); !same)
        return failure(Errc::corrupt, "the copy is not what was copied: " + std::string{same.error().message()});
    const auto bytes = tree_bytes(database);
    if (!bytes) return failure(bytes.error());
    return BackupManifest{std::string{engine_name_of(backend)}, *version, {}, *bytes, copied.inventory()};
}

}  // namespace detail

/// Copies a live store into `directory`, as a new backup, while others read and write. What was acknowledged before the call is in
/// it, what write-behind had pending included: it flushes first. It is of one moment, and of nothing between two.
///
/// The copy is made under a name that ends in `.partial`, read back in full, and compared with the records that were copied, by
/// count and checksum of each kind; then all of it is synced, and only then gets its name. Where anything fails, or the process is
/// killed, there is no backup of that name; what a kill leaves is removed by the next backup there.
///
/// Those can read it who can read the database, by what its file or directory allows and not what those above it do: a LevelDB
/// directory, as far as the files in it allow, or SQLite file has the mode of the original, and where the
/// system allows that its owner and group. That of a store in memory is for its owner alone.
///
/// @param directory  where backups are kept; made when it is not there, its parent must exist
/// @return otherwise there is no new backup, and all old ones are still there:
///         cancelled         `on_progress` said so;
///         full              no room on the disk;
///         corrupt           the store's own data is damaged (see joinly/ops/verify.hpp), or the copy is not what was copied;
///         invalid_argument  the name, or the path;
///         closed, io, busy  the flush or the engine failed, in the engine's words.
/// @par Thread safety  Any thread. Backups to one directory at the same time get different names.
/// @par Complexity     Reads the database and writes and reads the copy, each once or twice, in the order of the disk; bounded
/// memory.
template <class Backend, class CachePolicy, class Traits>
[[nodiscard]] Result<BackupReport> backup(Store<Backend, CachePolicy, Traits>& store, const std::string& directory,
                                          const BackupOptions& options = {}) {
    static_assert(volatile_backend<Backend> || backs_up<Backend>,
                  "backup: this backend can neither copy itself (backup_to) nor is it one in memory");
    if (!is_valid_kind(options.name))
        return failure(Errc::invalid_argument, "'" + options.name + "' is no name for backups: up to 63 of a-z, 0-9 and '_'");
    if (auto flushed = store.flush(); !flushed) return failure(std::move(flushed).error());
    auto place = detail::BackupDirectory::open(directory, options.name);
    if (!place) return failure(std::move(place).error());
    const WallTime now = store.now();
    auto partial = place->begin(now);
    if (!partial) return failure(std::move(partial).error());
    auto manifest = detail::copy_database(store.backend(), partial->path(), options);
    if (!manifest) return failure(std::move(manifest).error());
    manifest->taken_at = now;
    const std::string about = partial->path() + "/manifest.json";
    if (auto written = detail::write_file_durably(about, detail::manifest_text(*manifest)); !written)
        return failure(std::move(written).error());
    if constexpr (!volatile_backend<Backend>) detail::share_access(partial->path() + "/database", about);
    auto path = partial->publish();
    if (!path) return failure(std::move(path).error());

    BackupReport report{std::move(*path), std::move(*manifest), {}, {}};
    if (options.keep > 0) report.pruned = place->prune(report.manifest.engine, options.keep, report.path, report.removed);
    return report;
}

JOINLY_NAMESPACE_END
#endif
