#include "lines.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace tool {
namespace {

tl::unexpected<joinly::Error> system_failure(const std::string& what) {
    const auto code = errno == ENOSPC || errno == EDQUOT ? joinly::Errc::full : joinly::Errc::io;
    return joinly::failure(code, what + ": " + std::strerror(errno));
}

}  // namespace

joinly::Result<LineInput> LineInput::open(const std::string& path) {
    LineInput input;
    input.path_ = path;
    input.stream_ = stdin;
    if (path == "-") return input;
    input.file_.reset(std::fopen(path.c_str(), "rb"));
    if (!input.file_) return system_failure("cannot open " + path);
    input.stream_ = input.file_.get();
    std::error_code unknown;
    const auto bytes = std::filesystem::file_size(path, unknown);
    if (!unknown) input.bytes_ = bytes;
    return input;
}

joinly::Result<bool> LineInput::next(std::string& line) {
    char* buffer = buffer_.release();
    const auto length = getline(&buffer, &capacity_, stream_);
    buffer_.reset(buffer);
    if (length < 0) {
        if (std::ferror(stream_) != 0) return system_failure("cannot read " + path_);
        return false;
    }
    line.assign(buffer, static_cast<std::size_t>(length));
    bytes_read_ += line.size();
    if (line.ends_with('\n')) line.pop_back();
    return true;
}

joinly::Result<LineOutput> LineOutput::open(const std::string& path, bool replace) {
    LineOutput output;
    output.stream_ = stdout;
    if (path == "-") return output;
    std::error_code ignored;
    if (!replace && std::filesystem::exists(path, ignored))
        return joinly::failure(joinly::Errc::invalid_argument, path + " is there already; --force replaces it");
    output.path_ = path;
    const std::string partial = path + ".partial-" + std::to_string(getpid());
    const int descriptor = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0) return system_failure("cannot write " + partial);
    output.partial_ = partial;
    output.file_.reset(fdopen(descriptor, "wb"));
    output.stream_ = output.file_.get();
    return output;
}

LineOutput::~LineOutput() {
    std::error_code ignored;
    if (file_) std::filesystem::remove(partial_, ignored);
}

joinly::Status LineOutput::line(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stream_) == text.size() && std::fputc('\n', stream_) != EOF;
    return written ? joinly::Status{} : failed();
}

joinly::Status LineOutput::finish() {
    if (std::fflush(stream_) != 0) return failed();
    if (!file_) return {};
    if (fsync(fileno(stream_)) != 0 || std::rename(partial_.c_str(), path_.c_str()) != 0) return failed();
    file_.reset();
    return {};
}

tl::unexpected<joinly::Error> LineOutput::failed() const {
    return system_failure("cannot write " + (path_.empty() ? std::string{"stdout"} : path_));
}

}  // namespace tool
