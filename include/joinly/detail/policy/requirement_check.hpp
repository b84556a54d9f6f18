#ifndef JOINLY_DETAIL_POLICY_REQUIREMENT_CHECK_HPP
#define JOINLY_DETAIL_POLICY_REQUIREMENT_CHECK_HPP
// Decides a set's requirements against the newest acknowledged versions: what is pending or cached, and for the keys that
// only the backend knows, what it answered. The store's mutex guards all of it, but for the trip to the backend.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/version_text.hpp>
#include <joinly/policy/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class RequirementCheck;

/// The checks that have asked the backend and are not decided yet.
class RequirementChecks {
public:
    /// A write is acknowledged.
    void note(std::string_view key, const LoadedObject& written) const noexcept;
    /// What was acknowledged has been taken back, or another writer was met.
    void forget_answers() const noexcept;

private:
    friend class RequirementCheck;
    std::vector<RequirementCheck*> checks_;
};

/// Each key is asked for once, however quickly flushes end meanwhile: from then on the check follows what is acknowledged, for that
/// is newer than the answer, and when the check is decided memory may have forgotten it.
class RequirementCheck {
public:
    /// The newest version of a requirement's key, as far as it is known.
    struct Answer {
        Version version = absent;
        Expiry expires_at;
        bool is_known = false;
    };

    RequirementCheck(const std::vector<Requirement>& requirements, RequirementChecks& all) noexcept
        : requirements_{requirements}, all_{all} {}
    RequirementCheck(const RequirementCheck&) = delete;
    RequirementCheck& operator=(const RequirementCheck&) = delete;
    ~RequirementCheck() {
        if (!answers_.empty()) std::erase(all_.checks_, this);
    }

    /// `conflict` when a requirement does not hold. `known(key, even_expired)` is what memory knows of a key's version.
    template <class Known>
    [[nodiscard]] Status decide(WallTime now, Known&& known) {
        unknown_.clear();
        for (std::size_t i = 0; i < requirements_.size(); ++i) {
            const auto& [key, wanted, even_expired] = requirements_[i];
            std::optional<Version> found = known(key, even_expired);
            if (!found && !answers_.empty() && answers_[i].is_known)
                found = answers_[i].expires_at.has_passed(now) && !even_expired ? absent : answers_[i].version;
            if (!found) {
                unknown_.push_back(i);
            } else if (*found != wanted) {
                return failure(Errc::conflict, printable(key) + " is " + version_text(*found) + ", not " + version_text(wanted));
            }
        }
        return {};
    }

    /// Whether `decide` knew enough. If not: `follow`, `ask` without the mutex, `take` what it answers, and decide again.
    [[nodiscard]] bool is_decided() const noexcept { return unknown_.empty(); }

    /// `busy`: too often answers had to be forgotten.
    [[nodiscard]] Status follow() {
        constexpr std::size_t most_times = 16;
        if (times_forgotten_ > most_times)
            return failure(Errc::busy, "what was acknowledged is set aside again and again: the backend refuses it");
        asked_when_ = times_forgotten_;
        if (!answers_.empty()) return {};
        all_.checks_.reserve(all_.checks_.size() + 1);
        answers_.resize(requirements_.size());
        all_.checks_.push_back(this);
        return {};
    }

    /// One trip to the backend for the versions that memory did not know.
    template <class Access>
    [[nodiscard]] Result<std::vector<Answer>> ask(Access& access) const {
        std::vector<std::string_view> keys;
        for (const std::size_t i : unknown_) keys.push_back(requirements_[i].key);
        std::vector<Answer> answers(keys.size());
        std::optional<Error> error;
        auto read = access.read_many(keys, [&](std::size_t position, Result<Record> record) {
            if (record) {
                answers[position] = {record->version, record->expires_at, true};
            } else if (record.error() == Errc::not_found) {
                answers[position] = {absent, {}, true};
            } else {
                error = std::move(record).error();
            }
        });
        if (!read) return failure(std::move(read).error());
        if (error) return failure(*std::move(error));
        return answers;
    }

    void take(const std::vector<Answer>& answers) noexcept {
        if (asked_when_ != times_forgotten_) return;
        for (std::size_t position = 0; position < answers.size(); ++position) {
            Answer& newest = answers_[unknown_[position]];
            if (!newest.is_known) newest = answers[position];
        }
    }

private:
    friend class RequirementChecks;

    void note(std::string_view key, const LoadedObject& written) noexcept {
        for (std::size_t i = 0; i < requirements_.size(); ++i) {
            if (requirements_[i].key == key)
                answers_[i] = {written.object.value ? written.version : absent, written.expires_at, true};
        }
    }
    void forget_answers() noexcept {
        for (Answer& answer : answers_) answer.is_known = false;
        ++times_forgotten_;
    }

    const std::vector<Requirement>& requirements_;
    RequirementChecks& all_;
    std::vector<Answer> answers_;       // of each requirement, once the backend was asked
    std::vector<std::size_t> unknown_;  // positions of requirements
    std::size_t times_forgotten_ = 0;
    std::size_t asked_when_ = 0;  // as above
};

inline void RequirementChecks::note(std::string_view key, const LoadedObject& written) const noexcept {
    for (RequirementCheck* const check : checks_) check->note(key, written);
}

inline void RequirementChecks::forget_answers() const noexcept {
    for (RequirementCheck* const check : checks_) check->forget_answers();
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
