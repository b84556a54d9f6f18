#ifndef JOINLY_DETAIL_OPS_BACKUP_DIRECTORY_HPP
#define JOINLY_DETAIL_OPS_BACKUP_DIRECTORY_HPP
// A directory of backups: their dated names, the one that is being made, and the oldest that have to go.
//
//     joinly-2026-11-29T22-56-04Z             a backup; a second one in the same second ends in "Z-2"
//     joinly-2026-11-29T22-56-04Z-7.partial   one that is being made, with a file "lock" in it that its maker holds
//     joinly-2026-11-22T22-56-01Z.removed     one that is being removed

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/ops/manifest_text.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/ops/backup_manifest.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// A backup that is being made; removed at the end, unless it was published.
class PartialBackup {
public:
    [[nodiscard]] static Result<PartialBackup> make(const std::string& directory, std::string stem) {
        PartialBackup partial{directory, std::move(stem)};
        if (auto made = make_new_directory(partial.path_); !made) return failure(std::move(made).error());
#if !defined(_WIN32)
        auto lock = lock_file(partial.path_ + "/lock");
        // Somebody takes it for a left-over, and removes it.
        if (lock ? !path_exists(partial.path_ + "/lock") : lock.error() == Errc::busy || !path_exists(partial.path_))
            return failure(Errc::conflict);
        if (!lock) return failure(std::move(lock).error());
        partial.lock_ = std::move(*lock);
#endif
        partial.exists_ = true;
        return partial;
    }
    PartialBackup(PartialBackup&& other) noexcept
        : directory_{std::move(other.directory_)},
          stem_{std::move(other.stem_)},
          path_{std::move(other.path_)},
          lock_{std::move(other.lock_)},
          exists_{std::exchange(other.exists_, false)} {}
    PartialBackup& operator=(PartialBackup&&) = delete;
    ~PartialBackup() {
        if (exists_) const UnlessFinished all{std::move(path_)};
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Gives it its name, for good. @return its path.
    [[nodiscard]] Result<std::string> publish() {
        if (auto synced = sync_names(path_); !synced) return failure(std::move(synced).error());
        std::string path;
        for (int n = 1;; ++n) {
            path = directory_ + '/' + stem_ + (n == 1 ? "" : '-' + std::to_string(n));
            if (path_exists(path)) continue;
            auto renamed = rename_path(path_, path);
            if (renamed) break;
            if (!path_exists(path)) return failure(std::move(renamed).error());  // else another backup was first
        }
        exists_ = false;
        Status synced = remove_tree(path + "/lock");  // not before: what nobody holds is taken for a left-over
        if (synced) synced = sync_names(path);
        if (synced) synced = sync_names(directory_);
        if (!synced) {
            (void)remove_tree(path);  // a name that a power cut may take back
            return failure(std::move(synced).error());
        }
        return path;
    }

private:
    PartialBackup(std::string directory, std::string stem)
        : directory_{std::move(directory)},
          stem_{std::move(stem)},
          path_{directory_ + '/' + stem_ + '-' + std::to_string(random_seed()) + ".partial"} {}  // a name that never comes twice

    std::string directory_;
    std::string stem_;
    std::string path_;
    FileDescriptor lock_;
    bool exists_ = false;
};

class BackupDirectory {
public:
    /// Makes the directory when it is not there, and clears away what killed backups of that name have left in it.
    [[nodiscard]] static Result<BackupDirectory> open(const std::string& path, std::string name) {
        auto absolute = absolute_path(path);
        if (!absolute) return failure(std::move(absolute).error());
        BackupDirectory directory{std::move(*absolute), std::move(name)};
        auto made = make_new_directory(directory.path_);
        if (!made && !(made.error() == Errc::conflict)) return failure(std::move(made).error());
        if (!is_directory(directory.path_)) return failure(Errc::invalid_argument, directory.path_ + " is not a directory");
        directory.clear_left_overs();
        return directory;
    }

    [[nodiscard]] Result<PartialBackup> begin(WallTime now) const {
        const std::string stem = name_ + '-' + iso_time(now, '-');
        for (;;) {
            auto partial = PartialBackup::make(path_, stem);
            if (partial || partial.error() != Errc::conflict) return partial;
        }
    }

