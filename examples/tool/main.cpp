// The tool: looks into stores, changes them, and moves what they hold, from a shell. Where to read on: commands.hpp lists the
// commands and the files they are in; any_backend.hpp and store_of.hpp are how a program chooses backend and codec while it runs.

#include "command_line.hpp"
#include "interruption.hpp"

int main(int argc, char** argv) {
    const auto parsed = tool::parse_command_line(argc, argv);
    if (parsed.exit_code) return *parsed.exit_code;
    tool::Console console{parsed.json};
    tool::Exit exit = parsed.run(console);
    if (exit == tool::Exit::interrupted) tool::Interruption::finish();
    if (!console.flush()) exit = console.give_up({joinly::Errc::io, "stdout cannot be written"});
    return static_cast<int>(exit);
}
