#ifndef JOINLY_DETAIL_OPS_MIGRATOR_HPP
#define JOINLY_DETAIL_OPS_MIGRATOR_HPP
// Copies records from backend to backend, batch by batch in the order of keys.
//
// Until it is finished the target holds a mark, a record of the library's own, which each batch writes anew:
//
//     key      00 'm'
//     value    1, the format, in 1 byte; the source's last version, 8 bytes, the highest first; the last key that was copied
//
// The mark's version is the target's last one, unless somebody else has written there. Up to the mark's key the target holds what
// some snapshot of the source had; what a later one has otherwise is found by comparing, batch by batch. Without a mark the target
// is empty, or holds just what the source does: a migration that was killed after its end is run again by whoever saw it killed.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/index/catalogue.hpp>
#include <joinly/detail/index/key_encoding.hpp>
#include <joinly/detail/ops/backend_ref.hpp>
#include <joinly/detail/ops/conversion.hpp>
#include <joinly/ops/inventory.hpp>
#include <joinly/ops/migrate_options.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::string_view migration_key{"\0m", 2};
inline constexpr char migration_format = '\1';

/// How far one stage has come, and when it will have.
class MigrationClock {
public:
    MigrationClock(MigrateProgress::Stage stage, std::uint64_t of) { progress_ = {stage, 0, of, 0, 0, {}}; }

    void count(std::size_t bytes) noexcept {
        ++progress_.records;
        progress_.bytes += bytes;
    }
    /// Whether to go on.
    [[nodiscard]] bool tell(const std::function<bool(const MigrateProgress&)>& told) {
        if (!told) return true;
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began_;
        if (passed.count() > 0 && progress_.records > 0) {
            progress_.records_per_second = static_cast<double>(progress_.records) / passed.count();
            const auto left = progress_.of > progress_.records ? progress_.of - progress_.records : 0;
            if (progress_.of != 0)
                progress_.remaining = std::chrono::milliseconds{
                    static_cast<std::int64_t>(1e3 * static_cast<double>(left) / progress_.records_per_second)};
        }
        return told(progress_);
    }
    [[nodiscard]] const MigrateProgress& progress() const noexcept { return progress_; }

private:
    MigrateProgress progress_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

class Migrator {
public:
    using Accept = FunctionRef<Status(std::string_view kind)>;
    using Convert = FunctionRef<Result<Change>(std::string_view key, const RecordView& record)>;

    Migrator(BackendRef source, BackendRef target, const MigrateOptions& options)
        : source_{source}, target_{target}, options_{options} {}

    /// `accepts_all`: no kind need be asked for.
    [[nodiscard]] Result<MigrateReport> run(Accept accept, bool accepts_all, Convert convert) {
        if (auto ready = examine_target(); !ready) return failure(std::move(ready).error());
        if (auto fit = examine_source(accept, accepts_all); !fit) return failure(std::move(fit).error());
        auto total = count_source();
        if (!total) return failure(std::move(total).error());
        if (stopped_) return report_;
        if (auto copied = copy(convert, *total); !copied) return failure(std::move(copied).error());
        if (stopped_) return report_;
        if (options_.dry_run) {
            report_.is_finished = true;
            return report_;
        }
        if (auto same = compare(); !same) return failure(std::move(same).error());
        if (stopped_) return report_;
        if (auto ended = take_mark_away(); !ended) return failure(std::move(ended).error());
        report_.is_finished = true;
        return report_;
    }

private:
    static constexpr std::uint64_t records_between_calls = 16'384;

    [[nodiscard]] Status examine_target() {
        const auto last = target_.last_version();
        if (!last) return failure(last.error());
        last_version_ = *last;
        const auto mark = target_.read(migration_key);
        if (!mark && mark.error() != Errc::not_found) return failure(mark.error());
        if (!mark) {
            const auto empty = target_.is_empty({});
            if (!empty) return failure(empty.error());
            must_be_same_ = !*empty;
            return {};
        }
        if (mark->version != last_version_)
            return failure(Errc::conflict,
                           "somebody has written to the target since the migration was stopped: empty it, and begin anew");
        return read_mark(mark->value);
    }

