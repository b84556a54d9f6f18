#include "lines.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace tool {
namespace {

namespace files = joinly::detail;

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
    const auto absolute = files::absolute_path(path);
    if (!absolute) return joinly::failure(absolute.error());
    output.path_ = path;
    output.replace_ = replace;
    output.target_ = *absolute;
    if (!replace && files::path_exists(*absolute)) return output.taken();
    if (const std::string directory = files::parent_of(path); !files::path_exists(directory))
        return joinly::failure(joinly::Errc::not_found, "the directory " + directory + " does not exist");
    const std::string stem = *absolute + ".partial-";
    files::LockedDirectory::clear_left_overs(stem);  // of dumps that were killed
    auto made = files::LockedDirectory::make(stem + std::to_string(getpid()));
    if (!made) return joinly::failure(std::move(made).error());
    output.partial_ = std::move(*made);
    output.file_.reset(std::fopen((output.partial_->path + "/lines").c_str(), "wbxe"));
    if (!output.file_) {
        auto failure = output.failed();
        (void)files::remove_tree(output.partial_->path);
        return failure;
    }
    output.stream_ = output.file_.get();
    return output;
}

LineOutput::~LineOutput() {
    if (!file_) return;
    file_.reset();
    (void)files::remove_tree(partial_->path);
}

joinly::Status LineOutput::line(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stream_) == text.size() && std::fputc('\n', stream_) != EOF;
    return written ? joinly::Status{} : failed();
}

joinly::Status LineOutput::finish() {
    if (std::fflush(stream_) != 0) return failed();
    if (!file_) return {};
    if (fsync(fileno(stream_)) != 0) return failed();
    const std::string lines = partial_->path + "/lines";
    if (!replace_) {
        auto published = files::publish_path(lines, target_);
        return !published && published.error() == joinly::Errc::conflict ? taken() : published;
    }
    if (auto renamed = files::rename_path(lines, target_); !renamed) return renamed;
    return files::sync_names(files::parent_of(target_));
}

tl::unexpected<joinly::Error> LineOutput::taken() const {
    return joinly::failure(joinly::Errc::invalid_argument, path_ + " is there already; --force replaces it");
}

tl::unexpected<joinly::Error> LineOutput::failed() const {
    return system_failure("cannot write " + (path_.empty() ? std::string{"stdout"} : path_));
}

}  // namespace tool
