#ifndef JOINLY_DETAIL_POLICY_JOURNAL_SEGMENT_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_SEGMENT_HPP
// One segment file of the journal while it is written: allocated in full, mapped, and its pages ready.
// Takes no lock: one thread at a time makes, activates or appends; any number may sync it meanwhile.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/detail/policy/journal_format.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class JournalSegment {
public:
    /// A file of so many bytes, which is nobody's yet. When it cannot be made there is none.
    [[nodiscard]] static Result<std::shared_ptr<JournalSegment>> make(std::string path, std::size_t bytes, bool synced) {
        auto file = create_file(path);
        if (!file) return failure(std::move(file).error());
        auto mapping = prepare(*file, bytes, path, synced);
        if (!mapping) {
            (void)remove_file(path);  // the error that counts is the first one
            return failure(std::move(mapping).error());
        }
        return std::make_shared<JournalSegment>(std::move(path), std::move(*file), std::move(*mapping));
    }

    JournalSegment(std::string path, FileDescriptor file, Mapping mapping) noexcept
        : path_{std::move(path)}, file_{std::move(file)}, mapping_{std::move(mapping)} {}

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return mapping_.size(); }

    /// Begins another life, the one that `header` tells of: what it held is forgotten. Where power losses count, the header
    /// is durable when this returns; after an error the file is not to be used again.
    [[nodiscard]] Status begin(JournalHeader header) {
        if (header.seed == seed_) ++header.seed;  // no frame of the life before can be taken for one of this
        header.bytes = mapping_.size();
        write_header(mapping_.data(), header);
        write_header(mapping_.data() + mapping_.size() - journal_header_bytes, header);
        seed_ = header.seed;
        offset_ = journal_header_bytes;
        retired_ = false;
        return header.synced ? sync_data(file_, path_) : Status{};
    }

    /// Its frames are not needed any more, so that it does not matter when it vanishes.
    void retire() noexcept { retired_ = true; }
    [[nodiscard]] bool has_vanished() const noexcept { return !has_name(file_) && !retired_; }

    [[nodiscard]] static tl::unexpected<Error> vanished(const std::string& path) {
        return failure(Errc::io, path + ": the file has been removed, or the disk does not answer");
    }

    /// What is called `path` in the message.
    [[nodiscard]] Status sync(const std::string& path) const {
        if (has_vanished()) return vanished(path);
        return sync_data(file_, path);
    }

    [[nodiscard]] Status rename_to(std::string path) {
        if (auto renamed = rename_file(path_, path); !renamed) return renamed;
        path_ = std::move(path);
        return {};
    }

    [[nodiscard]] bool fits(std::size_t payload) const noexcept {
        return payload <= max_frame_payload && frame_bytes(payload) <= mapping_.size() - journal_header_bytes - offset_;
    }

    /// When it fits.
    void append(Version sequence, Version watermark, std::string_view payload) noexcept {
        write_frame(mapping_.data() + offset_, seed_, sequence, watermark, payload);
        offset_ += frame_bytes(payload.size());
        prefetch();
    }

private:
    /// Asks for the memory of a frame as they usually are, so that it is there when the next one is written.
    void prefetch() const noexcept {
#if defined(__GNUC__)
        constexpr std::size_t usual = 448;
        const std::size_t end = (std::min)(offset_ + usual, mapping_.size());
        for (std::size_t at = offset_; at < end; at += 64) __builtin_prefetch(mapping_.data() + at, 1);
#endif
    }

    [[nodiscard]] static Result<Mapping> prepare(const FileDescriptor& file, std::size_t bytes, const std::string& path,
                                                 bool synced) {
        if (auto allocated = allocate(file, bytes, path); !allocated) return failure(std::move(allocated).error());
        auto mapping = Mapping::of_file(file, bytes, path);
        if (!mapping) return mapping;
        if (auto populated = mapping->populate(path); !populated) return failure(std::move(populated).error());
        if (synced) {  // now, and not with the first frames
            if (auto done = sync_file(file, path); !done) return failure(std::move(done).error());
        }
        return mapping;
    }

    std::string path_;
    FileDescriptor file_;
    Mapping mapping_;
    std::size_t offset_ = journal_header_bytes;
    std::uint32_t seed_ = 0;
    std::atomic<bool> retired_{false};
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
