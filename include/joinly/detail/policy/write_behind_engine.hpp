#ifndef JOINLY_DETAIL_POLICY_WRITE_BEHIND_ENGINE_HPP
#define JOINLY_DETAIL_POLICY_WRITE_BEHIND_ENGINE_HPP
// The engine of WriteBehind: a cache, an overlay of pending writes, and a thread that takes them to the backend.
//
// Locks, in the order they are taken:
//   join_mutex_   held while the worker is joined
//   flush_mutex_  held for the whole of a flush: one at a time; while it is held the flushing generation does not change
//   mutex_        guards overlay_, the versions and every other member below it; never held while the backend works
//   the gate's stripes, then the cache's shards: see load_gate.hpp and cache.hpp
// A save updates overlay and cache under mutex_, so the two never disagree about which of two writes is the newer one.

#include <joinly/config.hpp>
#include <joinly/detail/policy/backend_access.hpp>
#include <joinly/detail/policy/load_gate.hpp>
#include <joinly/detail/policy/merged_scan.hpp>
#include <joinly/detail/policy/object_cache.hpp>
#include <joinly/detail/policy/overlay.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/version_text.hpp>
#include <joinly/policy/concepts.hpp>
#include <joinly/policy/write_behind_options.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

namespace detail {

template <class Backend, class Traits>
class WriteBehindEngine {
public:
    using Options = WriteBehindOptions;
    static constexpr bool keeps_objects = true;

    [[nodiscard]] static Result<std::unique_ptr<WriteBehindEngine>> open(Backend backend, const Options& options,
                                                                         const Traits& traits) {
        const auto last_version = backend.last_version();
        if (!last_version) return failure(last_version.error());
        std::unique_ptr<WriteBehindEngine> engine{new WriteBehindEngine{std::move(backend), options, traits, *last_version}};
        if (options.drive == Drive::thread) {
            JOINLY_TRY {
                engine->worker_ = std::thread{[raw = engine.get()] { raw->work(); }};
            }
            JOINLY_CATCH_ALL { return failure(Errc::io, "the operating system gave no thread for write-behind"); }
        }
        return engine;
    }

    WriteBehindEngine(const WriteBehindEngine&) = delete;
    WriteBehindEngine& operator=(const WriteBehindEngine&) = delete;
    ~WriteBehindEngine() { (void)close(); }

    [[nodiscard]] Result<LoadedObject> load(std::string_view key, const ObjectType& type) {
        if (auto hit = cache_.get(key, type)) return *std::move(hit);
        return gate_.load(
            key, [&] { return enter(key, type); }, [&] { return access_.load(key, type); }, fill());
    }

    [[nodiscard]] Status load_many(std::span<const std::string_view> keys, const ObjectType& type, LoadSink sink) {
        return gate_.load_many(
            keys, sink, [&](std::string_view key) { return cache_.get(key, type); },
            [&](std::string_view key) { return enter(key, type); }, [&](std::string_view key) { return access_.load(key, type); },
            [&](std::span<const std::string_view> asked, LoadSink landed) { return access_.load_many(asked, type, landed); },
            fill());
    }

    [[nodiscard]] Result<Version> write(const WriteSet& set) {
        if (auto encodable = encodes(set); !encodable) return failure(std::move(encodable).error());
        std::unique_lock lock{mutex_};
        if (auto admitted = admit(lock, set); !admitted) return failure(std::move(admitted).error());
        if (set.writes.empty()) return newest_version_;

        const bool worker_sleeps = overlay_.active().newest == absent;
        overlay_.add(set.writes, newest_version_ + 1, access_.clock().monotonic());
        ++newest_version_;
        for (const Write& write : set.writes) {
            gate_.overtake(write.key);
            cache_.keep(write.key, {write.object, newest_version_, write.expires_at});
        }
        if (worker_sleeps || overlay_.active().writes.size() >= options_.flush_entries) wake_.notify_one();
        return newest_version_;
    }

