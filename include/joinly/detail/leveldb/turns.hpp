#ifndef JOINLY_DETAIL_LEVELDB_TURNS_HPP
#define JOINLY_DETAIL_LEVELDB_TURNS_HPP
// Who writes to the engine: the leader of a group of batches, or somebody who has housekeeping to do in many small steps. One lock,
// the turn itself; of others only the handle's is taken while one has it.

#include <joinly/config.hpp>

#include <atomic>
#include <mutex>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// A mutex with manners: it is given to a group that waits for it before it is given to housekeeping again.
class LevelDbTurns {
public:
    using Turn = std::unique_lock<std::mutex>;

    /// Called by one thread at a time, as groups are led.
    [[nodiscard]] Turn take_for_group() {
        group_waits_ = true;
        Turn turn{mutex_};
        group_waits_ = false;
        group_waits_.notify_all();
        return turn;
    }
    [[nodiscard]] Turn take_between_groups() {
        group_waits_.wait(true);
        return Turn{mutex_};
    }

private:
    std::mutex mutex_;
    std::atomic<bool> group_waits_{false};
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
