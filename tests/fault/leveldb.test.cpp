// Stores over LevelDB on a disk that fails: see matrix.hpp.

#include <joinly/backend/leveldb.hpp>
#include <joinly/policy/write_behind.hpp>
#include <tests/fault/matrix.hpp>

#include <chrono>
#include <string>

namespace {

using namespace joinly::test;
using joinly::Errc;

template <class CachePolicy>
struct OverLevelDb {
    using Backend = joinly::LevelDbBackend;
    using Policy = CachePolicy;
    static joinly::LevelDbOptions backend_options(const std::string& directory) {
        joinly::LevelDbOptions options;
        options.path = directory + "/db";
        options.write_buffer_bytes = 1 << 16;  // the least that LevelDB takes: it makes tables during the scenario
        return options;
    }
    static typename Policy::Options policy_options(const std::string&) { return {}; }
    static bool may_have_written(Errc code) { return code == Errc::io || code == Errc::full; }
};
struct NoCacheOverLevelDb : OverLevelDb<joinly::NoCache> {
    static constexpr const char* name = "LevelDB, NoCache";
};
struct ReadThroughOverLevelDb : OverLevelDb<joinly::ReadThrough> {
    static constexpr const char* name = "LevelDB, ReadThrough";
};
struct WriteThroughOverLevelDb : OverLevelDb<joinly::WriteThrough> {
    static constexpr const char* name = "LevelDB, WriteThrough";
};
struct WriteBehindOverLevelDb : OverLevelDb<joinly::WriteBehind> {
    static constexpr const char* name = "LevelDB, WriteBehind";
    static joinly::WriteBehindOptions policy_options(const std::string&) {
        joinly::WriteBehindOptions options;
        options.drive = joinly::Drive::caller;
        return options;
    }
    static bool may_have_written(Errc) { return false; }
};

struct JournaledOverLevelDb : WriteBehindOverLevelDb {
    static constexpr const char* name = "LevelDB, journal";
    static joinly::WriteBehindOptions policy_options(const std::string& directory) {
        auto options = WriteBehindOverLevelDb::policy_options(directory);
        options.journal.path = directory + "/journal";
        options.journal.sync = joinly::Sync::power_loss;
        options.journal.segment_bytes = 1 << 16;
        return options;
    }
    static bool may_have_written(Errc code) { return code == Errc::io; }
};

/// A thread of the store's own meets the failing calls, whenever it comes to them.
struct WorkerOverLevelDb : JournaledOverLevelDb {
    static constexpr const char* name = "LevelDB, journal, worker";
    static joinly::WriteBehindOptions policy_options(const std::string& directory) {
        auto options = JournaledOverLevelDb::policy_options(directory);
        options.drive = joinly::Drive::thread;
        options.max_delay = std::chrono::milliseconds{1};
        return options;
    }
};

TEMPLATE_TEST_CASE("whichever file call fails under a store over LevelDB, it says so, loses nothing and works on",
                   "[fault][leveldb]", NoCacheOverLevelDb, ReadThroughOverLevelDb, WriteThroughOverLevelDb, WriteBehindOverLevelDb,
                   JournaledOverLevelDb, WorkerOverLevelDb) {
    run_matrix<TestType>(6);
}

TEMPLATE_TEST_CASE("a full disk under a store over LevelDB loses nothing, and writing goes on when there is room again",
                   "[fault][leveldb]", ReadThroughOverLevelDb, WriteThroughOverLevelDb, WriteBehindOverLevelDb,
                   JournaledOverLevelDb, WorkerOverLevelDb) {
    run_full_disk<TestType>();
}

TEMPLATE_TEST_CASE("a store over LevelDB says that its file system is read-only", "[fault][leveldb]", WriteThroughOverLevelDb,
                   WriteBehindOverLevelDb) {
    run_read_only<TestType>();
}

TEMPLATE_TEST_CASE("a store over LevelDB outlives that its directory is away for a while", "[fault][leveldb]",
                   WriteThroughOverLevelDb, WriteBehindOverLevelDb) {
    run_vanished<TestType>();
}

TEST_CASE("a store over LevelDB says that too many files are open", "[fault][leveldb]") {
    run_too_many_files<WriteThroughOverLevelDb>();
}

TEST_CASE("a store over LevelDB whose disk stays away does not open its database anew for every call", "[fault][leveldb]") {
    run_away<NoCacheOverLevelDb>();
}

}  // namespace
