#ifndef JOINLY_TESTS_SUPPORT_HISTORY_CHECK_HPP
#define JOINLY_TESTS_SUPPORT_HISTORY_CHECK_HPP
// Is there, for each key, an order of its operations that respects time and that a plain variable would have answered the
// same way? And did every listing see one moment?
//
// The search is that of Wing and Gong (Testing and Verifying Concurrent Objects, Journal of Parallel and Distributed
// Computing 17, 1993), with Lowe's two improvements (Testing for Linearizability, Concurrency and Computation: Practice and
// Experience 29, 2017): which operations have taken effect and what state that left is remembered, so that no such pair
// is tried twice; and an operation takes effect just in time, when it or another one that saw it returns. Keys are
// judged one by one, as linearizability is local (Herlihy and Wing 1990).
//
// Walking through the events in their order, all pairs that are possible so far are kept. Where no operation is under way
// they shrink to the possible states, so a history of any length costs no more than its busiest stretch. An operation
// of unknown outcome stays possible to the end, and need not ever take effect: of two pairs with the same state, the one
// that has used fewer of these up does for both.

#include "tests/support/history.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace joinly::test {

[[nodiscard]] inline std::string to_text(Token token) {
    if (token == nothing) return "nothing";
    if (token == anything) return "something";
    return token == unread ? "a value that nobody read" : '#' + std::to_string(token);
}

[[nodiscard]] inline std::string to_text(const Operation& operation) {
    std::string text = '[' + std::to_string(operation.invoked) + ", " +
                       (operation.returned == never ? "?" : std::to_string(operation.returned)) + "] thread " +
                       std::to_string(operation.thread) + ": " + operation.name;
    if (operation.expected) text += " expecting version " + std::to_string(*operation.expected);
    if (operation.read) text += " reads " + to_text(*operation.read);
    if (operation.conflict) return text + " -> conflict";
    if (operation.written) text += *operation.written == nothing ? " erases" : " writes " + to_text(*operation.written);
    if (operation.version != absent) text += " (version " + std::to_string(operation.version) + ')';
    return operation.returned == never ? text + " -> outcome unknown" : text;
}

/// The operations of one key.
class KeyHistory {
public:
    KeyHistory(std::size_t key, Beginning beginning, std::vector<Operation> operations)
        : key_{key}, beginning_{beginning}, operations_{std::move(operations)} {
        std::sort(operations_.begin(), operations_.end(),
                  [](const Operation& left, const Operation& right) { return left.invoked < right.invoked; });
    }

    /// What is wrong, or nothing.
    [[nodiscard]] std::optional<std::string> violation() {
        if (auto wrong = learn_versions()) return wrong;
        if (auto wrong = find_unwritten()) return wrong;
        return find_order();
    }

    /// The newest version up to `limit` that was written, and when that began.
    [[nodiscard]] std::pair<Version, std::uint64_t> newest_version(Version limit) const {
        const auto after = written_versions_.upper_bound(limit);
        if (after == written_versions_.begin()) return {absent, 0};
        return *std::prev(after);
    }
    /// Whether an erase may have taken effect between two moments.
    [[nodiscard]] bool maybe_erased(std::uint64_t from, std::uint64_t to) const {
        return std::any_of(operations_.begin(), operations_.end(), [&](const Operation& operation) {
            return operation.written == nothing && !operation.conflict && operation.returned > from && operation.invoked < to;
        });
    }

private:
    /// What may be the case at a moment.
    struct Possibility {
        Token token;
        Version newest;      ///< no later write may get a version up to this
        std::uint64_t done;  ///< slots of operations under way that have taken effect
    };

    static constexpr std::size_t slot_count = 64;