    [[nodiscard]] Status scan(const KeyRange& range, ItemVisitor visit) {
        ScanStart start{*this, range};
        MergedScan merged{start.take_pending(), range.direction, access_.clock().now(), visit};
        const Status scanned = access_.scan_all(range, [&](const ScanItem& item) {
            start.release();
            return merged.meet(item);
        });
        start.release();
        if (!scanned) return scanned;
        merged.finish();
        return {};
    }

    /// Returns when everything acknowledged before the call is in the backend, or with the backend's error: what could not
    /// be stored stays pending and readable, and is tried again.
    [[nodiscard]] Status flush() {
        std::unique_lock lock{mutex_};
        const Version target = newest_version_;
        while (stored_version_ < target) {
            lock.unlock();
            if (auto flushed = flush_once(); !flushed) return flushed;
            lock.lock();
        }
        return {};
    }

    /// Flushes if a flush is due: what the store's own thread would do now.
    [[nodiscard]] Status pump() {
        std::unique_lock lock{mutex_};
        const auto due = due_in();
        lock.unlock();
        return due && due->count() <= 0 ? flush_once() : Status{};
    }

    /// Ends the worker, refuses further writes and flushes. What could not be stored stays pending, and calling again
    /// tries again.
    [[nodiscard]] Status close() {
        {
            const std::scoped_lock lock{mutex_};
            closed_ = true;
        }
        wake_.notify_all();
        room_.notify_all();
        {
            const std::scoped_lock joining{join_mutex_};
            if (worker_.joinable()) worker_.join();
        }
        auto flushed = flush();
        if (flushed) return {};
        return failure(flushed.error().code(),
                       std::to_string(stats().pending_entries) +
                           " acknowledged writes could not be stored: " + std::string{flushed.error().message()});
    }

    [[nodiscard]] StoreStats stats() const {
        const std::scoped_lock lock{mutex_};
        return {cache_.stats(), access_.reads(), access_.writes(), overlay_.size(), flush_failures_, last_flush_error_};
    }

    [[nodiscard]] Backend& backend() noexcept { return access_.backend(); }

private:
    using Clock = typename Traits::Clock;
    using Outcome = Result<LoadedObject>;
    using Nanoseconds = std::chrono::nanoseconds;

    WriteBehindEngine(Backend backend, const Options& options, const Traits& traits, Version last_version)
        : options_{bounded(options)},
          access_{std::move(backend), traits.clock},
          cache_{options.capacity_entries, options.absence_ttl, traits},
          newest_version_{last_version},
          stored_version_{last_version} {}

    /// With delays that can be added to a time: a century stands for ever.
    [[nodiscard]] static Options bounded(Options options) {
        using std::chrono::milliseconds;
        constexpr milliseconds longest = std::chrono::hours{24 * 365 * 100};
        options.max_delay = std::clamp(options.max_delay, milliseconds{0}, longest);
        options.full_timeout = std::clamp(options.full_timeout, milliseconds{0}, longest);
        return options;
    }

    // --- loading -------------------------------------------------------------------------------------------------------

    /// The last look and the start of a flight are one step under mutex_, so that no save can slip in between them.
    [[nodiscard]] LoadGate::Ticket enter(std::string_view key, const ObjectType& type) {
        LoadedObject pending;
        {
            const std::scoped_lock lock{mutex_};
            const LoadedObject* found = overlay_.find(key);
            if (found == nullptr) return gate_.enter(key, type, [&] { return cache_.peek(key, type); });
            pending = *found;
        }
        return {pending_outcome(key, std::move(pending), type), nullptr, false};
    }

    [[nodiscard]] Outcome pending_outcome(std::string_view key, LoadedObject pending, const ObjectType& type) const {
        if (!pending.object.value || pending.expires_at.has_passed(access_.clock().now())) return failure(Errc::not_found);
        return as_type(key, std::move(pending), type);
    }

    [[nodiscard]] auto fill() {
        return [this](std::string_view key, const Outcome& outcome) { cache_.fill(key, outcome); };
    }

    // --- writing -------------------------------------------------------------------------------------------------------

