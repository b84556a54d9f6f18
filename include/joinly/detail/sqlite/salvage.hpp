#ifndef JOINLY_DETAIL_SQLITE_SALVAGE_HPP
#define JOINLY_DETAIL_SQLITE_SALVAGE_HPP
// Reading what can be read of a damaged database. A page that cannot be read ends a scan; the records behind it are found by asking
// for rows with higher and higher numbers until one can be read, and then for the lowest such. What the index of keys tells beyond
// that is asked for one by one, for there may be sound rows between those that are not; the others are lost, by name.

#include <joinly/backend/sqlite_options.hpp>
#include <joinly/backend/sqlite_salvage.hpp>
#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/ops/locked_directory.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/files.hpp>
#include <joinly/detail/sqlite/kept_statement.hpp>
#include <joinly/detail/sqlite/lock.hpp>
#include <joinly/detail/sqlite/open.hpp>
#include <joinly/detail/sqlite/texts.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Takes a record that was read.
using SalvageSink = FunctionRef<Status(Change change)>;
/// Told how many records were read so far; an error ends the salvage.
using SalvageProgress = FunctionRef<Status(std::uint64_t records)>;

/// Reads one damaged database, which is nobody else's, and to which nothing is written.
class SqliteSalvager {
public:
    SqliteSalvager(SqliteConnection& connection, SalvageProgress progress) : connection_{connection}, progress_{progress} {}

    /// @return what was read and what was not; `corrupt` where not even the schema can be read.
    [[nodiscard]] Result<SqliteSalvage> run(SalvageSink sink) {
        for (std::int64_t from = 0;;) {  // the library's rows are numbered from 1
            const Result<bool> ended = read_from(from, sink);
            if (!ended) return failure(ended.error());
            if (*ended) break;
            const std::optional<std::int64_t> next = first_readable(next_);
            std::string gap = "rows from number " + std::to_string(next_) + (next ? " to " + std::to_string(*next - 1) : " on");
            salvage_.gaps.push_back(std::move(gap));
            if (!next) break;
            from = *next;
        }
        if (auto read = read_by_key(sink); !read) return failure(std::move(read).error());
        return std::move(salvage_);
    }

private:
    [[nodiscard]] SqliteStatement prepare(const std::string& text) {
        sqlite3_stmt* made = nullptr;
        const std::string for_format = connection_.expects_first_format() ? sqlite_text_for_first_format(text) : text;
        const int code = sqlite3_prepare_v2(connection_.handle(), for_format.c_str(), -1, &made, nullptr);
        if (code != SQLITE_OK) throw SQLite::Exception{connection_.handle(), code};
        return SqliteStatement{made};
    }

    /// @param which  of the rows' numbers, ?1 being the number that is bound
    [[nodiscard]] SqliteStatement prepare_rows(const char* which) {
        return prepare(std::string{"SELECT value, version, expires_at, checksum, key, index_terms, record.rowid, typeof(value) "
                                   "FROM record WHERE record.rowid "} +
                       which);
    }
    [[nodiscard]] SqliteStatement prepare_rows_from() { return prepare_rows(">= ?1 ORDER BY record.rowid"); }

    /// Reads rows numbered `from` and above, up to the first that cannot be read: false, and `next_` is its least number.
    [[nodiscard]] Result<bool> read_from(std::int64_t from, SalvageSink sink) {
        next_ = from;
        const SqliteStatement statement = prepare_rows_from();
        SqliteQuery rows{statement.get(), connection_.handle()};
        rows.set_number(1, from);
        for (;;) {
            const std::optional<bool> more = step(rows);
            if (more && !*more) return true;
            if (!more || rows.number(6) < next_) return false;  // not in order: a page that is not what its parent takes it for
            if (auto told = tell(); !told) return failure(std::move(told).error());
            if (auto taken = take(rows, sink); !taken) return failure(std::move(taken).error());
            note_read(rows.number(6));
            if (next_ == highest_row) return true;
            ++next_;
        }
    }

