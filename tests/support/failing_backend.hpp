#ifndef JOINLY_TESTS_SUPPORT_FAILING_BACKEND_HPP
#define JOINLY_TESTS_SUPPORT_FAILING_BACKEND_HPP
// A backend in memory that fails, pauses and counts as a test tells it, from outside and at any time: the test keeps the
// control, the store has the backend.
//
//     auto control = std::make_shared<FailingBackend::Control>();
//     auto store = joinly::open<FailingBackend, WriteThrough>({.control = control});
//     control->refuse_writes = Errc::io;      // and std::nullopt lets them through again
//
// The records live in the control, so a second backend opened with it finds what the first one left: a restart.
// Any thread may do anything at any time; a hook is called without a lock held, and may wait, write or throw.

#include <joinly/backend/memory.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinly::test {

template <class Signature>
class Hook;

/// A function to be called, that can be replaced (by nullptr: nothing) while other threads call it.
template <class R, class... Args>
class Hook<R(Args...)> {
public:
    Hook& operator=(std::function<R(Args...)> function) {
        const std::lock_guard lock{mutex_};
        function_ = std::move(function);
        return *this;
    }
    R operator()(Args... args) const {
        const auto function = [this] {
            const std::lock_guard lock{mutex_};
            return function_;
        }();
        return function ? function(args...) : R();
    }

private:
    mutable std::mutex mutex_;  // guards function_
    std::function<R(Args...)> function_;
};

/// The error that calls are to fail with, or nullopt.
class Refusal {
public:
    Refusal& operator=(std::optional<Errc> code) noexcept {
        code_ = code.value_or(Errc{});
        return *this;
    }
    [[nodiscard]] std::optional<Errc> code() const noexcept {
        const Errc code = code_;
        return code == Errc{} ? std::nullopt : std::optional{code};
    }

private:
    std::atomic<Errc> code_{};  // Errc{} is no error's code
};

class FailingBackend {
public:
    struct Control {
        Refusal refuse_reads;                               ///< every call that reads answers this
        Refusal refuse_writes;                              ///< write answers this, and nothing is written
        Refusal lose_answers;                               ///< write answers this although the batch was written
        Hook<std::optional<Errc>(const Batch&)> refuse_if;  ///< as refuse_writes, for the batches it picks

        Hook<void(std::string_view key)> before_read;  ///< also for each key of a read_many
        Hook<void(std::string_view key)> after_read;   ///< the record is read, and not yet returned
        Hook<void()> before_scan;                      ///< of scan and follow
        Hook<void(const Batch&)> before_write;
        Hook<void(const Batch&)> after_write;  ///< it is written, and the write has not yet returned

        std::atomic<std::uint64_t> reads{0};   ///< calls of read, and one for each key of a read_many; refused ones too
        std::atomic<std::uint64_t> trips{0};   ///< calls of read and read_many
        std::atomic<std::uint64_t> writes{0};  ///< calls of write; refused ones too
        std::atomic<std::uint64_t> scans{0};   ///< calls of scan and follow

        MemoryBackend records = *MemoryBackend::open();  ///< what is stored, past all switches and counts
    };
    struct Options {
        std::shared_ptr<Control> control;  ///< null: a new one, out of reach
    };

    [[nodiscard]] static Result<FailingBackend> open(Options options) {
        return FailingBackend{options.control ? std::move(options.control) : std::make_shared<Control>()};
    }

    [[nodiscard]] Result<Record> read(std::string_view key) {
        ++control_->trips;
        return read_one(key);
    }
    [[nodiscard]] Status read_many(std::span<const std::string_view> keys, ReadSink sink) {
        ++control_->trips;
        for (std::size_t position = 0; position < keys.size(); ++position) {
            auto record = read_one(keys[position]);
            if (!record && record.error() != Errc::not_found) return failure(std::move(record).error());
            sink(position, std::move(record));
        }
        return {};
    }

    [[nodiscard]] Result<Version> write(const Batch& batch) {
        ++control_->writes;
        control_->before_write(batch);
        if (const auto code = control_->refuse_writes.code()) return failure(*code, "the test refuses writes");
        if (const auto code = control_->refuse_if(batch)) return failure(*code, "the test refuses this batch");
        auto version = control_->records.write(batch);
        control_->after_write(batch);
        if (const auto code = control_->lose_answers.code()) return failure(*code, "the test loses the answer");
        return version;
    }

    [[nodiscard]] Status scan(const KeyRange& range, ScanVisitor visit) {
        ++control_->scans;
        control_->before_scan();
        if (const auto code = control_->refuse_reads.code()) return refused_read(*code);
        return control_->records.scan(range, visit);
    }
    [[nodiscard]] Status follow(const KeyRange& range, EntryVisitor visit) {
        ++control_->scans;
        control_->before_scan();
        if (const auto code = control_->refuse_reads.code()) return refused_read(*code);
        return control_->records.follow(range, visit);
    }
    [[nodiscard]] Result<std::vector<ExpiredRecord>> expired(WallTime now, std::size_t limit) {
        if (const auto code = control_->refuse_reads.code()) return refused_read(*code);
        return control_->records.expired(now, limit);
    }
    [[nodiscard]] Result<Version> last_version() {
        if (const auto code = control_->refuse_reads.code()) return refused_read(*code);
        return control_->records.last_version();
    }
    [[nodiscard]] Result<std::uint64_t> size_on_disk() { return control_->records.size_on_disk(); }

private:
    explicit FailingBackend(std::shared_ptr<Control> control) noexcept : control_{std::move(control)} {}

    [[nodiscard]] Result<Record> read_one(std::string_view key) {
        ++control_->reads;
        control_->before_read(key);
        if (const auto code = control_->refuse_reads.code()) return refused_read(*code);
        auto record = control_->records.read(key);
        control_->after_read(key);
        return record;
    }
    [[nodiscard]] static tl::unexpected<Error> refused_read(Errc code) { return failure(code, "the test refuses reads"); }

    std::shared_ptr<Control> control_;
};

static_assert(storage_backend<FailingBackend>);

}  // namespace joinly::test
#endif
