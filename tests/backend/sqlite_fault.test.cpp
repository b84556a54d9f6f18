// A SqliteBackend whose disk fails, and writers that share a commit.

#include <joinly/backend/sqlite.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <tests/support/catch.hpp>
#include <tests/support/faulty_sqlite_vfs.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using joinly::absent;
using joinly::Batch;
using joinly::Errc;
using joinly::RecordView;
using joinly::Result;
using joinly::SqliteBackend;
using joinly::SqliteOptions;
using joinly::Status;
using joinly::Sync;
using joinly::Version;
using joinly::test::FaultySqliteVfs;
using joinly::test::SqliteProbe;
using joinly::test::TempDir;

namespace {

SqliteBackend open(const std::string& path, Sync sync = Sync::power_loss) {
    SqliteOptions options;
    options.path = path;
    options.sync = sync;
    options.busy_timeout = 20s;
    return SqliteBackend::open(options).value();
}

Batch put(std::string key, std::string value) { return Batch{}.put(std::move(key), std::move(value)); }

/// Writers that surely share a transaction.
class OneGroup {
public:
    explicit OneGroup(const std::string& path) : path_{path} {
        SqliteOptions options;
        options.path = path;
        options.busy_timeout = 60s;
        engine_ = joinly::detail::SqliteEngine::open(options).value();
    }

    Result<Version> write(const Batch& batch) { return engine_->write(batch); }

    /// Each batch from a thread of its own, all in one group: they queue up behind a write that waits for a lock.
    std::vector<Result<Version>> write_together(const std::vector<Batch>& batches) {
        SqliteProbe other{path_};
        other.run("BEGIN IMMEDIATE");
        std::vector<Result<Version>> results(batches.size() + 1, Result<Version>{absent});
        std::vector<std::thread> threads;
        const auto start = [&](const Batch& batch, Result<Version>& result) {
            threads.emplace_back([&] { result = engine_->write(batch); });
            while (engine_->queued_writes() < threads.size()) std::this_thread::yield();
        };
        const Batch ahead = put("ahead", "the first one");
        start(ahead, results.back());
        for (std::size_t i = 0; i < batches.size(); ++i) start(batches[i], results[i]);
        other.run("ROLLBACK");
        for (std::thread& thread : threads) thread.join();
        REQUIRE(results.back());
        results.pop_back();
        return results;
    }

private:
    std::string path_;
    std::unique_ptr<joinly::detail::SqliteEngine> engine_;
};

}  // namespace

TEST_CASE("where no write-ahead log is possible opening says so, and what stays", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    FaultySqliteVfs::no_shared_memory = true;
    SqliteOptions options;
    options.path = dir / "db";
    const auto opened = SqliteBackend::open(options);
    REQUIRE(opened.error() == Errc::unsupported);
    CHECK(opened.error().message().find("the journal mode stays 'delete'") != std::string_view::npos);
    CHECK(opened.error().message().find(options.path) != std::string_view::npos);
    FaultySqliteVfs::no_shared_memory = false;
    CHECK(SqliteBackend::open(options));
}

TEST_CASE("a returned write has been fsynced, or not, as the options say", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    for (const Sync sync : {Sync::power_loss, Sync::process_crash}) {
        SqliteBackend backend = open(dir / (sync == Sync::power_loss ? "full" : "normal"), sync);
        REQUIRE(backend.write(put("first", "value")));  // the log's header is synced once in both
        vfs.log_syncs = 0;
        for (int i = 0; i < 10; ++i) REQUIRE(backend.write(put("key", "value")));
        CHECK(vfs.log_syncs == (sync == Sync::power_loss ? 10 : 0));
    }
}

TEST_CASE("a batch that is to survive a power loss is fsynced though the options ask for less, and no other is",
          "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteBackend backend = open(dir / "db", Sync::process_crash);
    REQUIRE(backend.write(put("first", "value")));
    vfs.log_syncs = 0;
    Batch batch = put("key", "value");
    batch.sync = Sync::power_loss;
    REQUIRE(backend.write(batch));
    CHECK(vfs.log_syncs == 1);
    REQUIRE(backend.write(put("key", "value")));
    CHECK(vfs.log_syncs == 1);
}

