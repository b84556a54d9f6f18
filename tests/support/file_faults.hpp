#ifndef JOINLY_TESTS_SUPPORT_FILE_FAULTS_HPP
#define JOINLY_TESTS_SUPPORT_FILE_FAULTS_HPP
// A disk that fails on demand, for everything in the program: the engines' libraries as well as our own headers.
//
//     FileFaults faults{dir.path().string()};
//     faults.fail({FileCall::write, ENOSPC}, 3);          // the third write to a file in there, once
//     faults.fail({FileCall::sync, EIO}, 1, forever);     // every fsync, until lift()
//     faults.set_room(100'000);                           // so many bytes more can be written there
//
// It replaces the C library's file calls by functions of the same names, which the libraries' calls find first and which
// pass on to the real ones. So exactly one file of a program may include this, and the program must be linked dynamically. Calls
// that the C library makes itself are not seen: those of a FILE*, with which LevelDB writes its log of messages.
//
// Files are told by the path they are opened under, so paths must be absolute. Any thread may make calls meanwhile.
// Syncs are counted but not passed on, which makes tests quick: a fault layer cannot show what a power failure takes.

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>

namespace joinly::test {

enum class FileCall : unsigned {
    open_read,   ///< open for reading alone
    open_write,  ///< open for writing, or creating
    read,        ///< read, pread
    write,       ///< write, pwrite
    sync,        ///< fsync, fdatasync
    truncate,    ///< ftruncate
    rename,
    remove,     ///< unlink, rmdir
    make_dir,   ///< mkdir
    allocate,   ///< posix_fallocate, fallocate
    map,        ///< mmap of a file
    lock,       ///< flock, fcntl; never an unlock
    look,       ///< stat, fstat, lstat, access for less than writing
    may_write,  ///< access for writing
    list,       ///< opendir
    list_on     ///< readdir, when that is to fail: LevelDB takes a failing one for the end, so no matrix has it
};
inline constexpr std::size_t file_calls = 16;

/// Calls that fail, and how.
struct FileFault {
    unsigned calls;  ///< bits of FileCall
    int error;
    bool torn;  ///< the first of the failing writes writes half, as a disk does that fills up; only the next one fails

    constexpr FileFault(FileCall call, int code, bool half = false) : FileFault{1U << static_cast<unsigned>(call), code, half} {}
    constexpr FileFault(unsigned bits, int code, bool half) : calls{bits}, error{code}, torn{half} {}

    /// Whatever takes a descriptor.
    [[nodiscard]] static constexpr FileFault on_open(int code) {
        return {bit(FileCall::open_read) | bit(FileCall::open_write) | bit(FileCall::list), code, false};
    }
    /// Whatever changes a directory or a file in it: a file system that was remounted for reading, say.
    [[nodiscard]] static constexpr FileFault on_change(int code) {
        return {bit(FileCall::open_write) | bit(FileCall::write) | bit(FileCall::truncate) | bit(FileCall::rename) |
                    bit(FileCall::remove) | bit(FileCall::make_dir) | bit(FileCall::allocate) | bit(FileCall::may_write),
                code, false};
    }

    [[nodiscard]] static constexpr FileFault on_anything(int code) {
        return {(1U << static_cast<unsigned>(FileCall::list_on)) - 1, code, false};
    }

private:
    [[nodiscard]] static constexpr unsigned bit(FileCall call) { return 1U << static_cast<unsigned>(call); }
};

enum class Failing : bool { once, forever };

class FileFaults {
public:
    /// Watches one directory with what is in it. One at a time; the files there must be closed before it goes.
    explicit FileFaults(std::string directory) {
        lift();
        for (auto& count : counts_) count = 0;
        directory_ = std::move(directory);
        watching_.store(true, std::memory_order_release);
    }
    ~FileFaults() {
        watching_.store(false, std::memory_order_release);
        lift();
    }
    FileFaults(const FileFaults&) = delete;
    FileFaults& operator=(const FileFaults&) = delete;

