#ifndef JOINLY_DETAIL_POLICY_JOURNAL_RECORDS_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_RECORDS_HPP
// The journal's files that are written once and replaced as a whole: the checkpoint and the dead letters. To the latter records
// are added, too, behind the end that the header tells: a list that was rewritten for each letter would cost the square of them.
// One thread at a time.

#include <joinly/config.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/detail/policy/journal_format.hpp>
#include <joinly/detail/printable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::string_view checkpoint_name = "checkpoint";
inline constexpr std::string_view dead_letters_name = "dead_letters";

/// Writes such a file beside the one it is to replace. Destroyed before `replace`, it leaves nothing.
class RecordFileWriter {
public:
    [[nodiscard]] static Result<RecordFileWriter> create(const JournalDirectory& directory, std::string_view name) {
        if (auto held = directory.require_held(); !held) return failure(std::move(held).error());
        RecordFileWriter writer{directory, name};
        auto file = create_file(writer.temporary_);
        if (!file) return failure(std::move(file).error());
        auto seed = random_number();
        if (!seed) return failure(std::move(seed).error());
        writer.file_ = std::move(*file);
        writer.seed_ = *seed;
        writer.unfinished_ = true;
        return writer;
    }

    RecordFileWriter(RecordFileWriter&& other) noexcept
        : directory_{other.directory_},
          path_{std::move(other.path_)},
          temporary_{std::move(other.temporary_)},
          buffer_{std::move(other.buffer_)},
          file_{std::move(other.file_)},
          written_{other.written_},
          added_{other.added_},
          frames_{other.frames_},
          seed_{other.seed_},
          unfinished_{std::exchange(other.unfinished_, false)} {}
    RecordFileWriter& operator=(RecordFileWriter&&) = delete;
    ~RecordFileWriter() {
        if (unfinished_) (void)remove_file(temporary_);
    }

    /// A record; they are numbered from 1.
    [[nodiscard]] Status add(std::string_view payload) { return add(frames_ + 1, payload); }

    [[nodiscard]] Status add(std::uint64_t sequence, std::string_view payload) {
        if (payload.size() > max_frame_payload) return failure(Errc::invalid_argument, path_ + ": a record of 4 GiB or more");
        append_frame(buffer_, seed_, sequence, payload);
        ++frames_;
        return buffer_.size() < buffer_bytes ? Status{} : write_out();
    }

    /// What was added becomes the file, durably.
    [[nodiscard]] Status replace(JournalFileKind kind, std::uint64_t number) {
        return replace(JournalHeader{kind, true, number, 0, frames_, 0, 0});
    }

    [[nodiscard]] Status replace(JournalHeader header) {
        if (auto written = write_out(); !written) return written;
        header.seed = seed_;
        header.bytes = written_ + journal_header_bytes;
        char head[journal_header_bytes];
        write_header(head, header);
        const std::string_view bytes{head, sizeof head};
        if (auto written = write_at(file_, written_, bytes, temporary_); !written) return written;
        if (auto written = write_at(file_, 0, bytes, temporary_); !written) return written;
        if (auto synced = sync_file(file_, temporary_); !synced) return synced;
        if (auto held = directory_->require_held(); !held) return held;
        if (auto renamed = rename_file(temporary_, path_); !renamed) return renamed;
        unfinished_ = false;
        return directory_->sync();
    }

    /// What was replaced, which can be read by it whatever becomes of the name.
    [[nodiscard]] FileDescriptor take_file() noexcept { return std::move(file_); }

    /// Whether the file, once it has replaced the other, may have so large a record added: not when its name leads to another file,
    /// or to none, nor when it would be more than twice as large as it was written.
    [[nodiscard]] bool takes_addition(std::size_t payload) const {
        if (added_ + frame_bytes(payload) > written_ + journal_header_bytes) return false;
        const auto is_there = leads_to(path_, file_);
        return is_there && *is_there;
    }
    /// Adds a record behind the file's end, durably. After an error nothing is to be added any more.
    [[nodiscard]] Status append(std::string_view payload) {
        std::string frame;
        append_frame(frame, seed_, frames_ + 1, payload);
        const std::uint64_t end = written_ + journal_header_bytes + added_;
        Status added = write_at(file_, end, frame, path_);
        if (added) added = sync_data(file_, path_);
        if (!added) {
            (void)cut_file(file_, end, path_);  // or it might be read as if it had been added
            return added;
        }
        ++frames_;
        added_ += frame.size();
        return {};
    }

private:
    static constexpr std::size_t buffer_bytes = std::size_t{256} << 10;

    RecordFileWriter(const JournalDirectory& directory, std::string_view name)
        : directory_{&directory}, path_{directory.file(name)}, temporary_{path_ + ".tmp"} {}

    [[nodiscard]] Status write_out() {
        if (auto written = write_at(file_, written_, buffer_, temporary_); !written) return written;
        written_ += buffer_.size();
        buffer_.clear();
        return {};
    }

    const JournalDirectory* directory_;
    std::string path_;
    std::string temporary_;
    std::string buffer_;
    FileDescriptor file_;
    std::uint64_t written_ = journal_header_bytes;
    std::uint64_t added_ = 0;  // behind the end
    std::uint64_t frames_ = 0;
    std::uint32_t seed_ = 0;
    bool unfinished_ = false;
};

