#include "tests/support/transaction_history.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/transaction_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using Catch::Matchers::Contains;

namespace {

/// Three keys and three threads, written down by hand. Keys 0 and 1 hold #1 (version 1) and #2 (version 2), and key 2 nothing.
struct Script {
    Script() {
        history.beginning(0) = {1, 1};
        history.beginning(1) = {2, 2};
    }

    RecordedTransaction begin(std::size_t thread, const char* name = "transaction") { return history.log(thread).begin(name); }
    void end(const RecordedTransaction& transaction, Version version) { history.log(transaction.thread).end(transaction, version); }
    void end_unknown(const RecordedTransaction& transaction) { history.log(transaction.thread).end_unknown(transaction); }

    /// One that nothing overlaps.
    void write(std::size_t key, Token token, Version version) {
        RecordedTransaction write = begin(2, "write");
        write.write(key, token);
        end(write, version);
    }
    /// As a transaction of its own, at the version that it is told.
    void read(std::size_t key, Token token, Version read_version, Version version) {
        RecordedTransaction read = begin(2, "read");
        read.read(key, token, read_version);
        end(read, version);
    }

    [[nodiscard]] std::string verdict() const { return violation(history).value_or("serializable"); }

    TransactionHistory history{3, 3};
};

}  // namespace

TEST_CASE("transactions one after the other are serializable when each sees what the ones before have left", "[history]") {
    Script script;
    RecordedTransaction move = script.begin(0, "move");
    move.read(0, 1, 1);
    move.read(2, nothing);
    move.write(0, nothing);
    move.write(2, 10);
    script.end(move, 3);
    script.read(0, nothing, absent, 3);
    script.read(2, 10, 3, 4);
    script.read(1, 2, 2, 4);
    script.read(1, anything, absent, 4);
    CHECK(script.verdict() == "serializable");
}

TEST_CASE("an overlapping transaction may come before or after, as its version says", "[history]") {
    for (const bool before : {true, false}) {
        Script script;
        RecordedTransaction reader = script.begin(0);
        script.write(0, 10, 4);
        reader.read(0, before ? 1 : 10, before ? 1 : 4);
        script.end(reader, before ? 3 : 5);
        CHECK(script.verdict() == "serializable");
    }
}

TEST_CASE("a lost update is refused", "[history]") {
    Script script;
    RecordedTransaction left = script.begin(0);
    RecordedTransaction right = script.begin(1);
    left.read(0, 1, 1);
    right.read(0, 1, 1);
    left.write(0, 10);
    right.write(0, 20);
    script.end(left, 3);
    script.end(right, 4);
    CHECK_THAT(script.verdict(), Contains("must have found #10 under key 0, and says #1"));
    CHECK_THAT(script.verdict(), Contains("> [2, 4] thread 1: transaction, key 0 was #1 (version 1), key 0 := #20 -> version 4"));
    CHECK_THAT(script.verdict(), Contains("  [1, 3] thread 0: transaction, key 0 was #1 (version 1), key 0 := #10 -> version 3"));
}

TEST_CASE("write skew is refused", "[history]") {
    Script script;
    RecordedTransaction left = script.begin(0);
    RecordedTransaction right = script.begin(1);
    for (RecordedTransaction* each : {&left, &right}) {
        each->read(0, 1, 1);
        each->read(1, 2, 2);
    }
    left.write(0, 10);
    right.write(1, 20);
    script.end(left, 3);
    script.end(right, 4);
    CHECK_THAT(script.verdict(), Contains("must have found #10 under key 0, and says #1"));
}

TEST_CASE("read skew is refused, whichever half is old", "[history]") {
    for (const Version version : {Version{3}, Version{4}}) {
        Script script;
        RecordedTransaction reader = script.begin(0);
        reader.read(0, 1, 1);
        RecordedTransaction writer = script.begin(1);
        writer.write(0, 10);
        writer.write(1, 20);
        script.end(writer, 4);
        reader.read(1, 20, 4);
        script.end(reader, version);
        CHECK_THAT(script.verdict(), Contains("by its version, a transaction must have found"));
    }
}

