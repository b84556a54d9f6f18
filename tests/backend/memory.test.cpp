// What MemoryBackend promises besides the contract of every backend, which tests/conformance/ holds it to.
#include <joinly/backend/memory.hpp>
#include <tests/support/catch.hpp>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using joinly::Batch;
using joinly::Errc;
using joinly::MemoryBackend;
using joinly::RecordView;

MemoryBackend open() { return *MemoryBackend::open(); }

TEST_CASE("each opened MemoryBackend has records of its own", "[memory]") {
    auto first = open();
    auto second = open();
    CHECK(first.write(Batch{}.put("key", "value")));
    CHECK(second.read("key").error() == Errc::not_found);
}

TEST_CASE("MemoryBackend numbers its versions without gaps", "[memory]") {
    auto backend = open();
    CHECK(backend.write(Batch{}.put("a", "1")) == joinly::Version{1});
    CHECK_FALSE(backend.write(Batch{}.put("a", "2").require("a", 7)));
    CHECK(backend.write(Batch{}.erase("a")) == joinly::Version{2});
    CHECK(backend.write(Batch{}) == joinly::Version{3});
}

TEST_CASE("MemoryBackend's conflicts say what is there and what was wanted", "[memory]") {
    auto backend = open();
    REQUIRE(backend.write(Batch{}.put("lobby:1", "x")));
    const auto message_of = [&](const Batch& batch) { return std::string{backend.write(batch).error().message()}; };

    CHECK(message_of(Batch{}.require("lobby:1", 5)) == "lobby:1 is at version 1, not at version 5");
    CHECK(message_of(Batch{}.require("lobby:1", joinly::absent)) == "lobby:1 is at version 1, not absent");
    CHECK(message_of(Batch{}.require("lobby:2", 5)) == "lobby:2 is absent, not at version 5");
    CHECK(message_of(Batch{}.require(std::string{"\0\xff", 2}, 5)) == "\\x00\\xff is absent, not at version 5");
    Batch given;
    given.version = 1;
    CHECK(message_of(given) == "the batch's version 1 is not above the last one, 1");
}

TEST_CASE("versions that have run out are a conflict, not a return to the first", "[memory]") {
    auto backend = open();
    Batch last;
    last.version = ~joinly::Version{0} - 1;
    REQUIRE(backend.write(last));
    REQUIRE(backend.write(Batch{}.put("a", "1")));
    CHECK(backend.write(Batch{}.put("a", "2")).error() == Errc::conflict);
}

TEST_CASE("what a scan's snapshot needs is kept while it lasts and freed by the next write", "[memory]") {
    auto backend = open();
    const std::string big(1 << 16, 'x');
    REQUIRE(backend.write(Batch{}.put("a", "1").put("b", big)));
    std::size_t seen = 0;
    REQUIRE(backend.scan({}, [&](std::string_view key, const RecordView& record) {
        if (key == "a") {
            for (int i = 0; i < 100; ++i) CHECK(backend.write(Batch{}.put("b", "new").erase("b")));
        } else {
            CHECK((record.value == big));  // the view's bytes are still there: the address sanitizer watches
        }
        return ++seen > 0;
    }));
    CHECK(seen == 2);
    CHECK(backend.read("b").error() == Errc::not_found);
}

TEST_CASE("a scan that waits holds up no writer and no reader", "[memory][threads]") {
    auto backend = open();
    REQUIRE(backend.write(Batch{}.put("a", "old")));
    std::atomic<int> step{0};
    std::jthread other{[&] {
        step.wait(0);
        const bool fine = backend.write(Batch{}.put("a", "new")) && backend.read("a")->value == "new";
        step = fine ? 2 : 3;
        step.notify_all();
    }};
    const auto scanned = backend.scan({}, [&](std::string_view, const RecordView&) {
        step = 1;
        step.notify_all();
        step.wait(1);  // for ever, if the writer had to wait for this scan
        return true;
    });
    CHECK(scanned);
    CHECK(step == 2);
}

}  // namespace
