#include <tests/crash/power.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

namespace joinly::test {
namespace {

namespace fs = std::filesystem;

/// What happened to a name. Paths are relative to the directory, which itself is "".
struct Event {
    enum Kind : char {
        create = 'c',
        mkdir = 'm',
        link = 'l',
        unlink = 'u',
        rename = 'r',
        done = 'x',
        sync_names = 'd',
        sync_file = 'f'
    };
    Kind kind;
    std::uint64_t id = 0;  // of a file, for ever; a directory has 0
    std::string path;
    std::string to;

    [[nodiscard]] std::string line() const {
        return std::string{static_cast<char>(kind)} + '\t' + std::to_string(id) + '\t' + path + '\t' + to + '\n';
    }
    [[nodiscard]] static Event parse(const std::string& line) {
        std::istringstream in{line.substr(2)};
        Event event{static_cast<Kind>(line[0]), 0, {}, {}};
        std::string id;
        std::getline(in, id, '\t');
        std::getline(in, event.path, '\t');
        std::getline(in, event.to, '\t');
        event.id = std::stoull(id);
        return event;
    }
};

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
}

/// The names below the directory: as the processes see them, and as a cut may leave them.
class Names {
public:
    using Map = std::map<std::string, std::uint64_t>;

    void happen(const Event& event) {
        switch (event.kind) {
            case Event::sync_names:
                settle([&](const Event& change) { return parent_of(change.to.empty() ? change.path : change.to) == event.path; });
                break;
            case Event::sync_file: settle_file(event.id); break;
            case Event::done: begun_.reset(); break;
            default:
                apply(event, live_);
                unsettled_.push_back(event);
                if (event.kind == Event::unlink || event.kind == Event::rename) begun_ = event;
        }
        newest_id_ = (std::max)(newest_id_, event.id);
    }

    [[nodiscard]] const Map& live() const noexcept { return live_; }
    [[nodiscard]] std::uint64_t newest_id() const noexcept { return newest_id_; }
    /// The change that was logged and need not have been made.
    [[nodiscard]] const std::optional<Event>& begun() const noexcept { return begun_; }

    /// The names after a cut: in each directory some of the unsettled changes, the earlier ones first.
    [[nodiscard]] Map after_cut(Unsynced unsynced, Dice& dice) const {
        std::map<std::string, std::uint64_t> left;
        for (const Event& change : unsettled_) ++left[parent_of(change.path)];
        for (auto& [directory, count] : left) {
            if (unsynced == Unsynced::all_lost) count = 0;
            if (unsynced == Unsynced::sectors || unsynced == Unsynced::pages) count = dice.below(count + 1);
        }
        Map names = settled_;
        for (const Event& change : unsettled_) {
            if (left[parent_of(change.path)] == 0) continue;
            --left[parent_of(change.path)];
            apply(change, names);
        }
        std::erase_if(names, [&](const auto& name) { return !reachable(name.first, names); });
        return names;
    }

private:
    static void apply(const Event& change, Map& names) {
        if (change.kind == Event::create || change.kind == Event::mkdir) names[change.path] = change.id;
        if (change.kind == Event::link) names[change.to] = change.id;
        if (change.kind == Event::unlink) names.erase(change.path);
        if (change.kind != Event::rename) return;
        if (auto node = names.extract(change.path)) {
            node.key() = change.to;
            names.erase(change.to);
            names.insert(std::move(node));
        }
    }

    template <class Condition>
    void settle(Condition reached) {
        std::vector<Event> left;
        for (Event& change : unsettled_) {
            if (reached(change)) {
                apply(change, settled_);
            } else {
                left.push_back(std::move(change));
            }
        }
        unsettled_ = std::move(left);
    }

    /// Its creation, and all that came before it: a journal is written in order.
    void settle_file(std::uint64_t id) {
        const auto is_creation = [&](const Event& change) { return change.kind == Event::create && change.id == id; };
        if (std::none_of(unsettled_.begin(), unsettled_.end(), is_creation)) return;
        bool later = false;
        settle([&](const Event& change) {
            const bool earlier = !later;
            later = later || is_creation(change);
            return earlier;
        });
    }

    static bool reachable(const std::string& path, const Map& names) {
        const std::string parent = parent_of(path);
        return parent.empty() || (names.contains(parent) && reachable(parent, names));
    }