TEST_CASE("a phantom is refused", "[history]") {
    Script script;
    RecordedTransaction left = script.begin(0, "take if none is there");
    RecordedTransaction right = script.begin(1, "take if none is there");
    left.read(2, nothing);
    right.read(2, nothing);
    left.write(2, 10);
    right.write(1, 20);
    script.end(left, 3);
    script.end(right, 4);
    CHECK_THAT(script.verdict(), Contains("must have found #10 under key 2, and says nothing"));
}

TEST_CASE("what a listing of keys alone has told must be so", "[history]") {
    for (const bool erased : {true, false}) {
        Script script;
        if (erased) script.write(0, nothing, 3);
        script.read(0, anything, absent, 4);
        CHECK((script.verdict() == "serializable") == !erased);
    }
}

TEST_CASE("a query must find what is there to be found, and nothing else is told by its silence", "[history]") {
    for (const Token written : {Token{10}, Token{20}}) {
        Script script;
        script.write(2, written, 3);
        RecordedTransaction query = script.begin(0);
        query.not_found(2, [](Token token) { return token != 10; });
        query.read(0, 1, 1);
        script.end(query, 4);
        CHECK((script.verdict() == "serializable") == (written == 20));
    }
}

TEST_CASE("a dirty read is refused, of a transaction that was given up or of one that came later", "[history]") {
    Script given_up;
    given_up.read(0, 10, 3, 4);
    CHECK_THAT(given_up.verdict(), Contains("must have found #1 under key 0, and says #10"));

    Script later;
    RecordedTransaction writer = later.begin(0);
    writer.write(0, 10);
    RecordedTransaction reader = later.begin(1);
    reader.read(0, 10, 4);
    reader.write(1, 20);
    later.end(reader, 3);
    later.end(writer, 4);
    CHECK_THAT(later.verdict(), Contains("must have found #1 under key 0, and says #10"));
}

TEST_CASE("a stale read is refused although some order explains it", "[history]") {
    Script script;
    script.write(0, 10, 4);
    script.read(0, 1, 1, 3);
    CHECK_THAT(script.verdict(), Contains("a version went back"));
}

TEST_CASE("versions that are not in the order of time are refused", "[history]") {
    Script script;
    script.write(0, 10, 5);
    script.write(1, 20, 4);
    CHECK_THAT(script.verdict(), Contains("a version went back"));
}

TEST_CASE("a reader may have the version of the last writer, and two writers may not share one", "[history]") {
    Script reader;
    reader.write(0, 10, 3);
    reader.read(0, 10, 3, 3);
    reader.read(1, 2, 2, 3);
    CHECK(reader.verdict() == "serializable");
    reader.write(1, 20, 3);
    CHECK_THAT(reader.verdict(), Contains("a version went back"));

    Script writers;
    RecordedTransaction left = writers.begin(0);
    RecordedTransaction right = writers.begin(1);
    left.write(0, 10);
    right.write(1, 20);
    writers.end(left, 3);
    writers.end(right, 3);
    CHECK_THAT(writers.verdict(), Contains("two commits have one version"));
}

TEST_CASE("a transaction of which half is seen is refused", "[history]") {
    Script script;
    RecordedTransaction writer = script.begin(0);
    writer.write(0, 10);
    writer.write(1, 20);
    RecordedTransaction reader = script.begin(1);
    reader.read(0, 10, 3);
    reader.read(1, 2, 2);
    script.end(writer, 3);
    script.end(reader, 4);
    CHECK_THAT(script.verdict(), Contains("must have found #20 under key 1, and says #2"));
}

TEST_CASE("a transaction whose writes have two versions is refused", "[history]") {
    Script script;
    RecordedTransaction writer = script.begin(0);
    writer.write(0, 10);
    writer.write(1, 20);
    script.end(writer, 3);
    script.read(0, 10, 3, 4);
    script.read(1, 20, 4, 4);
    CHECK_THAT(script.verdict(), Contains("its writes have different versions"));
}

