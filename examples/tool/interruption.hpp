#ifndef TOOL_INTERRUPTION_HPP
#define TOOL_INTERRUPTION_HPP
// Ctrl-C during a long command: it is told, and ends in good order. A second Ctrl-C ends the program at once, which leaves stores
// whole, too: what is half-made is a transaction that never was, or has a name of its own.

#include <string_view>

namespace tool {

/// While one of these lives, SIGINT, SIGTERM and SIGHUP are noted instead of ending the program, unless they are ignored. One at
/// a time.
class Interruption {
public:
    Interruption();
    ~Interruption();
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;

    [[nodiscard]] static bool requested() noexcept;
    /// Ends the program as the signal that was noted would have: once everything is in order.
    [[noreturn]] static void finish();
};

/// While one of these lives, the same signals end the program at once, with a message: for work that cannot be told to stop, and
/// may be ended anywhere. One at a time, and none beside an Interruption.
class LastWords {
public:
    explicit LastWords(std::string_view words);
    ~LastWords();
    LastWords(const LastWords&) = delete;
    LastWords& operator=(const LastWords&) = delete;
};

}  // namespace tool
#endif