    /// Each token has one version, which nobody reports differently, and each version one token.
    [[nodiscard]] std::optional<std::string> learn_versions() {
        if (beginning_.token != nothing) {
            versions_[beginning_.token] = beginning_.version;
            written_versions_[beginning_.version] = 0;
        }
        std::unordered_map<Version, Token> tokens;
        for (const Operation& operation : operations_) {
            const Token token = operation.written ? *operation.written : operation.read.value_or(nothing);
            if (operation.conflict || operation.version == absent || token == nothing || token == anything) continue;
            const auto version = versions_.try_emplace(token, operation.version).first->second;
            const auto holder = tokens.try_emplace(operation.version, token).first->second;
            if (version != operation.version || holder != token)
                return say("two versions of one value, or two values of one version", operation);
            if (operation.written) written_versions_[operation.version] = operation.invoked;
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<std::string> find_unwritten() {
        std::unordered_set<Token> written{nothing, anything, beginning_.token};
        for (const Operation& operation : operations_) {
            if (operation.written) written.insert(*operation.written);
            if (operation.read) read_.insert(*operation.read);
        }
        for (const Operation& operation : operations_) {
            if (operation.read && !written.contains(*operation.read)) return say("nobody wrote what was read", operation);
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<std::string> find_order() {
        struct Event {
            std::uint64_t at;
            std::size_t operation;
            bool is_return;
        };
        std::vector<Event> events;
        for (std::size_t i = 0; i < operations_.size(); ++i) {
            events.push_back({operations_[i].invoked, i, false});
            if (operations_[i].returned != never) events.push_back({operations_[i].returned, i, true});
        }
        std::stable_sort(events.begin(), events.end(), [](const Event& left, const Event& right) { return left.at < right.at; });

        std::vector<Possibility> possible{{beginning_.token, beginning_.version, 0}};
        for (const Event& event : events) {
            if (!event.is_return) {
                take_slot(event.operation);
                continue;
            }
            std::vector<Possibility> next = after_return(possible, event.operation);
            if (next.empty()) return say_stuck(possible, event.operation);
            possible = std::move(next);
            free_slot(event.operation);
        }
        return std::nullopt;
    }

    /// All that may be the case when an operation returns: it has taken effect by then, last of all or earlier.
    [[nodiscard]] std::vector<Possibility> after_return(const std::vector<Possibility>& before, std::size_t returning) {
        const std::uint64_t returned_bit = bit(slot_of(returning));
        std::vector<Possibility> after;
        std::vector<Possibility> seen = before;  // grows while it is walked through
        for (std::size_t i = 0; i < seen.size(); ++i) {
            Possibility from = seen[i];
            if ((from.done & returned_bit) != 0) {
                from.done &= ~returned_bit;
                add(after, from);
                continue;
            }
            for (const auto& [slot, operation] : under_way_) {
                if ((from.done & bit(slot)) != 0) continue;
                if (auto to = step(from, operations_[operation])) {
                    to->done |= bit(slot);
                    add(seen, *to);
                }
            }
        }
        return after;
    }

    /// Unless one that is there does for it.
    void add(std::vector<Possibility>& all, const Possibility& one) const {
        const bool dominated = std::any_of(all.begin(), all.end(), [&](const Possibility& other) {
            const std::uint64_t difference = other.done ^ one.done;
            return other.token == one.token && other.newest == one.newest && (difference & ~optional_) == 0 &&
                   (other.done & ~one.done) == 0;
        });
        if (!dominated) all.push_back(one);
    }

    /// What an operation makes of a state, or nothing when it would have answered differently.
    [[nodiscard]] std::optional<Possibility> step(Possibility state, const Operation& operation) const {
        if (operation.read == anything ? state.token == nothing : operation.read && *operation.read != state.token)
            return std::nullopt;
        if (operation.expected && (version_of(state.token) == *operation.expected) == operation.conflict) return std::nullopt;
        if (operation.conflict || !operation.written) return state;
        state.token = *operation.written;
        if (operation.returned == never && state.token != nothing && !read_.contains(state.token)) state.token = unread;
        const auto version = version_of(state.token);
        if (state.token == nothing || !version) return state;
        if (*version <= state.newest) return std::nullopt;
        state.newest = *version;
        return state;
    }

    [[nodiscard]] std::optional<Version> version_of(Token token) const {
        if (token == nothing) return absent;
        const auto found = versions_.find(token);
        return found == versions_.end() ? std::nullopt : std::optional{found->second};
    }

    [[nodiscard]] static constexpr std::uint64_t bit(std::size_t slot) { return std::uint64_t{1} << slot; }
    void take_slot(std::size_t operation) {
        std::size_t slot = 0;
        while (under_way_.contains(slot)) ++slot;
        if (slot >= slot_count) throw std::length_error("more than 64 operations of one key are under way or of unknown outcome");
        under_way_[slot] = operation;
        if (operations_[operation].returned == never) optional_ |= bit(slot);
    }
    [[nodiscard]] std::size_t slot_of(std::size_t operation) const {
        return std::find_if(under_way_.begin(), under_way_.end(), [&](const auto& entry) { return entry.second == operation; })
            ->first;
    }
    void free_slot(std::size_t operation) { under_way_.erase(slot_of(operation)); }

    [[nodiscard]] std::string say(const std::string& what, const Operation& operation) const {
        return "key " + std::to_string(key_) + ": " + what + ": " + to_text(operation) + '\n' + window_before(operation);
    }
    [[nodiscard]] std::string say_stuck(const std::vector<Possibility>& before, std::size_t stuck) const {
        std::string states;
        for (const Possibility& state : before) {
            const std::string text = to_text(state.token);
            if (states.find(text) == std::string::npos) states += (states.empty() ? "" : " or ") + text;
        }
        return say("no order explains this, after which the key can have held only " + states, operations_[stuck]);
    }
    /// The last operations that began before this one returned, and all that overlap it.
    [[nodiscard]] std::string window_before(const Operation& last) const {
        constexpr std::size_t shown = 16;
        std::vector<const Operation*> window;
        for (const Operation& operation : operations_) {
            if (operation.invoked <= last.returned) window.push_back(&operation);
        }
        const std::size_t first = window.size() - (std::min)(window.size(), shown);
        std::string text;
        for (std::size_t i = 0; i < window.size(); ++i) {
            const bool is_open = window[i]->returned == never || window[i]->returned >= last.invoked;
            if (i >= first || is_open) text += (window[i] == &last ? "  > " : "    ") + to_text(*window[i]) + '\n';
        }
        return text;
    }

    std::size_t key_;
    Beginning beginning_;
    std::vector<Operation> operations_;                  // in the order of their invocations
    std::unordered_map<Token, Version> versions_;        // as far as anybody said
    std::map<Version, std::uint64_t> written_versions_;  // and when their writes began
    std::unordered_set<Token> read_;
    std::map<std::size_t, std::size_t> under_way_;  // slot to operation
    std::uint64_t optional_ = 0;                    // slots of operations of unknown outcome
};

/// A listing that saw some version has seen, of every key, the newest one up to it: half a batch is less than that. One
/// store's versions count all of its commits.
[[nodiscard]] inline std::optional<std::string> listing_violation(const Listing& listing, const std::vector<KeyHistory>& keys) {
    const Version newest = *std::max_element(listing.versions.begin(), listing.versions.end());
    for (std::size_t key = 0; key < keys.size(); ++key) {
        const auto [version, written_at] = keys[key].newest_version(newest);
        const Version seen = listing.versions[key];
        if (seen >= version || (seen == absent && keys[key].maybe_erased(written_at, listing.returned))) continue;
        std::string text = "a listing saw no single moment: [" + std::to_string(listing.invoked) + ", " +
                           std::to_string(listing.returned) + "] thread " + std::to_string(listing.thread) + " saw versions";
        for (const Version each : listing.versions) text += ' ' + std::to_string(each);
        return text + ", but not version " + std::to_string(version) + " of key " + std::to_string(key) + '\n';
    }
    return std::nullopt;
}

/// What shows that the history is not linearizable, in words; nothing when it is.
[[nodiscard]] inline std::optional<std::string> violation(const History& history) {
    std::vector<KeyHistory> keys;
    for (std::size_t key = 0; key < history.keys(); ++key) {
        keys.emplace_back(key, history.beginning(key), history.operations(key));
        if (auto wrong = keys.back().violation()) return wrong;
    }
    for (const Listing& listing : history.listings()) {
        if (auto wrong = listing_violation(listing, keys)) return wrong;
    }
    return std::nullopt;
}

}  // namespace joinly::test
#endif
