#include "interruption.hpp"

#include <signal.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace tool {
namespace {

constexpr int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};
std::atomic<int> noted{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void note_signal(int signal) { noted.store(signal, std::memory_order_relaxed); }

}  // namespace

Interruption::Interruption() {
    noted = 0;
    for (const int signal : ending_signals) {
        struct sigaction now {};
        if (sigaction(signal, nullptr, &now) != 0 || now.sa_handler == SIG_IGN) continue;  // nohup, or a shell's background
        struct sigaction ours {};
        ours.sa_handler = note_signal;
        ours.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
        sigaction(signal, &ours, nullptr);
    }
}

Interruption::~Interruption() {
    for (const int signal : ending_signals) {
        struct sigaction now {};
        if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler == note_signal) ::signal(signal, SIG_DFL);
    }
}

bool Interruption::requested() noexcept { return noted.load(std::memory_order_relaxed) != 0; }

void Interruption::finish() {
    std::fflush(stdout);
    const int signal = noted;
    ::signal(signal, SIG_DFL);
    ::raise(signal);
    std::_Exit(128 + signal);  // it is blocked
}

}  // namespace tool
