#ifndef JOINLY_TESTS_CRASH_CHECK_HPP
#define JOINLY_TESTS_CRASH_CHECK_HPP
// Is what a database holds after a crash what it may hold? In each lane exactly the state before the crash and then the first
// few batches of the round, as many as were promised, or more.

#include <tests/crash/subject.hpp>
#include <tests/crash/workload.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace joinly::test {

/// What a lane has reported in one round.
struct LaneRound {
    std::uint64_t first = 1;        ///< the number of the round's first batch
    std::vector<Version> versions;  ///< of the acknowledged batches `first`, `first` + 1, ... One more may have been begun.
    std::uint64_t promised = 0;     ///< so many of them must be there
};
using Round = std::array<LaneRound, lane_count>;

struct Faults {
    std::uint64_t lost = 0;         ///< promised batches that are not there
    std::uint64_t torn = 0;         ///< keys that tell of a batch the rest of which is not there
    std::uint64_t holes = 0;        ///< keys without what a batch did that came before one that is there
    std::uint64_t resurrected = 0;  ///< keys that were erased, or never written in this life of the database
    std::uint64_t corrupt = 0;      ///< values that nobody has written, and databases that could not be read
    std::uint64_t versions = 0;     ///< versions that are not those of the acknowledgement, or went back

    [[nodiscard]] std::uint64_t sum() const noexcept { return lost + torn + holes + resurrected + corrupt + versions; }
    void add(const Faults& other) noexcept {
        lost += other.lost;
        torn += other.torn;
        holes += other.holes;
        resurrected += other.resurrected;
        corrupt += other.corrupt;
        versions += other.versions;
    }
};

/// Holds `found` against what there may be.
class Check {
public:
    Check(const Workload& workload, const State& before, const Round& round) noexcept
        : workload_{workload}, before_{before}, round_{round} {}

    void run(const std::vector<Found>& found, Version last_version) {
        for (const Found& record : found) place(record);
        if (last_version < newest_)
            report(faults_.versions, "the last version " + std::to_string(last_version) + " is below a record's");
        for (std::size_t lane = 0; lane < lane_count; ++lane) check_lane(lane);
        for (std::size_t lane = 0; lane < lane_count; ++lane) check_order(lane);
    }

    [[nodiscard]] const Faults& faults() const noexcept { return faults_; }
    [[nodiscard]] const std::string& first_fault() const noexcept { return first_fault_; }
    [[nodiscard]] Version newest() const noexcept { return newest_; }
    /// The last batch that is there.
    [[nodiscard]] std::uint64_t last(std::size_t lane) const noexcept {
        return found_[lane][marker] ? Workload::number_in(found_[lane][marker]->value) : 0;
    }

private:
    void report(std::uint64_t& fault, std::string text, std::uint64_t times = 1) {
        fault += times;
        if (first_fault_.empty()) first_fault_ = std::move(text);
    }

    void place(const Found& record) {
        const auto key = Workload::parse_key(record.key);
        if (!key) return report(faults_.corrupt, record.key + " is no key of ours");
        found_[key->first][key->second] = &record;
        newest_ = (std::max)(newest_, record.version);
    }

    void check_lane(std::size_t lane) {
        const LaneRound& round = round_[lane];
        LaneState expected = before_[lane];
        const std::uint64_t end = round.first + round.versions.size();  // the batch that may have been begun
        const std::uint64_t there = last(lane);
        const std::string name = "lane " + std::to_string(lane) + " holds batch " + std::to_string(there);
        if (there < expected.last())
            return report(faults_.lost, name + ", and held " + std::to_string(expected.last()) + " before");
        if (there != expected.last() && (there < round.first || there > end))
            return report(faults_.corrupt, name + ", which is none");
        const std::uint64_t kept = there == expected.last() ? 0 : there - round.first + 1;
        if (kept < round.promised) {
            report(faults_.lost, name + ", the " + std::to_string(kept) + "th of " + std::to_string(round.promised) + " promised",
                   round.promised - kept);
        }
        for (std::uint64_t i = 0; i < kept; ++i) {
            expected.apply(workload_, lane, round.first + i, i < round.versions.size() ? round.versions[i] : absent);
        }
        for (std::size_t key = 0; key < keys_per_lane; ++key) check_key(lane, key, expected.cells[key], there);
    }

    void check_key(std::size_t lane, std::size_t key, const Cell& expected, std::uint64_t there) {
        const Found* const found = found_[lane][key];
        const std::uint64_t number = found ? Workload::number_in(found->value) : 0;
        const std::string name = Workload::key_of(lane, key) + " is of batch " + std::to_string(number) + ", not " +
                                 std::to_string(expected.number) + "; the lane is at " + std::to_string(there);
        if (number > there) return report(faults_.torn, name);
        if (found && expected.number == 0) return report(faults_.resurrected, name);
        if (number < expected.number) return report(faults_.holes, name);
        if (!found) return;
        if (found->value != workload_.value(lane, number, key)) return report(faults_.corrupt, name + ", other bytes");
        if (expected.version != absent && found->version != expected.version) {
            report(faults_.versions,
                   name + ", at version " + std::to_string(found->version) + " instead of " + std::to_string(expected.version));
        }
    }

    /// A batch that is missing in one lane was acknowledged after everything that is there in the others.
    void check_order(std::size_t lane) {
        const LaneRound& round = round_[lane];
        const std::uint64_t kept = last(lane) < round.first ? 0 : last(lane) - round.first + 1;
        if (kept < round.versions.size() && round.versions[kept] < newest_) {
            report(faults_.holes, "lane " + std::to_string(lane) + " lacks version " + std::to_string(round.versions[kept]) +
                                      ", and another has " + std::to_string(newest_));
        }
    }

    const Workload& workload_;
    const State& before_;
    const Round& round_;
    std::array<std::array<const Found*, keys_per_lane>, lane_count> found_{};
    Version newest_ = absent;
    Faults faults_;
    std::string first_fault_;
};

}  // namespace joinly::test
#endif
