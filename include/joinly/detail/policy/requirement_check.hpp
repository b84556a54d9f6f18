#ifndef JOINLY_DETAIL_POLICY_REQUIREMENT_CHECK_HPP
#define JOINLY_DETAIL_POLICY_REQUIREMENT_CHECK_HPP
// Decides a set's requirements against the newest acknowledged versions: what is pending or cached, and for the keys that
// only the backend knows, what it answered. Used by one thread.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/version_text.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class RequirementCheck {
public:
    explicit RequirementCheck(const std::vector<Requirement>& requirements) noexcept : requirements_{requirements} {}

    /// `conflict` when a requirement does not hold. `known(key, even_expired)` is what memory knows of a
    /// key's version. What the backend said
    /// counts while no flush has ended since: until then, a key that is not pending has not changed.
    template <class Known>
    [[nodiscard]] Status decide(std::uint64_t flushes, WallTime now, Known&& known) {
        unknown_.clear();
        for (std::size_t i = 0; i < requirements_.size(); ++i) {
            const auto& [key, wanted, even_expired] = requirements_[i];
            std::optional<Version> found = known(key, even_expired);
            if (!found && !stored_.empty() && stored_[i].asked_after_flushes == flushes)
                found = stored_[i].expires_at.has_passed(now) && !even_expired ? absent : stored_[i].version;
            if (!found) {
                unknown_.push_back(i);
            } else if (*found != wanted) {
                return failure(Errc::conflict, printable(key) + " is " + version_text(*found) + ", not " + version_text(wanted));
            }
        }
        return {};
    }

    /// Whether `decide` knew enough. If not, `ask` and decide again.
    [[nodiscard]] bool is_decided() const noexcept { return unknown_.empty(); }

    /// One trip to the backend for the versions that memory did not know.
    template <class Access>
    [[nodiscard]] Status ask(Access& access, std::uint64_t flushes) {
        stored_.resize(requirements_.size());
        std::vector<std::string_view> keys;
        for (const std::size_t i : unknown_) keys.push_back(requirements_[i].key);
        std::optional<Error> error;
        auto read = access.read_many(keys, [&](std::size_t position, Result<Record> record) {
            StoredVersion& stored = stored_[unknown_[position]];
            if (record) {
                stored = {record->version, record->expires_at, flushes};
            } else if (record.error() == Errc::not_found) {
                stored = {absent, {}, flushes};
            } else {
                error = std::move(record).error();
            }
        });
        if (read && error) return failure(*std::move(error));
        return read;
    }

private:
    /// What the backend had when it was asked, and after how many flushes that was.
    struct StoredVersion {
        Version version = absent;
        Expiry expires_at;
        std::optional<std::uint64_t> asked_after_flushes;
    };

    const std::vector<Requirement>& requirements_;
    std::vector<StoredVersion> stored_;  // of each requirement, once the backend was asked
    std::vector<std::size_t> unknown_;   // positions of requirements
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
