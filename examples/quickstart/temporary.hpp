#ifndef QUICKSTART_TEMPORARY_HPP
#define QUICKSTART_TEMPORARY_HPP
// A place for databases that nobody keeps.

#include <filesystem>
#include <memory>

namespace quickstart {

/// A fresh directory of our own, removed with what is in it, also when the program is interrupted. To be made before any
/// other thread is started.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }  ///< empty: could not be made

private:
    class InterruptWatch;

    std::filesystem::path path_;
    std::unique_ptr<InterruptWatch> watch_;
};

}  // namespace quickstart
#endif
