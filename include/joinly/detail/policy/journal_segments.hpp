#ifndef JOINLY_DETAIL_POLICY_JOURNAL_SEGMENTS_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_SEGMENTS_HPP
// Which segment files a journal has: those with frames, oldest first, of which the newest is written to, and spare ones.
//
// One lock: mutex_ guards the lists and all below them. It is not held while a spare is made or a stored segment retired;
// `next` makes a segment under it when there is no spare, and asks the directory, whose lock comes after. prepare and clear are
// called one at a time, stored not beside clear.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/detail/policy/journal_format.hpp>
#include <joinly/detail/policy/journal_segment.hpp>
#include <joinly/policy/journal_options.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// A segment file with frames up to `last`; `live` is null for one that was there at open.
struct JournalSegmentFile {
    std::string path;
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    Version last = 0;  // of the active segment: not known yet
    std::shared_ptr<JournalSegment> live;
};

/// What was found at open: segments, oldest first, frames up to `last`, durable at least up to `durable`.
struct JournalFound {
    std::deque<JournalSegmentFile> segments;
    Version last = 0;
    Version durable = 0;
    std::uint64_t next_number = 1;
    std::uint64_t id = 0;  // of the journal
};

inline constexpr std::string_view segment_suffix = ".segment";
inline constexpr std::string_view spare_suffix = ".spare";

/// "0000000007.segment"
[[nodiscard]] inline std::string segment_name(std::uint64_t number, std::string_view suffix) {
    std::string digits = std::to_string(number);
    if (digits.size() < 10) digits.insert(0, 10 - digits.size(), '0');
    return digits.append(suffix);
}

class JournalSegments {
public:
    JournalSegments(const JournalDirectory& directory, const JournalOptions& options)
        : directory_{directory},
          synced_{options.sync == Sync::power_loss || options.sync_interval.count() > 0},
          segment_bytes_{std::clamp(options.segment_bytes, std::size_t{64} << 10, std::size_t{1} << 30) / 4096 * 4096},
          limit_bytes_{(std::max)(options.limit_bytes, 2 * segment_bytes_)} {
        spares_.reserve(2 * max_spares);  // so that giving one back cannot fail
    }

    void begin(std::deque<JournalSegmentFile> found, std::uint64_t next_number, std::uint64_t id) {
        segments_ = std::move(found);
        next_number_ = next_number;
        id_ = id;
        for (const auto& segment : segments_) bytes_ += segment.bytes;
    }

    /// Of the journal, for the headers of the segments that begin from now on.
    void set_id(std::uint64_t id) {
        const std::scoped_lock lock{mutex_};
        id_ = id;
    }

    /// The newest segment from now on, with room for a frame of so much payload; the one before it has frames up to `last`.
    [[nodiscard]] Result<std::shared_ptr<JournalSegment>> next(std::size_t payload, Version last, Version durable) {
        const std::size_t needed = (frame_bytes(payload) + 2 * journal_header_bytes + 4095) / 4096 * 4096;
        const std::size_t bytes = (std::max)(segment_bytes_, needed);
        if (payload > max_frame_payload || bytes > limit_bytes_) {
            return failure(Errc::invalid_argument, directory_.path() + ": a batch of " + std::to_string(payload) +
                                                       " bytes is more than the journal's limit of " +
                                                       std::to_string(limit_bytes_));
        }
        auto seed = random_number();
        if (!seed) return failure(std::move(seed).error());
        auto segment = begin_next(bytes, last, durable, *seed);
        if (segment) shrink();
        return segment;
    }

    /// Segments without a frame above `version` become spares, or go.
    void stored(Version version, bool reuse) {
        while (true) {
            JournalSegmentFile oldest;
            {
                const std::scoped_lock lock{mutex_};
                stored_ = (std::max)(stored_, version);
                if (segments_.empty() || is_active(segments_.front()) || segments_.front().last > version) return;
                oldest = std::move(segments_.front());
                segments_.pop_front();
            }
            retire(std::move(oldest), reuse);
        }
    }

