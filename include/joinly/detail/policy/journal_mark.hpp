#ifndef JOINLY_DETAIL_POLICY_JOURNAL_MARK_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_MARK_HPP
// How a journal knows its own flushes from what others write to its database: a record of the library's own, which each flush
// under the journal writes anew, in its transaction.
//
//     key      00 'w', the journal's id, 8 bytes, the highest first
//     value    1, the format, in 1 byte
//     version  the flush's: what is above it in the journal is not in the database, unless it was set aside
//
// Nobody else has written as long as the mark's version is the database's last one. A database without the mark counts as marked
// at version 0: a journal keeps its id (see Journal::keep_id) only once its database is marked, or while that is empty.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/detail/printable.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::string_view journal_mark_prefix{"\0w", 2};
inline constexpr char journal_mark_format = '\1';

[[nodiscard]] inline bool is_journal_mark(std::string_view key) noexcept { return key.starts_with(journal_mark_prefix); }

class JournalMark {
public:
    /// Of no journal: nothing is marked.
    JournalMark() = default;
    explicit JournalMark(std::uint64_t journal) : journal_{journal}, key_{journal_mark_prefix} {
        for (int shift = 56; shift >= 0; shift -= 8) key_ += static_cast<char>(journal >> shift & 0xff);
    }

    [[nodiscard]] static Result<JournalMark> of_new_journal() {
        const auto high = random_number();
        const auto low = random_number();
        if (!high || !low) return failure(high ? low.error() : high.error());
        return JournalMark{(std::uint64_t{*high} << 32 | *low) | 1};  // 0 is none's
    }

    [[nodiscard]] std::uint64_t journal() const noexcept { return journal_; }
    [[nodiscard]] bool is_kept() const noexcept { return !key_.empty(); }

    void add_to(Batch& batch) const {
        if (is_kept()) batch.put(key_, std::string(1, journal_mark_format));
    }

    /// The version of the newest batch that it was in. One that is damaged is as good as none: whatever the journal has is then
    /// kept as a dead letter, and the database marked anew. `incompatible`: a newer library's.
    template <class Backend>
    [[nodiscard]] Result<Version> read(Backend& backend) const {
        const auto mark = backend.read(key_);
        if (mark && mark->value == std::string_view{&journal_mark_format, 1}) return mark->version;
        if (mark) {
            return failure(Errc::incompatible, "the journal's mark in the database, '" + printable(mark->value) +
                                                   "', was written by a newer version of the library");
        }
        if (mark.error() == Errc::not_found || mark.error() == Errc::corrupt) return absent;
        return failure(mark.error());
    }

    /// Writes it alone, durably, whatever others have written. @return the backend's last version from now on, above `newest`;
    /// `conflict` when others have committed just before it again and again
    template <class Access>
    [[nodiscard]] Result<Version> renew(Access& access, Version newest) const {
        for (int tries_left = 10;; --tries_left) {
            const auto last = access.backend().last_version();
            if (!last) return last;
            Batch batch;
            batch.version = (std::max)(*last, newest) + 1;
            batch.sync = Sync::power_loss;
            add_to(batch);
            auto written = access.write(std::move(batch));
            if (written || written.error() != Errc::conflict || tries_left == 0) return written;
        }
    }

private:
    std::uint64_t journal_ = 0;
    std::string key_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
