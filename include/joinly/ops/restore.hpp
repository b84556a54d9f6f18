#ifndef JOINLY_OPS_RESTORE_HPP
#define JOINLY_OPS_RESTORE_HPP
// Brings a backup back: proved before it takes the place of what is there, which is kept.
//
//     auto restored = joinly::restore<joinly::SqliteBackend>("backups/joinly-2026-11-29T22-56-04Z", {.path = "joinly.db"},
//                                                            {.journal = "joinly.journal"});
//     if (restored) std::printf("what was there is now at %s\n", restored->replaced.c_str());

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/ops/memory_copy.hpp>
#include <joinly/detail/ops/restore_place.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/backup_manifest.hpp>
#include <joinly/ops/inventory.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

struct RestoreOptions {
    /// The directory of the write-behind journal that belongs to the target, where there may be one: it is put aside with the
    /// database that it belongs to. For a store in memory, the journal is the target.
    std::string journal = {};

    /// What was there is left where it was put aside; false: it is removed once the restored database has opened.
    bool keep_replaced = true;

    /// As in BackupOptions; while it is copying, only bytes are counted.
    std::function<bool(const BackupProgress&)> on_progress = {};
};

struct RestoreReport {
    BackupManifest manifest;
    Version version = absent;      ///< the restored database goes on above it
    std::string replaced;          ///< where the database that was there is now; empty: nowhere
    std::string replaced_journal;  ///< and its journal
};

namespace detail {

/// A version that nobody can have been given since the backup was taken, so that versions from before and after a restoring are
/// never taken for each other, and nothing of the old database's journal is replayed into the restored one: as though a million had
/// been given each second.
[[nodiscard]] inline Version version_after_restoring(const BackupManifest& manifest) noexcept {
    using std::chrono::seconds;
    const auto now = std::chrono::floor<seconds>(SystemClock{}.now());
    const auto passed = (now - std::chrono::floor<seconds>(manifest.taken_at)).count();
    return manifest.version + (static_cast<Version>((std::max)(passed, seconds::rep{0})) + 1) * 1'000'000;
}

/// Opens the copy, compares it with the manifest, and has it go on at `version`.
template <storage_backend Backend>
[[nodiscard]] Status prove_copy(typename Backend::Options options, const std::string& path, const BackupManifest& manifest,
                                Version version, const RestoreOptions& restore_options) {
    options.path = path;
    auto backend = Backend::open(std::move(options));
    if (!backend) return failure(std::move(backend).error());
    BackupCounter counter{BackupProgress::Phase::checking, restore_options.on_progress};
    if (auto sound = examine_strictly(*backend, counter); !sound) return sound;
    if (auto same = require_same_records(manifest.inventory, counter.inventory(), true); !same) return same;
    const auto last = backend->last_version();
    if (!last) return failure(last.error());
    if (*last != manifest.version) {
        return failure(Errc::corrupt,
                       "the newest version is " + std::to_string(*last) + ", not " + std::to_string(manifest.version));
    }
    Batch nothing;
    nothing.version = version;
    nothing.sync = Sync::power_loss;
    auto written = backend->write(nothing);
    return written ? Status{} : failure(std::move(written).error());
}

[[nodiscard]] inline tl::unexpected<Error> about_backup(const std::string& backup, const Error& error) {
    if (error == Errc::cancelled) return failure(error);
    return failure(error.code(), backup + ": " + std::string{error.message()});
}

[[nodiscard]] inline Result<BackupManifest> manifest_for(const std::string& backup, std::string_view engine) {
    auto manifest = read_backup_manifest(backup);
    if (!manifest || manifest->engine == engine) return manifest;
    return failure(Errc::incompatible,
                   backup + ": a backup of " + manifest->engine + ", which " + std::string{engine} + " cannot restore");
}

}  // namespace detail

