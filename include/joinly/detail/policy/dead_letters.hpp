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
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// One of them; out of a journal without writes when it was dropped: that its versions are settled must still be known when the
/// store is opened again, unless the backend has a newer one. Shared, so that it can be looked at outside the lock while another
/// call drops it.
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

/// In the order of their versions. But for `list`, a call's cost grows by the logarithm of their number; that of looking for a
/// version, when another writer has once made one letter of many batches, also by how many lie within so many versions. What was
/// dropped takes two numbers until the store is closed.
class DeadLetters {
public:
    using Letter = std::shared_ptr<const DeadWrites>;
    using ByVersion = std::map<Version, Letter>;  // their last one, which is the letter's id

    /// What is left of a letter that was dropped: `wait` answers that its versions were set aside for as long as the store is open.
    struct Dropped {
        Version first = absent;
        Errc code{};
    };
    using DroppedByVersion = std::map<Version, Dropped>;

    /// All the memory that it takes to add a letter, so that adding it cannot fail.
    class Addition {
    public:
        explicit Addition(const Letter& letter) : letter_{{letter->last, letter}} {
            if (!letter->doubt.empty()) return;
            for (const Write& write : letter->writes) keys_.emplace(write.key, letter.get());
        }
        [[nodiscard]] const DeadWrites& letter() const noexcept { return *letter_.begin()->second; }

    private:
        friend DeadLetters;
        ByVersion letter_;
        std::multimap<std::string_view, const DeadWrites*> keys_;
    };
    void add(Addition&& addition) noexcept {
        const DeadWrites& letter = addition.letter();
        load_.entries += letter.writes.size();
        load_.bytes += letter.bytes;
        longest_ = (std::max)(longest_, letter.last - letter.first);
        letters_.merge(addition.letter_);
        undoubted_.merge(addition.keys_);
    }

    /// As above, for dropping one.
    class Removal {
    public:
        explicit Removal(const DeadWrites& letter) : dropped_{{letter.last, {letter.first, letter.reason.code()}}} {}

    private:
        friend DeadLetters;
        DroppedByVersion dropped_;
    };
    /// Null if there is none with that id; else the letter, to be let go of outside the lock.
    Letter drop(Version id, Removal&& removal) noexcept {
        const auto at = letters_.find(id);
        if (at == letters_.end()) return nullptr;
        const Letter letter = std::move(at->second);
        letters_.erase(at);
        for (const Write& write : letter->writes) {
            const auto [begin, end] = undoubted_.equal_range(write.key);
            for (auto key = begin; key != end;) key = key->second == letter.get() ? undoubted_.erase(key) : std::next(key);
        }
        load_.entries -= letter->writes.size();
        load_.bytes -= letter->bytes;
        dropped_.merge(removal.dropped_);
        return letter;
    }

    /// Those that a journal had; before anybody else is here.
    void restore(const std::vector<Letter>& letters) {
        for (const Letter& letter : letters) {
            if (!letter->writes.empty()) {
                add(Addition{letter});
                continue;
            }
            longest_ = (std::max)(longest_, letter->last - letter->first);
            dropped_.emplace(letter->last, Dropped{letter->first, letter->reason.code()});
        }
    }

    [[nodiscard]] const ByVersion& all() const noexcept { return letters_; }
    [[nodiscard]] std::size_t size() const noexcept { return letters_.size(); }

    struct Load {
        std::size_t entries = 0;
        std::size_t bytes = 0;
    };
    /// What all of them but one take.
    [[nodiscard]] Load load(const DeadWrites* but = nullptr) const noexcept {
        if (but == nullptr || find(but->last).get() != but) return load_;
        return {load_.entries - but->writes.size(), load_.bytes - but->bytes};
    }

    [[nodiscard]] Letter find(Version id) const noexcept {
        const auto at = letters_.find(id);
        return at == letters_.end() ? nullptr : at->second;
    }

    [[nodiscard]] static tl::unexpected<Error> none_with(Version id) {
        return failure(Errc::not_found, "there is no dead letter " + std::to_string(id));
    }

