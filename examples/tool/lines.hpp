#ifndef TOOL_LINES_HPP
#define TOOL_LINES_HPP
// Text files that are read and written line by line. One thread at a time.

#include <joinly/core/result.hpp>
#include <joinly/detail/ops/locked_directory.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

/// Reads a file, or stdin as "-".
class LineInput {
public:
    [[nodiscard]] static joinly::Result<LineInput> open(const std::string& path);

    /// False: there is none any more.
    [[nodiscard]] joinly::Result<bool> next(std::string& line);

    [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }  ///< of the file; 0: not known

private:
    std::string path_;
    File file_;
    std::FILE* stream_ = nullptr;
    std::unique_ptr<char, decltype(&std::free)> buffer_{nullptr, &std::free};  // getline's
    std::size_t capacity_ = 0;
    std::uint64_t bytes_read_ = 0;
    std::uint64_t bytes_ = 0;
};

/// Writes a file that gets its name when it is whole and synced, or stdout as "-". Until then it is in a directory beside that,
/// which the next one for the same file removes if this one is killed.
class LineOutput {
public:
    /// `invalid_argument`: something has that name, and is not to be replaced.
    [[nodiscard]] static joinly::Result<LineOutput> open(const std::string& path, bool replace);
    LineOutput() = default;
    LineOutput(LineOutput&&) noexcept = default;
    LineOutput& operator=(LineOutput&&) noexcept = default;
    ~LineOutput();

    [[nodiscard]] joinly::Status line(std::string_view text);
    /// Without this nothing of that name is there afterwards, or what was there before.
    [[nodiscard]] joinly::Status finish();

private:
    [[nodiscard]] tl::unexpected<joinly::Error> failed() const;
    [[nodiscard]] tl::unexpected<joinly::Error> taken() const;

    std::string path_;  // as it was given
    std::string target_;
    bool replace_ = false;
    std::optional<joinly::detail::LockedDirectory> partial_;
    File file_;
    std::FILE* stream_ = nullptr;
};

}  // namespace tool
#endif
