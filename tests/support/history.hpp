#ifndef JOINLY_TESTS_SUPPORT_HISTORY_HPP
#define JOINLY_TESTS_SUPPORT_HISTORY_HPP
// What threads did to a few keys and what they were told, for history_check.hpp to judge.
//
//     History history{threads, keys};
//     auto& log = history.log(thread);          // each thread has its own
//     auto save = log.begin("save", key);
//     save.written = token;                      // no two writes of a history write the same token
//     save.version = *store.save(...);
//     log.end(save);
//
// The clock is one counter that all threads add to, so of two operations that do not overlap the order is known. A log is
// its thread's alone until that thread has been joined.

#include <joinly/core/record.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace joinly::test {

#if defined(__SANITIZE_THREAD__)
#define JOINLY_TEST_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define JOINLY_TEST_UNDER_TSAN 1
#endif
#endif
/// Under ThreadSanitizer, a stronger order would order the threads' other accesses too, and so hide their races from it.
#ifdef JOINLY_TEST_UNDER_TSAN
inline constexpr std::memory_order clock_order = std::memory_order_relaxed;
#else
inline constexpr std::memory_order clock_order = std::memory_order_seq_cst;
#endif

/// Stands for a written value: a read that returns it tells which write it saw.
using Token = std::uint64_t;
inline constexpr Token nothing = 0;                                       ///< there is no record
inline constexpr Token anything = (std::numeric_limits<Token>::max)();    ///< as a read: a record, whichever
inline constexpr Token unread = (std::numeric_limits<Token>::max)() - 1;  ///< for the checker's own use
inline constexpr std::uint64_t never = (std::numeric_limits<std::uint64_t>::max)();

/// One call, as far as one key is concerned. It takes effect at one moment between its invocation and its return: it
/// reads what is there, finds its expectation met or not, and unless that is a conflict writes. Each part may be missing.
struct Operation {
    const char* name = "";
    std::size_t thread = 0;
    std::size_t key = 0;
    std::uint64_t invoked = 0;
    std::uint64_t returned = never;  ///< never: it failed, and may have taken or may take effect at any time, or not at all
    std::optional<Token> read;
    std::optional<Version> expected;
    bool conflict = false;         ///< the expectation was not met
    std::optional<Token> written;  ///< `nothing` for an erase
    Version version = absent;      ///< of what was written, else of what was read; absent: nobody said
};

/// A key's record when the history begins.
struct Beginning {
    Token token = nothing;
    Version version = absent;  ///< the newest that the key ever had
};

/// A listing: what it saw of every key, at one moment.
struct Listing {
    std::size_t thread = 0;
    std::uint64_t invoked = 0;
    std::uint64_t returned = 0;
    std::vector<Version> versions;  ///< by key; absent: no record
};

class History {
public:
    /// What one thread did, in its order.
    class alignas(64) Log {
    public:
        [[nodiscard]] Operation begin(const char* name, std::size_t key) {
            Operation operation;
            operation.name = name;
            operation.thread = thread_;
            operation.key = key;
            operation.invoked = history_->tick();
            return operation;
        }
        void end(Operation operation) {
            operation.returned = history_->tick();
            operations_.push_back(operation);
        }
        /// Ends a call that was several operations at once.
        void end(std::vector<Operation> operations) {
            const std::uint64_t now = history_->tick();
            for (Operation& operation : operations) {
                operation.returned = now;
                operations_.push_back(operation);
            }
        }
        /// A moment of its own, after all that were given out before.
        [[nodiscard]] std::uint64_t now() noexcept { return history_->tick(); }
        /// Ends an operation of which nobody knows whether it has taken effect.
        void end_unknown(const Operation& operation) { operations_.push_back(operation); }

        [[nodiscard]] Listing begin_listing() {
            Listing listing;
            listing.thread = thread_;
            listing.invoked = history_->tick();
            listing.versions.resize(history_->keys(), absent);
            return listing;
        }
        /// Ends a listing that read `tokens`, by key.
        void end(Listing listing, const std::vector<Token>& tokens) {
            listing.returned = history_->tick();
            for (std::size_t key = 0; key < tokens.size(); ++key) {
                Operation read;
                read.name = "listing";
                read.thread = thread_;
                read.key = key;
                read.invoked = listing.invoked;
                read.returned = listing.returned;
                read.read = tokens[key];
                read.version = listing.versions[key];
                operations_.push_back(read);
            }
            listings_.push_back(std::move(listing));
        }

    private:
        friend class History;
        History* history_ = nullptr;
        std::size_t thread_ = 0;
        std::vector<Operation> operations_;
        std::vector<Listing> listings_;
    };

    History(std::size_t threads, std::size_t keys) : beginnings_(keys), logs_(threads) {
        for (std::size_t thread = 0; thread < threads; ++thread) {
            logs_[thread].history_ = this;
            logs_[thread].thread_ = thread;
        }
    }
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    [[nodiscard]] Log& log(std::size_t thread) { return logs_[thread]; }
    [[nodiscard]] Beginning& beginning(std::size_t key) { return beginnings_[key]; }
    [[nodiscard]] const Beginning& beginning(std::size_t key) const { return beginnings_[key]; }
    [[nodiscard]] std::size_t keys() const noexcept { return beginnings_.size(); }

    /// Everything that was done to a key, thread by thread.
    [[nodiscard]] std::vector<Operation> operations(std::size_t key) const {
        std::vector<Operation> found;
        for (const Log& log : logs_) {
            for (const Operation& operation : log.operations_) {
                if (operation.key == key) found.push_back(operation);
            }
        }
        return found;
    }
    [[nodiscard]] std::vector<Listing> listings() const {
        std::vector<Listing> found;
        for (const Log& log : logs_) found.insert(found.end(), log.listings_.begin(), log.listings_.end());
        return found;
    }

private:
    [[nodiscard]] std::uint64_t tick() noexcept { return clock_.fetch_add(1, clock_order); }

    std::atomic<std::uint64_t> clock_{1};
    std::vector<Beginning> beginnings_;
    std::vector<Log> logs_;
};

}  // namespace joinly::test
#endif