    [[nodiscard]] Status read_mark(std::string_view value) {
        if (value.size() < 9 || value.front() != migration_format)
            return failure(Errc::incompatible, "the migration in the target was begun by a newer version of the library");
        value.remove_prefix(1);
        const Version of_source = take_big_endian(value, 8);
        const auto now = source_.last_version();
        if (!now) return failure(now.error());
        if (*now < of_source)
            return failure(Errc::conflict,
                           "the migration in the target was begun from another source, or from a newer state of this one");
        marked_ = std::string{value};
        is_marked_ = true;
        return {};
    }

    /// Looks at one record of each kind.
    [[nodiscard]] Status examine_source(Accept accept, bool accepts_all) {
        const auto unfinished = source_.read(migration_key);
        if (unfinished)
            return failure(Errc::incompatible, "the source is the target of a migration that is not finished: finish that first");
        if (unfinished.error() != Errc::not_found) return failure(unfinished.error());
        const auto last = source_.last_version();
        if (!last) return failure(last.error());
        source_version_ = *last;
        if (accepts_all) return {};
        KeyRange rest = user_keys();
        for (std::string kind;; kind.clear()) {
            auto scanned = source_.scan(rest, [&](std::string_view key, const RecordView&) {
                kind = kind_in_key(key);
                return kind.empty();
            });
            if (!scanned || kind.empty()) return scanned;
            if (auto accepted = accept(kind); !accepted) return accepted;
            rest.begin = kind_range(kind).end;
        }
    }

    /// 0 where nobody wants to know.
    [[nodiscard]] Result<std::uint64_t> count_source() {
        if (!options_.progress) return std::uint64_t{0};
        MigrationClock clock{MigrateProgress::Stage::counting, 0};
        auto scanned = for_each_record(source_, {}, [&](std::string_view key, const RecordView& record) {
            clock.count(key.size() + record.value.size());
            return clock.progress().records % records_between_calls != 0 || go_on(clock);
        });
        if (!scanned) return failure(std::move(scanned).error());
        return clock.progress().records;
    }

    /// All but index entries, which the target's backend makes by itself, and the mark.
    [[nodiscard]] static Status for_each_record(const BackendRef& backend, const KeyRange& range, ScanVisitor visit) {
        return backend.scan(range, [&](std::string_view key, const RecordView& record) {
            return is_index_entry(key) || key == migration_key || visit(key, record);
        });
    }

    [[nodiscard]] bool go_on(MigrationClock& clock) {
        stopped_ = !clock.tell(options_.progress);
        return !stopped_;
    }

    [[nodiscard]] Status copy(Convert convert, std::uint64_t total) {
        MigrationClock clock{MigrateProgress::Stage::copying, total};
        Status status;
        auto scanned = for_each_record(source_, {}, [&](std::string_view key, const RecordView& record) {
            auto change = convert(key, record);
            if (!change) {
                status = failure(std::move(change).error());
                return false;
            }
            clock.count(key.size() + record.value.size());
            take(std::move(*change));
            if (pending_bytes_ < options_.batch_bytes) return true;
            status = put_pending(pending_.changes.back().key);
            return status.has_value() && go_on(clock);
        });
        if (!status) return status;
        if (!scanned || stopped_) return scanned;
        if (auto put = put_pending({}); !put) return put;
        static_cast<void>(go_on(clock));
        stopped_ = false;  // everything is there: whether to compare is asked again soon
        return {};
    }

    void take(Change change) {
        report_.records.add(change.key, {*change.value, change.version, change.expires_at});
        if (change.index_terms) {
            for (std::string_view rest = *change.index_terms; take_index_term(rest);) ++entries_;
        }
        // Room for what the library and the engine need of each, so that small records do not add up to something large.
        pending_bytes_ += change.key.size() + change.value->size() + sizeof(Change);
        pending_.changes.push_back(std::move(change));
    }

