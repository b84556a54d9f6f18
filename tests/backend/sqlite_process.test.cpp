// Several processes on one SQLite database.

#include <joinly/backend/sqlite.hpp>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using joinly::Batch;
using joinly::Errc;
using joinly::Record;
using joinly::SqliteBackend;
using joinly::SqliteOptions;
using joinly::Version;
using joinly::test::ChildProcess;
using joinly::test::ProcessGate;
using joinly::test::SqliteProbe;
using joinly::test::TempDir;

namespace {

SqliteOptions at(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    options.sync = joinly::Sync::process_crash;
    options.busy_timeout = 20s;
    return options;
}

/// Runs `work(number)` in so many processes at once; @return how many of them did not return 0.
template <class Work>
int failures_of(int processes, Work work) {
    ProcessGate gate;
    std::vector<std::unique_ptr<ChildProcess>> children;
    for (int number = 0; number < processes; ++number) {
        children.push_back(std::make_unique<ChildProcess>([&, number] {
            gate.pass();
            return work(number);
        }));
    }
    gate.open();
    int failures = 0;
    for (const auto& child : children) failures += child->wait() != 0;
    return failures;
}

}  // namespace

TEST_CASE("processes that make a database at the same moment all open it", "[sqlite][processes]") {
    const TempDir dir;
    for (int round = 0; round < 8; ++round) {
        const std::string path = dir / std::to_string(round);
        CHECK(failures_of(4, [&](int number) {
                  auto backend = SqliteBackend::open(at(path));
                  return backend && backend->write(Batch{}.put(std::to_string(number), "value")) ? 0 : 1;
              }) == 0);
        CHECK(SqliteBackend::open(at(path)).value().last_version() == Version{4});
    }
}

TEST_CASE("opening waits for a lock on a new file that SQLite itself does not wait for", "[sqlite][processes]") {
    const TempDir dir;
    SqliteProbe other{dir / "db"};
    other.run("PRAGMA user_version = 0; BEGIN IMMEDIATE");
    std::thread release{[&] {
        std::this_thread::sleep_for(50ms);  // however long this takes, opening must succeed
        other.run("ROLLBACK");
    }};
    const auto backend = SqliteBackend::open(at(dir / "db"));
    release.join();
    CHECK(backend);
}

TEST_CASE("no update is lost between processes, and no version given twice", "[sqlite][processes]") {
    const TempDir dir;
    constexpr int processes = 3;
    constexpr int updates = 100;
    REQUIRE(SqliteBackend::open(at(dir / "db")).value().write(Batch{}.put("counter", "0")));
    CHECK(failures_of(processes, [&](int) {
              SqliteBackend backend = SqliteBackend::open(at(dir / "db")).value();
              for (int done = 0; done < updates;) {
                  const Record record = backend.read("counter").value();
                  const int count = std::atoi(record.value.c_str());
                  const auto written =
                      backend.write(Batch{}.put("counter", std::to_string(count + 1)).require("counter", record.version));
                  if (written)
                      ++done;
                  else if (written.error() != Errc::conflict)
                      return 1;
              }
              return 0;
          }) == 0);
    SqliteBackend backend = SqliteBackend::open(at(dir / "db")).value();
    CHECK(backend.read("counter").value().value == std::to_string(processes * updates));
    CHECK(backend.last_version() == Version{processes * updates + 1});
}

TEST_CASE("what a process wrote before it was killed is there, and an open backend sees it", "[sqlite][processes]") {
    const TempDir dir;
    ProcessGate gate;
    ChildProcess child{[&] {
        gate.pass();
        SqliteBackend backend = SqliteBackend::open(at(dir / "db")).value();
        return backend.write(Batch{}.put("key", "value")) ? (::kill(::getpid(), SIGKILL), 0) : 1;
    }};
    SqliteBackend backend = SqliteBackend::open(at(dir / "db")).value();
    REQUIRE_FALSE(backend.read("key"));
    gate.open();
    CHECK(child.wait() == -1);
    CHECK(backend.read("key").value().value == "value");
    CHECK(backend.write(Batch{}.put("key", "mine")) == Version{2});
}

TEST_CASE("the files of a process that was killed open again", "[sqlite][processes]") {
    const TempDir dir;
    ChildProcess child{[&] {
        SqliteBackend backend = SqliteBackend::open(at(dir / "db")).value();
        return backend.write(Batch{}.put("key", "value")) ? (::kill(::getpid(), SIGKILL), 0) : 1;
    }};
    CHECK(child.wait() == -1);
    REQUIRE(std::filesystem::file_size(dir / "db-wal") > 0);
    SqliteOptions options = at(dir / "db");
    options.read_only = GENERATE(false, true);
    CHECK(SqliteBackend::open(options).value().read("key").value().value == "value");
}
