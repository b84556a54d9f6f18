#ifndef JOINLY_DETAIL_POLICY_JOURNAL_FILES_NONE_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_FILES_NONE_HPP
// In place of journal_files_posix.hpp where there is no POSIX: a journal cannot be opened, so that nothing but
// `make_directory` and `lock_file` is ever called.

#include <joinly/config.hpp>

#if defined(_WIN32)
#include <joinly/core/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard]] inline tl::unexpected<Error> no_journal(const std::string& path) {
    return failure(Errc::unsupported, path + ": there is no journal on this system");
}

class FileDescriptor {};

[[nodiscard]] inline Result<FileDescriptor> open_for_reading(const std::string& path) { return no_journal(path); }
[[nodiscard]] inline Result<FileDescriptor> create_file(const std::string& path) { return no_journal(path); }
[[nodiscard]] inline Result<std::uint64_t> size_of(const FileDescriptor&, const std::string& path) { return no_journal(path); }
[[nodiscard]] inline std::uint64_t size_of(const std::string&) noexcept { return 0; }
[[nodiscard]] inline bool has_name(const FileDescriptor&) noexcept { return false; }
[[nodiscard]] inline Result<bool> leads_to(const std::string& path, const FileDescriptor&) { return no_journal(path); }
[[nodiscard]] inline Status write_at(const FileDescriptor&, std::uint64_t, std::string_view, const std::string& path) {
    return no_journal(path);
}
[[nodiscard]] inline Status cut_file(const FileDescriptor&, std::uint64_t, const std::string& path) { return no_journal(path); }
[[nodiscard]] inline Status read_at(const FileDescriptor&, std::uint64_t, char*, std::size_t, const std::string& path) {
    return no_journal(path);
}
[[nodiscard]] inline Status allocate(const FileDescriptor&, std::size_t, const std::string& path) { return no_journal(path); }
[[nodiscard]] inline Status sync_data(const FileDescriptor&, const std::string& path) { return no_journal(path); }
[[nodiscard]] inline Status sync_file(const FileDescriptor&, const std::string& path) { return no_journal(path); }
[[nodiscard]] inline Status sync_directory(const std::string& path) { return no_journal(path); }
[[nodiscard]] inline Status rename_file(const std::string& from, const std::string&) { return no_journal(from); }
[[nodiscard]] inline Status link_file(const std::string& from, const std::string&) { return no_journal(from); }
[[nodiscard]] inline Status remove_file(const std::string& path) { return no_journal(path); }
[[nodiscard]] inline Result<bool> file_exists(const std::string&) { return false; }
[[nodiscard]] inline Result<bool> make_directory(const std::string& path) { return no_journal(path); }
[[nodiscard]] inline Result<std::string> from_root(const std::string& path) { return path; }
[[nodiscard]] inline Result<std::vector<std::string>> names_in(const std::string& path) { return no_journal(path); }
[[nodiscard]] inline Result<FileDescriptor> lock_file(const std::string& path) { return no_journal(path); }
inline void unlock_file(const FileDescriptor&) noexcept {}
[[nodiscard]] inline Result<std::uint32_t> random_number() { return no_journal("random number"); }

class Mapping {
public:
    [[nodiscard]] static Result<Mapping> of_file(const FileDescriptor&, std::size_t, const std::string& path) {
        return no_journal(path);
    }
    [[nodiscard]] static Result<Mapping> of_memory(std::size_t, const std::string& path) { return no_journal(path); }
    [[nodiscard]] char* data() const noexcept { return nullptr; }
    [[nodiscard]] std::size_t size() const noexcept { return 0; }
    [[nodiscard]] std::string_view bytes() const noexcept { return {}; }
    [[nodiscard]] Status populate(const std::string& path) const { return no_journal(path); }
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
#endif
