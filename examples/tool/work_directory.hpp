#ifndef TOOL_WORK_DIRECTORY_HPP
#define TOOL_WORK_DIRECTORY_HPP
// A directory for stores that nobody keeps.

#include <string>

namespace tool {

/// Removed at the end, with what is in it.
class WorkDirectory {
public:
    /// @param parent  empty: where temporary files go
    explicit WorkDirectory(const std::string& parent = {});
    ~WorkDirectory();
    WorkDirectory(const WorkDirectory&) = delete;
    WorkDirectory& operator=(const WorkDirectory&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }  ///< empty: could not be made

private:
    std::string path_;
};

}  // namespace tool
#endif
