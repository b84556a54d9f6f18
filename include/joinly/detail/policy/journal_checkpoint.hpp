#ifndef JOINLY_DETAIL_POLICY_JOURNAL_CHECKPOINT_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_CHECKPOINT_HPP
// All records of a backend that keeps nothing itself, as a file: written for a journal or a backup, and read back into such a
// backend. One thread at a time.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/detail/policy/journal_records.hpp>
#include <joinly/policy/journal_payload.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

/// Takes one record of a checkpoint; the views need only last for the call.
using CheckpointSink = detail::FunctionRef<Status(const JournalChange& record)>;

namespace detail {

/// Destroyed before `finish`, it leaves nothing.
class CheckpointWriter {
public:
    [[nodiscard]] static Result<CheckpointWriter> create(const JournalDirectory& directory) {
        auto file = RecordFileWriter::create(directory, checkpoint_name);
        if (!file) return failure(std::move(file).error());
        return CheckpointWriter{std::move(*file)};
    }

    [[nodiscard]] Status add(const JournalChange& record) {
        constexpr std::size_t frame_bytes = std::size_t{64} << 10;
        const auto append = [&](std::string& out) {
            out.append(record.value.value_or(std::string_view{}));
            return Status{};
        };
        auto put = payload_.put(record.key, record.expires_at, record.form, append, record.version, record.index_terms);
        if (!put || payload_.bytes().size() < frame_bytes) return put;
        auto added = file_.add(payload_.bytes());
        payload_.clear();
        return added;
    }

    /// What was added becomes the checkpoint, durably.
    /// @param version  the newest that was allocated at the moment of which the records are
    [[nodiscard]] Status finish(Version version) {
        if (auto added = file_.add(payload_.bytes()); !added) return added;
        return file_.replace(JournalFileKind::checkpoint, version);
    }

private:
    explicit CheckpointWriter(RecordFileWriter file) : file_{std::move(file)} {}
    RecordFileWriter file_;
    JournalPayload payload_;
};

/// A record as a checkpoint has it. Index entries are left out: they are made again from the terms.
[[nodiscard]] inline JournalChange checkpoint_record(std::string_view key, const RecordView& record) {
    JournalChange change{key, record.value, record.expires_at, ValueForm::bytes, record.version, {}};
    if (!record.index_terms.empty()) change.index_terms = record.index_terms;
    return change;
}

/// All records of one moment.
template <storage_backend Backend>
[[nodiscard]] Status copy_records(Backend& backend, CheckpointSink sink) {
    Status copied;
    auto scanned = backend.scan(KeyRange{}, [&](std::string_view key, const RecordView& record) {
        if (is_index_entry(key)) return true;
        copied = sink(checkpoint_record(key, record));
        return copied.has_value();
    });
    return scanned ? copied : scanned;
}

/// Reads the checkpoint file at `path`. @return its version; `absent` when there is none.
[[nodiscard]] inline Result<Version> read_checkpoint(const std::string& path, CheckpointSink visit) {
    const auto each = [&](std::string_view payload) { return JournalPayload::visit(payload, visit); };
    auto read = read_records(path, JournalFileKind::checkpoint, each, nullptr);
    if (!read) return failure(std::move(read).error());
    return *read ? (*read)->number : absent;
}

inline void add_to_batch(Batch& batch, const JournalChange& record) {
    batch.changes.push_back({std::string{record.key},
                             std::string{record.value.value_or(std::string_view{})},
                             record.expires_at,
                             record.version,
                             record.form,
                             {}});
    if (record.index_terms) batch.changes.back().index_terms = std::string{*record.index_terms};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
