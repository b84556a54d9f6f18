#ifndef JOINLY_TESTS_SUPPORT_TEMP_DIR_HPP
#define JOINLY_TESTS_SUPPORT_TEMP_DIR_HPP
// A directory of a test's own, gone when the test is over.

#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace joinly::test {

/// A fresh, empty directory under the system's temporary one, removed with everything in it at the end.
class TempDir {
public:
    TempDir() {
        std::random_device random;
        for (int attempt = 0; attempt < 100; ++attempt) {
            path_ = std::filesystem::temp_directory_path() /
                    ("joinly-test-" + std::to_string(random()) + '-' + std::to_string(random()));
            if (std::filesystem::create_directory(path_)) return;  // false: somebody has that name
        }
        throw std::runtime_error("no fresh temporary directory after 100 attempts, the last one " + path_.string());
    }
    ~TempDir() {
        std::error_code ignored;  // a left-over directory is no reason to fail a test that has passed
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    /// The path of `name` within; nothing is created.
    [[nodiscard]] friend std::string operator/(const TempDir& dir, std::string_view name) { return (dir.path_ / name).string(); }

private:
    std::filesystem::path path_;
};

}  // namespace joinly::test
#endif
