#ifndef JOINLY_TESTS_FAULT_TRIAL_HPP
#define JOINLY_TESTS_FAULT_TRIAL_HPP
// One store, everything that is done with it while its disk fails, and a model that says afterwards what may be in it.
//
// A save that was acknowledged is there, one that was refused is not; one that answered `io` may be either, and what a
// later load finds settles it. The model keeps every combination that nothing has contradicted yet: when none is left, the
// store has lost something, made something up or gone back on an answer.

#include <joinly/store.hpp>
#include <tests/support/entities.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace joinly::test {

/// What may have happened, as sets of writes that took effect: bit i stands for the i-th.
class Histories {
public:
    using Rating = std::optional<std::int32_t>;  // nullopt: there is no such player
    enum class Outcome { made, not_made, unknown };

    void write(std::vector<std::string> ids, Rating rating, Outcome outcome) {
        if (outcome == Outcome::not_made) return;
        const std::uint64_t bit = std::uint64_t{1} << writes_.size();
        writes_.push_back({std::move(ids), rating});
        if (outcome == Outcome::unknown) {
            const std::size_t count = possible_.size();
            for (std::size_t i = 0; i < count; ++i) possible_.push_back(possible_[i] | bit);
        } else {
            for (std::uint64_t& history : possible_) history |= bit;
        }
    }
    /// @return whether that can be.
    [[nodiscard]] bool see(std::string_view id, Rating rating) {
        std::erase_if(possible_, [&](std::uint64_t history) { return rating_in(history, id) != rating; });
        return !possible_.empty();
    }
    /// The only thing that a load of `id` may answer, if there is only one.
    [[nodiscard]] std::optional<Rating> certain(std::string_view id) const {
        if (possible_.empty()) return std::nullopt;
        const Rating first = rating_in(possible_.front(), id);
        for (const std::uint64_t history : possible_) {
            if (rating_in(history, id) != first) return std::nullopt;
        }
        return first;
    }

private:
    struct Written {
        std::vector<std::string> ids;
        Rating rating;
    };
    [[nodiscard]] Rating rating_in(std::uint64_t history, std::string_view id) const {
        for (std::size_t i = writes_.size(); i-- > 0;) {
            if ((history >> i & 1U) == 0) continue;
            for (const std::string& written : writes_[i].ids) {
                if (written == id) return writes_[i].rating;
            }
        }
        return std::nullopt;
    }

    std::vector<Written> writes_;
    std::vector<std::uint64_t> possible_{0};
};

/// How many files this process has open.
[[nodiscard]] inline std::ptrdiff_t open_files() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, std::filesystem::directory_iterator{});
}

/// `Setup` names a Backend and a Policy, and gives their options for a directory.
template <class Setup>
class Trial {
public:
    using Backend = typename Setup::Backend;
    using Store = joinly::Store<Backend, typename Setup::Policy>;
    using Rating = Histories::Rating;

    explicit Trial(std::string directory) : directory_{std::move(directory)} {}

    /// All findings: sentences about what should not have been.
    [[nodiscard]] const std::vector<std::string>& findings() const noexcept { return findings_; }
    [[nodiscard]] const std::vector<Error>& errors() const noexcept { return errors_; }
    /// What was done and answered, for a report.
    [[nodiscard]] const std::vector<std::string>& steps() const noexcept { return steps_; }
    [[nodiscard]] bool is_open() const noexcept { return store_ != nullptr; }
    [[nodiscard]] Store& store() noexcept { return *store_; }