    /// Makes the target hold what is pending, and nothing else, from the last batch up to `end`; empty: and behind it.
    [[nodiscard]] Status put_pending(std::string end) {
        Batch batch = std::exchange(pending_, {});
        pending_bytes_ = 0;
        if (must_be_same_ || (marked_ && done_ <= *marked_ && !options_.dry_run)) {
            if (auto compared = leave_what_is_there(batch, end); !compared) return compared;
        }
        if (must_be_same_ && !batch.changes.empty())
            return failure(Errc::conflict, "the target holds records already, and they are not of a migration that was stopped");
        if (!end.empty()) done_ = std::move(end);
        if (options_.dry_run || batch.changes.empty()) return {};
        done_ = (std::max)(done_, batch.changes.back().key);  // of the last batch, too: the next call compares up to here
        for (const Change& change : batch.changes) ++(change.value ? report_.written : report_.erased);
        const std::string_view reached = marked_ && *marked_ > done_ ? std::string_view{*marked_} : std::string_view{done_};
        std::string mark(1, migration_format);
        append_big_endian(mark, source_version_, 8);
        batch.put(std::string{migration_key}, mark.append(reached));
        is_marked_ = true;
        auto written = write(batch);
        batch.changes.clear();
        pending_.changes = std::move(batch.changes);  // for its room
        return written;
    }

    /// As the next version, which is above every one that the source has allocated; if nobody else has written meanwhile.
    [[nodiscard]] Status write(Batch& batch) {
        batch.after = last_version_;
        batch.version = (std::max)(last_version_ + 1, source_version_);
        for (const Change& change : batch.changes) batch.version = (std::max)(batch.version, change.version);
        const auto written = target_.write(batch);
        if (!written) return failure(written.error());
        last_version_ = *written;
        return {};
    }

    /// Takes out of `batch` what the target has already, and has what the source does not have erased.
    [[nodiscard]] Status leave_what_is_there(Batch& batch, std::string_view end) {
        const KeyRange range{done_.empty() ? std::string{} : done_ + '\0', end.empty() ? std::string{} : std::string{end} + '\0',
                             Direction::forward};
        auto at = batch.changes.begin();
        std::vector<Change> changes;
        auto scanned = for_each_record(target_, range, [&](std::string_view key, const RecordView& record) {
            while (at != batch.changes.end() && at->key < key) changes.push_back(std::move(*at++));
            if (at == batch.changes.end() || at->key != key) {
                changes.push_back({std::string{key}, std::nullopt, {}, absent, ValueForm::bytes, std::string{}});
                return !must_be_same_;
            }
            const bool same = at->version == record.version && at->expires_at == record.expires_at && *at->value == record.value &&
                              (at->index_terms ? *at->index_terms : std::string_view{}) == record.index_terms;
            if (!same) {
                if (!at->index_terms) at->index_terms.emplace();
                changes.push_back(std::move(*at));
            }
            ++at;
            return true;
        });
        if (!scanned) return scanned;
        changes.insert(changes.end(), std::make_move_iterator(at), std::make_move_iterator(batch.changes.end()));
        batch.changes = std::move(changes);
        return {};
    }

    /// Reads the target, and compares it with what was to be there.
    [[nodiscard]] Status compare() {
        MigrationClock clock{MigrateProgress::Stage::verifying, report_.records.total().records + report_.records.reserved.records};
        Inventory found;
        std::uint64_t entries = 0;
        auto scanned = target_.scan({}, [&](std::string_view key, const RecordView& record) {
            if (is_index_entry(key)) return ++entries != 0;
            if (key == migration_key) return true;
            found.add(key, record);
            clock.count(key.size() + record.value.size());
            return clock.progress().records % records_between_calls != 0 || go_on(clock);
        });
        if (!scanned || stopped_) return scanned;
        if (auto same = require_same_records(report_.records, found, true); !same)
            return failure(same.error().code(), "the target is not what was written to it: " + std::string{same.error().message()});
        if (entries != entries_) {
            return failure(Errc::corrupt,
                           "the target has " + std::to_string(entries) + " index entries, not " + std::to_string(entries_));
        }
        static_cast<void>(clock.tell(options_.progress));
        return {};
    }

    [[nodiscard]] Status take_mark_away() {
        if (!is_marked_) return {};
        Batch batch;
        batch.erase(std::string{migration_key});
        return write(batch);
    }

    BackendRef source_;
    BackendRef target_;
    const MigrateOptions& options_;
    MigrateReport report_;
    Batch pending_;
    std::size_t pending_bytes_ = 0;
    std::uint64_t entries_ = 0;  // index entries that the target must have
    Version source_version_ = absent;
    Version last_version_ = absent;      // the target's
    std::optional<std::string> marked_;  // up to this key an earlier call has come
    bool is_marked_ = false;
    bool must_be_same_ = false;  // records without a mark: of a migration whose caller ended before it was told, or of no migration
    std::string done_;           // up to this key this one has
    bool stopped_ = false;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
