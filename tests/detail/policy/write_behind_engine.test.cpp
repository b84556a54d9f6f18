#include <joinly/detail/policy/write_behind_engine.hpp>
#include <joinly/traits.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/failing_backend.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace {

using joinly::bytes_type;
using joinly::Drive;
using joinly::Errc;
using joinly::ManualTraits;
using joinly::Version;
using joinly::WriteBehindOptions;
using joinly::WriteSet;
using joinly::test::FailingBackend;
using namespace std::chrono_literals;
using Engine = joinly::detail::WriteBehindEngine<FailingBackend, ManualTraits>;

WriteBehindOptions driven_by_the_caller() {
    WriteBehindOptions options;
    options.drive = Drive::caller;
    return options;
}

struct Opened {
    explicit Opened(const WriteBehindOptions& options) : engine{*Engine::open(*FailingBackend::open({control}), options, traits)} {}
    ManualTraits traits;
    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
    std::unique_ptr<Engine> engine;
};

WriteSet put(std::string key, std::string value) {
    WriteSet set;
    set.writes.push_back({std::move(key), {std::make_shared<const std::string>(std::move(value)), &bytes_type}, {}});
    return set;
}

TEST_CASE("a flush whose answer was lost after the backend had stored it ends well when it is tried again",
          "[write_behind_engine][fault]") {
    Opened store{driven_by_the_caller()};
    REQUIRE(store.engine->write(put("a", "1")));
    store.control->lose_answers = Errc::io;
    CHECK(store.engine->flush().error() == Errc::io);
    store.control->lose_answers = std::nullopt;
    CHECK(store.engine->flush());
    CHECK(store.engine->stats().pending_entries == 0);

    REQUIRE(store.engine->write(put("a", "2")));
    CHECK(store.engine->close());
    CHECK(store.control->records.read("a")->value == "2");
}

TEST_CASE("a conflict that does not come from the flush's own first try is still an error", "[write_behind_engine][fault]") {
    Opened store{driven_by_the_caller()};
    REQUIRE(store.engine->write(put("a", "1")));
    joinly::Batch stranger;
    stranger.put("b", "from elsewhere");
    stranger.version = 100;
    REQUIRE(store.control->records.write(stranger));
    CHECK(store.engine->flush().error() == Errc::conflict);
    CHECK(store.engine->stats().pending_entries == 0);
    CHECK(store.engine->dead_letters().size() == 1);
    CHECK(!store.control->records.read("a"));
}

TEST_CASE("a delay without end means that only numbers make a flush due", "[write_behind_engine]") {
    WriteBehindOptions options = driven_by_the_caller();
    options.max_delay = (std::chrono::milliseconds::max)();
    options.flush_entries = 2;
    Opened store{options};
    REQUIRE(store.engine->write(put("a", "1")));
    store.traits.clock.advance(24h);
    CHECK(store.engine->pump());
    CHECK(store.engine->stats().pending_entries == 1);
    REQUIRE(store.engine->write(put("b", "1")));
    CHECK(store.engine->pump());
    CHECK(store.engine->stats().pending_entries == 0);
}

TEST_CASE("after a close that has failed nobody waits in vain, and after one that has not it is as ever",
          "[write_behind_engine][fault]") {
    const auto drive = GENERATE(Drive::thread, Drive::caller);
    WriteBehindOptions options;
    options.drive = drive;
    options.max_delay = 1h;
    Opened store{options};
    const Version version = *store.engine->write(put("a", "1"));
    store.control->refuse_writes = Errc::io;
    CHECK(!store.engine->close());
    const auto waited = store.engine->wait(version, 1min);
    REQUIRE(waited.error() == Errc::closed);
    CHECK(waited.error().message() ==
          "the store is closed, and 1 acknowledged writes are still pending: close it again to store them");
    store.control->refuse_writes = std::nullopt;
    CHECK(store.engine->close());
    CHECK(store.engine->wait(version, 1min));
}

TEST_CASE("a wait goes on beside a close that has timed out while the worker still tries", "[write_behind_engine][fault]") {
    WriteBehindOptions options;
    options.longest_backoff = 1ms;
    Opened store{options};
    store.control->refuse_writes = Errc::io;
    const Version version = *store.engine->write(put("a", "1"));
    CHECK(store.engine->close(1ms).left == 1);
    CHECK(store.engine->wait(version, 1ms).error() == Errc::timed_out);
    store.control->refuse_writes = std::nullopt;
    CHECK(store.engine->close());
}

}  // namespace
