#ifndef JOINLY_TESTS_SUPPORT_LATCH_HPP
#define JOINLY_TESTS_SUPPORT_LATCH_HPP
// A door that one thread opens and others wait at: how a test holds a thread at a chosen place without sleeping.

#include <condition_variable>
#include <mutex>

namespace joinly::test {

class Latch {
public:
    void open() {
        {
            const std::lock_guard lock{mutex_};
            open_ = true;
        }
        opened_.notify_all();
    }
    void wait() {
        std::unique_lock lock{mutex_};
        opened_.wait(lock, [&] { return open_; });
    }
    [[nodiscard]] bool is_open() {
        const std::lock_guard lock{mutex_};
        return open_;
    }

private:
    std::mutex mutex_;  // guards open_
    std::condition_variable opened_;
    bool open_ = false;
};

}  // namespace joinly::test
#endif
