#ifndef JOINLY_TESTS_SUPPORT_FAULTY_SQLITE_VFS_HPP
#define JOINLY_TESTS_SUPPORT_FAULTY_SQLITE_VFS_HPP
// A disk that fails on demand, beneath every SQLite database that is opened while this object lives. POSIX only.

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <string_view>

namespace joinly::test {

class FaultySqliteVfs {
public:
    inline static std::atomic<bool> fail_log_syncs{false};    // fsync of a write-ahead log
    inline static std::atomic<bool> fail_file_syncs{false};   // fsync of a database file
    inline static std::atomic<bool> fail_reads{false};        // of either
    inline static std::atomic<bool> fail_writes{false};       // to any file
    inline static std::atomic<bool> disk_full{false};         // for every write
    inline static std::atomic<bool> no_shared_memory{false};  // as on a network file system: no write-ahead log then
    inline static std::atomic<int> writes_until_killed{0};    // the process dies in place of that write; 0: it lives on
    inline static std::atomic<int> log_syncs{0};
    inline static std::atomic<int> connections_made{0};
    inline static std::atomic<int> connections_open{0};

    /// One at a time. Databases must be closed before it goes.
    FaultySqliteVfs() {
        for (std::atomic<bool>* fault :
             {&fail_log_syncs, &fail_file_syncs, &fail_reads, &fail_writes, &disk_full, &no_shared_memory})
            *fault = false;
        for (std::atomic<int>* count : {&log_syncs, &connections_made, &connections_open, &writes_until_killed}) *count = 0;
        real_ = sqlite3_vfs_find(nullptr);
        vfs_ = *real_;
        vfs_.zName = "joinly-faulty";
        vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
        vfs_.xOpen = &open;
        sqlite3_vfs_register(&vfs_, 1);
    }
    ~FaultySqliteVfs() {
        sqlite3_vfs_unregister(&vfs_);
        sqlite3_vfs_register(real_, 1);
    }
    FaultySqliteVfs(const FaultySqliteVfs&) = delete;
    FaultySqliteVfs& operator=(const FaultySqliteVfs&) = delete;

private:
    struct File : sqlite3_file {
        bool is_log;
        bool is_database;

        sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }  // SQLite gives room for both
    };

    template <auto Method>
    struct Forward;
    template <class R, class... Args, R (*sqlite3_io_methods::*Method)(sqlite3_file*, Args...)>
    struct Forward<Method> {
        static R call(sqlite3_file* file, Args... args) {
            sqlite3_file* const real = static_cast<File*>(file)->real();
            return (real->pMethods->*Method)(real, args...);
        }
    };

    static int open(sqlite3_vfs*, const char* name, sqlite3_file* opened, int flags, int* out_flags) {
        File* const file = static_cast<File*>(opened);
        file->pMethods = nullptr;
        file->is_log = name && std::string_view{name}.ends_with("-wal");
        file->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
        const int code = real_->xOpen(real_, name, file->real(), flags, out_flags);
        if (code != SQLITE_OK) return code;
        file->pMethods = no_shared_memory ? &methods_without_memory_ : &methods_;
        if (file->is_database) ++connections_made, ++connections_open;
        return code;
    }
    static int close(sqlite3_file* file) {
        if (static_cast<File*>(file)->is_database) --connections_open;
        return Forward<&sqlite3_io_methods::xClose>::call(file);
    }
    static int read(sqlite3_file* file, void* data, int count, sqlite3_int64 offset) {
        if (fail_reads) return SQLITE_IOERR_READ;
        return Forward<&sqlite3_io_methods::xRead>::call(file, data, count, offset);
    }
    static int write(sqlite3_file* file, const void* data, int count, sqlite3_int64 offset) {
        if (writes_until_killed > 0 && --writes_until_killed == 0) ::kill(::getpid(), SIGKILL);
        if (fail_writes) return SQLITE_IOERR_WRITE;
        if (disk_full) return SQLITE_FULL;
        return Forward<&sqlite3_io_methods::xWrite>::call(file, data, count, offset);
    }
    static int sync(sqlite3_file* file, int flags) {
        const bool is_log = static_cast<File*>(file)->is_log;
        if (is_log) ++log_syncs;
        if (is_log ? fail_log_syncs : fail_file_syncs) return SQLITE_IOERR_FSYNC;
        return Forward<&sqlite3_io_methods::xSync>::call(file, flags);
    }

    inline static sqlite3_vfs* real_ = nullptr;
    inline static sqlite3_vfs vfs_{};
    inline static const sqlite3_io_methods methods_{
        3,
        &close,
        &read,
        &write,
        &Forward<&sqlite3_io_methods::xTruncate>::call,
        &sync,
        &Forward<&sqlite3_io_methods::xFileSize>::call,
        &Forward<&sqlite3_io_methods::xLock>::call,
        &Forward<&sqlite3_io_methods::xUnlock>::call,
        &Forward<&sqlite3_io_methods::xCheckReservedLock>::call,
        &Forward<&sqlite3_io_methods::xFileControl>::call,
        &Forward<&sqlite3_io_methods::xSectorSize>::call,
        &Forward<&sqlite3_io_methods::xDeviceCharacteristics>::call,
        &Forward<&sqlite3_io_methods::xShmMap>::call,
        &Forward<&sqlite3_io_methods::xShmLock>::call,
        &Forward<&sqlite3_io_methods::xShmBarrier>::call,
        &Forward<&sqlite3_io_methods::xShmUnmap>::call,
        &Forward<&sqlite3_io_methods::xFetch>::call,
        &Forward<&sqlite3_io_methods::xUnfetch>::call,
    };
    inline static const sqlite3_io_methods methods_without_memory_ = [] {
        sqlite3_io_methods methods = methods_;
        methods.iVersion = 1;
        return methods;
    }();
};

}  // namespace joinly::test
#endif
