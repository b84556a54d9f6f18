#include "messages.hpp"

#include <unistd.h>

#include <cstdio>

#include "../common/text.hpp"

namespace quickstart {
using namespace common;

namespace {

constexpr std::uint64_t bad_lines_named = 20;

void write(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace

Messages::Messages() : on_terminal_{isatty(STDERR_FILENO) != 0}, progress_due_{std::chrono::steady_clock::now()} {}

void Messages::note(std::string_view text) {
    clear_progress();
    write(std::string{text} + '\n');
}

void Messages::bad_line(std::string_view file, std::uint64_t number, std::string_view reason) {
    if (all_counted_) return;
    if (++bad_lines_ > bad_lines_named) return;
    note(printable(file) + ':' + std::to_string(number) + ": " + printable(reason));
}

void Messages::end_of_bad_lines() {
    all_counted_ = true;
    if (bad_lines_ > bad_lines_named) note("... and " + grouped(bad_lines_ - bad_lines_named) + " more bad lines");
}

void Messages::missing_lobby(std::string_view id) {
    ++missing_lobbies_;
    note("quickstart: there is no lobby " + printable(id));
}

void Messages::progress(std::string_view what, std::uint64_t rows, int percent) {
    const auto now = std::chrono::steady_clock::now();
    if (!on_terminal_ || now < progress_due_) return;
    progress_due_ = now + std::chrono::milliseconds{100};
    progress_shown_ = true;
    std::string line = printable(what, 50) + "  " + grouped(rows) + " rows";
    if (percent >= 0) line += "  " + std::to_string(percent) + " %";
    write('\r' + line + "\x1b[K");
}

void Messages::clear_progress() {
    if (progress_shown_) write("\r\x1b[K");
    progress_shown_ = false;
}

}  // namespace quickstart
