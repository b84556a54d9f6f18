#include "interruption.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace tool {
namespace {

constexpr int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};
std::atomic<int> noted{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void note_signal(int signal) { noted.store(signal, std::memory_order_relaxed); }

std::string last_words;  // constant while say_last_words handles signals

/// Calls nothing that a handler must not call.
extern "C" void say_last_words(int signal) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, last_words.data(), last_words.size());
    ::signal(signal, SIG_DFL);
    ::raise(signal);  // ends the program when this handler is left
}

void handle_signals(void (*handler)(int), unsigned flags) {
    for (const int signal : ending_signals) {
        struct sigaction now {};
        if (sigaction(signal, nullptr, &now) != 0 || now.sa_handler == SIG_IGN) continue;  // nohup, or a shell's background
        struct sigaction ours {};
        ours.sa_handler = handler;
        ours.sa_flags = static_cast<int>(flags);
        sigaction(signal, &ours, nullptr);
    }
}

void stop_handling(void (*handler)(int)) {
    for (const int signal : ending_signals) {
        struct sigaction now {};
        if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler == handler) ::signal(signal, SIG_DFL);
    }
}

}  // namespace

Interruption::Interruption() {
    noted = 0;
    handle_signals(note_signal, SA_RESTART | SA_RESETHAND);
}

Interruption::~Interruption() { stop_handling(note_signal); }

bool Interruption::requested() noexcept { return noted.load(std::memory_order_relaxed) != 0; }

void Interruption::finish() {
    std::fflush(stdout);
    const int signal = noted;
    ::signal(signal, SIG_DFL);
    ::raise(signal);
    std::_Exit(128 + signal);  // it is blocked
}

LastWords::LastWords(std::string_view words) {
    last_words = (::isatty(STDERR_FILENO) != 0 ? "\r\x1b[K" : "") + std::string{words} + '\n';
    handle_signals(say_last_words, SA_RESETHAND);
}

LastWords::~LastWords() { stop_handling(say_last_words); }

}  // namespace tool
