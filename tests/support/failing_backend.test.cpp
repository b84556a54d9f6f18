// The helper that fault tests stand on does what it says.
#include <tests/support/catch.hpp>
#include <tests/support/failing_backend.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using joinly::Batch;
using joinly::Errc;
using joinly::test::FailingBackend;

auto open(const std::shared_ptr<FailingBackend::Control>& control) { return *FailingBackend::open({.control = control}); }

TEST_CASE("refused calls fail with the chosen code, and what is stored stays as it is", "[failing_backend]") {
    auto control = std::make_shared<FailingBackend::Control>();
    auto backend = open(control);
    REQUIRE(backend.write(Batch{}.put("key", "old")));

    control->refuse_writes = Errc::full;
    CHECK(backend.write(Batch{}.put("key", "new")).error() == Errc::full);
    control->refuse_writes = std::nullopt;
    CHECK(backend.read("key")->value == "old");

    control->refuse_reads = Errc::io;
    CHECK(backend.read("key").error() == Errc::io);
    const std::vector<std::string_view> keys{"key"};
    CHECK(backend.read_many(keys, [](auto&&...) {}).error() == Errc::io);
    CHECK(backend.scan({}, [](auto&&...) { return true; }).error() == Errc::io);
    CHECK(backend.last_version().error() == Errc::io);
    CHECK(control->records.read("key")->value == "old");
}

TEST_CASE("one batch can be refused and the others let through", "[failing_backend]") {
    auto control = std::make_shared<FailingBackend::Control>();
    auto backend = open(control);
    control->refuse_if = [](const Batch& batch) {
        return batch.changes.front().key == "poison" ? std::optional{Errc::io} : std::nullopt;
    };
    CHECK(backend.write(Batch{}.put("poison", "x")).error() == Errc::io);
    CHECK(backend.write(Batch{}.put("bread", "x")));
}

TEST_CASE("a lost answer reports failure for what was written", "[failing_backend]") {
    auto control = std::make_shared<FailingBackend::Control>();
    auto backend = open(control);
    control->lose_answers = Errc::io;
    CHECK(backend.write(Batch{}.put("key", "value")).error() == Errc::io);
    CHECK(backend.read("key")->value == "value");
}

TEST_CASE("a hook may write between a read and its answer", "[failing_backend]") {
    auto control = std::make_shared<FailingBackend::Control>();
    auto backend = open(control);
    REQUIRE(backend.write(Batch{}.put("key", "old")));
    control->after_read = [&](std::string_view key) { CHECK(backend.write(Batch{}.put(std::string{key}, "new"))); };
    CHECK(backend.read("key")->value == "old");
    control->after_read = nullptr;
    CHECK(backend.read("key")->value == "new");
}

TEST_CASE("calls are counted, refused ones too", "[failing_backend]") {
    auto control = std::make_shared<FailingBackend::Control>();
    auto backend = open(control);
    CHECK(backend.write(Batch{}));
    control->refuse_writes = Errc::io;
    CHECK_FALSE(backend.write(Batch{}));
    CHECK_FALSE(backend.read("a"));
    const std::vector<std::string_view> keys{"a", "b", "c"};
    CHECK(backend.read_many(keys, [](auto&&...) {}));
    CHECK(backend.scan({}, [](auto&&...) { return true; }));
    CHECK(control->writes == 2);
    CHECK(control->reads == 4);
    CHECK(control->trips == 2);
    CHECK(control->scans == 1);
}

TEST_CASE("backends of one control share their records, as after a restart", "[failing_backend]") {
    auto control = std::make_shared<FailingBackend::Control>();
    REQUIRE(open(control).write(Batch{}.put("key", "value")));
    auto again = open(control);
    CHECK(again.read("key")->value == "value");
    CHECK(again.last_version() == joinly::Version{1});
}

}  // namespace
