#ifndef QUICKSTART_MESSAGES_HPP
#define QUICKSTART_MESSAGES_HPP
// What the program says beside its report: on stderr, so that the report can go into a pipe. One thread at a time.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace quickstart {

class Messages {
public:
    Messages();
    Messages(const Messages&) = delete;
    Messages& operator=(const Messages&) = delete;
    ~Messages() { clear_progress(); }

    /// A line of its own.
    void note(std::string_view text);

    /// Counts a line that could not be used; the first twenty are named.
    void bad_line(std::string_view file, std::uint64_t number, std::string_view reason);
    /// Says how many more there were, once all input has been read. From then on bad lines are not counted again.
    void end_of_bad_lines();
    [[nodiscard]] std::uint64_t bad_lines() const noexcept { return bad_lines_; }

    /// There is no lobby of that id to show.
    void missing_lobby(std::string_view id);

    /// How much of what was asked for could not be done.
    [[nodiscard]] std::uint64_t complaints() const noexcept { return bad_lines_ + missing_lobbies_; }

    /// One line that is written over again and again, ten times a second at most; nothing where stderr is no terminal.
    /// @param percent  of the file; negative where that is not known
    void progress(std::string_view what, std::uint64_t rows, int percent);
    void clear_progress();

private:
    std::uint64_t bad_lines_ = 0;
    std::uint64_t missing_lobbies_ = 0;
    bool all_counted_ = false;
    bool on_terminal_;
    bool progress_shown_ = false;
    std::chrono::steady_clock::time_point progress_due_;
};

}  // namespace quickstart
#endif