    bool open() {
        auto opened = Store::open(Setup::backend_options(directory_), Setup::policy_options(directory_));
        if (!note("open", opened)) return false;
        store_ = std::make_unique<Store>(std::move(*opened));
        return true;
    }
    void save(const std::string& id, std::int32_t rating, const SaveOptions& options = {}, std::size_t bytes = 10) {
        if (!store_) return;
        note_write("save", {id}, rating, store_->save(sized(id, rating, bytes), options));
    }
    void save_many(const std::vector<std::string>& ids, std::int32_t rating) {
        if (!store_) return;
        std::vector<Player> players;
        for (const std::string& id : ids) players.push_back(sized(id, rating, 10));
        note_write("save_many", ids, rating, store_->save_many(players));
    }
    void erase(const std::string& id) {
        if (!store_) return;
        const Status erased = store_->template erase<Player>(id);
        if (erased) steps_.push_back("erase of " + id + ": done");
        if (erased)
            histories_.write({id}, std::nullopt, Histories::Outcome::made);
        else
            histories_.write({id}, std::nullopt, note("erase", erased, true));
    }
    /// Saves only at the version that a load has given.
    void compare_and_set(const std::string& id, std::int32_t rating) {
        if (!store_) return;
        if (const auto loaded = load(id)) save(id, rating, {.expect = loaded->version()});
    }
    /// Must not succeed: the id is taken.
    void save_over_absent(const std::string& id, std::int32_t rating) {
        if (!store_) return;
        const auto certain = histories_.certain(id);
        const auto saved = store_->save(sized(id, rating, 10), {.expect = absent});
        if (!saved && saved.error() == Errc::conflict) return;
        if (saved && certain && *certain) found("a save that expects none went over what is there");
        note_write("save expecting none", {id}, rating, saved);
    }
    std::optional<Loaded<Player>> load(const std::string& id) {
        if (!store_) return std::nullopt;
        auto loaded = store_->template load<Player>(id);
        if (loaded) {
            see("load", id, (*loaded)->skill_rating, loaded->version());
            return std::move(*loaded);
        }
        if (loaded.error() == Errc::not_found)
            see("load", id, std::nullopt, absent);
        else
            note("load", loaded);
        return std::nullopt;
    }
    /// Every player that a save has named.
    void load_all() {
        for (const std::string& id : ids_) load(id);
    }
    /// A listing that ends well shows each player, and no other.
    std::optional<std::map<std::string, std::pair<std::int32_t, Version>>> list() {
        if (!store_) return std::nullopt;
        std::map<std::string, std::pair<std::int32_t, Version>> listed;
        const Status done = store_->template for_each<Player>([&](const Loaded<Player>& loaded) {
            listed[loaded->player_id] = {loaded->skill_rating, loaded.version()};
        });
        if (!done) {
            note("for_each", done);
            return std::nullopt;
        }
        for (const std::string& id : ids_) {
            const auto at = listed.find(id);
            if (at == listed.end())
                see("for_each", id, std::nullopt, absent);
            else
                see("for_each", id, at->second.first, at->second.second);
        }
        return listed;
    }
    Status flush() {
        Status flushed = store_ ? store_->flush() : Status{};
        note("flush", flushed);
        return flushed;
    }
    Status close() {
        Status closed = store_ ? store_->close() : Status{};
        note("close", closed);
        return closed;
    }
    /// Copies the database beside itself; what it then holds is looked at by check_backup.
    void back_up() {
        if constexpr (backs_up<Backend>) {
            if (!store_) return;
            std::error_code ignored;  // the copy fails as well then
            std::filesystem::create_directory(copy_, ignored);
            const auto before = records_of(store_->backend());
            const Status done = store_->backend().backup_to(path_of_copy());
            // SQLite takes some of its reads that fail for a malformed database.
            if (!done && done.error() == Errc::corrupt)
                return steps_.push_back("backup_to: " + std::string{done.error().message()});
            is_backed_up_ = note("backup_to", done);
            // A thread of the store's own may have stored something meanwhile.
            if (is_backed_up_ && records_of(store_->backend()) == before) backed_up_ = before;
        }
    }
    /// On a disk that is well: a copy is whole, whatever was answered; and it is there, if that was the answer.
    void check_backup() {
        if constexpr (backs_up<Backend>) {
            if (!is_backed_up_ && !std::filesystem::exists(path_of_copy())) return;
            auto copy = Backend::open(Setup::backend_options(copy_));
            if (!copy) return found("the copy cannot be opened: " + std::string{copy.error().message()});
            if (const Status intact = copy->verify_integrity(); !intact)
                found("damage in the copy: " + std::string{intact.error().message()});
            if (backed_up_ && records_of(*copy) != backed_up_) found("the copy holds something else than was copied");
        }
    }
    void destroy() { store_.reset(); }
    void found(const std::string& what) {
        steps_.push_back("WRONG: " + what);
        findings_.push_back(what);
    }

private:
    /// Every key and its version; nullopt when it cannot be read.
    using Records = std::optional<std::vector<std::pair<std::string, Version>>>;

