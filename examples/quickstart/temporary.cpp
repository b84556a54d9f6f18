#include "temporary.hpp"

#include <signal.h>
#include <stdlib.h>

#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace quickstart {
namespace {

constexpr int done = SIGUSR1;  // what the watch is told when there is nothing left to watch

void clear_away(const std::filesystem::path& path) {
    // The work may still be going on and put new files beside those that are removed: then once more.
    std::error_code error;
    for (int tries = 0; tries < 100; ++tries) {
        std::filesystem::remove_all(path, error);
        if (!error) return;
    }
}

/// Those that end a program, but for what it was told to ignore: nohup does so, and a shell for what it runs in the background.
sigset_t interruptions() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction now {};
        if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) sigaddset(&signals, signal);
    }
    return signals;
}

}  // namespace

/// A thread that waits for the signals which would end the program, removes the directory, and ends it as the signal would
/// have. A signal handler may do next to nothing; a thread may.
class TemporaryDirectory::InterruptWatch {
public:
    explicit InterruptWatch(std::filesystem::path path) : signals_{interruptions()} {
        sigaddset(&signals_, done);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);  // in every thread that starts from here on
        thread_ = std::thread{[path = std::move(path), signals = signals_] {
            int signal = done;
            sigwait(&signals, &signal);
            if (signal == done) return;
            clear_away(path);
            raise(signal);  // ends the program once it is no longer blocked
            pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
        }};
    }
    ~InterruptWatch() {
        pthread_kill(thread_.native_handle(), done);
        thread_.join();
    }
    InterruptWatch(const InterruptWatch&) = delete;
    InterruptWatch& operator=(const InterruptWatch&) = delete;

private:
    sigset_t signals_;
    std::thread thread_;
};

TemporaryDirectory::TemporaryDirectory() {
    std::error_code error;
    const auto parent = std::filesystem::temp_directory_path(error);
    std::string name = ((error ? "/tmp" : parent) / "joinly-quickstart-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) return;
    path_ = name;
    watch_ = std::make_unique<InterruptWatch>(path_);
}

TemporaryDirectory::~TemporaryDirectory() {
    if (path_.empty()) return;
    watch_.reset();
    clear_away(path_);
}

}  // namespace quickstart