    Map live_;
    Map settled_;
    std::vector<Event> unsettled_;
    std::optional<Event> begun_;
    std::uint64_t newest_id_ = 0;
};

std::string log_in(const std::string& shadow) { return shadow + "/log"; }
std::string copy_in(const std::string& shadow, std::uint64_t id) { return shadow + "/" + std::to_string(id); }

Names read_log(const std::string& shadow) {
    Names names;
    std::ifstream log{log_in(shadow)};
    for (std::string line; std::getline(log, line);) names.happen(Event::parse(line));
    return names;
}

std::string bytes_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary | std::ios::ate};
    if (!file) return {};
    std::string bytes(static_cast<std::size_t>(file.tellg()), '\0');
    file.seekg(0).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

/// Files below the directory, as they are.
std::vector<std::string> listing(const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator{directory}) {
        names.push_back(entry.path().lexically_relative(directory).string());
    }
    return names;
}

/// Makes the change that was logged before it was made, by a process that was killed before it said that it was.
void redo(const Event& change, const std::string& directory) {
    const std::string path = directory + '/' + change.path;
    if (change.kind == Event::rename)
        (void)::syscall(SYS_renameat2, AT_FDCWD, path.c_str(), AT_FDCWD, (directory + '/' + change.to).c_str(), 0);
    if (change.kind == Event::unlink) (void)fs::remove(path);
}

[[noreturn]] void give_up(const char* what, const std::string& path) {
    std::fprintf(stderr, "power layer: %s: %s\n", what, path.c_str());
    ::_exit(97);
}

// --- in the process that is watched ----------------------------------------------------------------------------------------

class Watch {
public:
    void start(const std::string& directory, const std::string& shadow) {
        fs::create_directories(shadow);
        prefix_ = directory + "/";
        shadow_ = shadow;
        names_ = read_log(shadow);
        log_ = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, log_in(shadow).c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644));
        if (names_.begun()) {
            redo(*names_.begun(), directory);
            log({Event::done, 0, {}, {}});
        }
        for (const std::string& name : listing(directory)) {
            if (!names_.live().contains(name)) note_new(name);  // made, and the process killed before that was logged
        }
        for (const auto& [name, id] : names_.live()) {
            if (id != 0) ids_[inode(name)] = id;
        }
        active_ = true;
    }

    std::mutex mutex;  // guards everything here; held through every call that changes a name
    unsigned swallowed_percent = 0;

    /// The path below the directory; null when it is none of our business.
    [[nodiscard]] const char* within(const char* path) const {
        return active_ && std::strncmp(path, prefix_.c_str(), prefix_.size()) == 0 ? path + prefix_.size() : nullptr;
    }

    [[nodiscard]] bool is_active() const noexcept { return active_; }

    void log(Event event) {
        const std::string line = event.line();
        if (::syscall(SYS_write, log_, line.data(), line.size()) != static_cast<long>(line.size())) give_up("log", event.path);
        names_.happen(event);
    }

    /// After the file or directory was made: a kill in between leaves it as one that was not synced.
    void note_new(const std::string& name) {
        if (fs::is_directory(prefix_ + name)) return log({Event::mkdir, 0, name, {}});
        const std::uint64_t id = names_.newest_id() + 1;
        ids_[inode(name)] = id;
        log({Event::create, id, name, {}});
    }
    void note_link(const std::string& name, const std::string& to) { log({Event::link, names_.live().at(name), name, to}); }
    [[nodiscard]] bool knows(const std::string& name) const { return names_.live().contains(name); }

    /// @return whether the descriptor is none of ours.
    bool sync(int fd) {
        struct stat about {};
        if (!active_ || ::fstat(fd, &about) != 0) return true;
        if (S_ISDIR(about.st_mode)) return sync_directory(about);
        const auto id = ids_.find(about.st_ino);
        if (id == ids_.end()) return true;
        if (swallowed()) return false;
        copy(fd, id->second, static_cast<std::size_t>(about.st_size));
        log({Event::sync_file, id->second, {}, {}});
        return false;
    }

    struct Mapping {
        std::size_t length;
        std::size_t offset;
        std::uint64_t id;
        ino_t inode;
    };
    void note_mapping(const void* at, std::size_t length, int fd, std::size_t offset) {
        struct stat about {};
        if (!active_ || fd < 0 || ::fstat(fd, &about) != 0) return;
        if (const auto id = ids_.find(about.st_ino); id != ids_.end()) mappings_[at] = {length, offset, id->second, about.st_ino};
    }
    void forget_mapping(const void* at) { mappings_.erase(at); }

    bool sync_memory(const void* at, std::size_t length) {
        auto mapping = mappings_.upper_bound(at);
        if (mapping == mappings_.begin()) return true;
        --mapping;
        const char* const begin = static_cast<const char*>(mapping->first);
        const std::size_t from = static_cast<std::size_t>(static_cast<const char*>(at) - begin);
        if (from >= mapping->second.length) return true;
        if (swallowed()) return false;
        const int to = open_copy(mapping->second.id);
        const auto offset = static_cast<off_t>(mapping->second.offset + from);
        const auto bytes = (std::min)(length, mapping->second.length - from);
        if (::pwrite(to, at, bytes, offset) != static_cast<ssize_t>(bytes)) give_up("copy", shadow_);
        ::close(to);
        log({Event::sync_file, mapping->second.id, {}, {}});
        return false;
    }