    /// Whether the last spare has been taken since `prepare`.
    [[nodiscard]] bool wants_spare() const noexcept { return wants_spare_.load(std::memory_order_relaxed); }

    /// Makes a spare when there is none. `io`: the active segment's file is gone, or the directory is; that there is no room is
    /// no error.
    [[nodiscard]] Status prepare() {
        std::string path;
        {
            const std::scoped_lock lock{mutex_};
            wants_spare_.store(false, std::memory_order_relaxed);
            if (active_ && active_->has_vanished()) return JournalSegment::vanished(active_->path());
            if (!spares_.empty() || bytes_ + segment_bytes_ > limit_bytes_) return {};
            path = spare_path();
            bytes_ += segment_bytes_;
        }
        Status held;
        Result<std::shared_ptr<JournalSegment>> spare = failure(Errc::full);
        JOINLY_TRY {
            held = directory_.require_held();
            if (held) spare = JournalSegment::make(std::move(path), segment_bytes_, synced_);
        }
        JOINLY_CATCH_ALL {}  // no memory: no spare
        const std::scoped_lock lock{mutex_};
        if (spare) {
            spares_.push_back(std::move(*spare));
        } else {
            bytes_ -= segment_bytes_;
        }
        return held;
    }

    /// Removes them all, durably.
    [[nodiscard]] Status clear() {
        if (auto held = directory_.require_held(); !held) return held;
        const std::scoped_lock lock{mutex_};
        active_.reset();
        for (; !segments_.empty(); segments_.pop_front()) {
            if (auto removed = remove_file(segments_.front().path); !removed) return removed;
            bytes_ -= segments_.front().bytes;
        }
        for (; !spares_.empty(); spares_.pop_back()) {
            if (auto removed = remove_file(spares_.back()->path()); !removed) return removed;
            bytes_ -= spares_.back()->bytes();
        }
        return directory_.sync();
    }

    /// Those with frames that were not there before segment `number` was the newest, oldest first.
    [[nodiscard]] std::vector<JournalSegmentFile> since(std::uint64_t number) const {
        const std::scoped_lock lock{mutex_};
        std::vector<JournalSegmentFile> found;
        for (const auto& segment : segments_) {
            if (segment.number >= number) found.push_back(segment);
        }
        return found;
    }

    /// Waits for nobody, be it that a segment is made under the lock.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

private:
    static constexpr std::size_t max_spares = 2;

    [[nodiscard]] bool is_active(const JournalSegmentFile& segment) const noexcept {
        return segment.live && segment.live == active_;
    }
    [[nodiscard]] std::string spare_path() { return directory_.file(segment_name(++next_spare_, spare_suffix)); }

    [[nodiscard]] Result<std::shared_ptr<JournalSegment>> begin_next(std::size_t bytes, Version last, Version durable,
                                                                     std::uint32_t seed) {
        const std::scoped_lock lock{mutex_};
        if (auto held = directory_.require_held(); !held) return failure(std::move(held).error());
        auto segment = take(bytes, last);
        if (!segment) return segment;
        if (spares_.empty()) wants_spare_.store(true, std::memory_order_relaxed);
        const JournalHeader header{JournalFileKind::segment, synced_, next_number_, 0, last, durable, seed, id_};
        if (auto activated = activate(*segment, header); !activated) return failure(std::move(activated).error());
        return segment;
    }

    /// What was the newest segment may have held nothing but what is stored.
    void shrink() {
        Version version = absent;
        {
            const std::scoped_lock lock{mutex_};
            if (bytes_ <= limit_bytes_) return;
            version = stored_;
        }
        stored(version, false);
    }

