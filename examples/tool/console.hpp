#ifndef TOOL_CONSOLE_HPP
#define TOOL_CONSOLE_HPP
// Data go to stdout, everything else to stderr: messages, and on a terminal a line that shows how far a long command has come.
// One thread at a time.

#include <joinly/core/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tool {

/// How a command ends, and the program with it.
enum class Exit : int {
    done = 0,
    no = 1,          ///< the answer is no: not found, a condition that does not hold, differences, damage
    failed = 2,      ///< it could not be done
    interrupted = 3  ///< by a signal, which has been said: the program ends as the signal would have ended it
};

class Console {
public:
    explicit Console(bool json);
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;
    ~Console() { clear_progress(); }

    [[nodiscard]] bool json() const noexcept { return json_; }  ///< the caller asked for one JSON object a line
    [[nodiscard]] bool stdout_is_terminal() const noexcept { return stdout_is_terminal_; }

    void line(std::string_view text);  ///< of data
    void data(std::string_view bytes);
    /// A message of one line.
    void note(std::string_view text);
    /// Says what is wrong, and gives the exit code that goes with it.
    [[nodiscard]] Exit fail(const joinly::Error& error);
    /// As above, where whatever is wrong means that the command could not even begin.
    [[nodiscard]] Exit give_up(const joinly::Error& error);
    /// Of a record that is damaged, where the others are of use all the same: the exit code is then Exit::no.
    void skip(const joinly::Error& error) { note("skipped: " + std::string{error.message()}); }
    /// Of what cannot be opened: damage is an answer, and anything else means that the command could not even begin.
    [[nodiscard]] Exit fail_to_open(const joinly::Error& error);

    /// Whether anybody sees it: what is only counted for it need not be counted otherwise.
    [[nodiscard]] bool shows_progress() const noexcept { return stderr_is_terminal_; }
    /// Overwrites the last progress line, ten times a second at most; nothing where stderr is no terminal.
    /// @param total  0: not known
    void progress(std::string_view what, std::uint64_t done, std::uint64_t total);
    void clear_progress();

    /// False: not all data could be written.
    [[nodiscard]] bool flush();

private:
    using Clock = std::chrono::steady_clock;

    const bool json_;
    const bool stdout_is_terminal_;
    const bool stderr_is_terminal_;
    bool progress_shown_ = false;
    std::string stage_;  // what the progress line is about
    Clock::time_point stage_start_ = Clock::now();
    Clock::time_point progress_due_ = stage_start_;
};

/// "12,345 of 20,000  61 %  4,100/s  2 s left" for what took `seconds` so far.
[[nodiscard]] std::string progress_text(std::uint64_t done, std::uint64_t total, double seconds);

/// Of `width` characters: "[#####.....]".
[[nodiscard]] std::string progress_bar(std::uint64_t done, std::uint64_t total, std::size_t width);

}  // namespace tool
#endif
