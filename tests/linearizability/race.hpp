#ifndef JOINLY_TESTS_LINEARIZABILITY_RACE_HPP
#define JOINLY_TESTS_LINEARIZABILITY_RACE_HPP
// Threads that do whatever a store can do to a few keys, in rounds; after each, its history is judged.

#include <joinly/backend/memory.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

#include "tests/linearizability/racing_backend.hpp"
#include "tests/support/history.hpp"
#include "tests/support/history_check.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace joinly::test {

/// The smallest entity: what the threads race for.
struct Cell {
    std::string id;
    Token token = nothing;
};

/// A number from the environment.
[[nodiscard]] inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct RaceOptions {
    std::size_t keys = 4;
    std::size_t operations = 2'000;  ///< a round
    bool fails = false;              ///< the backend, at random
    std::uint64_t seed = 0;
    std::string journal = {};  ///< the directory, for JournaledWriteBehind
};

/// Write-behind with a journal, as a policy of its own.
struct JournaledWriteBehind : WriteBehind {};

/// What differs from one round to the next.
struct RoundOptions {
    std::size_t capacity_entries;
    std::chrono::milliseconds absence_ttl;

    template <class CachePolicy>
    [[nodiscard]] typename CachePolicy::Options of() const {
        typename CachePolicy::Options options;
        if constexpr (requires { options.capacity_entries; }) {
            options.capacity_entries = capacity_entries;
            options.absence_ttl = absence_ttl;
        }
        if constexpr (requires { options.flush_entries; }) {  // flushes all the time, and now and then a full overlay
            options.max_delay = std::chrono::milliseconds{1};
            options.flush_entries = 2;
            options.pending_limit_entries = 6;
            options.full_timeout = std::chrono::seconds{20};
            options.longest_backoff = std::chrono::milliseconds{20};
        }
        return options;
    }
};

}  // namespace joinly::test

template <>
struct joinly::Entity<joinly::test::Cell> {
    static constexpr std::string_view kind = "cell";
    static constexpr auto& id(auto& cell) { return cell.id; }
    static constexpr void fields(auto& cell, auto&& field) {
        field(1, "id", cell.id);
        field(2, "token", cell.token);
    }
};

namespace joinly::test {

/// One thread at work. What it may do is one member function each.
template <class Store>
class Racer {
public:
    using History = test::History;

    Racer(Store& store, History::Log& log, std::size_t thread, std::size_t keys, std::atomic<Token>& last_token, std::uint64_t seed)
        : store_{store}, log_{log}, thread_{thread}, last_token_{last_token}, random_{seed}, seen_(keys, absent) {
        for (std::size_t key = 0; key < keys; ++key) ids_.push_back(std::to_string(key));
    }

    void run(std::size_t operations) {
        for (std::size_t i = 0; i < operations && surprises_.empty(); ++i) act();
    }

    void load(std::size_t key) {
        Operation load = log_.begin("load", key);
        end_load(load, store_.template load<Cell>(ids_[key]));
    }

    /// Errors that no operation may answer here.
    [[nodiscard]] const std::vector<std::string>& surprises() const noexcept { return surprises_; }

private:
    [[nodiscard]] std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
    [[nodiscard]] Cell fresh_cell(std::size_t key) { return {ids_[key], ++last_token_}; }

    void act() {
        const std::size_t key = below(ids_.size());
        const std::size_t choice = below(100);
        if (choice < 32) return load(key);
        if (choice < 48) return save(key, std::nullopt);
        if (choice < 57) return save(key, seen_[key]);
        if (choice < 64) return erase(key, std::nullopt);
        if (choice < 67) return erase(key, seen_[key]);
        if (choice < 76) return update(key);
        if (choice < 82) return save_many(key);
        if (choice < 88) return load_many(key);
        if (choice < 91) return get(key);
        if (choice < 95) return for_each();
        if (choice < 98) return ids();
        if (auto flushed = store_.flush(); !flushed) note(flushed.error());
    }

    void end_load(Operation load, const Result<Loaded<Cell>>& loaded) {
        load.read = loaded ? (*loaded)->token : nothing;
        if (loaded) load.version = loaded->version();
        if (!loaded && !(loaded.error() == Errc::not_found)) return note(loaded.error());
        seen_[load.key] = load.version;
        log_.end(load);
    }