    [[nodiscard]] static Records records_of(Backend& backend) {
        Records records{std::in_place};
        const Status scanned = backend.scan(KeyRange{}, [&](std::string_view key, const RecordView& record) {
            records->emplace_back(key, record.version);
            return true;
        });
        return scanned ? records : std::nullopt;
    }
    [[nodiscard]] std::string path_of_copy() const { return Setup::backend_options(copy_).path; }

    [[nodiscard]] static Player sized(const std::string& id, std::int32_t rating, std::size_t bytes) {
        Player made = player(id, rating);
        made.username.resize(bytes, static_cast<char>('a' + rating % 26));
        return made;
    }

    /// What an error says of the write that it ended.
    template <class Outcome>
    Histories::Outcome note(std::string_view call, const Outcome& outcome, bool) {
        note(call, outcome);
        return Setup::may_have_written(outcome.error().code()) ? Histories::Outcome::unknown : Histories::Outcome::not_made;
    }
    template <class Outcome>
    bool note(std::string_view call, const Outcome& outcome) {
        if (outcome) {
            steps_.push_back(std::string{call} + ": done");
            return true;
        }
        const Error& error = outcome.error();
        steps_.push_back(std::string{call} + ": " + std::string{to_string(error.code())} + ", " + std::string{error.message()});
        if (error.message() == to_string(error.code()))
            found(std::string{call} + " fails without a word: " + std::string{error.message()});
        if (error != Errc::io && error != Errc::full && error != Errc::busy && error != Errc::read_only)
            found(std::string{call} + " answers " + std::string{to_string(error.code())} + ": " + std::string{error.message()});
        errors_.push_back(error);
        return false;
    }
    void note_write(std::string_view call, const std::vector<std::string>& ids, std::int32_t rating,
                    const Result<Version>& written) {
        for (const std::string& id : ids) {
            if (std::find(ids_.begin(), ids_.end(), id) == ids_.end()) ids_.push_back(id);
        }
        if (!written) return histories_.write(ids, rating, note(call, written, true));
        steps_.push_back(std::string{call} + " of " + ids.front() + " = " + std::to_string(rating) + ": version " +
                         std::to_string(*written));
        histories_.write(ids, rating, Histories::Outcome::made);
        if (*written <= newest_) found(std::string{call} + " answers a version that is not above the last one");
        newest_ = *written;
        versions_[rating] = *written;
    }
    void see(std::string_view call, const std::string& id, Rating rating, Version version) {
        steps_.push_back(std::string{call} + " of " + id + ": " + (rating ? std::to_string(*rating) : "none"));
        if (rating && versions_.contains(*rating) && versions_[*rating] != version)
            found(std::string{call} + " of " + id + ": the version is not the one that was acknowledged");
        if (rating && !versions_.contains(*rating)) versions_[*rating] = version;
        if (lost_) return;
        lost_ = !histories_.see(id, rating);
        if (lost_)
            found(std::string{call} + " of " + id + " finds " + (rating ? std::to_string(*rating) : "none") + ", which cannot be");
    }

    std::string directory_;
    std::string copy_ = directory_ + "/copy";
    bool is_backed_up_ = false;
    Records backed_up_;
    std::unique_ptr<Store> store_;
    Histories histories_;
    std::vector<std::string> ids_;
    std::map<std::int32_t, Version> versions_;  // of each rating, which a trial uses once
    Version newest_ = absent;
    bool lost_ = false;
    std::vector<Error> errors_;
    std::vector<std::string> steps_;
    std::vector<std::string> findings_;
};

}  // namespace joinly::test
#endif