    /// A flush must not meet an object that its codec refuses: it would have been acknowledged already.
    [[nodiscard]] static Status encodes(const WriteSet& set) {
        for (const Write& write : set.writes) {
            if (!write.object.value) continue;
            const auto measured = write.object.type->measure(write.object.value.get());
            if (!measured) return failure_at(write.key, measured.error());
        }
        return {};
    }

    /// Returns, with mutex_ held, once there is room for the set and its requirements hold; or why not. Waiting for room and
    /// asking the backend for a version let go of the lock, after which everything is looked at anew.
    [[nodiscard]] Status admit(std::unique_lock<std::mutex>& lock, const WriteSet& set) {
        const auto deadline = std::chrono::steady_clock::now() + options_.full_timeout;
        std::vector<StoredVersion> stored(set.requirements.size());
        for (;;) {
            if (closed_) return failure(Errc::closed, "the store is closed");
            if (overtaken_)
                return failure(Errc::busy, "another writer has written to the database: write-behind must be the only one");
            if (!has_room_for(set.writes)) {
                if (wait_for_room(lock, deadline)) continue;
                return failure(Errc::full, std::to_string(overlay_.size()) + " writes are pending, the limit is " +
                                               std::to_string(options_.pending_limit_entries));
            }
            std::vector<std::size_t> unknown;
            for (std::size_t i = 0; i < set.requirements.size(); ++i) {
                const Requirement& requirement = set.requirements[i];
                const std::optional<Version> known = known_version(requirement.key, stored[i]);
                if (!known) {
                    unknown.push_back(i);
                } else if (*known != requirement.version) {
                    return failure(Errc::conflict, conflict_text(requirement, *known));
                }
            }
            if (unknown.empty()) return {};
            if (auto asked = ask_backend(lock, set.requirements, unknown, stored); !asked) return asked;
        }
    }

    /// Waits for a flush to make room, and makes one due; false when nobody flushes, or when the deadline has passed.
    [[nodiscard]] bool wait_for_room(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point deadline) {
        if (options_.drive == Drive::caller || std::chrono::steady_clock::now() >= deadline) return false;
        ++writers_waiting_;
        wake_.notify_one();
        room_.wait_until(lock, deadline);
        --writers_waiting_;
        return true;
    }

    [[nodiscard]] static std::string conflict_text(const Requirement& requirement, Version known) {
        return printable(requirement.key) + " is " + version_text(known) + ", not " + version_text(requirement.version);
    }

    /// What the backend had when it was asked, and after how many flushes that was.
    struct StoredVersion {
        Version version = absent;
        Expiry expires_at;
        std::optional<std::uint64_t> asked_after_flushes;
    };

    /// A write to a key that waits for the next flush already takes no room.
    [[nodiscard]] bool has_room_for(const std::vector<Write>& writes) const {
        const std::size_t room = options_.pending_limit_entries - (std::min)(overlay_.size(), options_.pending_limit_entries);
        if (overlay_.size() == 0 || writes.size() <= room) return true;
        const auto is_new = [&](const Write& write) { return !overlay_.active().writes.contains(write.key); };
        return static_cast<std::size_t>(std::count_if(writes.begin(), writes.end(), is_new)) <= room;
    }

    /// The newest acknowledged version of a key, or nullopt when only the backend knows. What the backend said counts while
    /// no flush has ended since: until then, a key that is not pending has not changed.
    [[nodiscard]] std::optional<Version> known_version(std::string_view key, const StoredVersion& stored) {
        const WallTime now = access_.clock().now();
        if (const LoadedObject* pending = overlay_.find(key)) {
            return pending->object.value && !pending->expires_at.has_passed(now) ? pending->version : absent;
        }
        if (const auto cached = cache_.version_of(key)) return cached;
        if (stored.asked_after_flushes != flushes_) return std::nullopt;
        return stored.expires_at.has_passed(now) ? absent : stored.version;
    }