    void save(std::size_t key, std::optional<Version> expected) {
        Operation save = log_.begin("save", key);
        const Cell cell = fresh_cell(key);
        save.written = cell.token;
        save.expected = expected;
        end_write(save, store_.save(cell, {.expect = expected}));
    }

    void erase(std::size_t key, std::optional<Version> expected) {
        Operation erase = log_.begin("erase", key);
        erase.written = nothing;
        erase.expected = expected;
        const Status erased = store_.template erase<Cell>(ids_[key], {.expect = expected});
        end_write(erase, erased ? Result<Version>{absent} : failure(erased.error()));
    }

    void update(std::size_t key) {
        Operation update = log_.begin("update", key);
        const auto version = store_.template update<Cell>(ids_[key], [&](Cell& cell) {
            update.read = cell.token;
            cell.token = ++last_token_;
            update.written = cell.token;
        });
        if (!version && version.error() == Errc::not_found) {
            update.read = nothing;
            update.written.reset();
            return log_.end(update);
        }
        if (!version && !update.written) return note(version.error());  // it could not read
        if (!version && version.error() == Errc::conflict) return note(version.error());
        end_write(update, version);
    }

    void end_write(Operation write, const Result<Version>& version) {
        if (version) {
            write.version = *version;
            seen_[write.key] = *version;
            return log_.end(write);
        }
        if (version.error() == Errc::conflict && write.expected) {
            write.conflict = true;
            return log_.end(write);
        }
        note(version.error());
        if (version.error() == Errc::io) log_.end_unknown(write);
    }

    /// Two or three neighbouring keys at once.
    void save_many(std::size_t first) {
        std::vector<Operation> saves;
        std::vector<Cell> cells;
        const std::size_t count = (std::min)(2 + below(2), ids_.size());
        for (std::size_t i = 0; i < count; ++i) {
            saves.push_back(log_.begin("save_many", (first + i) % ids_.size()));
            cells.push_back(fresh_cell(saves.back().key));
            saves.back().written = cells.back().token;
        }
        const auto version = store_.save_many(cells);
        if (!version) {
            note(version.error());
            if (!(version.error() == Errc::io)) return;
            for (const Operation& save : saves) log_.end_unknown(save);
            return;
        }
        for (Operation& save : saves) save.version = *version;
        log_.end(saves);
    }

    void load_many(std::size_t first) {
        std::vector<Operation> loads;
        std::vector<std::string> ids;
        for (const std::size_t key : {first, (first + 1) % ids_.size()}) {
            loads.push_back(log_.begin("load_many", key));
            ids.push_back(ids_[key]);
        }
        const auto results = store_.template load_many<Cell>(ids);
        for (std::size_t i = 0; i < results.size(); ++i) end_load(loads[i], results[i]);
    }

    /// The record's bytes, which tell no version.
    void get(std::size_t key) {
        Operation get = log_.begin("get", key);
        const auto bytes = store_.get("cell:" + ids_[key]);
        if (!bytes && !(bytes.error() == Errc::not_found)) return note(bytes.error());
        Cell cell;
        if (bytes) {
            if (auto decoded = Binary::decode(*bytes, cell); !decoded) return note(decoded.error());
        }
        get.read = cell.token;
        log_.end(get);
    }

    void for_each() {
        Listing listing = log_.begin_listing();
        std::vector<Token> tokens(ids_.size(), nothing);
        const Status listed = store_.template for_each<Cell>([&](const Loaded<Cell>& cell) {
            const auto key = static_cast<std::size_t>(std::stoul(cell->id));
            tokens.at(key) = cell->token;
            listing.versions.at(key) = cell.version();
        });
        if (!listed) return note(listed.error());
        log_.end(std::move(listing), tokens);
    }

    void ids() {
        std::vector<Operation> reads;
        for (std::size_t key = 0; key < ids_.size(); ++key) {
            reads.push_back(log_.begin("ids", key));
            reads.back().read = nothing;
        }
        const auto listed = store_.template ids<Cell>();
        if (!listed) return note(listed.error());
        for (const std::string& id : *listed) reads.at(static_cast<std::size_t>(std::stoul(id))).read = anything;
        log_.end(reads);
    }

    void note(const Error& error) {
        if (error == Errc::io && error.message().find("the test ") != std::string_view::npos) return;
        surprises_.push_back("thread " + std::to_string(thread_) + ": " + std::string{to_string(error.code())} + ", " +
                             std::string{error.message()});
    }

