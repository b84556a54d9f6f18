#include "console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "../common/text.hpp"

namespace tool {
namespace {

constexpr std::chrono::milliseconds between_updates{100};

std::size_t terminal_columns() {
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

/// What to do about an error whose words do not say it.
std::string_view advice(std::string_view message) {
    if (!message.ends_with("(SQLite code 1544)")) return "";  // SQLITE_READONLY_DIRECTORY
    return "; even to look, SQLite writes -wal and -shm files beside it: run this as a user who may do that there, or on a copy";
}

void write_to(std::FILE* file, std::string_view text) { std::fwrite(text.data(), 1, text.size(), file); }

}  // namespace

Console::Console(bool json)
    : json_{json}, stdout_is_terminal_{isatty(STDOUT_FILENO) != 0}, stderr_is_terminal_{isatty(STDERR_FILENO) != 0} {}

void Console::line(std::string_view text) {
    data(text);
    data("\n");
}

void Console::data(std::string_view bytes) {
    if (stdout_is_terminal_) clear_progress();
    write_to(stdout, bytes);
}

void Console::note(std::string_view text) {
    clear_progress();
    std::fflush(stdout);  // so that both come in order where both go to one place
    write_to(stderr, common::printable(text, 4000) + '\n');
}

Exit Console::give_up(const joinly::Error& error) {
    note("joinly: " + std::string{error.message()}.append(advice(error.message())));
    return Exit::failed;
}

Exit Console::fail(const joinly::Error& error) {
    const Exit failed = give_up(error);
    switch (error.code()) {
        case joinly::Errc::not_found:
        case joinly::Errc::conflict:
        case joinly::Errc::corrupt: return Exit::no;
        default: return failed;
    }
}

Exit Console::fail_to_open(const joinly::Error& error) { return error == joinly::Errc::corrupt ? fail(error) : give_up(error); }

void Console::progress(std::string_view what, std::uint64_t done, std::uint64_t total) {
    if (!stderr_is_terminal_) return;
    const auto now = Clock::now();
    if (stage_ != what) {
        stage_ = what;
        stage_start_ = now;
    } else if (now < progress_due_) {
        return;
    }
    progress_due_ = now + between_updates;
    progress_shown_ = true;
    const std::string text = "  " + progress_text(done, total, std::chrono::duration<double>(now - stage_start_).count());
    std::string line{what};
    const std::size_t taken = line.size() + text.size() + 3;
    if (const std::size_t columns = terminal_columns(); total != 0 && taken + 12 <= columns)
        line += ' ' + progress_bar(done, total, (std::min)(columns - taken, std::size_t{32}));
    line = (line + text).substr(0, terminal_columns() - 1);
    write_to(stderr, '\r' + line + "\x1b[K");
}

void Console::clear_progress() {
    if (progress_shown_) write_to(stderr, "\r\x1b[K");
    progress_shown_ = false;
}

bool Console::flush() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

std::string progress_text(std::uint64_t done, std::uint64_t total, double seconds) {
    std::string text = common::grouped(done);
    if (total != 0) {
        text += " of " + common::grouped(total) + "  " + std::to_string((std::min)(done * 100 / total, std::uint64_t{100})) + " %";
    }
    if (seconds < 0.5 || done == 0) return text;  // too early to tell
    const double rate = static_cast<double>(done) / seconds;
    text += "  " + common::grouped(static_cast<std::uint64_t>(rate)) + "/s";
    if (total > done)
        text += "  " + common::grouped(static_cast<std::uint64_t>(static_cast<double>(total - done) / rate) + 1) + " s left";
    return text;
}

std::string progress_bar(std::uint64_t done, std::uint64_t total, std::size_t width) {
    const std::size_t inner = width - 2;
    const double share = total == 0 ? 0 : static_cast<double>((std::min)(done, total)) / static_cast<double>(total);
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(inner));
    return '[' + std::string(filled, '#') + std::string(inner - filled, '.') + ']';
}

}  // namespace tool