TEST_CASE("a transaction of unknown outcome happened, whole, if anybody has seen it", "[history]") {
    const auto verdict = [](Token first, Version first_version, Token second, Version second_version) {
        Script script;
        RecordedTransaction writer = script.begin(0);
        writer.write(0, 10);
        writer.write(1, 20);
        script.end_unknown(writer);
        script.read(0, first, first_version, 5);
        script.read(1, second, second_version, 6);
        return script.verdict();
    };
    CHECK(verdict(1, 1, 2, 2) == "serializable");
    CHECK(verdict(10, 4, 20, 4) == "serializable");
    CHECK_THAT(verdict(10, 4, 2, 2), Contains("must have found #20 under key 1, and says #2"));
    CHECK_THAT(verdict(1, 1, 20, 4), Contains("must have found #10 under key 0, and says #1"));
    CHECK(verdict(1, 1, 20, 6) == "serializable");  // it took effect between the two
}

TEST_CASE("a transaction of unknown outcome that happened has read what was there", "[history]") {
    for (const bool was_there : {true, false}) {
        Script script;
        RecordedTransaction writer = script.begin(0);
        if (!was_there) script.write(1, 30, 3);
        writer.read(1, 2, 2);
        writer.write(0, 10);
        script.end_unknown(writer);
        script.read(0, 10, 4, 5);
        CHECK((script.verdict() == "serializable") == was_there);
    }
}

TEST_CASE("an erase that tells no version explains one disappearance, and none before it", "[history]") {
    Script once;
    RecordedTransaction erase = once.begin(0, "erase");
    erase.write(0, nothing);
    once.end(erase, absent);
    once.read(0, nothing, absent, 3);
    CHECK(once.verdict() == "serializable");
    once.write(0, 10, 4);
    once.read(0, nothing, absent, 5);
    CHECK_THAT(once.verdict(), Contains("must have found #10 under key 0, and says nothing"));

    Script before;
    before.read(0, nothing, absent, 3);
    RecordedTransaction late = before.begin(0, "erase");
    late.write(0, nothing);
    before.end(late, absent);
    CHECK_THAT(before.verdict(), Contains("must have found #1 under key 0, and says nothing"));
}

TEST_CASE("a query's silence that two writes of unknown outcome may explain does not use up the one that is seen later",
          "[history]") {
    Script script;
    RecordedTransaction save = script.begin(0, "save");
    RecordedTransaction erase = script.begin(1, "erase");
    save.write(0, 10);
    script.end_unknown(save);
    erase.write(0, nothing);
    script.end_unknown(erase);
    RecordedTransaction query = script.begin(2);
    query.not_found(0, [](Token token) { return token != 1; });
    script.end(query, 3);  // the erase
    script.write(0, 20, 4);
    script.read(0, 10, absent, 5);  // and now the save
    CHECK(script.verdict() == "serializable");
    script.write(0, 30, 6);
    script.read(0, 10, absent, 7);
    CHECK_THAT(script.verdict(), Contains("must have found #30 under key 0, and says #10"));
}

TEST_CASE("a load outside of transactions may not see what a transaction has overwritten", "[history]") {
    Script script;
    script.write(0, 10, 3);
    Operation load = script.history.log(1).plain().begin("load", 0);
    load.read = 1;
    load.version = 1;
    script.history.log(1).plain().end(load);
    CHECK_THAT(script.verdict(), Contains("key 0: no order explains this"));
}

TEST_CASE("a listing outside of transactions that sees half of one is refused", "[history]") {
    Script script;
    RecordedTransaction writer = script.begin(0);
    writer.write(0, 10);
    writer.write(1, 20);
    Listing listing = script.history.log(1).plain().begin_listing();
    listing.versions = {3, 2, absent};
    script.history.log(1).plain().end(listing, {10, 2, nothing});
    script.end(writer, 3);
    CHECK_THAT(script.verdict(), Contains("a listing saw no single moment"));
}

namespace {

/// Threads that run random transactions on plain variables, each at one moment of its own.
class Simulation {
public:
    static constexpr std::size_t threads = 6;
    static constexpr std::size_t keys = 5;

    explicit Simulation(std::uint64_t seed) : random_{seed} {
        for (std::size_t key = 0; key < keys; ++key) {
            if (below(2) == 0) continue;
            cells_[key] = {++last_token_, ++version_};
            history_.beginning(key) = {cells_[key].token, version_};
        }
    }