TEST_CASE("writers that wait for the same lock share a transaction and its fsync", "[sqlite][group_commit][threads]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    OneGroup group{dir / "db"};
    REQUIRE(group.write(put("first", "value")));
    std::vector<Batch> batches;
    for (int i = 0; i < 16; ++i) batches.push_back(put(std::to_string(i), "value"));
    vfs.log_syncs = 0;
    const auto results = group.write_together(batches);

    CHECK(vfs.log_syncs == 2);  // one of the write that they wait for, one of theirs
    std::vector<Version> versions;
    for (const auto& result : results) versions.push_back(result.value_or(absent));
    std::sort(versions.begin(), versions.end());
    for (std::size_t i = 0; i < versions.size(); ++i) CHECK(versions[i] == i + 3);
}

TEST_CASE("of writers that share a transaction only those fail that the program's own schema refuses",
          "[sqlite][group_commit][threads]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db", Sync::process_crash);
    REQUIRE(
        backend.execute("CREATE UNIQUE INDEX one ON record(value) WHERE value <> CAST('bad' AS BLOB);"
                        "CREATE TRIGGER broken BEFORE INSERT ON record WHEN NEW.value = CAST('bad' AS BLOB) "
                        "BEGIN SELECT json(CAST(NEW.value AS TEXT)); END"));
    REQUIRE(backend.write(put("first", "same")));
    const auto taken = [](std::size_t i) { return i % 6 == 0; };
    const auto refused = [](std::size_t i) { return i % 3 == 0; };
    constexpr std::size_t writers = 24;
    std::vector<Batch> batches;
    for (std::size_t i = 0; i < writers; ++i)
        batches.push_back(put(std::to_string(i), taken(i) ? "same" : refused(i) ? "bad" : "value " + std::to_string(i)));
    OneGroup group{dir / "db"};
    const auto results = group.write_together(batches);

    for (std::size_t i = 0; i < writers; ++i) {
        CAPTURE(i);
        const auto found = backend.read(std::to_string(i));
        if (refused(i)) {
            REQUIRE_FALSE(results[i]);
            CHECK((results[i].error() == Errc::invalid_argument) == taken(i));
            CHECK(found.error() == Errc::not_found);
        } else {
            REQUIRE(results[i]);
            REQUIRE(found);
            CHECK(found->version == *results[i]);
        }
    }
    CHECK(backend.last_version() == Version{2 + writers * 2 / 3});
}

TEST_CASE("in a group a batch for the only writer sees the versions of those before it", "[sqlite][group_commit]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    SqliteOptions options;
    options.path = dir / "db";
    auto connection = joinly::detail::sqlite_open(options, false);
    REQUIRE(connection);
    const Batch first = put("a", "value");
    Batch late = put("b", "value");
    late.after = 0;
    Batch next = put("c", "value");
    next.after = 1;
    joinly::detail::PendingWrite writes[]{joinly::detail::PendingWrite{&first}, joinly::detail::PendingWrite{&late},
                                          joinly::detail::PendingWrite{&next}};
    joinly::detail::PendingWrite* group[]{&writes[0], &writes[1], &writes[2]};
    (*connection)->run(joinly::detail::SqliteSql::begin_write);
    REQUIRE(joinly::detail::sqlite_apply_group(**connection, group));
    CHECK(writes[0].result == Version{1});
    CHECK(writes[1].result.error() == Errc::conflict);
    CHECK(writes[2].result == Version{2});
    CHECK(backend.read("b").error() == Errc::not_found);
}

TEST_CASE("in a group of one transaction only the batches that conflict fail", "[sqlite][group_commit]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db");
    auto connection = joinly::detail::sqlite_open(
        [&] {
            SqliteOptions options;
            options.path = dir / "db";
            return options;
        }(),
        false);
    REQUIRE(connection);
    const Batch first = put("seat", "ada").require("seat", absent);
    const Batch second = put("seat", "bob").put("extra", "bob").require("seat", absent);
    const Batch third = put("other", "eve");
    joinly::detail::PendingWrite writes[]{joinly::detail::PendingWrite{&first}, joinly::detail::PendingWrite{&second},
                                          joinly::detail::PendingWrite{&third}};
    joinly::detail::PendingWrite* group[]{&writes[0], &writes[1], &writes[2]};
    (*connection)->run(joinly::detail::SqliteSql::begin_write);
    REQUIRE(joinly::detail::sqlite_apply_group(**connection, group));
    CHECK(writes[0].result == Version{1});
    CHECK(writes[1].result.error() == Errc::conflict);
    CHECK(writes[2].result == Version{2});
    CHECK(backend.read("seat").value().value == "ada");
    CHECK(backend.read("other").value().version == 2);
    CHECK(backend.read("extra").error() == Errc::not_found);
    CHECK(backend.last_version() == Version{2});
}

