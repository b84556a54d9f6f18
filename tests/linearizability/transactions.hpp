#ifndef JOINLY_TESTS_LINEARIZABILITY_TRANSACTIONS_HPP
#define JOINLY_TESTS_LINEARIZABILITY_TRANSACTIONS_HPP
// Threads that run random transactions on a few keys, by id, by range and by index, with loads and saves in between, for Race
// (race.hpp) to judge.

#include "tests/linearizability/race.hpp"
#include "tests/support/transaction_check.hpp"
#include "tests/support/transaction_history.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace joinly::test {

/// An entity that an index finds as well.
struct Piece {
    std::string id;
    Token token = nothing;
    std::uint32_t shelf = 0;
};

/// Which pieces an index finds together.
inline constexpr std::uint32_t shelves = 3;
[[nodiscard]] inline std::uint32_t shelf_of(Token token) noexcept { return static_cast<std::uint32_t>(token % shelves); }

/// Whether a query for a shelf may leave out a key that holds this.
template <std::uint32_t shelf>
[[nodiscard]] bool is_not_on(Token token) noexcept {
    return token == nothing || shelf_of(token) != shelf;
}
inline constexpr std::array<bool (*)(Token), shelves> left_out{is_not_on<0>, is_not_on<1>, is_not_on<2>};

}  // namespace joinly::test

template <>
struct joinly::Entity<joinly::test::Piece> {
    static constexpr std::string_view kind = "piece";
    static constexpr auto& id(auto& piece) { return piece.id; }
    static constexpr void fields(auto& piece, auto&& field) {
        field(1, "id", piece.id);
        field(2, "token", piece.token);
        field(3, "shelf", piece.shelf, joinly::indexed);
    }
};

namespace joinly::test {

/// One thread at work: transactions, and what else may be done beside them.
template <class Store>
class TransactionRacer {
public:
    using History = TransactionHistory;

    TransactionRacer(Store& store, History::Log& log, std::size_t thread, std::size_t keys, std::atomic<Token>& last_token,
                     std::uint64_t seed)
        : store_{store}, log_{log}, thread_{thread}, keys_{keys}, last_token_{last_token}, random_{seed} {}

    void run(std::size_t operations) {
        for (std::size_t i = 0; i < operations && surprises_.empty(); ++i) act();
    }

    void load(std::size_t key) {
        Operation load = log_.plain().begin("load", key);
        const auto loaded = store_.template load<Piece>(id(key));
        load.read = loaded ? (*loaded)->token : nothing;
        if (loaded) load.version = loaded->version();
        if (!loaded && !(loaded.error() == Errc::not_found)) return note(loaded.error());
        log_.plain().end(load);
    }

    /// Errors that nothing may answer here, and answers that differ from what the transaction itself had written.
    [[nodiscard]] const std::vector<std::string>& surprises() const noexcept { return surprises_; }

private:
    using Record = RecordedTransaction;

    /// One call of the function that a transaction is given.
    template <class Tx>
    struct Try {
        Tx& tx;
        Record record;
        std::mt19937_64 random;                 // the same in each try
        std::map<std::size_t, Token> own = {};  // written so far