    Store& store_;
    History::Log& log_;
    std::size_t thread_;
    std::atomic<Token>& last_token_;
    std::mt19937_64 random_;
    std::vector<std::string> ids_;
    std::vector<Version> seen_;  // the newest version this thread knows of each key
    std::vector<std::string> surprises_;
};

/// Rounds over one database, each with a store of its own; what the last one left is where the next one begins.
template <class Backend, class CachePolicy, template <class> class RacerOf = Racer>
class Race {
    using Raced = RacingBackend<Backend>;
    using RacedStore = Store<Raced, CachePolicy, DefaultTraits>;
    using Racer = RacerOf<RacedStore>;
    using History = typename Racer::History;

public:
    explicit Race(RaceOptions options)
        : options_{options}, random_{options.seed}, racing_{std::make_shared<Racing>(options.seed)}, beginnings_(options.keys) {}

    /// @return what went wrong, or nothing.
    [[nodiscard]] std::optional<std::string> round(const typename Backend::Options& backend) {
        constexpr bool forgets = std::is_same_v<Backend, MemoryBackend> && !is_journaled;
        if constexpr (forgets) std::fill(beginnings_.begin(), beginnings_.end(), Beginning{});
        // No room to cache anything, less than there are keys, and room enough; absence cached or not.
        const RoundOptions round{std::array{std::size_t{0}, options_.keys - 1, std::size_t{100}}[random_() % 3],
                                 std::chrono::milliseconds{random_() % 2 == 0 ? 0 : 60'000}};
        racing_->fails_one_in = 0;
        auto policy = round.of<CachePolicy>();
        if constexpr (is_journaled) {
            policy.journal.path = options_.journal;
            policy.journal.segment_bytes = std::size_t{64} << 10;  // so that segments are recycled all the time
            policy.journal.limit_bytes = std::size_t{256} << 10;
        }
        auto store = joinly::open<Raced, CachePolicy>({backend, racing_}, policy);
        if (!store) return "it does not open: " + std::string{store.error().message()};
        auto wrong = race(*store);
        racing_->fails_one_in = 0;
        if (auto closed = store->close(); !closed && !wrong) wrong = "it does not close: " + std::string{closed.error().message()};
        return wrong;
    }

private:
    static constexpr std::size_t threads = 4;
    static constexpr bool is_journaled = std::is_same_v<CachePolicy, JournaledWriteBehind>;

    [[nodiscard]] std::optional<std::string> race(RacedStore& store) {
        History history{threads, options_.keys};
        for (std::size_t key = 0; key < options_.keys; ++key) history.beginning(key) = beginnings_[key];
        std::vector<Racer> racers;
        for (std::size_t thread = 0; thread < threads; ++thread)
            racers.emplace_back(store, history.log(thread), thread, options_.keys, last_token_, random_());
        if (options_.fails) {
            racing_->failures_left = 8;  // each unknown outcome makes the judge's work harder
            racing_->fails_one_in = 20;
        }
        run(racers);
        racing_->fails_one_in = 0;
        for (std::size_t key = 0; key < options_.keys; ++key) racers.front().load(key);  // what the next round begins with
        for (const auto& racer : racers) {
            if (!racer.surprises().empty()) return racer.surprises().front();
        }
        if (auto wrong = violation(history)) return wrong;
        for (std::size_t key = 0; key < options_.keys; ++key) go_on_from(history, key);
        return std::nullopt;
    }

    void run(std::vector<Racer>& racers) {
        std::atomic<bool> go{false};
        std::vector<std::thread> running;
        for (auto& racer : racers) {
            running.emplace_back([&] {
                while (!go) std::this_thread::yield();
                racer.run(options_.operations / threads);
            });
        }
        go = true;
        for (std::thread& thread : running) thread.join();
    }

    void go_on_from(const History& history, std::size_t key) {
        const Operation* last = nullptr;
        const std::vector<Operation> operations = history.operations(key);
        for (const Operation& operation : operations) {
            if (operation.returned != never && (last == nullptr || operation.invoked > last->invoked)) last = &operation;
            if (!operation.conflict) beginnings_[key].version = (std::max)(beginnings_[key].version, operation.version);
        }
        beginnings_[key].token = *last->read;
    }

    RaceOptions options_;
    std::mt19937_64 random_;
    std::shared_ptr<Racing> racing_;
    std::vector<Beginning> beginnings_;
    std::atomic<Token> last_token_{0};
};

}  // namespace joinly::test
#endif
