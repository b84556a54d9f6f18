// The model test finds a fault that is there, and makes the sequence that shows it short enough to understand.
#include <tests/model/run.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/failing_backend.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using joinly::Batch;
using joinly::Change;
using joinly::Record;
using joinly::Result;
using joinly::Status;
using joinly::Version;
using joinly::test::FailingBackend;
using joinly::test::TempDir;

/// A backend with one mistake. Each is one that a storage library has made.
enum class Mistake : std::uint8_t {
    cuts_keys_at_nul,      // of erases
    drops_expiry,          // of the second record in a batch
    forgets_last_change,   // of a batch of three or more
    answers_in_key_order,  // read_many, instead of the order of the request
    ignores_requirements,  // of an absent record
    stops_scans_at_0xff,
};

template <Mistake mistake>
class Mistaken {
public:
    using Options = FailingBackend::Options;

    [[nodiscard]] static Result<Mistaken> open(Options options) { return Mistaken{*FailingBackend::open(std::move(options))}; }

    [[nodiscard]] Result<Record> read(std::string_view key) { return inner_.read(key); }
    [[nodiscard]] Status read_many(std::span<const std::string_view> keys, joinly::ReadSink sink) {
        std::vector<std::string_view> asked(keys.begin(), keys.end());
        if (mistake == Mistake::answers_in_key_order) std::sort(asked.begin(), asked.end());
        return inner_.read_many(asked, sink);
    }
    [[nodiscard]] Result<Version> write(Batch batch) {
        if (mistake == Mistake::cuts_keys_at_nul) {
            for (Change& change : batch.changes) {
                if (!change.value) change.key.resize((std::min)(change.key.size(), change.key.find('\0')));
            }
        }
        if (mistake == Mistake::drops_expiry && batch.changes.size() > 1) batch.changes[1].expires_at = {};
        if (mistake == Mistake::forgets_last_change && batch.changes.size() > 2) batch.changes.pop_back();
        if (mistake == Mistake::ignores_requirements) {
            std::erase_if(batch.requirements, [](const auto& requirement) { return requirement.version == joinly::absent; });
        }
        return inner_.write(batch);
    }
    [[nodiscard]] Status scan(const joinly::KeyRange& range, joinly::ScanVisitor visit) {
        return inner_.scan(range, [&](std::string_view key, const joinly::RecordView& record) {
            return !(mistake == Mistake::stops_scans_at_0xff && key.back() == '\xff') && visit(key, record);
        });
    }
    [[nodiscard]] Status follow(const joinly::KeyRange& range, joinly::EntryVisitor visit) { return inner_.follow(range, visit); }
    [[nodiscard]] Result<std::vector<joinly::ExpiredRecord>> expired(joinly::WallTime now, std::size_t limit) {
        return inner_.expired(now, limit);
    }
    [[nodiscard]] Result<Version> last_version() { return inner_.last_version(); }
    [[nodiscard]] Result<std::uint64_t> size_on_disk() { return inner_.size_on_disk(); }

private:
    explicit Mistaken(FailingBackend inner) : inner_{std::move(inner)} {}
    FailingBackend inner_;
};

template <Mistake mistake>
struct Subject {
    using Backend = Mistaken<mistake>;
    FailingBackend::Options options(const TempDir&) const { return {control}; }
    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
};

template <Mistake mistake>
void check_that_it_is_found() {
    constexpr std::uint64_t first_seed = 1;
    constexpr std::uint64_t seeds = 20;
    std::optional<joinly::test::Counterexample> found;
    for (std::uint64_t seed = first_seed; seed < first_seed + seeds && !found; ++seed) {
        found = joinly::test::counterexample<Subject<mistake>, joinly::NoCache>(seed, 500);
    }
    REQUIRE(found);
    INFO(to_text(*found));
    CHECK(found->operations.size() <= 5);
    CHECK(joinly::test::first_wrong<Subject<mistake>, joinly::NoCache>(found->setup, found->operations));
}

TEST_CASE("a backend that cuts keys at a NUL is found out, in a few operations", "[model][shrink]") {
    check_that_it_is_found<Mistake::cuts_keys_at_nul>();
}
TEST_CASE("a backend that forgets when a record expires is found out, in a few operations", "[model][shrink]") {
    check_that_it_is_found<Mistake::drops_expiry>();
}
TEST_CASE("a backend that leaves out a part of a batch is found out, in a few operations", "[model][shrink]") {
    check_that_it_is_found<Mistake::forgets_last_change>();
}
TEST_CASE("a backend that mixes up its answers is found out, in a few operations", "[model][shrink]") {
    check_that_it_is_found<Mistake::answers_in_key_order>();
}
TEST_CASE("a backend that ignores what a batch requires is found out, in a few operations", "[model][shrink]") {
    check_that_it_is_found<Mistake::ignores_requirements>();
}
TEST_CASE("a backend whose scans stop too early is found out, in a few operations", "[model][shrink]") {
    check_that_it_is_found<Mistake::stops_scans_at_0xff>();
}

TEST_CASE("shrinking leaves what the failure needs, in order, and nothing else", "[model][shrink]") {
    std::vector<int> steps;
    for (int i = 0; i < 1000; ++i) steps.push_back(i);
    const auto fails = [](const std::vector<int>& some) {
        const auto has = [&](int step) { return std::find(some.begin(), some.end(), step) != some.end(); };
        return has(3) && has(500) && has(999);
    };
    CHECK(joinly::test::shrink(steps, fails) == std::vector{3, 500, 999});
}

TEST_CASE("a step is made simpler as long as the sequence fails", "[model][shrink]") {
    const auto halves = [](int step) { return step > 1 ? std::vector{step / 2} : std::vector<int>{}; };
    const auto fails = [](const std::vector<int>& some) { return some[0] >= 10 && some[1] >= 3; };
    CHECK(joinly::test::simplify(std::vector{100, 100, 100}, halves, fails) == std::vector{12, 3, 1});
}

TEST_CASE("operations are told so that people can read them", "[model][shrink]") {
    using namespace std::chrono_literals;
    using namespace std::string_literals;
    using joinly::test::Expect;
    using joinly::test::Operation;
    using joinly::test::Verb;
    const std::vector<Operation> operations = {
        {.verb = Verb::save, .names = {"a\0b"s}, .value = 7, .ttl = 50ms, .expect = Expect::absence},
        {.verb = Verb::set_wall, .by = -10ms},
        {.verb = Verb::ids, .after = "\xff", .limit = 2},
    };
    CHECK(to_text(operations) ==
          "    save \"a\\x00b\" value 7 ttl 50ms expect absent\n"
          "    set_wall by -10ms\n"
          "    ids after \"\\xff\" limit 2\n");
}

}  // namespace
