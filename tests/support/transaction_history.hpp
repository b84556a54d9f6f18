#ifndef JOINLY_TESTS_SUPPORT_TRANSACTION_HISTORY_HPP
#define JOINLY_TESTS_SUPPORT_TRANSACTION_HISTORY_HPP
// What threads did to a few keys in transactions and what they were told, for transaction_check.hpp to judge.
//
//     TransactionHistory history{threads, keys};
//     auto& log = history.log(thread);          // each thread has its own
//     auto swap = log.begin("swap");
//     swap.read(key, token, version);           // what it found; its own writes are not among that
//     swap.write(key, token);                   // no two writes of a history write the same token
//     log.end(swap, version);
//
// A range that was read counts as a read of each key in it, of those without a record as well. A single write is a small
// transaction. What takes no part in transactions' promises, loads and listings, goes into `plain`.

#include "tests/support/history.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace joinly::test {

struct RecordedTransaction {
    struct Read {
        std::size_t key = 0;
        Token token = nothing;            ///< or `anything`
        Version version = absent;         ///< of the record; absent: nobody said
        bool (*allows)(Token) = nullptr;  ///< instead of `token`: what the key may have held, as it was not found by a query
    };
    struct Written {
        std::size_t key = 0;
        Token token = nothing;  ///< `nothing` for an erase
    };

    const char* name = "";
    std::size_t thread = 0;
    std::uint64_t invoked = 0;
    std::uint64_t returned = never;  ///< never: it failed, and may have taken or may take effect at any time, or not at all
    Version version = absent;        ///< what it was told; absent: nobody said
    std::vector<Read> reads;         ///< of the try that was committed
    std::vector<Written> writes;     ///< no key twice

    void read(std::size_t key, Token token, Version read_version = absent) { reads.push_back({key, token, read_version, nullptr}); }
    void not_found(std::size_t key, bool (*allows)(Token)) { reads.push_back({key, nothing, absent, allows}); }
    void write(std::size_t key, Token token) { writes.push_back({key, token}); }

    /// What it was to one key: each of its reads there, and its write together with the first.
    void add_operations(std::size_t key, std::vector<Operation>& to) const {
        const std::size_t before = to.size();
        for (const Read& each : reads) {
            if (each.key != key || each.allows != nullptr || (returned == never && to.size() != before)) continue;
            Operation& operation = to.emplace_back(an_operation(key));
            operation.read = each.token;
            operation.version = each.version;
        }
        for (const Written& each : writes) {
            if (each.key != key) continue;
            Operation& operation = to.size() != before ? to[before] : to.emplace_back(an_operation(key));
            operation.written = each.token;
            operation.version = each.token == nothing ? absent : version;
            return;
        }
        if (returned == never) to.resize(before);  // a read that nobody has seen
    }

private:
    [[nodiscard]] Operation an_operation(std::size_t key) const {
        Operation operation;
        operation.name = name;
        operation.thread = thread;
        operation.key = key;
        operation.invoked = invoked;
        operation.returned = returned;
        return operation;
    }
};

class TransactionHistory {
public:
    class alignas(64) Log {
    public:
        [[nodiscard]] RecordedTransaction begin(const char* name) {
            RecordedTransaction transaction;
            transaction.name = name;
            transaction.thread = thread_;
            transaction.invoked = plain_->now();
            return transaction;
        }
        void end(RecordedTransaction transaction, Version version) {
            transaction.version = version;
            transaction.returned = plain_->now();
            transactions_.push_back(std::move(transaction));
        }
        /// Ends one of which nobody knows whether it has taken effect.
        void end_unknown(RecordedTransaction transaction) { transactions_.push_back(std::move(transaction)); }

        /// Loads and listings.
        [[nodiscard]] History::Log& plain() noexcept { return *plain_; }

    private:
        friend class TransactionHistory;
        History::Log* plain_ = nullptr;
        std::size_t thread_ = 0;
        std::vector<RecordedTransaction> transactions_;
    };

    TransactionHistory(std::size_t threads, std::size_t keys) : plain_{threads, keys}, logs_(threads) {
        for (std::size_t thread = 0; thread < threads; ++thread) {
            logs_[thread].plain_ = &plain_.log(thread);
            logs_[thread].thread_ = thread;
        }
    }

    [[nodiscard]] Log& log(std::size_t thread) { return logs_[thread]; }
    [[nodiscard]] Beginning& beginning(std::size_t key) { return plain_.beginning(key); }
    [[nodiscard]] const Beginning& beginning(std::size_t key) const { return plain_.beginning(key); }
    [[nodiscard]] std::size_t keys() const noexcept { return plain_.keys(); }
    [[nodiscard]] std::vector<Listing> listings() const { return plain_.listings(); }

    /// Everything that was done to a key, in transactions and without.
    [[nodiscard]] std::vector<Operation> operations(std::size_t key) const {
        std::vector<Operation> found = plain_.operations(key);
        for (const Log& log : logs_) {
            for (const RecordedTransaction& transaction : log.transactions_) transaction.add_operations(key, found);
        }
        return found;
    }
    [[nodiscard]] std::vector<RecordedTransaction> transactions() const {
        std::vector<RecordedTransaction> found;
        for (const Log& log : logs_) found.insert(found.end(), log.transactions_.begin(), log.transactions_.end());
        return found;
    }

private:
    History plain_;
    std::vector<Log> logs_;
};

}  // namespace joinly::test
#endif
