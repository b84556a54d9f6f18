#ifndef JOINLY_DETAIL_OPS_LINE_FILE_HPP
#define JOINLY_DETAIL_OPS_LINE_FILE_HPP
// Text files that are written and read line by line: dumps, for those who have no C++ to take lines with. One thread at a time.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/ops/locked_directory.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/ops/dump_options.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#if defined(_WIN32)
#include <fstream>
#else
#include <unistd.h>
#include <cerrno>
#endif

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Makes a new file of the lines that `write` gives to its sink. They are written beside it, in a directory
/// `<path>.partial-<number>`, and get their name when all of them are on the disk: otherwise nothing is there. What one that was
/// killed has left, the next one to the same path removes.
///
/// @return `invalid_argument`: something is at `path` already; what `write` answers; `full`, `io`, `read_only`.
[[nodiscard]] inline Status write_lines(const std::string& path, FunctionRef<Status(LineSink)> write) {
    constexpr std::size_t bytes_at_once = std::size_t{256} << 10;
    const auto absolute = absolute_path(path);
    if (!absolute) return failure(absolute.error());
    const auto taken = [&] { return failure(Errc::invalid_argument, *absolute + " is there already: it is not replaced"); };
    if (path_exists(*absolute)) return taken();
    const std::string stem = *absolute + ".partial-";
    LockedDirectory::clear_left_overs(stem);
    const auto made = LockedDirectory::make(stem + std::to_string(random_seed()));
    if (!made) return failure(made.error());
    const UnlessFinished removed_at_end{made->path};
    const std::string partial = made->path + "/lines";
    auto file = NewFile::create(partial);
    if (!file) return failure(std::move(file).error());
    std::string pending;
    auto written = write([&](std::string_view line) -> Status {
        pending.append(line).push_back('\n');
        if (pending.size() < bytes_at_once) return {};
        auto put = file->write(pending);
        pending.clear();
        return put;
    });
    if (written) written = file->write(pending);
    if (written) written = file->sync();
    if (!written) return written;
    auto published = publish_path(partial, *absolute);
    if (!published && published.error() == Errc::conflict) return taken();
    return published;
}

/// Reads a file from its begin to its end.
class LineReader {
public:
    /// `not_found`: nothing is at `path`.
    [[nodiscard]] static Result<LineReader> open(const std::string& path) {
        if (path.empty()) return failure(Errc::invalid_argument, "the path of a file is empty");
        if (!path_exists(path)) return failure(Errc::not_found, path + ": there is no such file");
        LineReader reader{path};
#if defined(_WIN32)
        reader.file_.open(native_path(path), std::ios::binary);
        if (!reader.file_) return failure(Errc::io, path + ": cannot be opened");
#else
        auto file = open_for_reading(path);
        if (!file) return failure(std::move(file).error());
        reader.file_ = std::move(*file);
#endif
        return reader;
    }

    /// False: there is none any more.
    [[nodiscard]] Result<bool> next(std::string& line) {
        line.clear();
        for (;;) {
            const std::size_t end = buffer_.find('\n', at_);
            line.append(buffer_, at_, end == std::string::npos ? end : end - at_);
            if (end != std::string::npos) {
                at_ = end + 1;
                return true;
            }
            const auto more = fill();
            if (!more) return failure(more.error());
            if (!*more) return !line.empty();
        }
    }

private:
    explicit LineReader(std::string path) : path_{std::move(path)} {}

    /// Another piece in the buffer; false: there is none any more.
    [[nodiscard]] Result<bool> fill() {
        at_ = 0;
        buffer_.resize(std::size_t{256} << 10);
#if defined(_WIN32)
        file_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
        if (file_.bad()) return failure(Errc::io, path_ + ": cannot be read");
        const auto got = file_.gcount();
#else
        const auto got = uninterrupted([&] { return ::read(file_.get(), buffer_.data(), buffer_.size()); });
        if (got < 0) return file_failure(errno, path_, "read");
#endif
        buffer_.resize(static_cast<std::size_t>(got));
        return got > 0;
    }

    std::string path_;
#if defined(_WIN32)
    std::ifstream file_;
#else
    FileDescriptor file_;
#endif
    std::string buffer_;
    std::size_t at_ = 0;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
