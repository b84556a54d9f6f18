#include <tests/support/catch.hpp>

#include <joinly/detail/c/call_gate.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace joinly::test {
namespace {

struct Guarded {
    explicit Guarded(std::atomic<int>& destroyed) : destroyed_{destroyed} {}
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    ~Guarded() {
        is_alive = false;
        ++destroyed_;
    }
    bool is_alive = true;

private:
    std::atomic<int>& destroyed_;
};
using Gate = detail::CallGate<Guarded>;

TEST_CASE("what is within goes when the gate is shut and the last one has left", "[c]") {
    std::atomic<int> destroyed{0};
    Gate gate{std::make_unique<Guarded>(destroyed)};
    {
        const auto first = gate.enter();
        REQUIRE(first);
        gate.shut();
        CHECK(destroyed == 0);
        CHECK(first->is_alive);
        CHECK_FALSE(gate.enter());
        CHECK(destroyed == 0);
    }
    CHECK(destroyed == 1);
    CHECK_FALSE(gate.enter());
    gate.shut();
    CHECK(destroyed == 1);
}

TEST_CASE("what is within goes with the gate when nobody has shut it", "[c]") {
    std::atomic<int> destroyed{0};
    {
        Gate gate{std::make_unique<Guarded>(destroyed)};
        CHECK(gate.enter());
    }
    CHECK(destroyed == 1);
}

TEST_CASE("threads that come and go while the gate is shut meet nothing that is gone", "[c][threads]") {
    for (int round = 0; round < 50; ++round) {
        std::atomic<int> destroyed{0};
        std::atomic<int> met_gone{0};
        std::atomic<int> begun{0};
        Gate gate{std::make_unique<Guarded>(destroyed)};
        std::vector<std::thread> threads;
        for (int i = 0; i < 3; ++i) {
            threads.emplace_back([&] {
                ++begun;
                for (bool is_open = true; is_open;) {
                    const auto stay = gate.enter();
                    is_open = static_cast<bool>(stay);
                    if (stay && !stay->is_alive) ++met_gone;
                }
            });
        }
        while (begun < 3) std::this_thread::yield();
        gate.shut();
        for (auto& thread : threads) thread.join();
        CHECK(met_gone == 0);
        CHECK(destroyed == 1);
    }
}

}  // namespace
}  // namespace joinly::test