    /// Lets the `n`th such call from now fail, counted from 1, or that one and all that follow.
    void fail(const FileFault& fault, std::int64_t n, Failing failing = Failing::once) {
        lift();
        error_ = fault.error;
        torn_ = fault.torn;
        last_ = failing == Failing::forever ? (std::numeric_limits<std::int64_t>::max)() : fault.torn ? n + 1 : n;
        first_ = n;
        calls_.store(fault.calls, std::memory_order_release);
    }
    /// Lets writes fail with ENOSPC when `bytes` more have been written in the directory; the last one is cut short.
    void set_room(std::int64_t bytes) { room_ = bytes; }

    /// The disk is well again.
    void lift() noexcept {
        calls_ = 0;
        seen_ = 0;
        struck_ = false;
        room_ = (std::numeric_limits<std::int64_t>::max)();
    }
    /// Whether a call has failed since fail() or set_room().
    [[nodiscard]] bool struck() const noexcept { return struck_; }

    [[nodiscard]] std::int64_t count(FileCall call) const noexcept { return counts_[static_cast<std::size_t>(call)]; }
    [[nodiscard]] std::int64_t count(const FileFault& fault) const noexcept {
        std::int64_t total = 0;
        for (std::size_t i = 0; i < file_calls; ++i) total += (fault.calls >> i & 1U) != 0 ? counts_[i].load() : 0;
        return total;
    }

    // --- for the functions below

    [[nodiscard]] static bool is_armed() noexcept { return calls_.load(std::memory_order_relaxed) != 0; }
    [[nodiscard]] static bool watches(const char* path) noexcept {
        return watching_.load(std::memory_order_acquire) && path && std::string_view{path}.starts_with(directory_);
    }
    [[nodiscard]] static bool watches(int file) noexcept {
        return file >= 0 && static_cast<std::size_t>(file) < watched_.size() && watched_[static_cast<std::size_t>(file)];
    }
    static void watch(int file, bool watched) noexcept {
        if (file >= 0 && static_cast<std::size_t>(file) < watched_.size()) watched_[static_cast<std::size_t>(file)] = watched;
    }

    /// Counts a call. @return what it is to fail with, or 0.
    [[nodiscard]] static int meet(FileCall call) noexcept {
        const std::int64_t position = position_of(call);
        if (position < first_ || position > last_) return 0;
        struck_ = true;
        return error_;
    }
    /// Counts a write of `bytes`. @return how many of them to write, or -1 with errno set.
    [[nodiscard]] static ssize_t meet_write(FileCall call, std::size_t bytes) noexcept {
        const std::int64_t position = position_of(call);
        if (position >= first_ && position <= last_) {
            struck_ = true;
            if (torn_ && position == first_ && bytes > 1) return static_cast<ssize_t>(bytes / 2);
            errno = error_;
            return -1;
        }
        const auto wanted = static_cast<std::int64_t>(bytes);
        const std::int64_t room = room_.fetch_sub(wanted);
        if (room >= wanted) return static_cast<ssize_t>(bytes);
        room_ = 0;
        struck_ = true;
        errno = ENOSPC;
        return room > 0 ? static_cast<ssize_t>(room) : -1;
    }

private:
    [[nodiscard]] static std::int64_t position_of(FileCall call) noexcept {
        const auto index = static_cast<unsigned>(call);
        ++counts_[index];
        return (calls_.load(std::memory_order_acquire) >> index & 1U) != 0 ? ++seen_ : 0;
    }