    /// The limit does not count the newest segment when that, with frames up to `last`, is stored: it can go as soon as it is not
    /// the newest any more.
    [[nodiscard]] Result<std::shared_ptr<JournalSegment>> take(std::size_t bytes, Version last) {
        while (!spares_.empty()) {
            auto spare = std::move(spares_.back());
            spares_.pop_back();
            if (spare->bytes() >= bytes) return spare;
            bytes_ -= spare->bytes();  // makes room for a larger one
            (void)remove_file(spare->path());
        }
        const std::size_t leaving = active_ && last <= stored_ ? active_->bytes() : 0;
        if (bytes_ - leaving + bytes > limit_bytes_) {
            return failure(Errc::full, directory_.path() + ": the journal has " + std::to_string(bytes_) + " of at most " +
                                           std::to_string(limit_bytes_) + " bytes, which the backend has not stored yet");
        }
        auto made = JournalSegment::make(spare_path(), bytes, synced_);
        if (made) bytes_ += bytes;
        return made;
    }

    [[nodiscard]] Status activate(const std::shared_ptr<JournalSegment>& segment, const JournalHeader& header) {
        const std::string path = directory_.file(segment_name(header.number, segment_suffix));
        segments_.push_back({path, header.number, segment->bytes(), 0, segment});  // first, for it may fail
        auto begun = segment->begin(header);
        auto named = begun ? give_name(*segment, path) : begun;
        if (!named) {
            segments_.pop_back();
            if (begun) {
                spares_.push_back(segment);  // as good as before
            } else {
                bytes_ -= segment->bytes();  // what could not be synced must not be taken for synced later
                (void)remove_file(segment->path());
            }
            return named;
        }
        if (active_) segments_[segments_.size() - 2].last = header.starts_after;
        active_ = segment;
        ++next_number_;
        return {};
    }

    /// What a file of that name would hold is not this journal's to destroy. Nobody else makes one meanwhile: the directory is
    /// held.
    [[nodiscard]] static Status give_name(JournalSegment& segment, const std::string& path) {
        const auto is_taken = file_exists(path);
        if (!is_taken) return failure(is_taken.error());
        if (*is_taken)
            return failure(Errc::io, path + ": somebody else has put it there; the journal goes on once it is moved away");
        return segment.rename_to(path);
    }

    void retire(JournalSegmentFile segment, bool reuse) {
        if (segment.live) segment.live->retire();
        JOINLY_TRY {
            const bool is_ours = directory_.require_held().has_value();  // or the name may be another journal's by now
            if (is_ours && reuse && segment.live && segment.bytes == segment_bytes_ && become_spare(segment.live)) return;
            if (is_ours) (void)remove_file(segment.path);  // left behind it does no harm: its frames are known to be stored
        }
        JOINLY_CATCH_ALL {}
        const std::scoped_lock lock{mutex_};
        bytes_ -= segment.bytes;
    }

    [[nodiscard]] bool become_spare(const std::shared_ptr<JournalSegment>& segment) {
        std::string path;
        {
            const std::scoped_lock lock{mutex_};
            if (spares_.size() >= max_spares) return false;
            path = spare_path();
        }
        if (!segment->rename_to(std::move(path))) return false;
        const std::scoped_lock lock{mutex_};
        spares_.push_back(segment);
        return true;
    }

    const JournalDirectory& directory_;
    const bool synced_;
    const std::size_t segment_bytes_;
    const std::size_t limit_bytes_;

    mutable std::mutex mutex_;
    std::deque<JournalSegmentFile> segments_;  // oldest first; the last is the active one, if that is set
    std::shared_ptr<JournalSegment> active_;
    std::vector<std::shared_ptr<JournalSegment>> spares_;
    std::atomic<std::size_t> bytes_{0};  // changed under mutex_
    Version stored_ = absent;            // by the backend
    std::uint64_t next_number_ = 1;
    std::uint64_t next_spare_ = 0;
    std::uint64_t id_ = 0;
    std::atomic<bool> wants_spare_{false};  // changed under mutex_
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
