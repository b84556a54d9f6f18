#ifndef JOINLY_DETAIL_LEVELDB_HANDLE_HPP
#define JOINLY_DETAIL_LEVELDB_HANDLE_HPP
// Hands out the engine, and replaces it after a failed write: an engine that goes on then acknowledges writes which the next
// opening does not find. Any thread may call anything.
//
// LevelDB allows one open database a directory, and iterators must end before their database. So each operation holds a
// lease for as long as it runs, and the next engine is opened only when the last lease on the failed one has ended.
//
// One lock, mutex_, for moments, and through an opening; no other is taken under it.

#include <joinly/backend/leveldb_options.hpp>
#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/leveldb/engine.hpp>
#include <joinly/detail/reopening.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class LevelDbHandle {
public:
    using Lease = std::shared_ptr<LevelDbEngine>;

    /// How long a call waits for the leases on a failed engine to end. A scan's visitor that calls the backend holds one
    /// itself, so this must end.
    static constexpr std::chrono::milliseconds reopen_patience{200};

    LevelDbHandle(LevelDbOptions options, std::unique_ptr<LevelDbEngine> engine) : options_{std::move(options)} {
        hold(std::make_shared<Holder>(*this), std::move(engine));
    }

    [[nodiscard]] const LevelDbOptions& options() const noexcept { return options_; }

    /// The engine; after a failed write a fresh one. Otherwise `io` (or what opening says): it may be tried again later.
    [[nodiscard]] Result<Lease> lease(ReopenFor use = ReopenFor::read) {
        std::unique_lock lock{mutex_};
        if (engine_) return engine_;
        if (!closed_.wait_for(lock, reopen_patience, [this] { return engine_ || !open_; })) {
            return failure(Errc::io, options_.path + ": cannot be reopened after a failed write while a scan of it runs");
        }
        if (engine_) return engine_;
        if (auto reopened = reopening_.attempt(use, [&] { return reopen(); }); !reopened)
            return failure(std::move(reopened).error());
        return engine_;
    }

    /// Whether new leases are on this engine.
    [[nodiscard]] bool holds(const Lease& engine) {
        const std::lock_guard lock{mutex_};
        return engine_ == engine;
    }

    /// Whoever holds a lease on `failed` may finish reading; nobody gets another.
    void retire(const Lease& failed) noexcept {
        Lease last;  // let go of after the lock, which closing needs
        const std::lock_guard lock{mutex_};
        if (engine_ == failed) last.swap(engine_);
    }

private:
    /// What all leases on one engine share. It is made before there is an engine: should memory run out, nothing has to be
    /// closed, which needs mutex_.
    struct Holder {
        explicit Holder(LevelDbHandle& its_handle) noexcept : handle{its_handle} {}
        ~Holder() {
            if (!engine) return;
            const Version acknowledged = engine->last_version();
            engine.reset();
            const std::lock_guard lock{handle.mutex_};
            handle.acknowledged_ = acknowledged;
            handle.open_ = false;
            handle.closed_.notify_all();
        }
        Holder(const Holder&) = delete;
        Holder& operator=(const Holder&) = delete;

        LevelDbHandle& handle;
        std::unique_ptr<LevelDbEngine> engine;
    };

    /// Called with mutex_ held, or before anybody else knows of us.
    void hold(std::shared_ptr<Holder> holder, std::unique_ptr<LevelDbEngine> engine) noexcept {
        holder->engine = std::move(engine);
        LevelDbEngine* const held = holder->engine.get();
        engine_ = Lease{std::move(holder), held};
        open_ = true;
    }

    /// The database that was open, and no other that has taken its place meanwhile. Under mutex_.
    [[nodiscard]] Status reopen() {
        auto holder = std::make_shared<Holder>(*this);
        auto engine = LevelDbEngine::open(options_, false);
        if (!engine)
            return failure(engine.error().code(), "reopening after a failed write: " + std::string{engine.error().message()});
        if ((*engine)->last_version() < acknowledged_) {
            return failure(Errc::corrupt, "reopening after a failed write: " + options_.path + ": the database is at version " +
                                              std::to_string((*engine)->last_version()) + ", below " +
                                              std::to_string(acknowledged_) +
                                              ", which was acknowledged: writes are lost, or it is another database");
        }
        hold(std::move(holder), std::move(*engine));
        return {};
    }

    const LevelDbOptions options_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable closed_;
    bool open_ = false;              // an engine exists, leased or not
    Version acknowledged_ = absent;  // the last one of the engine before
    Lease engine_;                   // null between a failed write and the next call
    Reopening reopening_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
