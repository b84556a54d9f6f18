#ifndef JOINLY_TESTS_SUPPORT_TRANSACTION_CHECK_HPP
#define JOINLY_TESTS_SUPPORT_TRANSACTION_CHECK_HPP
// Could the transactions of a history have been done one after the other, in an order that respects time?
//
// In general that is hard to tell (Papadimitriou, The Serializability of Concurrent Database Updates, Journal of the ACM 26,
// 1979), but a store tells the order: every commit returns its version. So two things are looked at. A transaction that began
// after another one had returned must have the higher version. And when all are done again to plain variables, in the order of
// their versions, each must read what it said it had read. Together that is strict serializability; lost updates, write
// skew, read skew, phantoms and the like are only names of ways to fail it.
//
// A transaction that writes nothing may have the version of one that writes, and then comes right after it.
//
// Where nobody said a version (an erase outside of transactions, an error that leaves the outcome unknown), whoever read a
// value that it wrote has told it. What is left explains one disappearance of each key that it erases, and one appearance,
// without a version, of each that it writes: more than can be, but never less.
//
// Besides, the operations on each key must be linearizable, loads outside of transactions included, and listings whole: see
// history_check.hpp.

#include "tests/support/history_check.hpp"
#include "tests/support/transaction_history.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace joinly::test {

[[nodiscard]] inline std::string to_text(const RecordedTransaction& transaction) {
    std::string text = '[' + std::to_string(transaction.invoked) + ", " +
                       (transaction.returned == never ? "?" : std::to_string(transaction.returned)) + "] thread " +
                       std::to_string(transaction.thread) + ": " + transaction.name;
    for (const auto& [key, token, version, allows] : transaction.reads) {
        text += ", key " + std::to_string(key) + (allows == nullptr ? " was " + to_text(token) : " was not found");
        if (version != absent) text += " (version " + std::to_string(version) + ')';
    }
    for (const auto& [key, token] : transaction.writes) text += ", key " + std::to_string(key) + " := " + to_text(token);
    return text + " -> " + (transaction.version == absent ? "?" : "version " + std::to_string(transaction.version));
}

/// A history's transactions, done again in the order of their versions.
class TransactionReplay {
public:
    explicit TransactionReplay(const TransactionHistory& history) : history_{history}, transactions_{history.transactions()} {}

    /// What is wrong, or nothing.
    [[nodiscard]] std::optional<std::string> violation() {
        if (auto wrong = learn_versions()) return wrong;
        if (auto wrong = place_in_time()) return wrong;
        if (auto wrong = put_in_order()) return wrong;
        return replay();
    }

private:
    /// A place in the order: after the writes of that version or, for one that only reads, right after that.
    using Position = std::uint64_t;
    [[nodiscard]] static Position position(const RecordedTransaction& transaction) noexcept {
        return 2 * transaction.version + (transaction.writes.empty() ? 1 : 0);
    }

    /// A write that has no place, and may have taken effect after one.
    struct Loose {
        Position after = 0;
        Token token = nothing;
    };
    /// What a key may hold as far as the replay has come.
    struct Cell {
        Token token = nothing;
        Version version = absent;               ///< absent: nobody knows
        std::vector<std::size_t> used_up = {};  ///< the loose writes that have been given a place, in their order

        [[nodiscard]] bool operator==(const Cell&) const = default;
    };

    /// From those who read what was written.
    [[nodiscard]] std::optional<std::string> learn_versions() {
        std::unordered_map<Token, Version> told;
        for (std::size_t key = 0; key < history_.keys(); ++key) {
            for (const Operation& operation : history_.operations(key)) {
                if (!operation.written && operation.read && operation.version != absent)
                    told.try_emplace(*operation.read, operation.version);
            }
        }
        for (const RecordedTransaction& transaction : transactions_) {
            for (const auto& read : transaction.reads) {
                if (read.version != absent) told.try_emplace(read.token, read.version);
            }
        }
        for (RecordedTransaction& transaction : transactions_) {
            for (const auto& written : transaction.writes) {
                const auto found = told.find(written.token);
                if (written.token == nothing || found == told.end()) continue;
                if (transaction.version == absent) transaction.version = found->second;
                if (transaction.version != found->second)
                    return "its writes have different versions, one of them " + std::to_string(found->second) + ": " +
                           to_text(transaction) + '\n';
            }
        }
        return std::nullopt;
    }

