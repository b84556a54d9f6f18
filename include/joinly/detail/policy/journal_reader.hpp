#ifndef JOINLY_DETAIL_POLICY_JOURNAL_READER_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_READER_HPP
// Reads a journal's segments, and decides what is a torn tail and what is damage.
//
// What cannot be read is a hole. At the end of everything it is a torn tail: what was being written when the process or the
// machine died. With something valid behind it, it is damage, if that something says that the hole had been durable, or
// if the segment was never to be synced, so that no power loss can explain it to the user's satisfaction. Otherwise a
// power loss has taken some pages and left later ones: the journal ends at the hole, and what lies behind is cut off.
// A segment's header tells which frame it starts after, and so cuts off whatever earlier segments hold above that: that
// is how a cut lasts. One thread at a time.

#include <joinly/config.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/detail/policy/journal_format.hpp>
#include <joinly/detail/policy/journal_segments.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// A stretch of a file that could not be read. `after` is the frame before it.
struct JournalHole {
    std::string path;
    std::uint64_t begin = 0;
    Version after = 0;
    bool missing = false;          ///< there is no such file
    std::uint64_t file_bytes = 0;  ///< where the hole ends at the latest, if it lies before the file that ends it
};

/// The number in "0000000007.segment", 0 for any other name.
[[nodiscard]] inline std::uint64_t segment_number(std::string_view name) noexcept {
    if (!name.ends_with(segment_suffix) || name.size() - segment_suffix.size() > 19) return 0;
    std::uint64_t number = 0;
    for (const char c : name.substr(0, name.size() - segment_suffix.size())) {
        if (c < '0' || c > '9') return 0;
        number = number * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return number;
}

class JournalReader {
public:
    using FrameVisitor = FunctionRef<Status(const std::string& path, std::uint64_t offset, const JournalFrame& frame)>;
    /// Says whether reading goes on behind a hole that ends at byte `end` of `path`: the answer's error, if it does not.
    using HoleVisitor = FunctionRef<Status(const JournalHole& hole, const std::string& path, std::uint64_t end)>;

    /// @param known  the newest version that is safe elsewhere: a hole below it does not matter
    explicit JournalReader(const JournalDirectory& directory, Version known = absent) noexcept
        : directory_{directory}, known_{known} {}
    void set_known(Version known) noexcept { known_ = known; }

    /// Finds the segments and reads their headers; `on_damage` hears of those that have none.
    [[nodiscard]] Status find(HoleVisitor on_damage) {
        auto names = directory_.names();
        if (!names) return failure(std::move(names).error());
        for (const std::string& name : *names) {
            if (const auto number = segment_number(name); number != 0) {
                if (auto found = find_segment(number, directory_.file(name), on_damage); !found) return found;
            }
        }
        std::sort(segments_.begin(), segments_.end(), [](const auto& a, const auto& b) { return a.file.number < b.file.number; });
        Version limit = (std::numeric_limits<Version>::max)();
        for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
            segment->limit = limit;
            limit = (std::min)(limit, segment->header.starts_after);
        }
        if (!segments_.empty()) starts_after_ = limit;
        return {};
    }

    /// Visits all frames, oldest first. In the strict form (`salvages` false) `on_damage` hears of damage only; else of
    /// whatever lies before a valid frame and is not one.
    [[nodiscard]] Status walk(bool salvages, FrameVisitor visit, HoleVisitor on_damage) {
        hole_.reset();
        last_ = starts_after_;
        watermark_ = 0;
        std::uint64_t expected = 0;
        for (Segment& segment : segments_) {
            if (expected != 0 && segment.file.number != expected && segment.header.starts_after > last_)
                hole_ = JournalHole{directory_.file(segment_name(expected, segment_suffix)), 0, last_, true};
            expected = segment.file.number + 1;
            if (segment.header.starts_after <= segment.limit) {
                if (auto entered = enter(segment, salvages, on_damage); !entered) return entered;
                if (auto done = read(segment, salvages, visit, on_damage); !done) return done;
            }
            segment.file.last = last_;
        }
        return {};
    }

    /// The newest frame; what the first segment starts after, when there is none.
    [[nodiscard]] Version last() const noexcept { return last_; }
    [[nodiscard]] Version starts_after() const noexcept { return starts_after_; }
    [[nodiscard]] Version watermark() const noexcept { return watermark_; }
    [[nodiscard]] std::uint64_t next_number() const noexcept { return newest_number_ + 1; }
    /// The journal's id, as the newest segment that has it tells; 0: none does.
    [[nodiscard]] std::uint64_t id() const noexcept {
        const auto has_id = [](const Segment& segment) { return segment.header.journal != 0; };
        const auto newest = std::find_if(segments_.rbegin(), segments_.rend(), has_id);
        return newest == segments_.rend() ? 0 : newest->header.journal;
    }
    /// Files that a power loss has left without what was written to them.
    [[nodiscard]] const std::vector<std::string>& blank_files() const noexcept { return blank_files_; }

    [[nodiscard]] std::deque<JournalSegmentFile> files() const {
        std::deque<JournalSegmentFile> files;
        for (const Segment& segment : segments_) files.push_back(segment.file);
        return files;
    }

private:
    struct Segment {
        JournalSegmentFile file;
        JournalHeader header;
        Version limit = 0;  // frames above this were cut off
    };

    [[nodiscard]] Status find_segment(std::uint64_t number, std::string path, HoleVisitor on_damage) {
        newest_number_ = (std::max)(newest_number_, number);
        auto file = open_for_reading(path);
        if (!file) return failure(std::move(file).error());
        auto size = size_of(*file, path);
        if (!size) return failure(std::move(size).error());
        char heads[2][journal_header_bytes] = {};
        if (auto read = read_at(*file, 0, heads[0], journal_header_bytes, path); !read) return read;
        if (*size >= 2 * journal_header_bytes) {
            if (auto read = read_at(*file, *size - journal_header_bytes, heads[1], journal_header_bytes, path); !read) return read;
        }
        for (const auto& head : heads) {
            auto header = read_header({head, journal_header_bytes}, JournalFileKind::segment);
            if (!header && header.error() == Errc::incompatible) return newer_journal(path, {head, journal_header_bytes});
            if (!header) continue;
            if (header->number == number) {
                segments_.push_back({{std::move(path), number, *size, 0, nullptr}, *header, 0});
            } else {
                blank_files_.push_back(std::move(path));  // recycled, and a power loss took either the name or the header
            }
            return {};
        }
        const bool never_written = *size >= 2 * journal_header_bytes && all_zeros({heads[0], journal_header_bytes}) &&
                                   all_zeros({heads[1], journal_header_bytes});
        if (!never_written) return on_damage({path, 0, 0, false}, path, *size);
        blank_files_.push_back(std::move(path));
        return {};
    }

    /// What follows `last_` should begin here; or something is missing between.
    [[nodiscard]] Status enter(const Segment& segment, bool salvages, HoleVisitor on_damage) {
        const Version starts_after = segment.header.starts_after;
        if (starts_after <= last_) {
            hole_.reset();  // it was a torn tail, and was cut off then
            return {};
        }
        if (!hole_) hole_ = JournalHole{segment.file.path, 0, last_, false};
        return meet(segment, segment.header.watermark, starts_after, 0, salvages, on_damage);
    }

    [[nodiscard]] Status read(const Segment& segment, bool salvages, FrameVisitor visit, HoleVisitor on_damage) {
        auto file = open_for_reading(segment.file.path);
        if (!file) return failure(std::move(file).error());
        const std::uint64_t size = (std::min)(segment.file.bytes, segment.header.bytes);
        auto image = read_file(*file, size, segment.file.path);
        if (!image) return failure(std::move(image).error());
        const std::size_t trailer = size == segment.header.bytes ? journal_header_bytes : 0;
        const std::string_view bytes = image->bytes().substr(0, image->size() - (std::min)(trailer, image->size()));

        std::size_t at = journal_header_bytes;
        while (at + frame_head_bytes <= bytes.size()) {
            const auto frame = read_frame(bytes.substr(at), segment.header.seed, last_);
            if (!frame) {
                if (!hole_) hole_ = JournalHole{segment.file.path, at, last_, false, segment.file.bytes};
                at += 8;
                continue;
            }
            if (frame->sequence > segment.limit) break;
            if (hole_) {
                if (auto met = meet(segment, frame->watermark, frame->sequence - 1, at, salvages, on_damage); !met) return met;
            }
            if (!hole_) {
                last_ = frame->sequence;
                watermark_ = (std::max)(watermark_, frame->watermark);
                if (auto visited = visit(segment.file.path, at, *frame); !visited) return visited;
            }
            at += frame_bytes(frame->payload.size());
        }
        if (!hole_)  // until the next segment says that nothing is missing
            hole_ = JournalHole{segment.file.path, at, last_, false, segment.file.bytes};
        return {};
    }

    /// Something valid lies behind a hole in which everything up to `reaches` may be missing. Closes the hole, or leaves it
    /// open when it may be a power loss's.
    [[nodiscard]] Status meet(const Segment& segment, Version watermark, Version reaches, std::uint64_t at, bool salvages,
                              HoleVisitor on_damage) {
        const bool matters = reaches > known_;
        if (matters && !salvages && segment.header.synced && watermark <= hole_->after) return {};
        if (matters || salvages) {
            if (auto accepted = on_damage(*hole_, segment.file.path, at); !accepted) return accepted;
        }
        last_ = (std::max)(last_, reaches);
        hole_.reset();
        return {};
    }

    const JournalDirectory& directory_;
    Version known_;
    std::vector<Segment> segments_;
    std::optional<JournalHole> hole_;
    std::vector<std::string> blank_files_;
    Version starts_after_ = 0;
    Version last_ = 0;
    Version watermark_ = 0;
    std::uint64_t newest_number_ = 0;
};

/// "/var/journal/0000000003.segment: damaged at byte 4096, after version 17"
[[nodiscard]] inline tl::unexpected<Error> journal_damage(const JournalHole& hole) {
    const std::string what = hole.missing ? "missing" : "damaged at byte " + std::to_string(hole.begin);
    return failure(Errc::corrupt, hole.path + ": " + what + ", after version " + std::to_string(hole.after) +
                                      "; salvage_journal keeps what can be read");
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
