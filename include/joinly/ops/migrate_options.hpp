#ifndef JOINLY_OPS_MIGRATE_OPTIONS_HPP
#define JOINLY_OPS_MIGRATE_OPTIONS_HPP
// What a migration may be told, and what it tells. Plain values.

#include <joinly/config.hpp>
#include <joinly/ops/inventory.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

JOINLY_NAMESPACE_BEGIN

struct MigrateProgress {
    enum class Stage : std::uint8_t { counting, copying, verifying };
    Stage stage = Stage::counting;
    std::uint64_t records = 0;      ///< that this stage has come to
    std::uint64_t of = 0;           ///< and how many it will; 0 while they are being counted
    std::uint64_t bytes = 0;        ///< of their keys and values
    double records_per_second = 0;  ///< in this stage
    /// Until the end of the stage, at this rate; nullopt while nothing can be said.
    std::optional<std::chrono::milliseconds> remaining = {};
};

struct MigrateOptions {
    /// Keys and values that are written in one transaction. Two of these are in memory; a single record may be larger.
    std::size_t batch_bytes = std::size_t{2} << 20;

    /// Do everything but write: see whether the target is fit, and every record can be read and converted.
    bool dry_run = false;

    /// Kinds that are no entities, but what a program has put as raw bytes under keys such as "config:main". Of interest where the
    /// codecs differ.
    std::vector<std::string> raw_kinds = {};

    /// Called for each batch or so, in the caller's thread; false stops the migration. With it, records are counted first.
    std::function<bool(const MigrateProgress&)> progress = {};
};

struct MigrateReport {
    Inventory records;          ///< what the source held, as the target's codec has it, kind by kind
    std::uint64_t written = 0;  ///< records that this call has put; the others were there from an earlier one
    std::uint64_t erased = 0;   ///< that an earlier call had put, and the source has no more
    bool is_finished = false;   ///< everything is there, and was compared
};

JOINLY_NAMESPACE_END
#endif