    /// Removes backups of this name and of that engine, the oldest first, until `keep` are left with the one that was just `made`,
    /// which stays whatever the clock says: a name in the future must not push it out.
    [[nodiscard]] Status prune(std::string_view engine, std::size_t keep, const std::string& made,
                               std::vector<std::string>& removed) const {
        auto backups = list(engine);
        if (!backups) return failure(std::move(backups).error());
        std::erase_if(*backups, [&](const std::string& name) { return path_ + '/' + name == made; });
        for (std::size_t i = 0; i + keep < backups->size() + 1; ++i) {
            const std::string path = path_ + '/' + (*backups)[i];
            const std::string doomed = path + ".removed";  // at no moment is there half a backup under a backup's name
            if (auto renamed = rename_path(path, doomed); !renamed) return renamed;
            if (auto gone = remove_tree(doomed); !gone) return gone;
            removed.push_back(path);
        }
        return {};
    }

private:
    BackupDirectory(std::string path, std::string name) : path_{std::move(path)}, name_{std::move(name)} {}

    /// What is surely a backup of ours, the oldest first: the name, nothing in it but our two entries, a manifest that is sound.
    [[nodiscard]] Result<std::vector<std::string>> list(std::string_view engine) const {
        auto names = names_of(path_);
        if (!names) return names;
        std::erase_if(*names, [&](const std::string& name) {
            const std::string path = path_ + '/' + name;
            if (!is_name_of_ours(name) || !has_our_entries(path)) return true;
            const auto manifest = read_backup_manifest(path);
            return !manifest || manifest->engine != engine;
        });
        std::sort(names->begin(), names->end(), [](const std::string& left, const std::string& right) {
            return left.size() != right.size() ? older_number(left, right) : left < right;
        });
        return names;
    }

    /// A kill at the very end of a backup leaves its lock in it.
    [[nodiscard]] static bool has_our_entries(const std::string& backup) {
        auto names = names_of(backup);
        if (!names) return false;
        std::erase(*names, "lock");
        return *names == std::vector<std::string>{"database", "manifest.json"};
    }

    /// Names with a number are longer: "…Z-2" comes after "…Z", and before any later second.
    [[nodiscard]] static bool older_number(std::string_view left, std::string_view right) noexcept {
        const std::size_t end = left.find('Z');
        const int dated = left.substr(0, end).compare(right.substr(0, end));
        return dated != 0 ? dated < 0 : left.size() < right.size();
    }

    /// "joinly-2026-11-29T22-56-04Z", and a number behind it or none.
    [[nodiscard]] bool is_name_of_ours(std::string_view name) const noexcept {
        constexpr std::string_view form = "-dddd-dd-ddTdd-dd-ddZ";
        if (!name.starts_with(name_) || name.size() < name_.size() + form.size()) return false;
        name.remove_prefix(name_.size());
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        for (std::size_t i = 0; i < form.size(); ++i) {
            if (form[i] == 'd' ? !is_digit(name[i]) : name[i] != form[i]) return false;
        }
        name.remove_prefix(form.size());
        if (name.empty()) return true;
        return name.size() > 1 && name.front() == '-' && std::all_of(name.begin() + 1, name.end(), is_digit);
    }

    /// That they can be removed does not matter.
    void clear_left_overs() const {
        const auto names = names_of(path_);
        if (!names) return;
        for (const std::string& name : *names) {
            const std::string path = path_ + '/' + name;
            if (name.ends_with(".removed") && is_name_of_ours(std::string_view{name}.substr(0, name.size() - 8)))
                (void)remove_tree(path);
#if !defined(_WIN32)
            if (name.ends_with(".partial") && is_name_of_ours(std::string_view{name}.substr(0, name.size() - 8))) {
                // One without a lock is just being made: it goes only if it is empty.
                std::error_code ignored;
                if (!path_exists(path + "/lock")) {
                    std::filesystem::remove(native_path(path), ignored);
                } else if (const auto idle = lock_file(path + "/lock"); idle) {
                    (void)remove_tree(path);
                }
            }
#endif
        }
    }

    std::string path_;
    std::string name_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
