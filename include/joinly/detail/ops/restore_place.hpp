#ifndef JOINLY_DETAIL_OPS_RESTORE_PLACE_HPP
#define JOINLY_DETAIL_OPS_RESTORE_PLACE_HPP
// Where a backup is restored to: the target, and the directory beside it in which the copy is made and what was there is kept.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/ops/locked_directory.hpp>
#include <joinly/detail/ops/manifest_text.hpp>
#include <joinly/detail/policy/journal_files.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The path without symbolic links: the database is exchanged, and not the link that leads to it.
[[nodiscard]] inline Result<std::string> real_path(const std::string& path) {
    auto absolute = absolute_path(path);
    if (!absolute) return absolute;
    std::error_code error;
    const std::filesystem::path real = std::filesystem::weakly_canonical(native_path(*absolute), error);
    if (error) return path_failure(error, *absolute, "path");
    return utf8_path(real);
}

/// A file `lock` in the staging directory, which its maker holds, says that the copy in it is not finished. Removed at the end,
/// with what is in it, unless something of the target's may be there.
class RestorePlace {
public:
    /// @param journal  the target's, or empty; `busy`: somebody has it open
    [[nodiscard]] static Result<RestorePlace> make(const std::string& target, const std::string& journal) {
        RestorePlace place;
        auto real = real_path(target);
        if (!real) return failure(std::move(real).error());
        place.target_ = std::move(*real);
        if (!is_directory(parent_of(place.target_)))
            return failure(Errc::io, place.target_ + ": the directory that it would be in does not exist");
        const Result<bool> has_journal = journal.empty() ? Result<bool>{false} : file_exists(journal);
        if (!has_journal) return failure(has_journal.error());
        if (*has_journal) {
            auto held = JournalDirectory::take(journal, JournalDirectory::Missing::fails);
            if (!held) return failure(std::move(held).error());
            place.journal_.emplace(std::move(*held));
        }
        const std::string stem = place.target_ + ".restore-";
        LockedDirectory::clear_left_overs(stem);
        auto made = LockedDirectory::make(stem + iso_time(SystemClock{}.now(), '-'));
        if (!made) return failure(std::move(made).error());
        place.staging_ = std::move(made->path);
        place.lock_ = std::move(made->lock);
        if (auto synced = sync_names(parent_of(place.target_)); !synced) return failure(std::move(synced).error());
        return place;
    }
    RestorePlace(RestorePlace&& other) noexcept
        : target_{std::move(other.target_)},
          staging_{std::exchange(other.staging_, {})},
          lock_{std::move(other.lock_)},
          journal_{std::move(other.journal_)},
          staged_journal_{std::move(other.staged_journal_)},
          holds_old_{other.holds_old_} {}
    RestorePlace& operator=(RestorePlace&&) = delete;
    ~RestorePlace() {
        if (!holds_old_ && !staging_.empty()) const UnlessFinished all{std::move(staging_)};
    }

    [[nodiscard]] const std::string& target() const noexcept { return target_; }
    [[nodiscard]] const std::string& staging() const noexcept { return staging_; }

    /// The copy is for those whom what it replaces is for; where there is nothing, for those whom the backup is for.
    void share_copy(const std::string& backup) const {
        share_access(path_exists(target_) ? target_ : backup + "/database", staging_ + "/database");
    }

    /// From now on a left-over is worth looking at.
    [[nodiscard]] Status finish_copy() const {
        if (auto unlocked = remove_tree(staging_ + "/lock"); !unlocked) return unlocked;
        return sync_names(staging_);
    }

    /// Puts the journal aside, and then has `exchange` put the copy in the target's place: a journal must never be beside a
    /// database that it does not belong to. Where that fails, the journal is put back.
    [[nodiscard]] Status replace(FunctionRef<Status()> exchange) {
        if (!path_exists(staging_ + "/database"))
            return failure(Errc::io, staging_ + ": somebody has removed the copy; another restore of the same target may have");
        if (journal_) {
            if (auto moved = put_journal_aside(); !moved) return moved;
            holds_old_ = true;
            if (auto synced = sync_names(parent_of(journal_->path())); !synced) return put_journal_back(), synced;
        }
        Status exchanged = exchange();
        if (exchanged) {
            holds_old_ = true;
        } else {
            put_journal_back();
        }
        return exchanged;
    }
    /// Undoes `replace`, which succeeded. @return whether it could; else what was there stays in the staging directory
    [[nodiscard]] bool put_back(FunctionRef<Status()> exchange) {
        if (!exchange()) return false;
        holds_old_ = false;
        put_journal_back();
        return true;
    }

    /// Says where what was there is now, or removes it.
    void end(bool keep, std::string& database, std::string& journal) {
        holds_old_ = keep && (path_exists(staging_ + "/database") || path_exists(staging_ + "/journal"));
        if (!keep) {
            if (journal_) (void)remove_tree(staged_journal_);
            return;
        }
        if (path_exists(staging_ + "/database")) database = staging_ + "/database";
        if (journal_) journal = staged_journal_;
    }

private:
    RestorePlace() = default;

    /// Into the staging directory; where that is on another file system, beside where it is.
    [[nodiscard]] Status put_journal_aside() {
        staged_journal_ = staging_ + "/journal";
        if (rename_path(journal_->path(), staged_journal_)) return {};
        staged_journal_ = journal_->path() + staging_.substr(target_.size());
        return rename_path(journal_->path(), staged_journal_);
    }
    void put_journal_back() {
        if (!journal_) return;
        holds_old_ = !rename_path(staged_journal_, journal_->path());
        (void)sync_names(parent_of(journal_->path()));
    }

    std::string target_;
    std::string staging_;
    FileDescriptor lock_;
    std::optional<JournalDirectory> journal_;
    std::string staged_journal_;  // where it is put aside
    bool holds_old_ = false;
};

/// Exchanges the journal at `path`, if one is there, for the one at `other`. `busy`: somebody has it open.
[[nodiscard]] inline Status exchange_journals(const std::string& path, const std::string& other) {
    if (!path_exists(path)) return exchange_durably(path, other);
    const auto held = JournalDirectory::take(path, JournalDirectory::Missing::fails);
    return held ? exchange_durably(path, other) : failure(held.error());
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