    /// `ok` unless a batch within [first, last] was set aside, whether its letter is still there or not.
    [[nodiscard]] Status status_within(Version first, Version last) const {
        const auto kept = find_within(letters_, first, last);
        if (kept != letters_.end()) return set_aside(*kept->second);
        const auto dropped = find_within(dropped_, first, last);
        if (dropped == dropped_.end()) return {};
        const auto& [dropped_last, was] = *dropped;
        return failure(was.code, were_set_aside(was.first, dropped_last) + ", and the dead letter was dropped or retried");
    }
    /// The oldest letter's reason; `ok` when there is none.
    [[nodiscard]] Status status() const { return letters_.empty() ? Status{} : set_aside(*letters_.begin()->second); }

    [[nodiscard]] bool has(Version version) const noexcept {
        return find_within(letters_, version, version) != letters_.end() ||
               find_within(dropped_, version, version) != dropped_.end();
    }

    /// A write of the key is acknowledged.
    void note(std::string_view key) noexcept {
        if (undoubted_.empty()) return;
        const auto [begin, end] = undoubted_.equal_range(key);
        for (auto at = begin; at != end; ++at) {
            const DeadWrites& letter = *at->second;
            if (!letter.doubt.empty()) continue;
            letter.doubt = newer_doubt;
            letter.newer_key = at->first;
        }
        undoubted_.erase(begin, end);
    }

    /// Anything may have been written that was not noted.
    void doubt_all() noexcept {
        for (const auto& [last, letter] : letters_) letter->doubt = stranger_doubt;
        undoubted_.clear();
    }

    /// `conflict` when it is in doubt whether the letter should be written again.
    [[nodiscard]] static Status check_retry(const DeadWrites& letter) {
        if (letter.doubt.empty()) return {};
        std::string message = "dead letter " + std::to_string(letter.last) + " may be older than what is there: ";
        if (letter.doubt == newer_doubt) message.append(printable(letter.newer_key)).append(" ");
        return failure(Errc::conflict, message.append(letter.doubt));
    }

    /// The backend has newer batches: a journal need not tell any more that these were dropped.
    void forget_dropped(Version stored) noexcept { forgotten_ = (std::max)(forgotten_, stored); }
    /// Calls `visit(last, dropped)` for each that a journal has to tell of.
    template <class Visit>
    void visit_dropped(Visit&& visit) const {
        for (auto at = dropped_.upper_bound(forgotten_); at != dropped_.end(); ++at) visit(at->first, at->second);
    }

    [[nodiscard]] std::vector<DeadLetter> list() const {
        std::vector<DeadLetter> listed;
        listed.reserve(letters_.size());
        for (const auto& [last, letter] : letters_) {
            DeadLetter& shown =
                listed.emplace_back(DeadLetter{last, letter->reason.code(), std::string{letter->reason.message()}, {}});
            for (const Write& write : letter->writes) shown.keys.push_back(write.key);
        }
        return listed;
    }

private:
    [[nodiscard]] static std::string were_set_aside(Version first, Version last) {
        return "the acknowledged batches from version " + std::to_string(first) + " to " + std::to_string(last) + " were set aside";
    }
    [[nodiscard]] static tl::unexpected<Error> set_aside(const DeadWrites& letter) {
        return failure(letter.reason.code(),
                       were_set_aside(letter.first, letter.last) + ": " + std::string{letter.reason.message()});
    }

    [[nodiscard]] static Version first_of(const Letter& letter) noexcept { return letter->first; }
    [[nodiscard]] static Version first_of(const Dropped& dropped) noexcept { return dropped.first; }

    /// The oldest with a version in [first, last]. Ranges may overlap where one was set aside behind another writer, so the search
    /// goes on for as long as the longest of them could reach back.
    template <class Map>
    [[nodiscard]] typename Map::const_iterator find_within(const Map& map, Version first, Version last) const noexcept {
        for (auto at = map.lower_bound(first); at != map.end() && at->first - (std::min)(at->first, longest_) <= last; ++at) {
            if (first_of(at->second) <= last) return at;
        }
        return map.end();
    }

    ByVersion letters_;
    DroppedByVersion dropped_;
    std::multimap<std::string_view, const DeadWrites*> undoubted_;  // those without a doubt, and some others, by their keys
    Load load_;                                                     // of all letters
    Version longest_ = 0;                                           // from the first version of a letter to its last
    Version forgotten_ = absent;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
