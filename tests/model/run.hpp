#ifndef JOINLY_TESTS_MODEL_RUN_HPP
#define JOINLY_TESTS_MODEL_RUN_HPP
// The model test itself: sequence after sequence, each from a seed and on a fresh store, until enough operations are done or
// one is wrong. Then the sequence is shrunk and told.
//
//     JOINLY_OPERATIONS=1000000   how many in each test; 3,000 without it
//     JOINLY_SEED=17              the first sequence's seed; the next ones count on from it

#include <tests/model/operation.hpp>
#include <tests/model/random_operations.hpp>
#include <tests/model/session.hpp>
#include <tests/model/shrink.hpp>
#include <tests/support/settings.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace joinly::test {

struct Counterexample {
    std::uint64_t seed = 0;
    Setup setup;
    std::vector<Operation> operations;
    std::string wrong;  // with the last one's outcome
};

[[nodiscard]] inline std::string to_text(const Counterexample& found) {
    return "JOINLY_SEED=" + std::to_string(found.seed) + ", capacity " + std::to_string(found.setup.capacity_entries) +
           ", absence_ttl " + std::to_string(found.setup.absence_ttl.count()) + "ms, flush_entries " +
           std::to_string(found.setup.flush_entries) + ", pending_limit_entries " +
           std::to_string(found.setup.pending_limit_entries) + (found.setup.journal ? ", with a journal" : "") + '\n' +
           to_text(found.operations) + "  " + found.wrong;
}

struct Wrong {
    std::size_t position;
    std::string what;
};

/// The first operation whose outcome is wrong. At the end everything is compared.
template <class Subject, class Policy>
[[nodiscard]] std::optional<Wrong> first_wrong(const Setup& setup, const std::vector<Operation>& operations) {
    Session<Subject, Policy> session{setup};
    for (std::size_t i = 0; i < operations.size(); ++i) {
        if (auto what = session.run(operations[i]); !what.empty()) return Wrong{i, std::move(what)};
    }
    return std::nullopt;
}

/// One sequence. @return none: everything was as the model has it.
template <class Subject, class Policy>
[[nodiscard]] std::optional<Counterexample> counterexample(std::uint64_t seed, std::size_t length) {
    using namespace std::chrono_literals;
    RandomOperations random{seed};
    const Setup setup{random.one_of<std::size_t>({0, 1, 3, 100}), random.one_of<std::chrono::milliseconds>({0ms, 0ms, 20ms}),
                      random.one_of<std::size_t>({1, 5, 1'000}), random.one_of<std::size_t>({4, 8, 100'000}),
                      volatile_backend<typename Subject::Backend> || random.below(2) == 0};
    std::vector<Operation> operations = random.draw(length);
    operations.push_back({Verb::heal});
    operations.push_back({Verb::reopen});
    const auto wrong = first_wrong<Subject, Policy>(setup, operations);
    if (!wrong) return std::nullopt;
    operations.resize(wrong->position + 1);
    const auto fails = [&](const std::vector<Operation>& some) { return first_wrong<Subject, Policy>(setup, some).has_value(); };
    operations = simplify(shrink(std::move(operations), fails), &simpler, fails);
    const auto still_wrong = first_wrong<Subject, Policy>(setup, operations);
    return Counterexample{seed, setup, std::move(operations), still_wrong ? still_wrong->what : "not again: " + wrong->what};
}

/// The whole test. @return none: everything was as the model has it, for all the operations asked for.
template <class Subject, class Policy>
[[nodiscard]] std::optional<Counterexample> differs_from_model() {
    constexpr std::size_t length = 500;
    const std::uint64_t operations = setting("JOINLY_OPERATIONS", 3'000);
    std::uint64_t seed = setting("JOINLY_SEED", std::random_device{}());
    for (std::uint64_t done = 0; done < operations; done += length, ++seed) {
        if (auto found = counterexample<Subject, Policy>(seed, length)) return found;
    }
    return std::nullopt;
}

}  // namespace joinly::test
#endif
