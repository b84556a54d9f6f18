#ifndef JOINLY_TESTS_CRASH_WORKLOAD_HPP
#define JOINLY_TESTS_CRASH_WORKLOAD_HPP
// Numbered batches that follow from a seed alone, so that whoever knows the seed knows every byte that a batch has written.
//
// A few threads write at the same time, each in a lane: keys and numbers of its own. Every batch also writes its number to its
// lane's marker, so a database tells by itself how far each lane has come.

#include <joinly/core/batch.hpp>
#include <joinly/core/clock.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinly::test {

inline constexpr std::size_t lane_count = 3;
inline constexpr std::size_t keys_per_lane = 64;
inline constexpr std::size_t hot_keys = 4;  // the first ones, the marker left out
inline constexpr std::size_t marker = 0;

/// SplitMix64: the same numbers everywhere, from any state.
class Dice {
public:
    explicit Dice(std::uint64_t seed) noexcept : state_{seed} {}

    std::uint64_t next() noexcept {
        std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15U;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31);
    }
    /// 0 to `sides` - 1.
    std::uint64_t below(std::uint64_t sides) noexcept { return next() % sides; }
    bool percent(std::uint64_t chance) noexcept { return below(100) < chance; }

private:
    std::uint64_t state_;
};

/// One change of a batch. What is put with an expiry in the past is absent to every read, and left to sweeps.
struct Step {
    enum What { puts, erases, puts_expired };
    std::size_t key;
    What what;
};
inline constexpr Expiry long_past{WallTime{std::chrono::seconds{1}}};

class Workload {
public:
    explicit Workload(std::uint64_t seed) noexcept : seed_{seed} {}

    /// What batch `number` of a lane does, in order; a key may come twice.
    [[nodiscard]] std::vector<Step> steps(std::size_t lane, std::uint64_t number) const {
        Dice dice = of(lane, number, keys_per_lane);
        std::vector<Step> steps{{marker, Step::puts}};
        for (std::uint64_t left = dice.below(7); left > 0; --left) {
            const bool hot = dice.percent(40);
            const std::uint64_t key = hot ? dice.below(hot_keys) : hot_keys + dice.below(keys_per_lane - hot_keys - 1);
            const Step::What what = dice.percent(20) ? Step::erases : dice.percent(20) ? Step::puts_expired : Step::puts;
            steps.push_back({1 + static_cast<std::size_t>(key), what});
        }
        return steps;
    }

    [[nodiscard]] std::vector<Change> changes(std::size_t lane, std::uint64_t number) const {
        std::vector<Change> changes;
        for (const Step& step : steps(lane, number)) {
            Change change{key_of(lane, step.key), std::nullopt, {}, absent, ValueForm::bytes};
            if (step.what != Step::erases) change.value = value(lane, number, step.key);
            if (step.what == Step::puts_expired) change.expires_at = long_past;
            changes.push_back(std::move(change));
        }
        return changes;
    }

    /// The number, then bytes that only this number and this key have; 10 bytes to 20 KB, most of them short.
    [[nodiscard]] std::string value(std::size_t lane, std::uint64_t number, std::size_t key) const {
        Dice dice = of(lane, number, key);
        const std::uint64_t longest = dice.percent(80) ? 200 : dice.percent(80) ? 2'000 : 20'000;
        std::string value(static_cast<std::size_t>(10 + dice.below(longest - 9)), '\0');
        std::memcpy(value.data(), &number, sizeof number);
        for (std::size_t at = sizeof number; at < value.size(); at += sizeof(std::uint64_t)) {
            const std::uint64_t filling = dice.next();
            std::memcpy(value.data() + at, &filling, (std::min)(sizeof filling, value.size() - at));
        }
        return value;
    }

    [[nodiscard]] static std::string key_of(std::size_t lane, std::size_t key) {
        return "lane" + std::to_string(lane) + ":" + std::to_string(key);
    }

    /// The lane and the key of `name`; nullopt when no batch ever wrote such a name.
    [[nodiscard]] static std::optional<std::pair<std::size_t, std::size_t>> parse_key(std::string_view name) {
        static const auto names = [] {
            std::map<std::string, std::pair<std::size_t, std::size_t>, std::less<>> all;
            for (std::size_t lane = 0; lane < lane_count; ++lane) {
                for (std::size_t key = 0; key < keys_per_lane; ++key) all.emplace(key_of(lane, key), std::pair{lane, key});
            }
            return all;
        }();
        const auto found = names.find(name);
        if (found == names.end()) return std::nullopt;
        return found->second;
    }

    [[nodiscard]] static std::uint64_t number_in(std::string_view value) {
        std::uint64_t number = 0;
        std::memcpy(&number, value.data(), (std::min)(sizeof number, value.size()));
        return number;
    }

private:
    [[nodiscard]] Dice of(std::size_t lane, std::uint64_t number, std::size_t key) const noexcept {
        return Dice{Dice{seed_ ^ (number << 16) ^ (lane << 8) ^ key}.next()};
    }

    std::uint64_t seed_;
};

/// What a key should hold.
struct Cell {
    std::uint64_t number = 0;  ///< of the batch that put it; 0: there is no record
    Version version = absent;  ///< `absent`: nobody was told
};

/// What a lane should hold after some of its batches.
struct LaneState {
    std::array<Cell, keys_per_lane> cells{};

    [[nodiscard]] std::uint64_t last() const noexcept { return cells[marker].number; }

    void apply(const Workload& workload, std::size_t lane, std::uint64_t number, Version version) {
        for (const Step& step : workload.steps(lane, number)) {
            cells[step.key] = step.what == Step::puts ? Cell{number, version} : Cell{};
        }
    }
};
using State = std::array<LaneState, lane_count>;

}  // namespace joinly::test
#endif
