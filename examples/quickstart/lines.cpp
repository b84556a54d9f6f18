#include "lines.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace quickstart {

joinly::Result<LineReader> LineReader::open(const std::string& path) {
    LineReader reader;
    reader.path_ = path;
    reader.file_.reset(std::fopen(path.c_str(), "rb"));
    if (!reader.file_) return joinly::failure(joinly::Errc::io, "cannot open " + path + ": " + std::strerror(errno));
    std::error_code unknown;
    const auto size = std::filesystem::file_size(path, unknown);
    if (!unknown) reader.file_bytes_ = size;
    return reader;
}

bool LineReader::next() {
    text_.clear();
    too_long_ = false;
    bool any = false;
    while (begin_ != end_ || refill()) {
        any = true;
        const char* const from = buffer_->data() + begin_;
        const void* const line_break = std::memchr(from, '\n', end_ - begin_);
        if (line_break == nullptr) {
            append(end_ - begin_);
            continue;
        }
        append(static_cast<std::size_t>(static_cast<const char*>(line_break) - from));
        ++begin_;
        break;
    }
    if (!any || !status_) return false;
    ++number_;
    if (!text_.empty() && text_.back() == '\r') text_.pop_back();
    if (constexpr std::string_view mark = "\xEF\xBB\xBF"; number_ == 1 && text_.starts_with(mark)) text_.erase(0, mark.size());
    return true;
}

bool LineReader::refill() {
    begin_ = 0;
    end_ = std::fread(buffer_->data(), 1, buffer_->size(), file_.get());
    bytes_read_ += end_;
    if (std::ferror(file_.get()) != 0) {
        status_ = joinly::failure(joinly::Errc::io, "cannot read " + path_ + ": " + std::strerror(errno));
        return false;
    }
    return end_ != 0;
}

void LineReader::append(std::size_t bytes) {
    const std::size_t room = max_line_bytes - text_.size();
    text_.append(buffer_->data() + begin_, (std::min)(bytes, room));
    too_long_ = too_long_ || bytes > room;
    begin_ += bytes;
}

}  // namespace quickstart