private:
    [[nodiscard]] bool swallowed() { return swallowed_percent > 0 && dice_.percent(swallowed_percent); }

    [[nodiscard]] ino_t inode(const std::string& name) const {
        struct stat about {};
        if (::stat((prefix_ + name).c_str(), &about) != 0) give_up("lost", name);
        return about.st_ino;
    }

    bool sync_directory(const struct stat& about) {
        for (const auto& [name, id] : names_.live()) {
            if (id == 0 && inode(name) == about.st_ino) return sync_names(name);
        }
        struct stat top {};
        return ::stat(prefix_.c_str(), &top) != 0 || top.st_ino != about.st_ino || sync_names("");
    }
    bool sync_names(const std::string& name) {
        if (swallowed()) return false;
        std::size_t known = 0;
        for (const auto& [path, id] : names_.live()) known += parent_of(path) == name;
        for (const auto& entry : fs::directory_iterator{prefix_ + name}) {
            const std::string path = (name.empty() ? "" : name + "/") + entry.path().filename().string();
            if (!names_.live().contains(path)) give_up("a call that made this name was missed", path);
            --known;
        }
        if (known != 0) give_up("a call that took a name away was missed", name);
        log({Event::sync_names, 0, name, {}});
        return false;
    }

    [[nodiscard]] int open_copy(std::uint64_t id) const {
        const auto path = copy_in(shadow_, id);
        const auto fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDWR | O_CREAT, 0644));
        if (fd < 0) give_up("copy", path);
        return fd;
    }

    /// Brings the copy up to date. A kill half-way leaves what a disk has during an fsync.
    void copy(int from, std::uint64_t id, std::size_t size) {
        const int to = open_copy(id);
        if (::syscall(SYS_ftruncate, to, size) != 0) give_up("copy", shadow_);
        static std::array<char, 65'536> is, was;
        for (std::size_t at = 0; at < size; at += is.size()) {
            const auto have = ::pread(from, is.data(), is.size(), static_cast<off_t>(at));
            if (have < 0) give_up("a synced file cannot be read", std::to_string(id));
            const auto bytes = static_cast<std::size_t>(have);
            if (::pread(to, was.data(), bytes, static_cast<off_t>(at)) != have) give_up("copy", shadow_);
            if (std::memcmp(is.data(), was.data(), bytes) == 0) continue;
            if (::pwrite(to, is.data(), bytes, static_cast<off_t>(at)) != have) give_up("copy", shadow_);
        }
        ::close(to);
    }

    bool active_ = false;
    std::string prefix_;
    std::string shadow_;
    int log_ = -1;
    Names names_;
    std::map<ino_t, std::uint64_t> ids_;
    std::map<const void*, Mapping> mappings_;
    Dice dice_{1};
};

Watch& watch() {
    static Watch& watch = *new Watch;  // until the very end of the process
    return watch;
}

// --- after its end -----------------------------------------------------------------------------------------------------------