    /// One trip to the backend, without mutex_, for the versions that only it knows.
    [[nodiscard]] Status ask_backend(std::unique_lock<std::mutex>& lock, const std::vector<Requirement>& requirements,
                                     const std::vector<std::size_t>& unknown, std::vector<StoredVersion>& stored) {
        const std::uint64_t flushes = flushes_;
        std::vector<std::string_view> keys;
        for (const std::size_t i : unknown) keys.push_back(requirements[i].key);
        std::optional<Error> error;
        lock.unlock();
        auto read = access_.read_many(keys, [&](std::size_t position, Result<Record> record) {
            if (record) {
                stored[unknown[position]] = {record->version, record->expires_at, flushes};
            } else if (record.error() == Errc::not_found) {
                stored[unknown[position]] = {absent, {}, flushes};
            } else {
                error = std::move(record).error();
            }
        });
        lock.lock();
        if (read && error) return failure(*std::move(error));
        return read;
    }

    // --- scanning ------------------------------------------------------------------------------------------------------

    /// From the copy of the overlay until the backend's snapshot stands, no new generation may set out for the backend: it
    /// would be in the snapshot although it is newer than the copy.
    class ScanStart {
    public:
        ScanStart(WriteBehindEngine& engine, const KeyRange& range) : engine_{engine} {
            std::unique_lock lock{engine_.mutex_};
            engine_.scan_or_flush_.wait(lock, [&] { return !engine_.flush_waits_; });
            pending_ = engine_.overlay_.within(range);
            ++engine_.starting_scans_;
        }
        ScanStart(const ScanStart&) = delete;
        ScanStart& operator=(const ScanStart&) = delete;
        ~ScanStart() { release(); }

        [[nodiscard]] MergedScan::PendingWrites take_pending() noexcept { return std::move(pending_); }
        void release() noexcept {
            if (released_) return;
            released_ = true;
            const std::scoped_lock lock{engine_.mutex_};
            if (--engine_.starting_scans_ == 0) engine_.scan_or_flush_.notify_all();
        }

    private:
        WriteBehindEngine& engine_;
        MergedScan::PendingWrites pending_;
        bool released_ = false;
    };

    // --- flushing ------------------------------------------------------------------------------------------------------

    void work() {
        constexpr Nanoseconds longest_sleep = std::chrono::hours{1};
        std::unique_lock lock{mutex_};
        while (!closed_) {
            const auto due = due_in();
            if (!due) {
                wake_.wait(lock);
            } else if (due->count() > 0) {
                wake_.wait_for(lock, (std::min)(*due, longest_sleep));
            } else {
                lock.unlock();
                (void)flush_once();  // a failure is kept in the statistics, and what it held is tried again
                lock.lock();
            }
        }
    }

    /// How long until a flush is due, under mutex_; nullopt when nothing is pending.
    [[nodiscard]] std::optional<Nanoseconds> due_in() const {
        if (overlay_.size() == 0) return std::nullopt;
        const Nanoseconds now = access_.clock().monotonic();
        if (retry_at_) return *retry_at_ - now;
        const bool flush_at_once = writers_waiting_ > 0 || !overlay_.flushing().writes.empty() ||
                                   overlay_.active().writes.size() >= options_.flush_entries;
        if (flush_at_once) return Nanoseconds{0};
        return overlay_.active().first_at + options_.max_delay - now;
    }

    /// Takes one generation to the backend: the one that failed before, or everything that is pending now.
    [[nodiscard]] Status flush_once() {
        const std::scoped_lock flushing{flush_mutex_};
        if (!begin_flush()) return {};
        Status stored = failure(Errc::full);  // stays so when memory runs out while encoding
        JOINLY_TRY { stored = store_flushing_generation(); }
        JOINLY_CATCH_ALL {}
        end_flush(stored);
        return stored;
    }

    [[nodiscard]] bool begin_flush() {
        std::unique_lock lock{mutex_};
        if (!overlay_.flushing().writes.empty()) return true;
        if (overlay_.active().writes.empty()) return false;
        flush_waits_ = true;
        scan_or_flush_.wait(lock, [&] { return starting_scans_ == 0; });
        flush_waits_ = false;
        overlay_.begin_flush();
        scan_or_flush_.notify_all();
        return true;
    }

