#include <joinly/detail/group_commit.hpp>

#include <tests/support/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

using joinly::Batch;
using joinly::Errc;
using joinly::Version;
using joinly::detail::GroupCommit;
using joinly::detail::PendingWrite;
using Group = std::span<PendingWrite* const>;

namespace {

Batch batch_number(Version number) {
    Batch batch;
    batch.put("key", std::to_string(number));
    batch.version = number;
    return batch;
}

/// Holds the first leader in `apply` until the test lets it go, so that others queue up behind it. Each writer starts
/// once the one before it is in the queue, so that the order of submission is known.
class HeldQueue {
public:
    ~HeldQueue() { release_and_join(); }

    void submit_in_background(const Batch& batch) {
        const std::size_t before = queue_.queued();
        threads_.emplace_back([this, &batch] { (void)queue_.submit(batch, [this](Group group) noexcept { apply(group); }); });
        while (queue_.queued() == before) std::this_thread::yield();
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return held_; });
    }

    /// @return the groups that were applied, each as the numbers of its batches.
    std::vector<std::vector<Version>> release_and_join() {
        {
            const std::lock_guard lock{mutex_};
            released_ = true;
        }
        changed_.notify_all();
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
        return groups_;
    }

private:
    void apply(Group group) noexcept {
        std::unique_lock lock{mutex_};
        auto& numbers = groups_.emplace_back();
        for (PendingWrite* write : group) {
            numbers.push_back(write->batch->version);
            write->result = write->batch->version;
        }
        held_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return released_; });
    }

    GroupCommit queue_;
    std::mutex mutex_;  // guards held_, released_ and groups_
    std::condition_variable changed_;
    bool held_ = false;
    bool released_ = false;
    std::vector<std::vector<Version>> groups_;
    std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("writers that come while a leader is at work form the next group, in their order", "[group_commit][threads]") {
    std::vector<Batch> batches;
    for (Version number = 1; number <= 6; ++number) batches.push_back(batch_number(number));
    HeldQueue queue;
    for (const Batch& batch : batches) queue.submit_in_background(batch);
    CHECK(queue.release_and_join() == std::vector<std::vector<Version>>{{1}, {2, 3, 4, 5, 6}});
}

TEST_CASE("a group is bounded in bytes, but a batch above the bound still goes alone", "[group_commit][threads]") {
    const auto large = [](Version number) {
        Batch batch = batch_number(number);
        batch.put("blob", std::string(GroupCommit::max_group_bytes, 'x'));
        return batch;
    };
    const std::vector<Batch> batches{batch_number(1), batch_number(2), large(3), batch_number(4), batch_number(5)};
    HeldQueue queue;
    for (const Batch& batch : batches) queue.submit_in_background(batch);
    CHECK(queue.release_and_join() == std::vector<std::vector<Version>>{{1}, {2}, {3}, {4, 5}});
}

TEST_CASE("a group is bounded in batches", "[group_commit][threads]") {
    std::vector<Batch> batches;
    for (Version number = 1; number <= GroupCommit::max_group_batches + 2; ++number) batches.push_back(batch_number(number));
    HeldQueue queue;
    for (const Batch& batch : batches) queue.submit_in_background(batch);
    const auto groups = queue.release_and_join();
    REQUIRE(groups.size() == 3);
    CHECK(groups[1].size() == GroupCommit::max_group_batches);
    CHECK(groups[2].size() == 1);
}

TEST_CASE("a lone writer leads a group of its own and gets its result", "[group_commit]") {
    GroupCommit queue;
    const Batch batch = batch_number(7);
    std::size_t size = 0;
    const auto result = queue.submit(batch, [&](Group group) noexcept {
        size = group.size();
        for (PendingWrite* write : group) write->result = write->batch->version + 1;
    });
    CHECK(size == 1);
    CHECK(result == Version{8});
}

TEST_CASE("every writer gets the result of its own batch", "[group_commit][threads]") {
    constexpr Version writers = 8;
    constexpr Version rounds = 500;
    GroupCommit queue;
    std::atomic<int> leaders{0};
    std::atomic<int> strange{0};
    std::vector<std::thread> threads;
    for (Version writer = 0; writer < writers; ++writer) {
        threads.emplace_back([&, writer] {
            for (Version round = 0; round < rounds; ++round) {
                const Version number = writer * rounds + round + 1;
                const Batch batch = batch_number(number);
                const auto result = queue.submit(batch, [&](Group group) noexcept {
                    if (leaders.fetch_add(1) != 0) ++strange;
                    for (PendingWrite* write : group) {
                        if (write->batch->version % 2 == 0)
                            write->result = write->batch->version;
                        else
                            write->result = joinly::failure(Errc::conflict, std::to_string(write->batch->version));
                    }
                    leaders.fetch_sub(1);
                });
                const bool own = number % 2 == 0 ? result == number
                                                 : !result && result.error() == Errc::conflict &&
                                                       result.error().message() == std::to_string(number);
                if (!own) ++strange;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(strange == 0);
}
