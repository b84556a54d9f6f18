#ifndef JOINLY_TESTS_SUPPORT_CHILD_PROCESS_HPP
#define JOINLY_TESTS_SUPPORT_CHILD_PROCESS_HPP
// Another process for a test to share files with. POSIX only.

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace joinly::test {

/// Runs a function in a forked child; what it returns is the exit code, 99 if it throws. Fork before any thread is
/// started and while no database is open.
class ChildProcess {
public:
    template <class Work>
    explicit ChildProcess(Work&& work) : id_{::fork()} {
        if (id_ < 0) throw std::runtime_error("fork failed");
        if (id_ > 0) return;
        int code = 99;
        try {
            code = work();
        } catch (...) {
        }
        ::_exit(code);  // nothing of the parent's is destroyed here
    }
    ~ChildProcess() {
        if (id_ > 0) wait();
    }
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    /// Ends it at once, wherever it is.
    void kill() { ::kill(id_, SIGKILL); }

    /// @return the exit code, or -1 when a signal ended it.
    int wait() {
        int status = 0;
        ::waitpid(id_, &status, 0);
        id_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    pid_t id_;
};

/// A gate between processes: whoever passes waits until the test opens it.
class ProcessGate {
public:
    ProcessGate() {
        if (::pipe(ends_) != 0) throw std::runtime_error("pipe failed");
    }
    ~ProcessGate() {
        ::close(ends_[0]);
        if (!open_) ::close(ends_[1]);
    }
    ProcessGate(const ProcessGate&) = delete;
    ProcessGate& operator=(const ProcessGate&) = delete;

    /// For the test: lets everybody through, for good.
    void open() {
        ::close(ends_[1]);
        open_ = true;
    }
    /// For a child.
    void pass() {
        open();
        char byte = 0;
        while (::read(ends_[0], &byte, 1) > 0) {
        }
    }

private:
    int ends_[2]{};
    bool open_ = false;
};

}  // namespace joinly::test
#endif