    /// Reads the flushing generation without mutex_: nobody changes it while flush_mutex_ is held.
    [[nodiscard]] Status store_flushing_generation() {
        const Overlay::Generation& generation = overlay_.flushing();
        Batch batch;
        batch.version = generation.newest;
        batch.after = stored_version_;  // only a flush changes it
        batch.changes.reserve(generation.writes.size());
        for (const auto& [key, write] : generation.writes) {
            auto change = encode_change(key, write.object, write.expires_at, write.version);
            if (!change) return failure(std::move(change).error());
            batch.changes.push_back(std::move(*change));
        }
        // Neighbouring keys share the engine's pages: sorted, ten thousand puts cost SQLite 40 per cent less.
        std::sort(batch.changes.begin(), batch.changes.end(), [](const Change& a, const Change& b) { return a.key < b.key; });
        return store(std::move(batch));
    }

    /// A try that failed may have been stored all the same, its answer lost on the way. Then the next one meets a conflict with
    /// itself: nobody else allocates versions, so the backend has the batch if it has the batch's version.
    [[nodiscard]] Status store(Batch batch) {
        const Version newest = batch.version;
        const bool was_maybe_stored = std::exchange(maybe_stored_, true);
        const auto stored = access_.write(std::move(batch));
        if (!stored && !(stored.error() == Errc::conflict)) return failure(stored.error());
        if (!stored) {
            const auto last = access_.backend().last_version();
            if (!was_maybe_stored || last != newest) {
                maybe_stored_ = was_maybe_stored;
                const std::scoped_lock lock{mutex_};
                overtaken_ = true;
                return failure(stored.error());
            }
        }
        maybe_stored_ = false;
        return {};
    }

    void end_flush(const Status& stored) {
        std::optional<Overlay::Generation> done;  // destroyed after the lock is let go
        const std::scoped_lock lock{mutex_};
        if (!stored) {
            ++flush_failures_;
            JOINLY_TRY { last_flush_error_ = stored.error().message(); }
            JOINLY_CATCH_ALL {}
            retry_at_ = access_.clock().monotonic() + backoff_;
            backoff_ = (std::min)(backoff_ * 2, longest_backoff);
            return;
        }
        stored_version_ = overlay_.flushing().newest;
        done = overlay_.end_flush();
        ++flushes_;
        retry_at_.reset();
        backoff_ = first_backoff;
        last_flush_error_.clear();
        room_.notify_all();
        wake_.notify_one();  // the worker may be asleep until a retry that is no longer due
    }

    static constexpr Nanoseconds first_backoff = std::chrono::milliseconds{10};
    static constexpr Nanoseconds longest_backoff = std::chrono::seconds{5};

    const Options options_;
    BackendAccess<Backend, Clock> access_;
    LoadGate gate_;
    ObjectCache<Traits> cache_;

    std::mutex flush_mutex_;
    bool maybe_stored_ = false;  // the flushing generation, by a try that failed; guarded by flush_mutex_
    mutable std::mutex mutex_;
    Overlay overlay_;
    Version newest_version_;  // acknowledged
    Version stored_version_;  // in the backend
    std::uint64_t flushes_ = 0;
    std::uint64_t flush_failures_ = 0;
    std::string last_flush_error_;
    std::optional<Nanoseconds> retry_at_;  // after a failed flush
    Nanoseconds backoff_ = first_backoff;
    std::size_t writers_waiting_ = 0;  // for room
    std::size_t starting_scans_ = 0;
    bool flush_waits_ = false;  // for starting scans; new ones wait meanwhile
    bool overtaken_ = false;    // another writer was here: what is pending can never be stored
    bool closed_ = false;

    std::condition_variable wake_;           // the worker: something is pending, a flush is due, or the end has come
    std::condition_variable room_;           // writers: the overlay has shrunk
    std::condition_variable scan_or_flush_;  // starting scans and a flush that is about to begin
    std::mutex join_mutex_;                  // guards worker_, and is taken before all others
    std::thread worker_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
