// Several processes and one LevelDB database, which only one of them can have.

#include <joinly/backend/leveldb.hpp>

#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/temp_dir.hpp>

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
