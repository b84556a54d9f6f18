// Several processes on one SQLite database.

#include <joinly/backend/sqlite.hpp>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/latch.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using joinly::Batch;
using joinly::Errc;
using joinly::Record;
using joinly::SqliteBackend;
using joinly::SqliteOptions;
using joinly::Status;
using joinly::Version;
using joinly::test::ChildProcess;
using joinly::test::Latch;
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

/// As `at`, for what is expected to be busy: it does not wait.
SqliteOptions impatient(const std::string& path) {
    SqliteOptions options = at(path);
    options.busy_timeout = 0ms;
    return options;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

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
    const auto rounds = joinly::test::setting("JOINLY_ROUNDS", 8);
    for (std::uint64_t round = 0; round < rounds; ++round) {
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

TEST_CASE("a lock that another process holds makes a write busy in bounded time", "[sqlite][processes]") {
    const TempDir dir;
    REQUIRE(SqliteBackend::open(at(dir / "db")));
    ProcessGate holds;
    ProcessGate may_end;
    ChildProcess child{[&] {
        SqliteProbe other{dir / "db"};
        other.run("BEGIN IMMEDIATE");
        holds.open();
        may_end.pass();
        return 0;
    }};
    holds.pass();
    SqliteOptions options = at(dir / "db");
    options.busy_timeout = 100ms;
    SqliteBackend backend = SqliteBackend::open(options).value();
    const auto start = std::chrono::steady_clock::now();
    const auto written = backend.write(Batch{}.put("key", "value"));
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(backend.read("key").error() == Errc::not_found);  // reading does not wait
    may_end.open();
    CHECK(child.wait() == 0);
    REQUIRE(written.error() == Errc::busy);
    CHECK(contains(written.error().message(), dir / "db"));
    CHECK(took >= 90ms);
    CHECK(took < 20s);  // of a machine that does other things as well
    CHECK(backend.write(Batch{}.put("key", "value")));
}

// --- the sole writer

static_assert(joinly::claims_sole_writer<SqliteBackend>);

TEST_CASE("nobody else opens a database for writing while it has a sole writer", "[sqlite][processes][sole_writer]") {
    const TempDir dir;
    std::optional<SqliteBackend> sole = SqliteBackend::open(at(dir / "db")).value();
    REQUIRE(sole->claim_sole_writer());
    CHECK(sole->claim_sole_writer());  // again is no error
    REQUIRE(sole->write(Batch{}.put("key", "value")));

    const auto refused = SqliteBackend::open(impatient(dir / "db"));
    REQUIRE(refused.error() == Errc::busy);
    CHECK(contains(refused.error().message(), dir / "db"));
    CHECK(contains(refused.error().message(), "write-behind"));
    CHECK(contains(refused.error().message(), "process"));

    SECTION("but anybody may read beside it") {
        SqliteOptions reading = at(dir / "db");
        reading.read_only = true;
        CHECK(SqliteBackend::open(reading).value().read("key").value().value == "value");
        CHECK(sole->database());
        CHECK(sole->backup_to(dir / "copy"));
    }
    SECTION("until it is gone") {
        sole.reset();
        CHECK(SqliteBackend::open(impatient(dir / "db")));
    }
    CHECK((!sole || sole->write(Batch{}.put("key", "other"))));
}

TEST_CASE("who shares a database cannot become its sole writer, and goes on sharing it", "[sqlite][processes][sole_writer]") {
    const TempDir dir;
    std::optional<SqliteBackend> other = SqliteBackend::open(impatient(dir / "db")).value();
    SqliteBackend backend = SqliteBackend::open(impatient(dir / "db")).value();
    const auto refused = backend.claim_sole_writer();
    REQUIRE(refused.error() == Errc::busy);
    CHECK(contains(refused.error().message(), dir / "db"));
    CHECK(contains(refused.error().message(), "process"));
    CHECK(backend.write(Batch{}.put("key", "mine")));
    CHECK(other->write(Batch{}.put("key", "theirs")));
    CHECK(other->claim_sole_writer().error() == Errc::busy);

    other.reset();
    CHECK(backend.claim_sole_writer());
}

TEST_CASE("of two that claim a database at once one gets it, and the other writes nothing", "[sqlite][processes][sole_writer]") {
    const TempDir dir;
    SqliteOptions options = at(dir / "db");
    options.busy_timeout = 1s;  // within which both must have tried
    SqliteBackend first = SqliteBackend::open(options).value();
    SqliteBackend second = SqliteBackend::open(options).value();
    Status of_second = joinly::failure(Errc::busy);
    Latch begun;
    std::thread claims{[&] {
        begun.open();
        of_second = second.claim_sole_writer();
    }};
    begun.wait();
    const Status of_first = first.claim_sole_writer();
    claims.join();
    REQUIRE(of_first.has_value() != of_second.has_value());
    SqliteBackend& loser = of_first ? second : first;
    CHECK(loser.write(Batch{}.put("key", "value")).error() == Errc::busy);
    CHECK((of_first ? first : second).write(Batch{}.put("key", "value")));
    CHECK(loser.read("key").value().value == "value");
}

TEST_CASE("a database that another process is the sole writer of is busy, until that is killed",
          "[sqlite][processes][sole_writer]") {
    const TempDir dir;
    ProcessGate has_claimed;
    ProcessGate may_end;
    ChildProcess child{[&] {
        SqliteBackend backend = SqliteBackend::open(at(dir / "db")).value();
        if (!backend.claim_sole_writer()) return 1;
        has_claimed.open();
        may_end.pass();
        return ::kill(::getpid(), SIGKILL);
    }};
    has_claimed.pass();
    const auto refused = SqliteBackend::open(impatient(dir / "db"));
    may_end.open();
    CHECK(child.wait() == -1);
    REQUIRE(refused.error() == Errc::busy);
    CHECK(contains(refused.error().message(), dir / "db"));
    SqliteBackend backend = SqliteBackend::open(impatient(dir / "db")).value();
    CHECK(backend.claim_sole_writer());
}

TEST_CASE("opening waits until the sole writer has gone", "[sqlite][processes][sole_writer]") {
    const TempDir dir;
    std::optional<SqliteBackend> sole = SqliteBackend::open(at(dir / "db")).value();
    REQUIRE(sole->claim_sole_writer());
    std::thread goes{[&] {
        std::this_thread::sleep_for(50ms);  // however long this takes, opening must succeed
        sole.reset();
    }};
    const auto backend = SqliteBackend::open(at(dir / "db"));
    goes.join();
    CHECK(backend);
}

TEST_CASE("a database is one, by whatever name it is opened", "[sqlite][processes][sole_writer]") {
    const TempDir dir;
    SqliteBackend sole = SqliteBackend::open(at(dir / "db")).value();
    REQUIRE(sole.claim_sole_writer());
    std::filesystem::create_symlink(dir / "db", dir / "link");
    CHECK(SqliteBackend::open(impatient(dir / "link")).error() == Errc::busy);
    CHECK(SqliteBackend::open(impatient(dir / "./db")).error() == Errc::busy);
}

TEST_CASE("openers that come and go at once, one a sole writer, never hold a database together",
          "[sqlite][processes][sole_writer]") {
    const TempDir dir;
    const auto rounds = joinly::test::setting("JOINLY_ROUNDS", 30);
    REQUIRE(SqliteBackend::open(at(dir / "db")).value().write(Batch{}.put("holder", "nobody")));
    // Whoever is the sole writer finds what it wrote itself, and nothing else.
    CHECK(failures_of(3, [&](int number) {
              const std::string name = std::to_string(number);
              for (std::uint64_t round = 0; round < rounds; ++round) {
                  auto backend = SqliteBackend::open(at(dir / "db"));
                  if (!backend) return 1;
                  if (number == 0) {  // this one only ever shares
                      if (!backend->write(Batch{}.put("holder", name))) return 2;
                      continue;
                  }
                  if (!backend->claim_sole_writer()) return 3;
                  const auto others = backend->foreign_commits().value();
                  for (int i = 0; i < 5; ++i) {
                      if (!backend->write(Batch{}.put("holder", name + " " + std::to_string(i)))) return 4;
                      if (backend->read("holder").value().value != name + " " + std::to_string(i)) return 5;
                  }
                  if (backend->foreign_commits().value() != others) return 6;
              }
              return 0;
          }) == 0);
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{dir.path()}) names.push_back(entry.path().filename().string());
    CHECK(names == std::vector<std::string>{"db"});  // whoever went last left no file behind
}

TEST_CASE("who opens a database read-only cannot be its writer", "[sqlite][sole_writer]") {
    const TempDir dir;
    REQUIRE(SqliteBackend::open(at(dir / "db")));
    SqliteOptions reading = at(dir / "db");
    reading.read_only = true;
    SqliteBackend backend = SqliteBackend::open(reading).value();
    CHECK(backend.claim_sole_writer().error() == Errc::read_only);
}

// --- others' commits

static_assert(joinly::tells_foreign_commits<SqliteBackend>);

TEST_CASE("the number of foreign commits changes by others' commits, and not by one's own", "[sqlite][processes][foreign]") {
    const TempDir dir;
    SqliteBackend backend = SqliteBackend::open(at(dir / "db")).value();
    SqliteBackend other = SqliteBackend::open(at(dir / "db")).value();
    auto changed = [&backend, last = backend.foreign_commits().value()]() mutable {
        const auto now = backend.foreign_commits().value();
        return std::exchange(last, now) != now;
    };
    CHECK_FALSE(changed());

    REQUIRE(backend.write(Batch{}.put("key", "value")));
    CHECK_FALSE(changed());
    REQUIRE(backend.execute("CREATE TABLE own(x)"));
    CHECK_FALSE(changed());
    REQUIRE(backend.compact());
    CHECK_FALSE(changed());
    REQUIRE(backend.read("key"));
    REQUIRE(other.read("key"));
    CHECK(backend.write(Batch{}.put("key", "refused").require("key", 77)).error() == Errc::conflict);
    CHECK_FALSE(changed());

    REQUIRE(other.write(Batch{}.put("key", "other")));
    CHECK(changed());
    CHECK_FALSE(changed());
    SqliteProbe{dir / "db"}.run("INSERT INTO own VALUES(1)");
    CHECK(changed());

    REQUIRE(other.write(Batch{}.put("key", "other")));
    REQUIRE(backend.write(Batch{}.put("key", "value")));  // does not hide what was before it
    CHECK(changed());
    REQUIRE(backend.write(Batch{}.put("key", "value")));
    REQUIRE(other.write(Batch{}.put("key", "other")));
    CHECK(changed());
}

TEST_CASE("whether others have committed is told without waiting for a write that waits for them", "[sqlite][processes][foreign]") {
    const TempDir dir;
    SqliteBackend backend = SqliteBackend::open(at(dir / "db")).value();
    const auto before = backend.foreign_commits().value();
    SqliteProbe other{dir / "db"};
    other.run("BEGIN IMMEDIATE; DELETE FROM record");
    joinly::Result<Version> written = joinly::failure(Errc::busy);
    std::thread writer{[&] { written = backend.write(Batch{}.put("key", "value")); }};
    auto told = backend.foreign_commits();
    while (told) told = backend.foreign_commits();  // until the writer has begun to wait
    CHECK(told.error() == Errc::busy);
    other.run("COMMIT");
    writer.join();
    CHECK(written);
    CHECK(backend.foreign_commits().value() != before);
}

TEST_CASE("during a write of its own a backend knows what others have committed, until it commits", "[sqlite][foreign]") {
    const TempDir dir;
    SqliteBackend backend = SqliteBackend::open(at(dir / "db")).value();
    joinly::detail::SqliteConnection writer{at(dir / "db"), SQLite::OPEN_READWRITE, 0ms};
    joinly::detail::SqliteForeignCommits commits;
    const auto before = commits.look(writer);
    CHECK(commits.known().error() == Errc::busy);
    REQUIRE(backend.write(Batch{}.put("key", "value")));
    commits.ask_for();
    commits.begin_write(writer, at(dir / "db"));
    CHECK(commits.known().value() == before + 1);
    writer.database().exec("DELETE FROM record");
    CHECK(commits.known().value() == before + 1);
    writer.run(joinly::detail::SqliteSql::commit);
    CHECK(commits.known().error() == Errc::busy);  // somebody else may have committed after it
    CHECK(commits.look(writer) == before + 1);

    commits.begin_write(writer, at(dir / "db"));
    writer.run(joinly::detail::SqliteSql::rollback);
    CHECK(commits.known().value() == before + 1);
    REQUIRE(backend.write(Batch{}.put("key", "value")));
    CHECK(commits.known().error() == Errc::busy);
    CHECK(commits.look(writer) == before + 2);
}