/// Brings `backup` to where `target` says. The copy is made beside the target, opened, and compared with the backup's manifest by
/// count and checksum of each kind; only then the two are exchanged. What was there, left-over logs included, and the journal are
/// kept in a directory beside the target that only who restores may open, `<target>.restore-<date>`; a journal on another file
/// system beside where it was, `<journal>.restore-<date>`. Versions go on far above those of the backup, so that none is given
/// twice.
///
/// Those can read it who could read what it replaces; where nothing was there, those who can read the backup. It has that one's
/// mode, and where the system allows that its owner and group. Its owner may write to it in any case.
///
/// Killed at any moment, the database at the target is the old one or the restored one, whole. To go on, call it again. To go on
/// with the old one instead, see whether `<target>.restore-*` has its journal, or `<journal>.restore-*` is it, and move that back.
/// What has a file `lock` in it is half a copy, and removed by the next restore.
///
/// @param target  as for opening; its directory must exist
/// @return otherwise what was there is there, or, where another restore of the target came between, where the message says:
///         busy              somebody has the target, or the journal, open;
///         not_found         `backup` is none;
///         corrupt           it is damaged, or does not have the records that its manifest tells;
///         incompatible      it is of another engine or a newer format, or at the target is something that is no database;
///         cancelled, full, io, read_only, invalid_argument.
/// @par Thread safety  Any thread.
/// @par Complexity     Reads the backup, and writes and reads the copy once; bounded memory. Opening the old database to see that
/// nobody
///                     else has it writes back its log.
template <storage_backend Backend>
requires exchanges_databases<Backend> && verifies_integrity<Backend>
[[nodiscard]] Result<RestoreReport> restore(const std::string& backup, const typename Backend::Options& target,
                                            const RestoreOptions& options = {}) {
    auto manifest = detail::manifest_for(backup, Backend::engine_name);
    if (!manifest) return failure(std::move(manifest).error());
    auto place = detail::RestorePlace::make(target.path, options.journal);
    if (!place) return failure(std::move(place).error());

    BackupProgress progress;
    const auto count = [&](std::uint64_t bytes) -> Status {
        progress.bytes += bytes;
        return !options.on_progress || options.on_progress(progress) ? Status{} : failure(Errc::cancelled);
    };
    const std::string copy = place->staging() + "/database";
    if (auto copied = detail::copy_tree(backup + "/database", copy, count); !copied) return failure(std::move(copied).error());
    const Version version = detail::version_after_restoring(*manifest);
    if (auto proved = detail::prove_copy<Backend>(target, copy, *manifest, version, options); !proved)
        return detail::about_backup(backup, proved.error());
    place->share_copy(backup);
    if (auto finished = place->finish_copy(); !finished) return failure(std::move(finished).error());

    const auto exchange = [&] { return Backend::exchange(place->target(), copy); };
    if (auto replaced = place->replace(exchange); !replaced) return failure(std::move(replaced).error());
    auto opens = [&]() -> Status {
        auto restored = Backend::open(target);
        return restored ? Status{} : failure(std::move(restored).error());
    }();
    if (!opens) {
        const std::string become = place->put_back(exchange) ? ", and what was there was put back: "
                                                             : ", and what was there stays in " + place->staging() + ": ";
        return failure(opens.error().code(), "the restored database does not open" + become + std::string{opens.error().message()});
    }
    detail::share_owner_of(place->target());  // opening it has made new files
    RestoreReport report{std::move(*manifest), version, {}, {}};
    place->end(options.keep_replaced, report.replaced, report.replaced_journal);
    return report;
}

/// As above for a store in memory under write-behind, whose journal is all that there is of it on disk: the target is
/// `options.journal`.
template <volatile_backend Backend>
[[nodiscard]] Result<RestoreReport> restore(const std::string& backup, const typename Backend::Options&,
                                            const RestoreOptions& options) {
    auto manifest = detail::manifest_for(backup, "memory");
    if (!manifest) return failure(std::move(manifest).error());
    auto place = detail::RestorePlace::make(options.journal, {});
    if (!place) return failure(std::move(place).error());
    const Version version = detail::version_after_restoring(*manifest);
    const std::string copy = place->staging() + "/database";
    detail::BackupCounter counter{BackupProgress::Phase::checking, options.on_progress};
    if (auto copied = detail::copy_memory_copy(backup + "/database", copy, version, counter); !copied)
        return detail::about_backup(backup, copied.error());
    place->share_copy(backup);
    if (auto same = require_same_records(manifest->inventory, counter.inventory(), true); !same)
        return detail::about_backup(backup, same.error());
    if (auto finished = place->finish_copy(); !finished) return failure(std::move(finished).error());
    if (auto replaced = place->replace([&] { return detail::exchange_journals(place->target(), copy); }); !replaced)
        return failure(std::move(replaced).error());
    RestoreReport report{std::move(*manifest), version, {}, {}};
    place->end(options.keep_replaced, report.replaced, report.replaced_journal);
    return report;
}

JOINLY_NAMESPACE_END
#endif