/// Each block old or new.
std::string mix(const std::string& old, const std::string& now, Unsynced unsynced, Dice& dice) {
    if (unsynced == Unsynced::all_lost) return old;
    if (unsynced == Unsynced::all_kept) return now;
    const std::size_t block = unsynced == Unsynced::sectors ? 512 : 4096;
    std::string mixed = old;
    if (old.size() != now.size() && dice.percent(60)) mixed.resize(now.size());
    if (mixed.size() > old.size() && dice.percent(30)) {
        mixed.resize(old.size() + static_cast<std::size_t>(dice.below(now.size() - old.size() + 1)));
    }
    const std::uint64_t chance = 10 + dice.below(81);
    for (std::size_t at = 0; at < (std::min)(mixed.size(), now.size()); at += block) {
        const std::size_t bytes = (std::min)({block, mixed.size() - at, now.size() - at});
        if (mixed.compare(at, bytes, now, at, bytes) != 0 && dice.percent(chance)) mixed.replace(at, bytes, now, at, bytes);
    }
    return mixed;
}

void write_file(const std::string& path, const std::string& bytes) {
    std::ofstream file{path, std::ios::binary};
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

void count_syncs(const std::string& directory, const std::string& shadow) { watch().start(directory, shadow); }
void swallow_syncs(unsigned percent) { watch().swallowed_percent = percent; }

void cut_power(const std::string& directory, const std::string& shadow, Unsynced unsynced, Dice& dice) {
    const Names names = read_log(shadow);
    if (names.begun()) redo(*names.begun(), directory);  // else a file's bytes would be looked for under another one's name
    std::map<std::uint64_t, std::string> live;
    for (const auto& [name, id] : names.live()) live[id] = directory + "/" + name;

    const std::string next = directory + ".next";
    const std::string next_shadow = shadow + ".next";
    fs::create_directory(next);
    fs::create_directory(next_shadow);
    std::string log;
    for (const auto& [name, id] : names.after_cut(unsynced, dice)) {
        const std::string path = next + "/" + name;
        if (id == 0) {
            fs::create_directory(path);
            log += Event{Event::mkdir, 0, name, {}}.line();
        } else {
            const std::string old = bytes_of(copy_in(shadow, id));
            // What was changed in a file that nobody can open any more is gone.
            const std::string bytes = live.contains(id) ? mix(old, bytes_of(live[id]), unsynced, dice) : old;
            write_file(path, bytes);
            write_file(copy_in(next_shadow, id), bytes);
            log += Event{Event::create, id, name, {}}.line();
        }
        log += Event{Event::sync_names, 0, parent_of(name), {}}.line();
    }
    write_file(log_in(next_shadow), log);
    fs::remove_all(directory);
    fs::remove_all(shadow);
    fs::rename(next, directory);
    fs::rename(next_shadow, shadow);
}

}  // namespace joinly::test

// --- the calls ---------------------------------------------------------------------------------------------------------------

using joinly::test::Event;
using joinly::test::watch;

// Sanitizers have calls of their own, which ours come before. They must go on to learn what is opened and mapped.
extern "C" {
[[gnu::weak]] int __interceptor_open(const char* path, int flags, ...);
[[gnu::weak]] void* __interceptor_mmap(void* at, std::size_t length, int protection, int flags, int fd, off_t offset);
[[gnu::weak]] int __interceptor_munmap(void* at, std::size_t length);
}

