#ifndef JOINLY_OPS_BACKUP_MANIFEST_HPP
#define JOINLY_OPS_BACKUP_MANIFEST_HPP
// What a backup says about itself: the file manifest.json beside its database. backend/README.md has the format. Plain values.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/ops/manifest_text.hpp>
#include <joinly/ops/inventory.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

JOINLY_NAMESPACE_BEGIN

struct BackupManifest {
    std::string engine;        ///< "sqlite", "leveldb" or "memory": what can restore it
    Version version = absent;  ///< the newest that the database had allocated: the backup is of the moment after it
    WallTime taken_at{};       ///< by the store's clock
    std::uint64_t bytes = 0;   ///< of the copied database's files
    Inventory inventory;       ///< of the copied records

    friend bool operator==(const BackupManifest&, const BackupManifest&) = default;
};

/// The manifest of the backup in that directory. `not_found`: there is no backup; `corrupt`: the manifest is damaged, or is not
/// what this library writes; `incompatible`: a newer version of the library wrote it.
[[nodiscard]] inline Result<BackupManifest> read_backup_manifest(const std::string& backup) {
    constexpr std::size_t most_bytes = std::size_t{4} << 20;  // Inventory::max_kinds of the longest names are a fifth of it
    const std::string path = backup + "/manifest.json";
    if (!detail::path_exists(path)) return failure(Errc::not_found, backup + ": no backup is there: it has no manifest.json");
    const auto text = detail::read_small_file(path, most_bytes);
    if (!text)
        return failure(text.error() == Errc::full ? Errc::corrupt : text.error().code(), std::string{text.error().message()});

    BackupManifest manifest;
    std::uint64_t taken_at = 0;
    detail::ManifestReader in{*text};
    std::uint64_t format = 0;
    if (in.member("joinly_backup", format) && format > detail::manifest_format) {
        return failure(Errc::incompatible, path + " has format " + std::to_string(format) + "; this library knows " +
                                               std::to_string(detail::manifest_format));
    }
    in.member("engine", manifest.engine);
    in.member("version", manifest.version);
    in.member("taken_at_unix_ms", taken_at);
    in.expect("taken_at", detail::iso_time(WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(taken_at)}}));
    in.member("bytes", manifest.bytes);
    in.member("reserved", manifest.inventory.reserved);
    in.member("kinds", manifest.inventory.kinds);
    if (!in.ends_with_checksum() || format != detail::manifest_format)
        return failure(Errc::corrupt, path + ": damaged, or not written by this library");
    manifest.taken_at = WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(taken_at)}};
    return manifest;
}

namespace detail {

[[nodiscard]] inline std::string manifest_text(const BackupManifest& manifest) {
    ManifestWriter out;
    out.member("joinly_backup", std::uint64_t{manifest_format});
    out.member("engine", manifest.engine);
    out.member("version", manifest.version);
    out.member("taken_at_unix_ms", static_cast<std::uint64_t>(manifest.taken_at.time_since_epoch().count()));
    out.member("taken_at", iso_time(manifest.taken_at));
    out.member("bytes", manifest.bytes);
    out.member("reserved", manifest.inventory.reserved);
    out.member("kinds", manifest.inventory.kinds);
    return std::move(out).with_checksum();
}

}  // namespace detail

JOINLY_NAMESPACE_END
#endif
