#ifndef JOINLY_DETAIL_POLICY_DEAD_LETTERS_HPP
#define JOINLY_DETAIL_POLICY_DEAD_LETTERS_HPP
// The writes that a backend will never take, with the reason. Takes no lock: its owner's mutex guards it.
//
// To write them again is safe as long as nobody has written their keys since, if their batches depended on nothing else: otherwise
// an older value might come back over a newer one, or a write be made whose condition does not hold any more. What is not surely
// safe is in doubt. The journal keeps none of this, so whatever an earlier run has left is in doubt, too.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/flush_part.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/policy/health.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// One of them; without writes when it was dropped: that its versions are settled must still be known when the store is opened
/// again, unless the backend has a newer one. Shared, so that it can be looked at outside the lock while another call drops it.
struct DeadWrites {
    Version first = absent;
    Version last = absent;
    Error reason{Errc::invalid_argument};
    std::vector<Write> writes;  // in the order of their keys, but for those of an earlier run
    std::size_t bytes = 0;      // what they weigh, as when they were pending

    /// Why they should not be written again as they are; empty: nothing speaks against it. Guarded as the list is.
    mutable std::string_view doubt = {};
    mutable std::string_view newer_key = {};  ///< of the writes, one that was written since: that is the doubt
};

inline constexpr std::string_view newer_doubt = "has been written since";
inline constexpr std::string_view condition_doubt = "the condition on which it was saved may not hold any more";
inline constexpr std::string_view restart_doubt = "an earlier run has left it, and nobody knows what was written since";
inline constexpr std::string_view stranger_doubt = "another writer has written to the database since";

[[nodiscard]] inline DeadWrites dead_writes(const FlushPart& part, Error reason) {
    DeadWrites dead{part.first, part.last, std::move(reason), {}};
    dead.writes.reserve(part.slots.size());
    for (const Overlay::Slot* slot : part.slots) {
        dead.writes.push_back({std::string{slot->key()}, slot->newest.object, slot->newest.expires_at});
        dead.bytes += slot->bytes;
        if (slot->is_conditional) dead.doubt = condition_doubt;
    }
    std::sort(dead.writes.begin(), dead.writes.end(), [](const Write& a, const Write& b) { return a.key < b.key; });
    return dead;
}

class DeadLetters {
public:
    using Letters = std::vector<std::shared_ptr<const DeadWrites>>;

    [[nodiscard]] const Letters& all() const noexcept { return letters_; }
    [[nodiscard]] std::size_t size() const noexcept {
        return static_cast<std::size_t>(std::count_if(letters_.begin(), letters_.end(), is_kept));
    }
    [[nodiscard]] std::size_t entries() const noexcept { return load().entries; }

    struct Load {
        std::size_t entries = 0;
        std::size_t bytes = 0;
    };
    /// What all of them but one take. O(n) in the letters.
    [[nodiscard]] Load load(const DeadWrites* but = nullptr) const noexcept {
        Load load;
        for (const auto& letter : letters_) {
            if (letter.get() == but) continue;
            load.entries += letter->writes.size();
            load.bytes += letter->bytes;
        }
        return load;
    }

    void replace(Letters letters) noexcept { letters_ = std::move(letters); }

    [[nodiscard]] std::shared_ptr<const DeadWrites> find(Version id) const {
        const auto at = std::find_if(letters_.begin(), letters_.end(),
                                     [&](const auto& letter) { return letter->last == id && is_kept(letter); });
        return at == letters_.end() ? nullptr : *at;
    }

    [[nodiscard]] static tl::unexpected<Error> none_with(Version id) {
        return failure(Errc::not_found, "there is no dead letter " + std::to_string(id));
    }

    /// The oldest letter with a version in [first, last], or null.
    [[nodiscard]] std::shared_ptr<const DeadWrites> within(Version first, Version last) const {
        const auto at = std::find_if(letters_.begin(), letters_.end(),
                                     [&](const auto& letter) { return letter->first <= last && letter->last >= first; });
        return at == letters_.end() ? nullptr : *at;
    }

    /// A write of the key is acknowledged. O(log n) in the writes of each letter.
    void note(std::string_view key) const noexcept {
        for (const auto& letter : letters_) {
            if (!letter->doubt.empty()) continue;
            const auto at = std::lower_bound(letter->writes.begin(), letter->writes.end(), key,
                                             [](const Write& write, std::string_view sought) { return write.key < sought; });
            if (at == letter->writes.end() || at->key != key) continue;
            letter->doubt = newer_doubt;
            letter->newer_key = at->key;
        }
    }

    /// Anything may have been written that was not noted.
    void doubt_all() const noexcept {
        for (const auto& letter : letters_) letter->doubt = stranger_doubt;
    }

    /// `conflict` when it is in doubt whether the letter should be written again.
    [[nodiscard]] static Status check_retry(const DeadWrites& letter) {
        if (letter.doubt.empty()) return {};
        std::string message = "dead letter " + std::to_string(letter.last) + " may be older than what is there: ";
        if (letter.doubt == newer_doubt) message.append(printable(letter.newer_key)).append(" ");
        return failure(Errc::conflict, message.append(letter.doubt));
    }

    [[nodiscard]] Letters without(Version id) const {
        Letters others = letters_;
        for (auto& letter : others) {
            if (letter->last == id) letter = std::make_shared<const DeadWrites>(DeadWrites{letter->first, id, letter->reason, {}});
        }
        return others;
    }

    /// What was dropped, as far as the backend has newer batches.
    void forget_dropped(Version stored) noexcept {
        std::erase_if(letters_, [&](const auto& letter) { return !is_kept(letter) && letter->last <= stored; });
    }

    [[nodiscard]] std::vector<DeadLetter> list() const {
        std::vector<DeadLetter> listed;
        for (const auto& letter : letters_) {
            if (!is_kept(letter)) continue;
            DeadLetter& shown =
                listed.emplace_back(DeadLetter{letter->last, letter->reason.code(), std::string{letter->reason.message()}, {}});
            for (const Write& write : letter->writes) shown.keys.push_back(write.key);
        }
        return listed;
    }

private:
    [[nodiscard]] static bool is_kept(const std::shared_ptr<const DeadWrites>& letter) noexcept { return !letter->writes.empty(); }

    Letters letters_;  // oldest first
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
