#ifndef TOOL_COMMAND_LINE_HPP
#define TOOL_COMMAND_LINE_HPP
// From what was typed to a command that is ready to run. Apart, so that one file alone pays for including CLI11.

#include <functional>
#include <optional>

#include "console.hpp"

namespace tool {

struct Parsed {
    std::function<Exit(Console&)> run;
    bool json = false;
    /// The program is to end at once: help was printed (0), or the command line makes no sense, which has been said (2).
    std::optional<int> exit_code;
};
[[nodiscard]] Parsed parse_command_line(int argc, char** argv);

}  // namespace tool
#endif
