#ifndef QUICKSTART_LINES_HPP
#define QUICKSTART_LINES_HPP
// A text file, line by line: it holds one line and one buffer, whatever the size of the file. One thread at a time.

#include <joinly/core/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

namespace quickstart {

class LineReader {
public:
    /// A longer line is passed over instead of being kept: a file without line breaks must not fill the memory.
    static constexpr std::size_t max_line_bytes = 1024 * 1024;

    /// `io`, with the path and the system's words, when the file cannot be opened.
    [[nodiscard]] static joinly::Result<LineReader> open(const std::string& path);

    /// The next line, without its line break. False at the end, and when the file could not be read further: see `status`.
    [[nodiscard]] bool next();

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] bool is_too_long() const noexcept { return too_long_; }    ///< then `text` is only its beginning
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }  ///< from 1
    [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }
    [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_bytes_; }  ///< 0: not known (a pipe)
    [[nodiscard]] const joinly::Status& status() const noexcept { return status_; }

private:
    struct Close {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    using Buffer = std::array<char, 64 * 1024>;

    [[nodiscard]] bool refill();
    void append(std::size_t bytes);

    std::string path_;
    std::unique_ptr<std::FILE, Close> file_;
    std::unique_ptr<Buffer> buffer_ = std::make_unique<Buffer>();
    std::size_t begin_ = 0;  // what of the buffer has not been handed out yet
    std::size_t end_ = 0;
    std::string text_;
    std::uint64_t number_ = 0;
    std::uint64_t bytes_read_ = 0;
    std::uint64_t file_bytes_ = 0;
    bool too_long_ = false;
    joinly::Status status_;
};

}  // namespace quickstart
#endif
