#include "tests/support/history.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/history_check.hpp"

#include <chrono>
#include <random>
#include <string>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using Catch::Matchers::Contains;

namespace {

/// Two keys and three threads, written down by hand: begin() and end() are the moments.
struct Script {
    History history{3, 2};

    Operation begin(std::size_t thread, const char* name, std::size_t key = 0) { return history.log(thread).begin(name, key); }
    void end(const Operation& operation) { history.log(operation.thread).end(operation); }

    Operation begin_save(std::size_t thread, Token token, std::size_t key = 0) {
        Operation save = begin(thread, "save", key);
        save.written = token;
        return save;
    }
    void end_saved(Operation save, Version version) {
        save.version = version;
        end(save);
    }
    void save(std::size_t thread, Token token, Version version, std::size_t key = 0) {
        end_saved(begin_save(thread, token, key), version);
    }
    void erase(std::size_t thread) {
        Operation erase = begin(thread, "erase");
        erase.written = nothing;
        end(erase);
    }
    void end_read(Operation load, Token token, Version version = absent) {
        load.read = token;
        load.version = version;
        end(load);
    }
    void read(std::size_t thread, Token token, Version version = absent) { end_read(begin(thread, "load"), token, version); }
    void end_expecting(Operation save, Version expected, bool conflict, Version version = absent) {
        save.expected = expected;
        save.conflict = conflict;
        end_saved(save, version);
    }
    void list(std::vector<Token> tokens, std::vector<Version> versions) {
        Listing listing = history.log(2).begin_listing();
        listing.versions = std::move(versions);
        history.log(2).end(listing, tokens);
    }

    [[nodiscard]] std::string verdict() const { return violation(history).value_or("linearizable"); }
};

}  // namespace

TEST_CASE("a history of operations one after the other is linearizable when each sees the one before", "[history]") {
    Script script;
    script.read(0, nothing);
    script.save(0, 1, 5);
    script.read(1, 1, 5);
    script.save(1, 2, 6);
    script.erase(0);
    script.read(1, nothing);
    CHECK(script.verdict() == "linearizable");
}

TEST_CASE("a read of what has been overwritten is not linearizable, and the key's last operations are told", "[history]") {
    Script script;
    script.save(0, 1, 5);
    script.save(0, 2, 6);
    script.read(1, 1, 5);
    CHECK_THAT(script.verdict(), Contains("key 0: no order explains this, after which the key can have held only #2"));
    CHECK_THAT(script.verdict(), Contains("> [5, 6] thread 1: load reads #1 (version 5)"));
    CHECK_THAT(script.verdict(), Contains("thread 0: save writes #2 (version 6)"));
}

TEST_CASE("a read of an erased record is not linearizable", "[history]") {
    Script script;
    script.save(0, 1, 5);
    script.erase(1);
    script.read(0, 1);
    CHECK_THAT(script.verdict(), Contains("no order"));
}

TEST_CASE("an overlapping read may see a write or not", "[history]") {
    for (const Token seen : {Token{1}, Token{2}}) {
        Script script;
        script.save(0, 1, 5);
        const Operation save = script.begin_save(0, 2);
        script.read(1, seen);
        script.end_saved(save, 6);
        CHECK(script.verdict() == "linearizable");
    }
}

TEST_CASE("once a read has seen an overlapping write, a later one may not miss it", "[history]") {
    Script script;
    script.save(0, 1, 5);
    const Operation save = script.begin_save(0, 2);
    script.read(1, 2);
    script.read(1, 1);
    script.end_saved(save, 6);
    CHECK_THAT(script.verdict(), Contains("no order"));
}

TEST_CASE("overlapping writes take effect in the order of their versions", "[history]") {
    for (const bool in_order : {true, false}) {
        Script script;
        const Operation first = script.begin_save(0, 1);
        const Operation second = script.begin_save(1, 2);
        script.end_saved(second, in_order ? 7 : 6);
        script.end_saved(first, in_order ? 6 : 7);
        script.read(2, 2);
        CHECK((script.verdict() == "linearizable") == in_order);
    }
}

TEST_CASE("a version never goes back, not even over an erase", "[history]") {
    Script script;
    script.save(0, 1, 6);
    script.erase(0);
    script.save(0, 2, 5);
    CHECK_THAT(script.verdict(), Contains("no order"));
}

TEST_CASE("an expectation is met or refused rightly", "[history]") {
    const auto verdict = [](Version expected, bool conflict) {
        Script script;
        script.save(0, 1, 5);
        script.end_expecting(script.begin_save(1, 2), expected, conflict, conflict ? absent : 6);
        script.read(0, conflict ? 1 : 2);
        return script.verdict();
    };
    CHECK(verdict(5, false) == "linearizable");
    CHECK(verdict(4, true) == "linearizable");
    CHECK(verdict(absent, true) == "linearizable");
    CHECK_THAT(verdict(5, true), Contains("no order"));
    CHECK_THAT(verdict(4, false), Contains("no order"));
    CHECK_THAT(verdict(absent, false), Contains("no order"));
}

TEST_CASE("of two overlapping writers that expect the same version only one may win", "[history]") {
    for (const bool both : {true, false}) {
        Script script;
        script.save(0, 1, 5);
        const Operation left = script.begin_save(0, 2);
        const Operation right = script.begin_save(1, 3);
        script.end_expecting(left, 5, false, 6);
        script.end_expecting(right, 5, !both, both ? 7 : absent);
        CHECK((script.verdict() == "linearizable") == !both);
    }
}