TEST_CASE("after a failed fsync nothing is acknowledged until the database has been reopened", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("before", "value")));

    vfs.fail_log_syncs = true;
    CHECK(backend.write(put("lost", "value")).error() == Errc::io);
    vfs.fail_reads = true;  // it cannot be reopened either
    CHECK(backend.write(put("refused", "value")).error() == Errc::io);
    CHECK(backend.read("before").error() == Errc::io);
    CHECK(backend.last_version().error() == Errc::io);
    vfs.fail_log_syncs = false;
    vfs.fail_reads = false;

    const auto version = backend.write(put("after", "value"));
    REQUIRE(version);
    CHECK(*version >= 2);
    CHECK(backend.read("before"));
    CHECK(backend.read("after").value().version == *version);
    CHECK(backend.read("refused").error() == Errc::not_found);
    CHECK(backend.verify_integrity());
}

TEST_CASE("connections that failed are closed without writing the log back", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    {
        SqliteBackend backend = open(dir / "db");
        REQUIRE(backend.write(put("before", "value")));
        vfs.fail_log_syncs = true;
        REQUIRE_FALSE(backend.write(put("lost", "value")));
        vfs.fail_log_syncs = false;
    }
    CHECK(std::filesystem::file_size(dir / "db-wal") > 0);
    CHECK(open(dir / "db").read("before"));
}

TEST_CASE("a checkpoint whose fsync fails is not overlooked", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("a", std::string(1'000'000, 'x'))));
    vfs.fail_file_syncs = true;
    const int before = vfs.connections_made;
    for (int i = 0; i < 5; ++i) CHECK(backend.write(put("a", std::string(1'000'000, 'y'))));  // the log outgrows its 4 MB
    CHECK(backend.write(put("b", "value")));  // what the log holds is safe, so this is no error
    CHECK(vfs.connections_made > before);     // but the old connection is not used again
}

TEST_CASE("the log is written back as it grows", "[sqlite]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db", Sync::process_crash);
    for (int i = 0; i < 40; ++i) REQUIRE(backend.write(put("a", std::string(1'000'000, 'x'))));
    CHECK(std::filesystem::file_size(dir / "db-wal") < 10'000'000);
}

TEST_CASE("a full disk fails the write and nothing else", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("key", "value")));
    vfs.disk_full = true;
    CHECK(backend.write(put("key", "other")).error() == Errc::full);
    CHECK(backend.read("key").value().value == "value");
    vfs.disk_full = false;
    CHECK(backend.write(put("key", "other")) == Version{2});
}

TEST_CASE("a scan that runs when the disk fails ends, and then the database reopens", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("a", "value").put("b", "value")));
    int visited = 0;
    const Status scanned = backend.scan({}, [&](std::string_view, const RecordView&) {
        ++visited;
        vfs.fail_log_syncs = true;
        CHECK(backend.write(put("c", "value")).error() == Errc::io);
        vfs.fail_log_syncs = false;
        CHECK(backend.read("a").error() == Errc::io);  // this scan still holds a connection
        return true;
    });
    CHECK(scanned.error() == Errc::io);
    CHECK(visited == 1);
    CHECK(backend.read("a"));
}

TEST_CASE("a backup whose disk fails leaves nothing, and does not trouble a scan that runs", "[sqlite][fault][backup]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("a", "value").put("b", "value")));
    int visited = 0;
    const Status scanned = backend.scan({}, [&](std::string_view, const RecordView&) {
        vfs.fail_writes = true;
        CHECK(backend.backup_to(dir / "copy").error() == Errc::io);
        vfs.fail_writes = false;
        return ++visited > 0;
    });
    CHECK(scanned);
    CHECK(visited == 2);
    const std::filesystem::directory_iterator files{dir.path()};
    CHECK(std::distance(begin(files), end(files)) == 4);  // the database, its log, the log's index and its lock
}

TEST_CASE("after a failed write() the next write is on new connections", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("key", "value")));
    vfs.fail_writes = true;
    CHECK(backend.write(put("key", "lost")).error() == Errc::io);
    vfs.fail_writes = false;
    CHECK(backend.write(put("key", "other")) == Version{2});
    CHECK(vfs.connections_made == 2);
    CHECK(backend.verify_integrity());
}

