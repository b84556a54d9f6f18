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
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// Called for each record of a scan, in key order; the views last until it returns. Return false to stop. It may call the
/// store it scans, and may throw: the scan ends cleanly and the exception travels on.
using ScanVisitor = detail::FunctionRef<bool(std::string_view key, const RecordView& record)>;

/// Called once for each key of a read_many, in any order, with the key's position in the request.
using ReadSink = detail::FunctionRef<void(std::size_t position, Result<Record> record)>;

/// Called for each index entry of a `follow`, in the order of the entries' keys, with the record that the entry leads to, from
/// the same snapshot, expired or not. As ScanVisitor otherwise.
using EntryVisitor = detail::FunctionRef<bool(std::string_view entry_key, std::string_view record_key, const RecordView& record)>;

/// What some of a database's files take: "database", "wal".
struct StoragePart {
    std::string_view name;  ///< of static storage duration
    std::uint64_t bytes = 0;
};

/// A record whose time has come.
struct ExpiredRecord {
    std::string key;
    Version version = absent;
    Expiry expires_at;
};

namespace detail {
template <class B>
concept complete = requires {
    sizeof(B);
};
}  // namespace detail

/// A place that keeps records under ordered keys.
///
/// Beyond the syntax, which the compiler checks, tests/conformance/backend_suite.hpp checks the meaning:
/// - keys are any non-empty bytes, ordered as unsigned bytes; values are any bytes, none included;
/// - `read` gives the newest committed record or `not_found`; a read after a returned write finds it;
/// - `read_many` is as `read` for each key, in one trip to the engine;
/// - `write` makes all of a batch or nothing, in one engine transaction, and returns the batch's version, which is above
///   all earlier ones, over restarts too. Requirements are decided inside that transaction; one that fails gives
///   `conflict` and changes nothing. A batch without changes decides its requirements and allocates a version as well;
///   so `busy`, `invalid_argument`, `unsupported`, `corrupt` and `incompatible` change nothing; after any other error the batch may
///   have been made all the same;
/// - `scan` visits one consistent snapshot in key order, in bounded memory, while others write; the visitor can stop it;
/// - `last_version` is the newest version that was ever allocated here, `absent` in a new database;
/// - `size_on_disk` counts all files of the database, write-ahead logs too, without opening any;
/// - a change that has `index_terms` engaged leaves, after the same transaction, exactly one index entry for each of its terms
///   and none for terms that the record had before (see core/index_entry.hpp); an entry never expires and has the version of
///   the change that made it; a term that stays leaves its entry as it is. Scans tell a record's terms;
///   of one that has none engaged see core/batch.hpp;
/// - `batch.ranges` are decided like requirements, within the transaction;
/// - `follow` visits the entries of a range of index entries, each with its record, from one consistent snapshot; an entry
///   without a record, or with one that does not have the term, is `corrupt`;
/// - `expired` gives up to `limit` records that expire at or before `now`, the earliest first, at a cost that follows their
///   number and not that of all records;
/// - `last_version` is never below the version of a record that was read before;
/// - a record's expiry is kept, and otherwise none of a backend's business: an expired record is still returned;
/// - any thread may call anything at any time, and a backend that is moved from may only be destroyed or assigned to.
template <class B>
concept storage_backend = detail::complete<B> && std::movable<B> &&
    requires(B& backend, std::string_view key, std::span<const std::string_view> keys, ReadSink sink, const Batch& batch,
             const KeyRange& range, ScanVisitor visit, typename B::Options options, EntryVisitor visit_entry, WallTime now,
             std::size_t limit) {
    { B::open(options) } -> std::same_as<Result<B>>;
    { backend.read(key) } -> std::same_as<Result<Record>>;
    { backend.read_many(keys, sink) } -> std::same_as<Status>;
    { backend.write(batch) } -> std::same_as<Result<Version>>;
    { backend.scan(range, visit) } -> std::same_as<Status>;
    { backend.follow(range, visit_entry) } -> std::same_as<Status>;
    { backend.expired(now, limit) } -> std::same_as<Result<std::vector<ExpiredRecord>>>;
    { backend.last_version() } -> std::same_as<Result<Version>>;
    { backend.size_on_disk() } -> std::same_as<Result<std::uint64_t>>;
};