    /// Versions grow with time. What has none gets the place that it must come after.
    [[nodiscard]] std::optional<std::string> place_in_time() {
        std::sort(transactions_.begin(), transactions_.end(),
                  [](const RecordedTransaction& left, const RecordedTransaction& right) { return left.invoked < right.invoked; });
        std::vector<const RecordedTransaction*> returned;
        for (const RecordedTransaction& transaction : transactions_) {
            if (transaction.returned != never && transaction.version != absent) returned.push_back(&transaction);
        }
        std::sort(returned.begin(), returned.end(),
                  [](const auto* left, const auto* right) { return left->returned < right->returned; });
        const RecordedTransaction* last = nullptr;  // of those that have returned
        auto next = returned.begin();
        for (const RecordedTransaction& transaction : transactions_) {
            for (; next != returned.end() && (*next)->returned < transaction.invoked; ++next) {
                if (last == nullptr || position(**next) > position(*last)) last = *next;
            }
            const Position after = last == nullptr ? 0 : position(*last);
            if (transaction.version == absent) {
                for (const auto& [key, token] : transaction.writes) loose_[key].push_back({after, token});
            } else if (position(transaction) < after) {
                return "a version went back: " + to_text(transaction) + ", after " + to_text(*last) + '\n';
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<std::string> put_in_order() {
        std::erase_if(transactions_, [](const RecordedTransaction& transaction) { return transaction.version == absent; });
        std::stable_sort(
            transactions_.begin(), transactions_.end(),
            [](const RecordedTransaction& left, const RecordedTransaction& right) { return position(left) < position(right); });
        const auto same = [](const RecordedTransaction& left, const RecordedTransaction& right) {
            return !left.writes.empty() && position(left) == position(right);
        };
        const auto twins = std::adjacent_find(transactions_.begin(), transactions_.end(), same);
        if (twins == transactions_.end()) return std::nullopt;
        return "two commits have one version: " + to_text(*twins) + " and " + to_text(*(twins + 1)) + '\n';
    }

    [[nodiscard]] std::optional<std::string> replay() {
        for (std::size_t key = 0; key < cells_.size(); ++key) {
            const Beginning& beginning = history_.beginning(key);
            cells_[key] = {{beginning.token, beginning.token == nothing ? absent : beginning.version}};
        }
        for (std::size_t i = 0; i < transactions_.size(); ++i) {
            const RecordedTransaction& transaction = transactions_[i];
            for (const auto& read : transaction.reads) {
                std::vector<Cell> next = after_read(read, position(transaction));
                if (next.empty()) return say(i, read);
                cells_[read.key] = std::move(next);
            }
            for (const auto& [key, token] : transaction.writes) overwrite(cells_[key], token, transaction.version);
        }
        return std::nullopt;
    }

    static void overwrite(std::vector<Cell>& cells, Token token, Version version) {
        std::vector<Cell> next;
        for (Cell& cell : cells) add(next, {token, token == nothing ? absent : version, std::move(cell.used_up)});
        cells = std::move(next);
    }
    static void add(std::vector<Cell>& cells, Cell cell) {
        if (std::find(cells.begin(), cells.end(), cell) == cells.end()) cells.push_back(std::move(cell));
    }

    /// What of that which the key may hold fits the read, as it is or by a loose write, which then has this place. None is
    /// given one before somebody has seen it.
    [[nodiscard]] std::vector<Cell> after_read(const RecordedTransaction::Read& read, Position at) const {
        std::vector<Cell> next;
        for (const Cell& cell : cells_[read.key]) {
            if (fits(read, cell)) {
                add(next, cell);
                continue;
            }
            const std::vector<Loose>& loose = loose_[read.key];
            bool is_erased = false;  // one erase is as good as another
            for (std::size_t i = 0; i < loose.size(); ++i) {
                if (loose[i].after >= at || (is_erased && loose[i].token == nothing) || !fits(read, {loose[i].token}) ||
                    std::binary_search(cell.used_up.begin(), cell.used_up.end(), i))
                    continue;
                is_erased = is_erased || loose[i].token == nothing;
                Cell after{loose[i].token, absent, cell.used_up};
                after.used_up.insert(std::upper_bound(after.used_up.begin(), after.used_up.end(), i), i);
                add(next, std::move(after));
            }
        }
        return next;
    }

    [[nodiscard]] static bool fits(const RecordedTransaction::Read& read, const Cell& cell) {
        if (read.allows != nullptr) return cell.token == anything || read.allows(cell.token);
        if (read.token == anything || cell.token == anything) return (read.token == nothing) == (cell.token == nothing);
        return read.token == cell.token && (read.version == absent || read.version == cell.version);
    }

    /// With who wrote what was read, and the last ones before that wrote the key.
    [[nodiscard]] std::string say(std::size_t wrong, const RecordedTransaction::Read& read) const {
        constexpr int shown = 6;
        std::string text = "  > " + to_text(transactions_[wrong]) + '\n';
        for (std::size_t i = wrong, left = shown; i-- > 0 && left > 0;) {
            if (!wrote(transactions_[i], read.key)) continue;
            text.insert(0, "    " + to_text(transactions_[i]) + '\n');
            --left;
        }
        for (const RecordedTransaction& transaction : history_.transactions()) {
            if (read.token != nothing && wrote(transaction, read.key, read.token))
                text.insert(0, "  < " + to_text(transaction) + '\n');
        }
        return "by its version, a transaction must have found " + to_text(cells_[read.key].front().token) + " under key " +
               std::to_string(read.key) + ", and says " +
               (read.allows == nullptr ? to_text(read.token) : "that a query did not find it") + '\n' + text;
    }
    [[nodiscard]] static bool wrote(const RecordedTransaction& transaction, std::size_t key, std::optional<Token> token = {}) {
        return std::any_of(transaction.writes.begin(), transaction.writes.end(),
                           [&](const auto& written) { return written.key == key && (!token || written.token == *token); });
    }

    const TransactionHistory& history_;
    std::vector<RecordedTransaction> transactions_;  // in the order of their invocations, then of their versions
    std::vector<std::vector<Cell>> cells_ = std::vector<std::vector<Cell>>(history_.keys());  // by key, as loose_; all that may be
    std::vector<std::vector<Loose>> loose_ = std::vector<std::vector<Loose>>(history_.keys());
};

/// What shows that the history is not strictly serializable, in words; nothing when it is.
[[nodiscard]] inline std::optional<std::string> violation(const TransactionHistory& history) {
    if (auto wrong = TransactionReplay{history}.violation()) return wrong;
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
