#ifndef JOINLY_DETAIL_LEVELDB_LOG_CHECK_HPP
#define JOINLY_DETAIL_LEVELDB_LOG_CHECK_HPP
// Keeps from LevelDB logs that it would read wrongly.
//
// One that holds a change twice ends the process (see log_records.hpp). Of changes that are missing LevelDB says nothing: there are
// two logs while it makes a table of what the older one holds, and what a power failure takes of that one, or as zeros of the
// earlier blocks of one, is a hole in what is left. Each change has the number after that of the one before, so that is what
// opening looks at. A batch without changes has the number that the next change will have.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/files.hpp>
#include <joinly/detail/leveldb/log.hpp>
#include <joinly/detail/leveldb/log_records.hpp>
#include <joinly/detail/leveldb/manifest.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The changes of a log: from number `first` up to and without `end`.
struct LevelDbLogSpan {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    bool has_records = false;  ///< else there is no `first` either
    bool rises = true;         ///< the numbers only rise
    bool is_whole = true;      ///< from the log's first byte on none is missing

    [[nodiscard]] bool has_changes() const noexcept { return first != end; }
};

/// Of the log whose blocks `next_block` gives, and then an empty one.
template <class NextBlock>
[[nodiscard]] LevelDbLogSpan leveldb_span_of(NextBlock next_block) {
    LevelDbLogRecords records{leveldb_batch_head_bytes};
    LevelDbLogSpan span;
    for (std::string_view block = next_block(); span.rises && !block.empty(); block = next_block()) {
        records.add_block(block, [&](std::size_t begin, std::string_view record) {
            if (record.size() < leveldb_batch_head_bytes) return;
            const LevelDbSequences sequences{record};
            span.rises = span.rises && sequences.first >= span.end;
            if (!span.has_records) span = {sequences.first, sequences.first, true, true, begin == 0};
            if (sequences.first == sequences.end) return;
            span.is_whole = span.is_whole && sequences.first == span.end;
            span.end = sequences.end;
        });
    }
    return span;
}

/// Reads the log once, which is nothing beside what LevelDB does with it; a second time where that looks wrong, for a frame
/// that does not match its checksum LevelDB leaves out, or says so itself. nullopt: it cannot be read.
[[nodiscard]] inline std::optional<LevelDbLogSpan> leveldb_span_of_log(const std::string& path) {
    leveldb::Env& env = *leveldb::Env::Default();
    leveldb::SequentialFile* raw = nullptr;
    if (!env.NewSequentialFile(path, &raw).ok()) return std::nullopt;
    const std::unique_ptr<leveldb::SequentialFile> file{raw};
    const std::unique_ptr<char[]> space{new char[leveldb_block_bytes]};
    bool readable = true;
    const auto read = [&] {
        leveldb::Slice block;
        readable = file->Read(leveldb_block_bytes, &block, space.get()).ok();
        return readable ? to_view(block) : std::string_view{};
    };
    const auto span = leveldb_span_of(read);
    if (!readable) return std::nullopt;
    if (span.rises && span.is_whole) return span;

    std::string log;
    if (!leveldb::ReadFileToString(&env, path, &log).ok()) return std::nullopt;
    static_cast<void>(void_damaged_leveldb_frames(log));
    return leveldb_span_of([rest = std::string_view{log}]() mutable { return take_leveldb_block(rest); });
}

struct LevelDbLog {
    std::uint64_t number;
    std::string path;
    LevelDbLogSpan span;
};

/// The logs that LevelDB would read, the oldest first, as far as they can be read.
struct LevelDbLogs {
    LevelDbLogs(const std::string& directory, const LevelDbManifest& manifest) {
        std::vector<std::string> names;
        all_read = leveldb::Env::Default()->GetChildren(directory, &names).ok();
        for (const std::uint64_t number : leveldb_log_numbers(names)) {
            if (number < manifest.log_number) continue;
            std::string path = leveldb_log_path(directory, number);
            const auto span = leveldb_span_of_log(path);
            all_read = all_read && span.has_value();
            if (span) logs.push_back({number, std::move(path), *span});
        }
    }
    std::vector<LevelDbLog> logs;
    bool all_read = true;
};

/// The first log with changes in which others are missing, or before which they are; else null. There is no log without records
/// before one that has some: LevelDB begins another one when there is no more room for that one's changes, or when it is told to
/// compact, and then the adapter has written to it (see LevelDbBackend::compact).
[[nodiscard]] inline const LevelDbLog* find_leveldb_hole(const std::vector<LevelDbLog>& logs,
                                                         const LevelDbManifest& manifest) noexcept {
    bool any_missing = false;
    const LevelDbLog* before = nullptr;
    for (const LevelDbLog& log : logs) {
        const bool goes_on = before != nullptr ? log.span.first == before->span.end : log.span.first <= manifest.last_sequence + 1;
        any_missing = any_missing || !log.span.has_records || !log.span.is_whole || !goes_on;
        if (any_missing && log.span.has_changes()) return &log;
        before = &log;
    }
    return nullptr;
}

struct LevelDbLogFlaw {
    std::uint64_t log;
    const char* what;
};

/// Where changes are missing that were made before others, or none is left.
[[nodiscard]] inline std::optional<LevelDbLogFlaw> find_missing_leveldb_changes(const LevelDbLogs& found,
                                                                                const LevelDbManifest& manifest) noexcept {
    if (!found.all_read) return std::nullopt;
    if (manifest.log_number != 0 && (found.logs.empty() || found.logs.front().number != manifest.log_number))
        return LevelDbLogFlaw{manifest.log_number, "the file is missing"};
    if (const LevelDbLog* const hole = find_leveldb_hole(found.logs, manifest))
        return LevelDbLogFlaw{hole->number, "batches that came before others are missing, as after a power failure"};
    return std::nullopt;
}

/// `corrupt` when LevelDB must not be given the logs of a database. What cannot be read is LevelDB's to tell.
/// @param may_have_holes  Changes may be missing.
[[nodiscard]] inline Status check_leveldb_logs(const std::string& directory, bool may_have_holes) {
    const auto refuse = [&](const LevelDbLogFlaw& flaw) {
        return failure(Errc::corrupt, leveldb_log_path(directory, flaw.log) + ": " + flaw.what + leveldb_repair_advice(directory));
    };
    const auto manifest = read_leveldb_manifest(directory);
    const LevelDbLogs found{directory, manifest.value_or(LevelDbManifest{})};
    for (const LevelDbLog& log : found.logs) {
        if (!log.span.rises) return refuse({log.number, "a batch is there twice, or after a later one"});
    }
    if (may_have_holes || !manifest) return {};
    const auto missing = find_missing_leveldb_changes(found, *manifest);
    return missing ? refuse(*missing) : Status{};
}

/// Cuts torn ends off the MANIFEST and off the logs that no change comes after. @return whether there was one, and it is gone.
[[nodiscard]] inline bool cut_leveldb_torn_tails(const std::string& directory) {
    bool any = cut_leveldb_torn_tail(directory, current_leveldb_manifest(directory));
    const auto numbers = leveldb_log_numbers(leveldb_files_in(directory));
    for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
        const std::string path = leveldb_log_path(directory, *number);
        if (cut_leveldb_torn_tail(directory, path.substr(directory.size() + 1))) any = true;
        const auto span = leveldb_span_of_log(path);
        if (!span || span->has_changes()) break;
    }
    return any;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