namespace detail {

[[nodiscard]] inline Result<std::uint64_t> sum_of_parts(const Result<std::vector<StoragePart>>& parts) {
    if (!parts) return failure(parts.error());
    std::uint64_t sum = 0;
    for (const StoragePart& part : *parts) sum += part.bytes;
    return sum;
}

/// B::Options; of a backend that is only declared, as fwd.hpp does, one sentence that says what to include.
template <class B>
struct BackendOptions {
    static_assert(complete<B>,
                  "Store: the backend is declared, but not defined: include its header, <joinly/backend/sqlite.hpp>, "
                  "<joinly/backend/leveldb.hpp> or <joinly/backend/memory.hpp>");
    struct type {};
};
template <complete B>
struct BackendOptions<B> {
    static_assert(storage_backend<B>,
                  "Store: the first argument must be a storage backend, such as joinly::SqliteBackend "
                  "(see joinly/backend/concepts.hpp); did you swap backend and policy?");
    using type = typename B::Options;
};

}  // namespace detail

/// Sees the records of a copy that is being made: first those of the snapshot, as they go into the copy, then those of the
/// finished copy, as they are read back from it; each once, in any order, index entries among them. Where one of the two returns
/// false the copy is given up: `cancelled`. They must not call the backend.
struct CopyWatch {
    ScanVisitor copied;
    ScanVisitor read_back;
};

/// Can copy itself, live, to a place where nothing is yet; the copy is read back and checked before it gets its name. Watched, it
/// shows what it copies, and tells the newest version that the copy has allocated.
template <class B>
concept backs_up = storage_backend<B> && requires(B& backend, const std::string& path, const CopyWatch& watch) {
    { backend.backup_to(path) } -> std::same_as<Status>;
    { backend.backup_to(path, watch) } -> std::same_as<Result<Version>>;
};

/// Can be put in the place of another database of the same engine, or of nothing, while nobody has that one open.
template <class B>
concept exchanges_databases = storage_backend<B> && requires(const std::string& path) {
    { B::exchange(path, path) } -> std::same_as<Status>;
};

/// Told what is wrong with the record of a key, or, where the key is empty, with the database. Return false to stop.
using FlawVisitor = detail::FunctionRef<bool(std::string_view key, const Error& flaw)>;

/// Can check itself. `verify_integrity` is thorough: the engine's own integrity check, every record's checksum, and whether
/// indexes agree; the first damage found is `corrupt`. `examine` looks in one pass, in the order of the disk, for what a copy of a
/// sound database can have lost or got wrong; it visits each sound record once, index entries among them, goes on past flaws, and
/// fails only where it cannot: `corrupt` where the rest cannot be read, `cancelled` where one of the two visitors said so.
template <class B>
concept verifies_integrity = storage_backend<B> && requires(B& backend, ScanVisitor visit, FlawVisitor on_flaw) {
    { backend.verify_integrity() } -> std::same_as<Status>;
    { backend.examine(visit, on_flaw) } -> std::same_as<Status>;
};

/// `examine` up to the first flaw.
template <verifies_integrity Backend>
[[nodiscard]] Status examine_strictly(Backend& backend, ScanVisitor visit) {
    Status first;
    const Status examined = backend.examine(visit, [&](std::string_view, const Error& flaw) {
        first = failure(flaw);
        return false;
    });
    return first ? examined : first;
}

/// Can give space that erased records held back to the file system.
template <class B>
concept compacts = storage_backend<B> && requires(B& backend) {
    { backend.compact() } -> std::same_as<Status>;
};

/// Can tell what it keeps on disk by parts, the sum of which `size_on_disk` gives, by asking the file system and opening no file.
/// A part that has no file at the moment is one of 0 bytes.
template <class B>
concept tells_size_by_part = storage_backend<B> && requires(B& backend) {
    { backend.size_by_part() } -> std::same_as<Result<std::vector<StoragePart>>>;
};

/// Keeps its records only as long as it lives: `static constexpr bool is_volatile = true`. Under a journal the store writes
/// its records to a checkpoint now and then.
template <class B>
concept volatile_backend = storage_backend<B> && B::is_volatile;

/// Can keep every other writer off its database: write-behind asks for that. From a successful call until the backend is
/// destroyed, nobody else can open the database for writing, in this process or another; `busy` when somebody has it open,
/// with a message that says who it may be. To be called before anything is read that is relied on. A backend that only one can
/// have open, or that keeps its records in memory, needs no such call.
template <class B>
concept claims_sole_writer = storage_backend<B> && requires(B& backend) {
    { backend.claim_sole_writer() } -> std::same_as<Status>;
};

/// Can tell that others write to the same database: a number that changes when another connection or process has committed
/// since it was last asked for, and not when this backend itself has. Never waits for a write. `busy`: it cannot be told at
/// this moment; ask again.
template <class B>
concept tells_foreign_commits = storage_backend<B> && requires(B& backend) {
    { backend.foreign_commits() } -> std::same_as<Result<std::uint64_t>>;
};

JOINLY_NAMESPACE_END
#endif