TEST_CASE("a sole writer whose disk failed stays the sole writer", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.claim_sole_writer());
    SqliteOptions options;
    options.path = dir / "db";
    options.busy_timeout = 0ms;
    vfs.fail_writes = true;
    CHECK(backend.write(put("key", "lost")).error() == Errc::io);
    vfs.fail_writes = false;
    CHECK(SqliteBackend::open(options).error() == Errc::busy);
    CHECK(backend.write(put("key", "value")));
    CHECK(SqliteBackend::open(options).error() == Errc::busy);
}

TEST_CASE("what others committed while the disk had failed is not passed over", "[sqlite][fault][foreign]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteBackend backend = open(dir / "db");
    SqliteBackend other = open(dir / "db");
    const auto before = backend.foreign_commits().value();
    vfs.fail_reads = true;
    REQUIRE(backend.read("key").error() == Errc::io);
    CHECK(backend.foreign_commits().error() == Errc::io);
    vfs.fail_reads = false;
    REQUIRE(other.write(put("key", "other")));
    while (!backend.foreign_commits()) std::this_thread::yield();  // until it is opened again
    CHECK(backend.foreign_commits().value() != before);
}

TEST_CASE("a failed read is an error, and the next one is tried on new connections", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    { REQUIRE(open(dir / "db").write(put("key", "value"))); }
    SqliteBackend backend = open(dir / "db");
    vfs.fail_reads = true;
    CHECK(backend.read("key").error() == Errc::io);
    vfs.fail_reads = false;
    CHECK(backend.read("key"));
}

TEST_CASE("a database file that went away is not made anew", "[sqlite][fault]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteBackend backend = open(dir / "db");
    REQUIRE(backend.write(put("key", "value")));
    vfs.fail_log_syncs = true;
    REQUIRE_FALSE(backend.write(put("key", "other")));
    vfs.fail_log_syncs = false;
    for (const char* name : {"db", "db-wal", "db-shm"}) std::filesystem::rename(dir / name, dir / (std::string{"moved-"} + name));
    const auto read = backend.read("key");
    CHECK(read.error() == Errc::io);
    CHECK_FALSE(std::filesystem::exists(dir / "db"));
}

TEST_CASE("threads that read, write and scan at once see whole batches only", "[sqlite][threads]") {
    const TempDir dir;
    SqliteBackend backend = open(dir / "db", Sync::process_crash);
    REQUIRE(backend.write(put("a", "0").put("b", "0")));
    std::atomic<int> writing{3};
    std::atomic<int> torn{0};
    std::vector<std::thread> threads;
    for (int writer = 0; writer < 3; ++writer) {
        threads.emplace_back([&, writer] {
            for (int i = 0; i < 100; ++i) {
                const std::string value = std::to_string(writer * 1000 + i);
                if (!backend.write(put("a", value).put("b", value))) ++torn;
            }
            --writing;
        });
    }
    for (int reader = 0; reader < 2; ++reader) {
        threads.emplace_back([&] {
            while (writing > 0) {
                std::vector<std::string> values;
                const Status scanned = backend.scan({}, [&](std::string_view, const RecordView& record) {
                    values.emplace_back(record.value);
                    return true;
                });
                if (!scanned || values.size() != 2 || values[0] != values[1] || !backend.read("a")) ++torn;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(torn == 0);
    CHECK(backend.last_version() == Version{301});
}

TEST_CASE("readers beyond the idle limit run, and only that many connections stay", "[sqlite]") {
    const TempDir dir;
    FaultySqliteVfs vfs;
    SqliteOptions options;
    options.path = dir / "db";
    options.max_idle_readers = 1;
    SqliteBackend backend = SqliteBackend::open(options).value();
    REQUIRE(backend.write(put("key", "value")));
    int depth = 0;
    const auto descend = [&](auto&& self) -> Status {
        return backend.scan({}, [&](std::string_view, const RecordView&) {
            if (++depth < 5) CHECK(self(self));
            return false;
        });
    };
    CHECK(descend(descend));
    CHECK(depth == 5);
    CHECK(vfs.connections_made == 6);  // the writer and five readers
    CHECK(vfs.connections_open == 2);
}