    inline static std::atomic<bool> watching_{false};
    inline static std::string directory_;  // constant while watching_
    inline static std::array<std::atomic<bool>, 4096> watched_{};
    inline static std::array<std::atomic<std::int64_t>, file_calls> counts_{};
    inline static std::atomic<unsigned> calls_{0};
    inline static std::atomic<std::int64_t> seen_{0};  // of calls_, since fail()
    inline static std::atomic<std::int64_t> first_{1};
    inline static std::atomic<std::int64_t> last_{0};
    inline static std::atomic<int> error_{0};
    inline static std::atomic<bool> torn_{false};
    inline static std::atomic<std::int64_t> room_{(std::numeric_limits<std::int64_t>::max)()};
    inline static std::atomic<bool> struck_{false};
};

/// The C library's own function of a name.
template <class Function>
[[nodiscard]] Function* real_file_call(const char* name) noexcept {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

template <class Open>
int open_file(Open real, const char* path, int flags, unsigned mode) noexcept {
    const bool watched = FileFaults::watches(path);
    if (watched) {
        const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
        if (const int error = FileFaults::meet(writes ? FileCall::open_write : FileCall::open_read)) return errno = error, -1;
    }
    const int file = real(path, flags, mode);
    FileFaults::watch(file, watched);
    return file;
}

template <class Call>
auto pass_write(FileCall kind, int file, std::size_t bytes, Call call) noexcept -> ssize_t {
    if (!FileFaults::watches(file)) return call(bytes);
    const ssize_t allowed = FileFaults::meet_write(kind, bytes);
    return allowed < 0 ? -1 : call(static_cast<std::size_t>(allowed));
}

/// `call()`, unless the watched call is to fail; then -1 as the real one says it.
template <class Call>
auto pass(FileCall kind, bool watched, Call call) noexcept -> decltype(call()) {
    if (watched) {
        if (const int error = FileFaults::meet(kind)) {
            errno = error;
            return static_cast<decltype(call())>(-1);
        }
    }
    return call();
}

[[nodiscard]] inline bool takes_lock(int command, const void* argument) noexcept {
    if (command != F_SETLK && command != F_SETLKW && command != F_OFD_SETLK && command != F_OFD_SETLKW) return false;
    return static_cast<const struct flock*>(argument)->l_type != F_UNLCK;
}

}  // namespace joinly::test

// Each of these shadows the C library's. Both spellings of the functions with offsets: on 64-bit systems they are one.
extern "C" {

int open(const char* path, int flags, ...) {
    static const auto real = joinly::test::real_file_call<int(const char*, int, ...)>("open");
    std::va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    return joinly::test::open_file(real, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
    static const auto real = joinly::test::real_file_call<int(const char*, int, ...)>("open64");
    std::va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    return joinly::test::open_file(real, path, flags, mode);
}
/// The standard library's directory iterators open so.
int openat(int directory, const char* path, int flags, ...) {
    static const auto real = joinly::test::real_file_call<int(int, const char*, int, ...)>("openat");
    std::va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    return joinly::test::open_file([&](const char* at, int how, unsigned with) { return real(directory, at, how, with); }, path,
                                   flags, mode);
}
int remove(const char* path) noexcept {
    static const auto real = joinly::test::real_file_call<int(const char*)>("remove");
    return joinly::test::pass(joinly::test::FileCall::remove, joinly::test::FileFaults::watches(path), [&] { return real(path); });
}
int close(int file) {
    static const auto real = joinly::test::real_file_call<int(int)>("close");
    joinly::test::FileFaults::watch(file, false);
    return real(file);
}
ssize_t read(int file, void* data, std::size_t size) {
    static const auto real = joinly::test::real_file_call<ssize_t(int, void*, std::size_t)>("read");
    return joinly::test::pass(joinly::test::FileCall::read, joinly::test::FileFaults::watches(file),
                              [&] { return real(file, data, size); });
}
ssize_t pread(int file, void* data, std::size_t size, off_t offset) {
    static const auto real = joinly::test::real_file_call<ssize_t(int, void*, std::size_t, off_t)>("pread");
    return joinly::test::pass(joinly::test::FileCall::read, joinly::test::FileFaults::watches(file),
                              [&] { return real(file, data, size, offset); });
}
ssize_t pread64(int file, void* data, std::size_t size, off64_t offset) {
    static const auto real = joinly::test::real_file_call<ssize_t(int, void*, std::size_t, off64_t)>("pread64");
    return joinly::test::pass(joinly::test::FileCall::read, joinly::test::FileFaults::watches(file),
                              [&] { return real(file, data, size, offset); });
}
ssize_t write(int file, const void* data, std::size_t size) {
    static const auto real = joinly::test::real_file_call<ssize_t(int, const void*, std::size_t)>("write");
    return joinly::test::pass_write(joinly::test::FileCall::write, file, size,
                                    [&](std::size_t bytes) { return real(file, data, bytes); });
}
ssize_t pwrite(int file, const void* data, std::size_t size, off_t offset) {
    static const auto real = joinly::test::real_file_call<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
    return joinly::test::pass_write(joinly::test::FileCall::write, file, size,
                                    [&](std::size_t bytes) { return real(file, data, bytes, offset); });
}
ssize_t pwrite64(int file, const void* data, std::size_t size, off64_t offset) {
    static const auto real = joinly::test::real_file_call<ssize_t(int, const void*, std::size_t, off64_t)>("pwrite64");
    return joinly::test::pass_write(joinly::test::FileCall::write, file, size,
                                    [&](std::size_t bytes) { return real(file, data, bytes, offset); });
}
int fsync(int file) {
    static const auto real = joinly::test::real_file_call<int(int)>("fsync");
    const bool watched = joinly::test::FileFaults::watches(file);
    return joinly::test::pass(joinly::test::FileCall::sync, watched, [&] { return watched ? 0 : real(file); });
}
int fdatasync(int file) {
    static const auto real = joinly::test::real_file_call<int(int)>("fdatasync");
    const bool watched = joinly::test::FileFaults::watches(file);
    return joinly::test::pass(joinly::test::FileCall::sync, watched, [&] { return watched ? 0 : real(file); });
}
int ftruncate(int file, off_t size) noexcept {
    static const auto real = joinly::test::real_file_call<int(int, off_t)>("ftruncate");
    return joinly::test::pass(joinly::test::FileCall::truncate, joinly::test::FileFaults::watches(file),
                              [&] { return real(file, size); });
}
int ftruncate64(int file, off64_t size) noexcept {
    static const auto real = joinly::test::real_file_call<int(int, off64_t)>("ftruncate64");
    return joinly::test::pass(joinly::test::FileCall::truncate, joinly::test::FileFaults::watches(file),
                              [&] { return real(file, size); });
}
int rename(const char* from, const char* to) noexcept {
    static const auto real = joinly::test::real_file_call<int(const char*, const char*)>("rename");
    return joinly::test::pass(joinly::test::FileCall::rename, joinly::test::FileFaults::watches(to),
                              [&] { return real(from, to); });
}
int unlink(const char* path) noexcept {
    static const auto real = joinly::test::real_file_call<int(const char*)>("unlink");
    return joinly::test::pass(joinly::test::FileCall::remove, joinly::test::FileFaults::watches(path), [&] { return real(path); });
}
int rmdir(const char* path) noexcept {
    static const auto real = joinly::test::real_file_call<int(const char*)>("rmdir");
    return joinly::test::pass(joinly::test::FileCall::remove, joinly::test::FileFaults::watches(path), [&] { return real(path); });
}
int mkdir(const char* path, mode_t mode) noexcept {
    static const auto real = joinly::test::real_file_call<int(const char*, mode_t)>("mkdir");
    return joinly::test::pass(joinly::test::FileCall::make_dir, joinly::test::FileFaults::watches(path),
                              [&] { return real(path, mode); });
}
int posix_fallocate(int file, off_t offset, off_t size) {
    static const auto real = joinly::test::real_file_call<int(int, off_t, off_t)>("posix_fallocate");
    if (!joinly::test::FileFaults::watches(file)) return real(file, offset, size);
    const ssize_t room = joinly::test::FileFaults::meet_write(joinly::test::FileCall::allocate, static_cast<std::size_t>(size));
    return room < 0 ? errno : room < size ? ENOSPC : real(file, offset, size);  // the error is its answer, not errno
}
int posix_fallocate64(int file, off64_t offset, off64_t size) { return posix_fallocate(file, offset, size); }
int fallocate(int file, int mode, off_t offset, off_t size) {
    static const auto real = joinly::test::real_file_call<int(int, int, off_t, off_t)>("fallocate");
    return joinly::test::pass(joinly::test::FileCall::allocate, joinly::test::FileFaults::watches(file),
                              [&] { return real(file, mode, offset, size); });
}
int fallocate64(int file, int mode, off64_t offset, off64_t size) { return fallocate(file, mode, offset, size); }
void* mmap(void* at, std::size_t size, int protection, int flags, int file, off_t offset) noexcept {
    static const auto real = joinly::test::real_file_call<void*(void*, std::size_t, int, int, int, off_t)>("mmap");
    if (joinly::test::FileFaults::watches(file)) {
        if (const int error = joinly::test::FileFaults::meet(joinly::test::FileCall::map)) return errno = error, MAP_FAILED;
    }
    return real(at, size, protection, flags, file, offset);
}
void* mmap64(void* at, std::size_t size, int protection, int flags, int file, off64_t offset) noexcept {
    return mmap(at, size, protection, flags, file, offset);
}
int flock(int file, int operation) noexcept {
    static const auto real = joinly::test::real_file_call<int(int, int)>("flock");
    const bool watched = joinly::test::FileFaults::watches(file) && (operation & LOCK_UN) == 0;
    return joinly::test::pass(joinly::test::FileCall::lock, watched, [&] { return real(file, operation); });
}
int fcntl(int file, int command, ...) {
    static const auto real = joinly::test::real_file_call<int(int, int, ...)>("fcntl");
    std::va_list arguments;
    va_start(arguments, command);
    void* const argument = va_arg(arguments, void*);  // an int in it travels on unchanged
    va_end(arguments);
    const bool watched = joinly::test::FileFaults::watches(file) && joinly::test::takes_lock(command, argument);
    return joinly::test::pass(joinly::test::FileCall::lock, watched, [&] { return real(file, command, argument); });
}
int fcntl64(int file, int command, ...) {
    std::va_list arguments;
    va_start(arguments, command);
    void* const argument = va_arg(arguments, void*);
    va_end(arguments);
    return fcntl(file, command, argument);
}
int stat(const char* path, struct stat* found) noexcept {
    static const auto real = joinly::test::real_file_call<int(const char*, struct stat*)>("stat");
    return joinly::test::pass(joinly::test::FileCall::look, joinly::test::FileFaults::watches(path),
                              [&] { return real(path, found); });
}
int stat64(const char* path, struct stat64* found) noexcept {
    static const auto real = joinly::test::real_file_call<int(const char*, struct stat64*)>("stat64");
    return joinly::test::pass(joinly::test::FileCall::look, joinly::test::FileFaults::watches(path),
                              [&] { return real(path, found); });
}
int lstat(const char* path, struct stat* found) noexcept {
    static const auto real = joinly::test::real_file_call<int(const char*, struct stat*)>("lstat");
    return joinly::test::pass(joinly::test::FileCall::look, joinly::test::FileFaults::watches(path),
                              [&] { return real(path, found); });
}
int lstat64(const char* path, struct stat64* found) noexcept {
    static const auto real = joinly::test::real_file_call<int(const char*, struct stat64*)>("lstat64");
    return joinly::test::pass(joinly::test::FileCall::look, joinly::test::FileFaults::watches(path),
                              [&] { return real(path, found); });
}
int fstat(int file, struct stat* found) noexcept {
    static const auto real = joinly::test::real_file_call<int(int, struct stat*)>("fstat");
    return joinly::test::pass(joinly::test::FileCall::look, joinly::test::FileFaults::watches(file),
                              [&] { return real(file, found); });
}
int fstat64(int file, struct stat64* found) noexcept {
    static const auto real = joinly::test::real_file_call<int(int, struct stat64*)>("fstat64");
    return joinly::test::pass(joinly::test::FileCall::look, joinly::test::FileFaults::watches(file),
                              [&] { return real(file, found); });
}
int access(const char* path, int mode) noexcept {
    static const auto real = joinly::test::real_file_call<int(const char*, int)>("access");
    const auto kind = (mode & W_OK) != 0 ? joinly::test::FileCall::may_write : joinly::test::FileCall::look;
    return joinly::test::pass(kind, joinly::test::FileFaults::watches(path), [&] { return real(path, mode); });
}
/// SQLite waits ten seconds in all for a lock that cannot be had. A program that tries hundreds of failing calls cannot.
int usleep(useconds_t time) {
    static const auto real = joinly::test::real_file_call<int(useconds_t)>("usleep");
    return joinly::test::FileFaults::is_armed() ? 0 : real(time);
}
DIR* opendir(const char* path) {
    static const auto real = joinly::test::real_file_call<DIR*(const char*)>("opendir");
    if (joinly::test::FileFaults::watches(path)) {
        if (const int error = joinly::test::FileFaults::meet(joinly::test::FileCall::list)) return errno = error, nullptr;
    }
    return real(path);
}
// Of any directory: while this is to fail, nobody else lists one.
dirent* readdir(DIR* directory) {
    static const auto real = joinly::test::real_file_call<dirent*(DIR*)>("readdir");
    if (joinly::test::FileFaults::is_armed()) {
        if (const int error = joinly::test::FileFaults::meet(joinly::test::FileCall::list_on)) return errno = error, nullptr;
    }
    return real(directory);
}

}  // extern "C"

#endif