/// Reads such a file; null when there is none. With `skips` null the first damage is `corrupt`; else what cannot be read is
/// left out and counted there.
using RecordVisitor = FunctionRef<Status(std::string_view payload)>;
struct SkippedBytes {
    std::uint64_t bytes = 0;
    std::uint64_t first_at = 0;
};

[[nodiscard]] inline tl::unexpected<Error> record_file_damage(const std::string& path, std::uint64_t offset) {
    return failure(Errc::corrupt,
                   path + ": damaged at byte " + std::to_string(offset) + "; salvage_journal keeps what can be read");
}

[[nodiscard]] inline Status walk_records(std::string_view bytes, const JournalHeader& header, const std::string& path,
                                         RecordVisitor visit, SkippedBytes* skips) {
    std::uint64_t last = 0;
    for (std::size_t at = journal_header_bytes; at < bytes.size();) {
        const auto frame = read_frame(bytes.substr(at), header.seed, last);
        if (frame && (frame->sequence == last + 1 || skips != nullptr)) {
            if (auto visited = visit(frame->payload); !visited) return visited;
            last = frame->sequence;
            at += frame_bytes(frame->payload.size());
            continue;
        }
        if (skips == nullptr) return record_file_damage(path, at);
        if (skips->bytes == 0) skips->first_at = at;
        const std::size_t step = (std::min)(std::size_t{8}, bytes.size() - at);
        skips->bytes += step;
        at += step;
    }
    if (skips == nullptr && last != header.starts_after) return record_file_damage(path, bytes.size());
    return {};
}

/// What was added behind the end: an addition that was not finished when the process or the machine died is left out.
[[nodiscard]] inline Status walk_additions(std::string_view bytes, const JournalHeader& header, const std::string& path,
                                           RecordVisitor visit, SkippedBytes* skips) {
    std::uint64_t last = header.starts_after;
    for (std::size_t at = static_cast<std::size_t>(header.bytes); at < bytes.size();) {
        const std::size_t begin = at;
        auto frame = read_frame(bytes.substr(at), header.seed, last);
        while (!frame && bytes.size() - at > frame_head_bytes) {
            at += 8;
            frame = read_frame(bytes.substr(at), header.seed, last);
        }
        if (!frame) break;
        if (skips == nullptr && (at != begin || frame->sequence != last + 1)) return record_file_damage(path, begin);
        if (at != begin) {
            if (skips->bytes == 0) skips->first_at = begin;
            skips->bytes += at - begin;
        }
        if (auto visited = visit(frame->payload); !visited) return visited;
        last = frame->sequence;
        at += frame_bytes(frame->payload.size());
    }
    return {};
}

/// The second header, of which the first tells the place if it can be read.
[[nodiscard]] inline Result<JournalHeader> read_trailer(std::string_view bytes, JournalFileKind kind, std::string_view& head) {
    if (bytes.size() < 2 * journal_header_bytes) return failure(Errc::corrupt);
    const std::size_t last = bytes.size() - journal_header_bytes;
    std::size_t at = last;
    if (kind == JournalFileKind::dead_letters) {  // it is not at the end if anything was added
        for (at -= at % 8; at > journal_header_bytes; at -= 8) {
            const auto found = read_header(bytes.substr(at), kind);
            if (!found && found.error() == Errc::incompatible) break;
            if (found && found->bytes == at + journal_header_bytes) break;
        }
        if (at <= journal_header_bytes) at = last;
    }
    head = bytes.substr(at);
    return read_header(head, kind);
}

[[nodiscard]] inline Result<std::optional<JournalHeader>> read_records(const std::string& path, JournalFileKind kind,
                                                                       RecordVisitor visit, SkippedBytes* skips) {
    const auto exists = file_exists(path);
    if (!exists) return failure(exists.error());
    if (!*exists) return std::nullopt;
    auto file = open_for_reading(path);
    if (!file) return failure(std::move(file).error());
    auto size = size_of(*file, path);
    if (!size) return failure(std::move(size).error());
    auto image = read_file(*file, *size, path);
    if (!image) return failure(std::move(image).error());
    const std::string_view bytes = image->bytes();

    std::string_view head = bytes;
    auto header = read_header(head, kind);
    if (!header && header.error() == Errc::corrupt) {
        if (auto trailer = read_trailer(bytes, kind, head); trailer || trailer.error() == Errc::incompatible) header = trailer;
    }
    if (!header && header.error() == Errc::incompatible) return newer_journal(path, head);
    const bool has_end = header && header->bytes >= 2 * journal_header_bytes;
    const bool has_additions = has_end && kind == JournalFileKind::dead_letters && header->bytes < bytes.size();
    const bool whole = has_additions || (header && header->bytes == bytes.size());
    if (!whole && skips == nullptr) return record_file_damage(path, header ? bytes.size() : 0);
    if (!header) {
        skips->bytes += bytes.size();
        return std::nullopt;
    }
    const std::size_t end = whole ? static_cast<std::size_t>(header->bytes) - journal_header_bytes : bytes.size();
    if (auto walked = walk_records(bytes.substr(0, end), *header, path, visit, skips); !walked) return failure(walked.error());
    if (has_additions) {
        if (auto walked = walk_additions(bytes, *header, path, visit, skips); !walked) return failure(walked.error());
    }
    return std::optional{*header};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