        [[nodiscard]] std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random() % limit); }
    };

    [[nodiscard]] std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
    [[nodiscard]] static std::string id(std::size_t key) { return std::to_string(key); }
    [[nodiscard]] static std::size_t key_of(std::string_view id) { return static_cast<std::size_t>(std::stoul(std::string{id})); }
    [[nodiscard]] Piece fresh_piece(std::size_t key) {
        const Token token = ++last_token_;
        return {id(key), token, shelf_of(token)};
    }

    void act() {
        const std::size_t key = below(keys_);
        const std::size_t choice = below(100);
        if (choice < 60) return transact();
        if (choice < 75) return load(key);
        if (choice < 82) return save(key);
        if (choice < 86) return erase(key);
        if (choice < 93) return update(key);
        if (choice < 95) return for_each();
        if (choice < 97) return find();
        if (auto flushed = store_.flush(); !flushed) note(flushed.error());
    }

    // --- beside transactions: each a small one

    void save(std::size_t key) {
        Record save = log_.begin("save");
        const Piece piece = fresh_piece(key);
        save.write(key, piece.token);
        end(save, store_.save(piece));
    }

    void erase(std::size_t key) {
        Record erase = log_.begin("erase");
        erase.write(key, nothing);
        const Status erased = store_.template erase<Piece>(id(key));
        end(erase, erased ? Result<Version>{absent} : failure(erased.error()));
    }

    void update(std::size_t key) {
        const Record begun = log_.begin("update");
        Record update = begun;
        const auto version = store_.template update<Piece>(id(key), [&](Piece& piece) {
            update = begun;
            update.read(key, piece.token);
            piece = fresh_piece(key);
            update.write(key, piece.token);
        });
        if (!version && version.error() == Errc::not_found) return;
        if (!version && update.writes.empty()) return note(version.error());  // it could not read
        end(update, version);
    }

    void for_each() {
        list([&](auto visit) { return store_.template for_each<Piece>(visit); });
    }

    /// Everything, too, but by the index.
    void find() {
        list([&](auto visit) -> Status {
            const auto pieces = store_.template find<Piece>(where(&Piece::shelf));
            if (!pieces) return failure(pieces.error());
            for (const Loaded<Piece>& piece : pieces->items) visit(piece);
            return {};
        });
    }

    void list(auto visit_all) {
        Listing listing = log_.plain().begin_listing();
        std::vector<Token> tokens(keys_, nothing);
        const Status listed = visit_all([&](const Loaded<Piece>& piece) {
            tokens.at(key_of(piece->id)) = piece->token;
            listing.versions.at(key_of(piece->id)) = piece.version();
        });
        if (!listed) return note(listed.error());
        log_.plain().end(std::move(listing), tokens);
    }

    void end(const Record& record, const Result<Version>& version) {
        if (version) return log_.end(record, *version);
        note(version.error());
        if (version.error() == Errc::io) log_.end_unknown(record);
    }

    // --- transactions

    void transact() {
        const std::uint64_t choices = random_();
        const Record begun = log_.begin("transaction");
        Record record = begun;
        bool is_whole = false;  // the newest try
        const auto version = store_.transaction([&](auto& tx) -> Status {
            is_whole = false;
            Try<std::remove_reference_t<decltype(tx)>> attempt{tx, begun, std::mt19937_64{choices}};
            for (std::size_t steps = 1 + attempt.below(4); steps > 0; --steps) {
                if (auto done = step(attempt); !done) return done;
            }
            if (attempt.below(20) == 0) return failure(Errc::invalid_argument, "given up");
            for (const auto& [key, token] : attempt.own) attempt.record.write(key, token);
            record = std::move(attempt.record);
            is_whole = true;
            return {};
        });
        if (is_whole) return end(record, version);
        if (!version && version.error().message() == "given up") return;
        note(version ? Error{Errc::corrupt, "a transaction that was given up was committed"} : version.error());
    }

    [[nodiscard]] Status step(auto& attempt) {
        const std::size_t key = attempt.below(keys_);
        const std::size_t choice = attempt.below(100);
        if (choice < 25) return load(attempt, key);
        if (choice < 45) return save(attempt, key);
        if (choice < 55) return erase(attempt, key);
        if (choice < 65) return update(attempt, key);
        if (choice < 70) return exists(attempt, key);
        if (choice < 78) return for_each(attempt);
        if (choice < 86) return ids(attempt, key);
        return find(attempt, attempt.below(shelves));
    }

    [[nodiscard]] Status load(auto& attempt, std::size_t key) {
        const auto loaded = attempt.tx.template load<Piece>(id(key));
        if (!loaded && !(loaded.error() == Errc::not_found)) return failure(loaded.error());
        found(attempt, key, loaded ? (*loaded)->token : nothing, loaded ? loaded->version() : absent);
        return {};
    }

    [[nodiscard]] Status exists(auto& attempt, std::size_t key) {
        const auto exists = attempt.tx.template exists<Piece>(id(key));
        if (!exists) return failure(exists.error());
        found(attempt, key, *exists ? anything : nothing);
        return {};
    }

    [[nodiscard]] Status save(auto& attempt, std::size_t key) {
        const Piece piece = fresh_piece(key);
        attempt.own[key] = piece.token;
        return attempt.tx.save(piece);
    }

    [[nodiscard]] Status erase(auto& attempt, std::size_t key) {
        attempt.own[key] = nothing;
        return attempt.tx.template erase<Piece>(id(key));
    }

    [[nodiscard]] Status update(auto& attempt, std::size_t key) {
        const Status updated = attempt.tx.template update<Piece>(id(key), [&](Piece& piece) {
            found(attempt, key, piece.token);
            piece = fresh_piece(key);
            attempt.own[key] = piece.token;
        });
        if (updated || !(updated.error() == Errc::not_found)) return updated;
        found(attempt, key, nothing);
        return {};
    }

    [[nodiscard]] Status for_each(auto& attempt) {
        std::set<std::size_t> missing = keys_from(0);
        const Status listed = attempt.tx.template for_each<Piece>([&](const Loaded<Piece>& piece) {
            missing.erase(key_of(piece->id));
            found(attempt, key_of(piece->id), piece->token, piece.version());
        });
        if (!listed) return listed;
        for (const std::size_t key : missing) found(attempt, key, nothing);
        return {};
    }

    /// A page of two: it tells of the keys up to the second.
    [[nodiscard]] Status ids(auto& attempt, std::size_t first) {
        const auto listed = attempt.tx.template ids<Piece>({.after = first == 0 ? "" : id(first - 1), .limit = 2});
        if (!listed) return failure(listed.error());
        for (const std::string& id : *listed) {
            for (; first < key_of(id); ++first) found(attempt, first, nothing);
            found(attempt, first++, anything);
        }
        for (; listed->size() < 2 && first < keys_; ++first) found(attempt, first, nothing);
        return {};
    }

    [[nodiscard]] Status find(auto& attempt, std::size_t shelf) {
        std::set<std::size_t> missing = keys_from(0);
        const auto pieces = attempt.tx.find(where(&Piece::shelf).equals(static_cast<std::uint32_t>(shelf)));
        if (!pieces) return failure(pieces.error());
        for (const Loaded<Piece>& piece : pieces->items) {
            missing.erase(key_of(piece->id));
            if (shelf_of(piece->token) != shelf) surprises_.push_back("a query found " + to_text(piece->token));
            found(attempt, key_of(piece->id), piece->token, piece.version());
        }
        for (const std::size_t key : missing) {
            const auto own = attempt.own.find(key);
            if (own == attempt.own.end()) {
                attempt.record.not_found(key, left_out[shelf]);
            } else if (!left_out[shelf](own->second)) {
                surprises_.push_back("a query left out what its transaction had written: " + to_text(own->second));
            }
        }
        return {};
    }

    [[nodiscard]] std::set<std::size_t> keys_from(std::size_t first) const {
        std::set<std::size_t> keys;
        for (std::size_t key = first; key < keys_; ++key) keys.insert(keys.end(), key);
        return keys;
    }

    /// What a transaction has written itself, it finds.
    void found(auto& attempt, std::size_t key, Token token, Version version = absent) {
        const auto own = attempt.own.find(key);
        if (own == attempt.own.end()) return attempt.record.read(key, token, version);
        const bool same = token == anything ? own->second != nothing : token == own->second;
        if (!same) surprises_.push_back("a transaction wrote " + to_text(own->second) + " and read " + to_text(token));
    }

    void note(const Error& error) {
        if (error == Errc::io && error.message().find("the test ") != std::string_view::npos) return;
        surprises_.push_back("thread " + std::to_string(thread_) + ": " + std::string{to_string(error.code())} + ", " +
                             std::string{error.message()});
    }

    Store& store_;
    History::Log& log_;
    std::size_t thread_;
    std::size_t keys_;
    std::atomic<Token>& last_token_;
    std::mt19937_64 random_;
    std::vector<std::string> surprises_;
};

}  // namespace joinly::test
#endif
