#ifndef JOINLY_BACKEND_CONCEPTS_HPP
#define JOINLY_BACKEND_CONCEPTS_HPP
// What a storage engine's adapter must give to stand under a Store, and what it may give besides.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

/// Called for each record of a scan, in key order; the views last until it returns. Return false to stop. It may call the
/// store it scans, and may throw: the scan ends cleanly and the exception travels on.
using ScanVisitor = detail::FunctionRef<bool(std::string_view key, const RecordView& record)>;

/// Called once for each key of a read_many, in any order, with the key's position in the request.
using ReadSink = detail::FunctionRef<void(std::size_t position, Result<Record> record)>;

/// What a returned write has survived to by the time it returns.
enum class Sync : std::uint8_t {
    power_loss,    ///< it has been fsynced
    process_crash  ///< it has reached the operating system: it survives the process, not the machine
};

/// A place that keeps records under ordered keys.
///
/// Beyond the syntax, which the compiler checks, tests/conformance/backend_suite.hpp checks the meaning:
/// - keys are any non-empty bytes, ordered as unsigned bytes; values are any bytes, none included;
/// - `read` gives the newest committed record or `not_found`; a read after a returned write finds it;
/// - `read_many` is as `read` for each key, in one trip to the engine;
/// - `write` makes all of a batch or nothing, in one engine transaction, and returns the batch's version, which is above
///   all earlier ones, over restarts too. Requirements are decided inside that transaction; one that fails gives
///   `conflict` and changes nothing. A batch without changes decides its requirements and allocates a version as well;
/// - `scan` visits one consistent snapshot in key order, in bounded memory, while others write; the visitor can stop it;
/// - `last_version` is the newest version that was ever allocated here, `absent` in a new database;
/// - `size_on_disk` counts all files of the database, write-ahead logs too, without opening any;
/// - a record's expiry is kept, and otherwise none of a backend's business: an expired record is still returned;
/// - any thread may call anything at any time, and a backend that is moved from may only be destroyed or assigned to.
template <class B>
concept storage_backend = std::movable<B> &&
    requires(B& backend, std::string_view key, std::span<const std::string_view> keys, ReadSink sink, const Batch& batch,
             const KeyRange& range, ScanVisitor visit, typename B::Options options) {
    { B::open(options) } -> std::same_as<Result<B>>;
    { backend.read(key) } -> std::same_as<Result<Record>>;
    { backend.read_many(keys, sink) } -> std::same_as<Status>;
    { backend.write(batch) } -> std::same_as<Result<Version>>;
    { backend.scan(range, visit) } -> std::same_as<Status>;
    { backend.last_version() } -> std::same_as<Result<Version>>;
    { backend.size_on_disk() } -> std::same_as<Result<std::uint64_t>>;
};

/// Can copy itself, live, to a place where nothing is yet.
template <class B>
concept backs_up = storage_backend<B> && requires(B& backend, const std::string& path) {
    { backend.backup_to(path) } -> std::same_as<Status>;
};

/// Can check itself from end to end: the engine's own integrity check and every record's checksum. The first damage found
/// is `corrupt`.
template <class B>
concept verifies_integrity = storage_backend<B> && requires(B& backend) {
    { backend.verify_integrity() } -> std::same_as<Status>;
};

/// Can give space that erased records held back to the file system.
template <class B>
concept compacts = storage_backend<B> && requires(B& backend) {
    { backend.compact() } -> std::same_as<Status>;
};

JOINLY_NAMESPACE_END
#endif