TEST_CASE("an update that wrote over what it had not read is not linearizable", "[history]") {
    for (const Token read : {Token{1}, Token{2}}) {
        Script script;
        script.save(0, 1, 5);
        Operation update = script.begin(1, "update");
        script.save(0, 2, 6);
        update.read = read;
        update.written = 3;
        script.end_saved(update, 7);
        CHECK((script.verdict() == "linearizable") == (read == 2));
    }
}

TEST_CASE("a write of unknown outcome may take effect at any later time, once, or never", "[history]") {
    const auto verdict = [](std::vector<Token> reads) {
        Script script;
        script.save(0, 1, 5);
        script.history.log(1).end_unknown(script.begin_save(1, 2));
        for (const Token token : reads) script.read(0, token);
        return script.verdict();
    };
    CHECK(verdict({1, 1, 1}) == "linearizable");
    CHECK(verdict({1, 1, 2}) == "linearizable");
    CHECK(verdict({2, 2}) == "linearizable");
    CHECK_THAT(verdict({1, 2, 1}), Contains("no order"));
    CHECK_THAT(verdict({nothing}), Contains("no order"));
}

TEST_CASE("an erase of unknown outcome explains one disappearance and not two", "[history]") {
    for (const bool again : {true, false}) {
        Script script;
        script.save(0, 1, 5);
        Operation erase = script.begin(1, "erase");
        erase.written = nothing;
        script.history.log(1).end_unknown(erase);
        script.read(0, nothing);
        script.save(0, 2, 6);
        script.read(0, again ? nothing : 2);
        CHECK((script.verdict() == "linearizable") == !again);
    }
}

TEST_CASE("many writes of unknown outcome cost little", "[history]") {
    Script script;
    for (Token token = 1; token <= 40; ++token) script.history.log(1).end_unknown(script.begin_save(1, token));
    script.save(0, 100, 50);
    for (int i = 0; i < 200; ++i) script.end_expecting(script.begin_save(0, 1000 + static_cast<Token>(i)), 50, true);
    script.read(0, 7, 90);
    CHECK(script.verdict() == "linearizable");
}

TEST_CASE("a value that nobody wrote, and a version told in two ways, are seen", "[history]") {
    Script unwritten;
    unwritten.read(0, 9);
    CHECK_THAT(unwritten.verdict(), Contains("nobody wrote what was read"));

    Script changed;
    changed.save(0, 1, 5);
    changed.read(1, 1, 6);
    CHECK_THAT(changed.verdict(), Contains("two versions of one value"));

    Script shared;
    shared.save(0, 1, 5);
    shared.save(0, 2, 5);
    CHECK_THAT(shared.verdict(), Contains("two values of one version"));
}

TEST_CASE("a history goes on from what the key held before", "[history]") {
    Script script;
    script.history.beginning(0) = {4, 9};
    script.read(0, 4, 9);
    CHECK(script.verdict() == "linearizable");
    script.save(0, 1, 8);
    CHECK_THAT(script.verdict(), Contains("no order"));
}

TEST_CASE("a listing that sees half of a batch is not one moment", "[history]") {
    const auto verdict = [](Token second, Version second_version) {
        Script script;
        script.save(0, 1, 5, 0);
        script.save(0, 2, 6, 1);
        std::vector<Operation> batch{script.begin_save(0, 3, 0), script.begin_save(0, 4, 1)};
        script.list({3, second}, {7, second_version});
        for (Operation& save : batch) save.version = 7;
        script.history.log(0).end(batch);
        return script.verdict();
    };
    CHECK(verdict(4, 7) == "linearizable");
    CHECK_THAT(verdict(2, 6), Contains("a listing saw no single moment"));
}

TEST_CASE("a listing may miss what was erased, and nothing else", "[history]") {
    for (const bool erased : {true, false}) {
        Script script;
        script.save(0, 1, 5, 0);
        const Operation late = script.begin_save(1, 2, 1);
        if (erased) script.erase(0);
        script.list({nothing, 2}, {absent, 6});
        script.end_saved(late, 6);
        CHECK((script.verdict() == "linearizable") == erased);
    }
}

TEST_CASE("a listing misses what was erased before the history began", "[history]") {
    Script script;
    script.history.beginning(0) = {nothing, 5};
    script.history.beginning(1) = {1, 6};
    script.list({nothing, 1}, {absent, 6});
    CHECK(script.verdict() == "linearizable");
}

TEST_CASE("twenty thousand overlapping operations on one key are judged in a second or two", "[history]") {
    constexpr std::size_t threads = 8;
    for (const bool faulty : {false, true}) {
        History history{threads, 1};
        std::mt19937 random{7};
        std::vector<Operation> under_way(threads);
        std::vector<bool> busy(threads);
        Token stored = nothing;
        Token last_token = 0;
        Version version = 0;
        for (int step = 0; step < 40'000; ++step) {
            const std::size_t thread = random() % threads;
            auto& operation = under_way[thread];
            if (busy[thread]) {
                history.log(thread).end(operation);
            } else {
                operation = history.log(thread).begin("operation", 0);
                if (random() % 3 == 0) {
                    operation.written = stored = ++last_token;
                    operation.version = ++version;
                } else {
                    operation.read = stored;
                }
            }
            busy[thread] = !busy[thread];
        }
        if (faulty) {
            Operation load = history.log(0).begin("load", 0);
            load.read = last_token - 40;
            history.log(0).end(load);
        }
        const auto start = std::chrono::steady_clock::now();
        CHECK(violation(history).has_value() == faulty);
        CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{20});  // sanitizers and busy machines included
    }
}
