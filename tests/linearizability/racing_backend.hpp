#ifndef JOINLY_TESTS_LINEARIZABILITY_RACING_BACKEND_HPP
#define JOINLY_TESTS_LINEARIZABILITY_RACING_BACKEND_HPP
// Any backend, made slow and unreliable at random, so that races which would take hours to meet take seconds: a thread that
// has read and not yet returned is held up while others write, and a write fails before or after it was made.

#include <joinly/backend/concepts.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace joinly::test {

/// Random numbers for all threads at once.
class Dice {
public:
    explicit Dice(std::uint64_t seed) noexcept : state_{seed} {}
    [[nodiscard]] std::uint64_t roll(std::uint64_t sides) noexcept {  // SplitMix64
        std::uint64_t x = state_.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed);
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return (x ^ (x >> 31)) % sides;
    }

private:
    std::atomic<std::uint64_t> state_;
};

/// What the test decides, from outside the store.
struct Racing {
    explicit Racing(std::uint64_t seed) noexcept : dice{seed} {}

    /// Mostly nothing, often a few turns for other threads, sometimes the time of a whole flush.
    void pause() noexcept {
        const std::uint64_t chance = dice.roll(64);
        if (chance == 0) {
            std::this_thread::sleep_for(std::chrono::microseconds{dice.roll(200)});
        } else if (chance < 16) {
            for (std::uint64_t turns = dice.roll(4); turns > 0; --turns) std::this_thread::yield();
        }
    }
    /// Whether a call is to fail: one in `fails_one_in`, while there are failures left.
    [[nodiscard]] bool fails() noexcept {
        const std::uint64_t sides = fails_one_in.load(std::memory_order_relaxed);
        if (sides == 0 || dice.roll(sides) != 0) return false;
        return failures_left.fetch_sub(1, std::memory_order_relaxed) > 0;
    }

    Dice dice;
    std::atomic<std::uint64_t> fails_one_in{0};  ///< 0: nothing ever fails
    std::atomic<std::int64_t> failures_left{0};
};

template <storage_backend Backend>
class RacingBackend {
public:
    static constexpr bool is_volatile = volatile_backend<Backend>;
    struct Options {
        typename Backend::Options backend;
        std::shared_ptr<Racing> racing;
    };
    [[nodiscard]] static Result<RacingBackend> open(Options options) {
        auto backend = Backend::open(std::move(options.backend));
        if (!backend) return failure(std::move(backend).error());
        return RacingBackend{std::move(*backend), std::move(options.racing)};
    }

    [[nodiscard]] Result<Record> read(std::string_view key) {
        racing_->pause();
        auto record = backend_.read(key);
        racing_->pause();
        if (racing_->fails()) return failure(Errc::io, "the test fails a read");
        return record;
    }
    [[nodiscard]] Status read_many(std::span<const std::string_view> keys, ReadSink sink) {
        if (racing_->fails()) return failure(Errc::io, "the test fails a read of many");
        return backend_.read_many(keys, [&](std::size_t position, Result<Record> record) {
            racing_->pause();
            sink(position, std::move(record));
        });
    }
    [[nodiscard]] Result<Version> write(const Batch& batch) {
        racing_->pause();
        if (racing_->fails()) return failure(Errc::io, "the test fails a write");
        auto version = backend_.write(batch);
        racing_->pause();
        if (racing_->fails()) return failure(Errc::io, "the test loses a write's answer");
        return version;
    }
    [[nodiscard]] Status scan(const KeyRange& range, ScanVisitor visit) {
        racing_->pause();
        return backend_.scan(range, [&](std::string_view key, const RecordView& record) {
            racing_->pause();
            return visit(key, record);
        });
    }
    [[nodiscard]] Status follow(const KeyRange& range, EntryVisitor visit) {
        racing_->pause();
        return backend_.follow(range, [&](std::string_view entry_key, std::string_view record_key, const RecordView& record) {
            racing_->pause();
            return visit(entry_key, record_key, record);
        });
    }
    [[nodiscard]] Result<std::vector<ExpiredRecord>> expired(WallTime now, std::size_t limit) {
        racing_->pause();
        auto found = backend_.expired(now, limit);
        racing_->pause();
        return found;
    }
    [[nodiscard]] Result<Version> last_version() {
        racing_->pause();
        auto version = backend_.last_version();
        racing_->pause();
        return version;
    }
    [[nodiscard]] Result<std::uint64_t> size_on_disk() { return backend_.size_on_disk(); }
    [[nodiscard]] Status claim_sole_writer() requires requires(Backend& backend) { backend.claim_sole_writer(); }
    { return backend_.claim_sole_writer(); }
    [[nodiscard]] Result<std::uint64_t> foreign_commits() requires requires(Backend& backend) { backend.foreign_commits(); }
    { return backend_.foreign_commits(); }

private:
    RacingBackend(Backend backend, std::shared_ptr<Racing> racing) : backend_{std::move(backend)}, racing_{std::move(racing)} {}

    Backend backend_;
    std::shared_ptr<Racing> racing_;
};

}  // namespace joinly::test
#endif