    /// Once for each row that is come by.
    [[nodiscard]] Status tell() { return ++rows_ % 1'000 == 0 ? progress_(salvage_.records) : Status{}; }

    [[nodiscard]] Status take(const SqliteQuery& row, SalvageSink sink) {
        const std::string_view key = row.bytes(4);
        keys_ += hash_of(key, row.number(6));
        const Result<RecordView> record = sqlite_record(row, key);
        if (!record) {
            note_lost(key);
            return {};
        }
        Change change{std::string{key}, std::string{record->value}, record->expires_at, record->version, ValueForm::bytes, {}};
        if (row.bytes(7) == "text") change.form = ValueForm::text;
        if (!record->index_terms.empty()) change.index_terms = std::string{record->index_terms};
        ++salvage_.records;
        return sink(std::move(change));
    }

    /// The next row; nullopt: it cannot be read.
    [[nodiscard]] static std::optional<bool> step(SqliteQuery& rows) {
        try {
            return rows.next();
        } catch (const SQLite::Exception& error) {
            if (!sqlite_is_damage(sqlite_code(error))) throw;
            return std::nullopt;
        }
    }

    /// The least number above `from` at which reading can go on; nullopt: there is none.
    [[nodiscard]] std::optional<std::int64_t> first_readable(std::int64_t from) {
        const std::optional<std::int64_t> last = last_row();
        std::int64_t unreadable = from;
        std::int64_t readable = from;
        for (std::int64_t stride = 1; readable == from || !can_read(readable); stride *= 2) {
            unreadable = readable;
            if (highest_row - readable <= stride || (last && readable > *last)) return std::nullopt;
            readable += stride;
        }
        while (readable - unreadable > 1) {
            const std::int64_t middle = unreadable + (readable - unreadable) / 2;
            (can_read(middle) ? readable : unreadable) = middle;
        }
        return readable;
    }

    /// Whether the first row at or above `from` can be read. No row there counts as read: the end.
    [[nodiscard]] bool can_read(std::int64_t from) {
        const SqliteStatement statement = prepare_rows_from();
        SqliteQuery row{statement.get(), connection_.handle()};
        row.set_number(1, from);
        const std::optional<bool> more = step(row);
        if (!more || (*more && row.number(6) < from)) return false;
        return true;
    }

    [[nodiscard]] std::optional<std::int64_t> last_row() {
        const SqliteStatement statement = prepare("SELECT max(record.rowid) FROM record");
        SqliteQuery row{statement.get(), connection_.handle()};
        const auto found = step(row);
        if (!found || !*found) return std::nullopt;
        return row.number(0);
    }

    /// Rows that were read, as few stretches: `read_[first] = last`.
    void note_read(std::int64_t number) {
        next_ = number;
        if (!read_.empty() && std::prev(read_.end())->second == number - 1) {
            std::prev(read_.end())->second = number;
        } else {
            read_.emplace_hint(read_.end(), number, number);
        }
    }
    [[nodiscard]] bool was_read(std::int64_t number) const {
        const auto after = read_.upper_bound(number);
        return after != read_.begin() && number <= std::prev(after)->second;
    }

    [[nodiscard]] std::uint64_t hash_of(std::string_view key, std::int64_t number) const noexcept {
        return hash_bytes(key, seed_ ^ static_cast<std::uint64_t>(number));
    }

    void note_lost(std::string_view key) {
        if (salvage_.lost++ < SqliteSalvage::most_lost_keys) salvage_.lost_keys.push_back(printable(key));
    }

    /// By the index of keys, from its begin and, where that cannot be read to the end, from its end.
    [[nodiscard]] Status read_by_key(SalvageSink sink) {
        std::string first;
        const Result<bool> whole = read_by_key(
            "SELECT key, record.rowid FROM record INDEXED BY sqlite_autoindex_record_1 ORDER BY key",
            [](std::string_view before, std::string_view key) { return before < key; }, first, sink);
        if (!whole) return failure(whole.error());
        salvage_.may_lack_names = !*whole || keys_ != 0;
        if (*whole) return {};
        std::string last;
        const auto rest = read_by_key(
            "SELECT key, record.rowid FROM record INDEXED BY sqlite_autoindex_record_1 ORDER BY key DESC",
            [&](std::string_view before, std::string_view key) { return key > first && (before.empty() || before > key); }, last,
            sink);
        return rest ? Status{} : failure(rest.error());
    }
    /// As long as `goes_on(key before, key)`. @return whether it came to the end.
    [[nodiscard]] Result<bool> read_by_key(const char* text, FunctionRef<bool(std::string_view, std::string_view)> goes_on,
                                           std::string& before, SalvageSink sink) {
        const SqliteStatement statement = prepare(text);
        const SqliteStatement single = prepare_rows("= ?1");
        SqliteQuery keys{statement.get(), connection_.handle()};
        for (;;) {
            const std::optional<bool> more = step(keys);
            if (more && !*more) return true;
            if (!more || !goes_on(before, keys.bytes(0))) return false;
            if (auto told = tell(); !told) return failure(std::move(told).error());
            before = keys.bytes(0);
            const std::int64_t number = keys.number(1);
            if (!was_read(number)) {
                SqliteQuery row{single.get(), connection_.handle()};
                row.set_number(1, number);
                const std::optional<bool> found = step(row);
                if (!found || !*found || row.bytes(4) != before) {
                    note_lost(before);
                    continue;
                }
                if (auto taken = take(row, sink); !taken) return failure(std::move(taken).error());
            }
            keys_ -= hash_of(before, number);
        }
    }

    static constexpr std::int64_t highest_row = (std::numeric_limits<std::int64_t>::max)();

    SqliteConnection& connection_;
    SalvageProgress progress_;
    std::uint64_t rows_ = 0;
    SqliteSalvage salvage_;
    std::map<std::int64_t, std::int64_t> read_;
    std::int64_t next_ = 0;
    std::uint64_t seed_ = random_seed();
    std::uint64_t keys_ = 0;  // of the rows that were read, less what the index has of them: 0 when they agree
};

/// The newest version that the database says it has allocated, if it can say so.
[[nodiscard]] inline std::optional<Version> sqlite_salvaged_version(SqliteConnection& connection) {
    try {
        const Result<Version> last = sqlite_last_version(connection);
        return last ? std::optional{*last} : std::nullopt;
    } catch (const SQLite::Exception& error) {
        if (!sqlite_is_damage(sqlite_code(error))) throw;
        return std::nullopt;
    }
}

/// The files of a database that nobody has open, copied to where they can be opened without touching the original.
[[nodiscard]] inline Status sqlite_copy_files(const std::string& from, const std::string& to, CopyProgress progress) {
    if (!sqlite_file_exists(from)) return failure(Errc::not_found, from + " does not exist");
    SqliteWriterLock writers{from};
    if (Status alone = writers.claim(std::chrono::milliseconds{0}); !alone && alone.error() == Errc::busy)
        return failure(Errc::busy, from + ": somebody has it open, in this process or another");
    for (const char* ending : {"", "-wal", "-journal"}) {
        if (!sqlite_file_exists(from + ending)) continue;
        if (auto copied = copy_tree(from + ending, to + ending, progress); !copied) return copied;
    }
    return {};
}

/// Reads the copy at `path` into `fresh`, in batches.
template <class Backend>
[[nodiscard]] Result<SqliteSalvage> sqlite_salvage_into(Backend& fresh, const std::string& path, SalvageProgress progress) {
    constexpr std::size_t records_a_batch = 1'000;
    Batch batch;
    Version last = absent;
    const auto write = [&]() -> Status {
        batch.version = ++last;
        auto written = fresh.write(batch);
        batch.changes.clear();
        return written ? Status{} : failure(std::move(written).error());
    };
    SqliteOptions options;
    options.path = path;
    return sqlite_attempt(path, [&]() -> Result<SqliteSalvage> {
        SqliteConnection source{options, SQLite::OPEN_READWRITE, options.busy_timeout};
        const Result<SqliteState> state = sqlite_state(source, path);
        if (!state) return failure(state.error());
        if (*state == SqliteState::empty) return failure(Errc::incompatible, path + " is empty: there is no database to read");
        source.expect_first_format(*state == SqliteState::first_format);
        if (const auto version = sqlite_salvaged_version(source)) last = *version;
        SqliteSalvager salvager{source, progress};
        auto salvage = salvager.run([&](Change change) -> Status {
            last = (std::max)(last, change.version);
            batch.changes.push_back(std::move(change));
            return batch.changes.size() < records_a_batch ? Status{} : write();
        });
        if (!salvage) return salvage;
        if (Status written = write(); !written) return failure(std::move(written).error());
        return salvage;
    });
}

template <class Backend>
[[nodiscard]] Result<SqliteSalvage> sqlite_salvage(const SqliteOptions& from, const std::string& to,
                                                   const SqliteSalvageOptions& salvage_options) {
    const auto source = sqlite_absolute(from.path);
    if (!source) return failure(source.error());
    const auto target = sqlite_absolute(to);
    if (!target) return failure(target.error());
    const auto check_target = [&]() -> Status {
        for (const char* ending : {"", "-wal", "-shm", "-journal"}) {
            if (sqlite_file_exists(*target + ending))
                return failure(Errc::invalid_argument, *target + ending + " is there already: a salvage replaces nothing");
        }
        return {};
    };
    if (auto is_free = check_target(); !is_free) return failure(std::move(is_free).error());
    const std::string stem = *target + ".salvage-";
    LockedDirectory::clear_left_overs(stem);
    const auto made = LockedDirectory::make(stem + std::to_string(random_seed()));
    if (!made) return failure(made.error());
    const std::string& work = made->path;
    const UnlessFinished removed_at_end{work};
    const auto progress = [&](std::uint64_t records) {
        const auto& goes_on = salvage_options.on_progress;
        return !goes_on || goes_on(records) ? Status{} : failure(Errc::cancelled);
    };
    const auto nothing_yet = [&](std::uint64_t) { return progress(0); };
    if (auto copied = sqlite_copy_files(*source, work + "/damaged", nothing_yet); !copied)
        return failure(std::move(copied).error());
    SqliteOptions options;
    options.path = work + "/fresh";
    options.sync = Sync::process_crash;  // it is synced as a whole, when it is closed
    if (auto created = create_like(*source, options.path); !created) return failure(std::move(created).error());
    Result<SqliteSalvage> salvage = [&]() -> Result<SqliteSalvage> {
        auto fresh = Backend::open(options);
        if (!fresh) return failure(std::move(fresh).error());
        return sqlite_salvage_into(*fresh, work + "/damaged", progress);
    }();
    if (!salvage) {
        std::string why{salvage.error().message()};
        if (const auto advice = why.find(sqlite_repair_advice); advice != std::string::npos)
            why.replace(advice, sqlite_repair_advice.size(), "; only a backup helps");
        return failure(salvage.error().code(), *source + ": " + why);
    }
    if (sqlite_file_exists(options.path + "-wal"))  // SQLite says nothing when it cannot write the log back as it closes
        return failure(Errc::full, *target + ": the log of the new database could not be written back");
    if (auto synced = sqlite_sync(sqlite_path(options.path)); !synced) return failure(std::move(synced).error());
    if (auto is_free = check_target(); !is_free) return failure(std::move(is_free).error());  // it has taken a while
    auto published = publish_path(options.path, *target);
    if (published) return salvage;
    if (published.error() != Errc::conflict) return failure(std::move(published).error());
    auto is_free = check_target();
    return failure(is_free ? std::move(published).error() : std::move(is_free).error());
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