    /// @param falsified  the transaction with a read that is changed to something else, if there is to be one
    [[nodiscard]] bool is_accepted(std::size_t steps, std::optional<std::size_t> falsified = {}) {
        for (std::size_t step = 0; step < steps; ++step) advance(below(threads), falsified);
        for (std::size_t thread = 0; thread < threads; ++thread) {
            while (running_[thread].state != State::idle) advance(thread, falsified);
        }
        return !violation(history_);
    }
    [[nodiscard]] bool has_falsified() const noexcept { return has_falsified_; }

private:
    enum class State { idle, begun, committed };
    struct Running {
        State state = State::idle;
        RecordedTransaction transaction;
        Version version = absent;
        bool is_unknown = false;
    };
    struct Cell {
        Token token = nothing;
        Version version = absent;
    };

    [[nodiscard]] std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }

    void advance(std::size_t thread, std::optional<std::size_t> falsified) {
        Running& running = running_[thread];
        auto& log = history_.log(thread);
        switch (running.state) {
            case State::idle: running = {State::begun, log.begin("random"), absent, false}; return;
            case State::begun:
                commit(running, falsified);
                running.state = State::committed;
                return;
            case State::committed:
                if (running.is_unknown) {
                    log.end_unknown(running.transaction);
                } else {
                    log.end(running.transaction, running.version);
                }
                running.state = State::idle;
        }
    }

    void commit(Running& running, std::optional<std::size_t> falsified) {
        RecordedTransaction& transaction = running.transaction;
        const bool is_erase = !falsified && below(16) == 0;  // outside of transactions: it tells no version
        const std::size_t first = below(keys);
        for (std::size_t key = first; !is_erase && key < keys && key < first + 3; ++key) read(transaction, key);
        if (falsified == ++committed_) falsify(transaction.reads.front());
        running.is_unknown =
            !falsified && !is_erase && unknown_ < 8 && below(16) == 0;  // what has no version might explain the falsehood
        if (running.is_unknown) ++unknown_;
        const bool happens = !running.is_unknown || below(2) == 0;
        if (is_erase) {
            transaction.write(first, nothing);
        } else if (below(4) != 0) {
            for (std::size_t key = below(keys), count = 1 + below(2); count > 0 && key < keys; ++key, --count)
                transaction.write(key, below(3) == 0 ? nothing : ++last_token_);
        }
        if (!happens) return;
        // A reader has a version of its own or, as under write-behind, the newest writer's.
        const bool has_own = !transaction.writes.empty() || below(2) == 0;
        if (has_own) version_ += 1 + below(3);
        running.version = version_;
        for (const auto& [key, token] : transaction.writes) cells_[key] = {token, token == nothing ? absent : version_};
        if (is_erase) running.version = absent;
    }

    void read(RecordedTransaction& transaction, std::size_t key) {
        const Cell cell = cells_[key];
        const bool is_listed = below(5) == 0;
        transaction.read(key, is_listed && cell.token != nothing ? anything : cell.token, is_listed ? absent : cell.version);
    }

    /// Another value that is known, or its absence.
    void falsify(RecordedTransaction::Read& read) {
        has_falsified_ = true;
        const Token truth = cells_[read.key].token;
        read.version = absent;
        do {
            read.token = below(4) == 0 ? nothing : 1 + below(static_cast<std::size_t>(last_token_));
        } while (read.token == truth);
    }

    std::mt19937_64 random_;
    TransactionHistory history_{threads, keys};
    std::vector<Running> running_ = std::vector<Running>(threads);
    std::vector<Cell> cells_ = std::vector<Cell>(keys);
    Token last_token_ = 0;
    Version version_ = 0;
    std::size_t committed_ = 0;
    std::size_t unknown_ = 0;
    bool has_falsified_ = false;
};

}  // namespace

TEST_CASE("random transactions that were done one after the other are accepted", "[history]") {
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        INFO("seed " << seed);
        CHECK(Simulation{seed}.is_accepted(900));
    }
}

TEST_CASE("one wrong read in a random history is refused", "[history]") {
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        INFO("seed " << seed);
        Simulation simulation{seed};
        CHECK_FALSE(simulation.is_accepted(600, 100 + seed / 2));
        CHECK(simulation.has_falsified());
    }
}

TEST_CASE("ten thousand transactions are judged in a second or two", "[history]") { CHECK(Simulation{1}.is_accepted(30'000)); }
