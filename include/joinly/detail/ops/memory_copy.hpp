#ifndef JOINLY_DETAIL_OPS_MEMORY_COPY_HPP
#define JOINLY_DETAIL_OPS_MEMORY_COPY_HPP
// The records of a backend in memory, as a directory on disk: a journal with a checkpoint and nothing else, so that a store in
// memory under write-behind can also be opened on it.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/policy/journal_checkpoint.hpp>

#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Visits the records of the copy in `directory`, and the index entries that they will have. @return its version.
[[nodiscard]] inline Result<Version> read_memory_copy(const std::string& directory, ScanVisitor visit) {
    return read_checkpoint(directory + '/' + std::string{checkpoint_name}, [&](const JournalChange& record) -> Status {
        const RecordView view{record.value.value_or(std::string_view{}), record.version, record.expires_at,
                              record.index_terms.value_or(std::string_view{})};
        bool goes_on = visit(record.key, view);
        update_index_entries(
            record.key, {}, view.index_terms, [](const std::string&) {},
            [&](const std::string& key, const std::string& value) {
                goes_on = goes_on && visit(key, {value, record.version, {}});
            });
        return goes_on ? Status{} : failure(Errc::cancelled);
    });
}

/// Copies the copy in `from` to the new directory `to`, at another version, and reads it back with `visit`.
[[nodiscard]] inline Status copy_memory_copy(const std::string& from, const std::string& to, Version version, ScanVisitor visit) {
    if (!path_exists(from + '/' + std::string{checkpoint_name})) return failure(Errc::corrupt, from + ": the records are missing");
    if (auto made = make_new_directory(to); !made) return made;
    auto journal = JournalDirectory::take(to, JournalDirectory::Missing::fails);
    if (!journal) return failure(std::move(journal).error());
    auto writer = CheckpointWriter::create(*journal);
    if (!writer) return failure(std::move(writer).error());
    const auto add = [&](const JournalChange& record) { return writer->add(record); };
    if (auto read = read_checkpoint(from + '/' + std::string{checkpoint_name}, add); !read) return failure(std::move(read).error());
    if (auto finished = writer->finish(version); !finished) return finished;
    auto read_back = read_memory_copy(to, visit);
    return read_back ? Status{} : failure(std::move(read_back).error());
}

/// @return the newest version that the copy has allocated.
template <volatile_backend Backend>
[[nodiscard]] Result<Version> back_up_memory(Backend& backend, const std::string& directory, const CopyWatch& watch) {
    if (auto made = make_new_directory(directory); !made) return failure(std::move(made).error());
    auto journal = JournalDirectory::take(directory, JournalDirectory::Missing::fails);
    if (!journal) return failure(std::move(journal).error());
    auto writer = CheckpointWriter::create(*journal);
    if (!writer) return failure(std::move(writer).error());
    Status copied;
    const Status scanned = backend.scan(KeyRange{}, [&](std::string_view key, const RecordView& record) {
        copied = watch.copied(key, record) ? Status{} : failure(Errc::cancelled);
        if (copied && !is_index_entry(key)) copied = writer->add(checkpoint_record(key, record));
        return copied.has_value();
    });
    if (!scanned) return failure(scanned.error());
    if (!copied) return failure(copied.error());
    const auto version = backend.last_version();  // not below that of the moment of the scan: none is ever given twice
    if (!version) return version;
    if (auto finished = writer->finish(*version); !finished) return failure(std::move(finished).error());
    return read_memory_copy(directory, watch.read_back);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
