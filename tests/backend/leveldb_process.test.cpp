// Several processes and one LevelDB database, which only one of them can have.

#include <joinly/backend/leveldb.hpp>

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/temp_dir.hpp>
#include <thread>
#include <vector>

using joinly::Batch;
using joinly::Errc;
using joinly::LevelDbBackend;
using joinly::test::ChildProcess;
using joinly::test::ProcessGate;
using joinly::test::TempDir;

namespace {

/// Whether opening is refused as it should be: `busy`, naming the directory and who may have it.
bool is_busy(const std::string& path) {
    const auto refused = LevelDbBackend::open({.path = path});
    if (refused || refused.error() != Errc::busy) return false;
    const std::string_view message = refused.error().message();
    return message.find(path) != message.npos && message.find("this process") != message.npos &&
           message.find("another process") != message.npos;
}

}  // namespace

TEST_CASE("a database that another process has open is busy, until that is killed", "[leveldb][processes]") {
    const TempDir dir;
    ProcessGate has_opened;
    ProcessGate may_end;
    ChildProcess child{[&] {
        auto backend = LevelDbBackend::open({.path = dir / "db"}).value();
        if (!backend.write(Batch{}.put("key", "value"))) return 1;
        has_opened.open();
        may_end.pass();
        return ::kill(::getpid(), SIGKILL);
    }};
    has_opened.pass();
    CHECK(is_busy(dir / "db"));
    may_end.open();
    CHECK(child.wait() == -1);
    CHECK(LevelDbBackend::open({.path = dir / "db"}).value().read("key").value().value == "value");
}

TEST_CASE("a database that this process has open is busy, until it is closed", "[leveldb][processes]") {
    const TempDir dir;
    std::optional<LevelDbBackend> backend = LevelDbBackend::open({.path = dir / "db"}).value();
    CHECK(is_busy(dir / "db"));
    backend.reset();
    CHECK(LevelDbBackend::open({.path = dir / "db"}));
}

TEST_CASE("a database that is written and compacted at once opens after a kill", "[leveldb][processes][crash]") {
    const TempDir dir;
    joinly::LevelDbOptions options{.path = dir / "db", .sync = joinly::Sync::process_crash};
    options.write_buffer_bytes = std::size_t{64} << 10;
    int written = 0;
    for (int round = 0; round < 30; ++round) {
        const int first = written;
        written += 40 + 3 * round;
        ChildProcess child{[&] {
            auto backend = LevelDbBackend::open(options).value();
            std::atomic<bool> failed{false};
            std::vector<std::thread> compacting;
            for (int i = 0; i < 2; ++i) {
                compacting.emplace_back([&] {
                    while (backend.compact()) {
                    }
                    failed = true;
                });
            }
            for (int i = first; i < written; ++i) {
                Batch batch;
                batch.put("key" + std::to_string(i), std::string(3000, 'v'));
                if (i % 3 == 0) batch.sync = joinly::Sync::power_loss;
                if (failed || !backend.write(batch)) ::_exit(1);
            }
            return ::kill(::getpid(), SIGKILL);
        }};
        REQUIRE(child.wait() == -1);
        ChildProcess looks{[&] {
            auto backend = LevelDbBackend::open(options);
            for (int i = first; i < written; ++i) {
                if (!backend || !backend->read("key" + std::to_string(i))) return 1;
            }
            return 0;
        }};
        REQUIRE(looks.wait() == 0);
    }
}
