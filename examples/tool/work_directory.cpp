#include "work_directory.hpp"

#include <stdlib.h>

#include <filesystem>
#include <system_error>

namespace tool {

WorkDirectory::WorkDirectory(const std::string& parent) {
    std::error_code error;
    const auto place = parent.empty() ? std::filesystem::temp_directory_path(error) : std::filesystem::path{parent};
    std::string name = (place / "joinly-XXXXXX").string();
    if (!error && mkdtemp(name.data()) != nullptr) path_ = name;
}

WorkDirectory::~WorkDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace tool