namespace {

int real_open(const char* path, int flags, mode_t mode) {
    if (__interceptor_open != nullptr) return __interceptor_open(path, flags, mode);
    return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

void* real_mmap(void* at, std::size_t length, int protection, int flags, int fd, off_t offset) {
    if (__interceptor_mmap != nullptr) return __interceptor_mmap(at, length, protection, flags, fd, offset);
    return reinterpret_cast<void*>(::syscall(SYS_mmap, at, length, protection, flags, fd, offset));
}

int real_munmap(void* at, std::size_t length) {
    if (__interceptor_munmap != nullptr) return __interceptor_munmap(at, length);
    return static_cast<int>(::syscall(SYS_munmap, at, length));
}

int watched_open(const char* path, int flags, mode_t mode) {
    if (watch().within(path) == nullptr) return real_open(path, flags, mode);
    const std::scoped_lock lock{watch().mutex};
    if ((flags & O_ACCMODE) == O_WRONLY) flags = (flags & ~O_ACCMODE) | O_RDWR;  // a sync reads what it makes durable
    const int fd = real_open(path, flags, mode);
    const std::string name = watch().within(path);
    if (fd >= 0 && (flags & O_CREAT) && !watch().knows(name)) watch().note_new(name);
    return fd;
}

/// Logs the end of a name before it comes.
template <class Call>
int watched_unlink(const char* path, Call call) {
    if (watch().within(path) == nullptr) return call();
    const std::scoped_lock lock{watch().mutex};
    const std::string name = watch().within(path);
    if (!watch().knows(name)) return call();
    watch().log({Event::unlink, 0, name, {}});
    const int done = call();
    watch().log({Event::done, 0, {}, {}});
    return done;
}

/// A disk takes its time, and this is when the power goes: up to a millisecond.
void spin_up() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    const timespec time{0, static_cast<long>(now / 16 % 1'000'000)};
    ::nanosleep(&time, nullptr);
}

int watched_sync(int fd, long number) {
    if (watch().is_active()) spin_up();
    {
        const std::scoped_lock lock{watch().mutex};
        if (!watch().sync(fd)) return 0;
    }
    return static_cast<int>(::syscall(number, fd));
}

mode_t mode_argument(int flags, va_list arguments) { return (flags & (O_CREAT | O_TMPFILE)) ? va_arg(arguments, mode_t) : 0; }

void* watched_mmap(void* at, std::size_t length, int protection, int flags, int fd, off_t offset) {
    void* const mapped = real_mmap(at, length, protection, flags, fd, offset);
    if (mapped != MAP_FAILED && (flags & MAP_SHARED) && fd >= 0) {
        const std::scoped_lock lock{watch().mutex};
        watch().note_mapping(mapped, length, fd, static_cast<std::size_t>(offset));
    }
    return mapped;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_argument(flags, arguments);
    va_end(arguments);
    return watched_open(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_argument(flags, arguments);
    va_end(arguments);
    return watched_open(path, flags, mode);
}
int creat(const char* path, mode_t mode) { return watched_open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int unlink(const char* path) noexcept {
    return watched_unlink(path, [&] { return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0)); });
}
int rmdir(const char* path) noexcept {
    return watched_unlink(path, [&] { return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR)); });
}
int remove(const char* path) noexcept {
    struct stat about {};
    if (::lstat(path, &about) != 0) return -1;
    return S_ISDIR(about.st_mode) ? ::rmdir(path) : ::unlink(path);
}
int rename(const char* from, const char* to) noexcept {
    const auto call = [&] { return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)); };
    if (watch().within(from) == nullptr) return call();
    const std::scoped_lock lock{watch().mutex};
    watch().log({Event::rename, 0, watch().within(from), watch().within(to)});
    const int done = call();
    watch().log({Event::done, 0, {}, {}});
    return done;
}
int link(const char* from, const char* to) noexcept {
    const auto call = [&] { return static_cast<int>(::syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0)); };
    if (watch().within(from) == nullptr) return call();
    const std::scoped_lock lock{watch().mutex};
    const int made = call();
    if (made == 0) watch().note_link(watch().within(from), watch().within(to));
    return made;
}
int mkdir(const char* path, mode_t mode) noexcept {
    const auto call = [&] { return static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode)); };
    if (watch().within(path) == nullptr) return call();
    const std::scoped_lock lock{watch().mutex};
    const int made = call();
    if (made == 0) watch().note_new(watch().within(path));
    return made;
}

int fsync(int fd) { return watched_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return watched_sync(fd, SYS_fdatasync); }
int msync(void* at, std::size_t length, int flags) {
    if (flags & MS_SYNC) {
        if (watch().is_active()) spin_up();
        const std::scoped_lock lock{watch().mutex};
        if (!watch().sync_memory(at, length)) return 0;
    }
    return static_cast<int>(::syscall(SYS_msync, at, length, flags));
}

void* mmap(void* at, std::size_t length, int protection, int flags, int fd, off_t offset) noexcept {
    return watched_mmap(at, length, protection, flags, fd, offset);
}
void* mmap64(void* at, std::size_t length, int protection, int flags, int fd, off64_t offset) noexcept {
    return watched_mmap(at, length, protection, flags, fd, offset);
}
int munmap(void* at, std::size_t length) noexcept {
    {
        const std::scoped_lock lock{watch().mutex};
        watch().forget_mapping(at);
    }
    return real_munmap(at, length);
}

}  // extern "C"
