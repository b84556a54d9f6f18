// Stores over SQLite on a disk that fails: see matrix.hpp.

#include <joinly/backend/sqlite.hpp>
#include <joinly/policy/write_behind.hpp>
#include <tests/fault/matrix.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace {

using namespace joinly::test;
using joinly::Errc;

template <class CachePolicy>
struct OverSqlite {
    using Backend = joinly::SqliteBackend;
    using Policy = CachePolicy;
    static joinly::SqliteOptions backend_options(const std::string& directory) {
        joinly::SqliteOptions options;
        options.path = directory + "/db";
        options.busy_timeout = std::chrono::milliseconds{10};  // SQLite takes a lock that fails for one that is held
        return options;
    }
    static typename Policy::Options policy_options(const std::string&) { return {}; }
    static bool may_have_written(Errc code) { return code == Errc::io; }
};
struct NoCacheOverSqlite : OverSqlite<joinly::NoCache> {
    static constexpr const char* name = "SQLite, NoCache";
};
struct ReadThroughOverSqlite : OverSqlite<joinly::ReadThrough> {
    static constexpr const char* name = "SQLite, ReadThrough";
};
struct WriteThroughOverSqlite : OverSqlite<joinly::WriteThrough> {
    static constexpr const char* name = "SQLite, WriteThrough";
};
struct WriteBehindOverSqlite : OverSqlite<joinly::WriteBehind> {
    static constexpr const char* name = "SQLite, WriteBehind";
    static joinly::WriteBehindOptions policy_options(const std::string&) {
        joinly::WriteBehindOptions options;
        options.drive = joinly::Drive::caller;
        return options;
    }
    static bool may_have_written(Errc) { return false; }
};

struct JournaledOverSqlite : WriteBehindOverSqlite {
    static constexpr const char* name = "SQLite, journal";
    static joinly::WriteBehindOptions policy_options(const std::string& directory) {
        auto options = WriteBehindOverSqlite::policy_options(directory);
        options.journal.path = directory + "/journal";
        options.journal.sync = joinly::Sync::power_loss;
        options.journal.segment_bytes = 1 << 16;
        return options;
    }
    static bool may_have_written(Errc code) { return code == Errc::io; }
};

/// A thread of the store's own meets the failing calls, whenever it comes to them.
struct WorkerOverSqlite : JournaledOverSqlite {
    static constexpr const char* name = "SQLite, journal, worker";
    static joinly::WriteBehindOptions policy_options(const std::string& directory) {
        auto options = JournaledOverSqlite::policy_options(directory);
        options.drive = joinly::Drive::thread;
        options.max_delay = std::chrono::milliseconds{1};
        return options;
    }
};

TEMPLATE_TEST_CASE("whichever file call fails under a store over SQLite, it says so, loses nothing and works on", "[fault][sqlite]",
                   NoCacheOverSqlite, ReadThroughOverSqlite, WriteThroughOverSqlite, WriteBehindOverSqlite, JournaledOverSqlite,
                   WorkerOverSqlite) {
    run_matrix<TestType>(6);
}

TEMPLATE_TEST_CASE("a full disk under a store over SQLite loses nothing, and writing goes on when there is room again",
                   "[fault][sqlite]", ReadThroughOverSqlite, WriteThroughOverSqlite, WriteBehindOverSqlite, JournaledOverSqlite,
                   WorkerOverSqlite) {
    run_full_disk<TestType>();
}

TEMPLATE_TEST_CASE("a store over SQLite says that its file system is read-only", "[fault][sqlite]", WriteThroughOverSqlite,
                   WriteBehindOverSqlite) {
    run_read_only<TestType>();
}

TEMPLATE_TEST_CASE("a store over SQLite outlives that its directory is away for a while", "[fault][sqlite]", WriteThroughOverSqlite,
                   WriteBehindOverSqlite) {
    run_vanished<TestType>();
}

TEST_CASE("a store over SQLite says that too many files are open", "[fault][sqlite]") {
    run_too_many_files<WriteThroughOverSqlite>();
}

TEST_CASE("a backup that meets a failing disk says so, whichever file call it is, and leaves nothing", "[fault][sqlite][backup]") {
    const QuickDir quick;
    const TempDir& dir = *quick;
    FileFaults faults{dir.path().string()};
    auto source = joinly::SqliteBackend::open(WriteThroughOverSqlite::backend_options(dir.path().string()));
    REQUIRE(source);
    const std::string copies = dir / "copies";
    for (const FaultKind& kind : fault_kinds) {
        bool struck = true;
        for (std::int64_t n = 1; struck; ++n) {
            INFO(kind.name << ' ' << n);
            std::filesystem::create_directory(copies);
            faults.fail(kind.fault, n);
            const joinly::Status copied = source->backup_to(copies + "/db");
            struck = faults.struck();
            faults.lift();
            CHECK(copied.has_value() == std::filesystem::exists(copies + "/db"));
            std::filesystem::remove_all(copies);
        }
    }
}

TEMPLATE_TEST_CASE("a store over SQLite whose disk stays away does not open its database anew for every call", "[fault][sqlite]",
                   NoCacheOverSqlite, WriteThroughOverSqlite) {
    run_away<TestType>();
}

}  // namespace
