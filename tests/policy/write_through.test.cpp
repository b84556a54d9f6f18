#include <joinly/backend/memory.hpp>
#include <joinly/policy/write_through.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/latch.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace {

using joinly::Batch;
using Player = joinly::test::Account;
using joinly::ReadThrough;
using joinly::WriteThrough;
using joinly::test::FailingBackend;
using joinly::test::Latch;
constexpr auto player = [](std::string id, std::int32_t rating = 1000) { return joinly::test::account(std::move(id), rating); };

TEST_CASE("write-through caches what it saves", "[write_through]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteThrough>({.control = control});
    REQUIRE(store.save(player("ada", 5)));
    CHECK((*store.load<Player>("ada"))->skill_rating == 5);
    CHECK(control->reads == 0);
    CHECK(control->writes == 1);
}

TEST_CASE("read-through drops what it saves, and caches what it loads", "[read_through]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, ReadThrough>({.control = control});
    REQUIRE(store.save(player("ada", 5)));
    CHECK((*store.load<Player>("ada"))->skill_rating == 5);
    CHECK(control->reads == 1);
    CHECK((*store.load<Player>("ada"))->skill_rating == 5);
    CHECK(control->reads == 1);
}

TEST_CASE("of two overlapping saves the cache keeps the one that the backend made last", "[write_through][race]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteThrough>({.control = control});
    Latch first_is_written;
    Latch go_on;
    control->after_write = [&](const Batch&) {
        if (first_is_written.is_open()) return;  // the second writer overtakes the first one here
        first_is_written.open();
        go_on.wait();
    };
    std::thread first{[&] { (void)store.save(player("ada", 1)); }};
    first_is_written.wait();
    const auto second = store.save(player("ada", 2));
    go_on.open();
    first.join();
    REQUIRE(second);
    CHECK((*store.load<Player>("ada"))->skill_rating == 2);
    CHECK(store.load<Player>("ada")->version() == *second);
}

TEST_CASE("while a save is under way loads tell what the backend has", "[write_through][race]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteThrough>({.control = control});
    REQUIRE(store.save(player("ada", 1)));
    std::int32_t before_commit = 0;
    std::int32_t after_commit = 0;
    control->before_write = [&](const Batch&) { before_commit = (*store.load<Player>("ada"))->skill_rating; };
    control->after_write = [&](const Batch&) { after_commit = (*store.load<Player>("ada"))->skill_rating; };
    REQUIRE(store.save(player("ada", 2)));
    CHECK(before_commit == 1);
    CHECK(after_commit == 2);
}

}  // namespace
