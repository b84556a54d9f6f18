#include <joinly/detail/policy/through_engine.hpp>
#include <joinly/traits.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/fail_allocations.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/latch.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace {

using joinly::bytes_type;
using joinly::Errc;
using joinly::ManualTraits;
using joinly::Object;
using joinly::WriteSet;
using joinly::detail::AfterWrite;
using joinly::test::FailingBackend;
using joinly::test::Latch;
using joinly::test::with_failing_allocation;
using Engine = joinly::detail::ThroughEngine<FailingBackend, ManualTraits, AfterWrite::keep>;

struct Opened {
    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
    std::unique_ptr<Engine> engine = *Engine::open(*FailingBackend::open({control}), {}, {});
};

Object bytes(std::string value) { return {std::make_shared<const std::string>(std::move(value)), &bytes_type}; }

WriteSet set_of_three() {
    WriteSet set;
    for (const char* key : {"a key too long to be kept in place: 1", "a key too long to be kept in place: 2",
                            "a key too long to be kept in place: 3"})
        set.writes.push_back({key, bytes("new"), {}});
    return set;
}

TEST_CASE("a write that finds no memory leaves its keys loadable and cacheable", "[through_engine][fault]") {
    const WriteSet set = set_of_three();
    for (int n = 0;; ++n) {
        INFO("allocation " << n << " fails");
        Opened store;
        REQUIRE(store.engine->write(set));
        const bool failed = with_failing_allocation(n, [&] { (void)store.engine->write(set); });
        for (const auto& write : set.writes) REQUIRE(store.engine->load(write.key, bytes_type));
        const auto reads = store.control->reads.load();
        for (const auto& write : set.writes) REQUIRE(store.engine->load(write.key, bytes_type));
        REQUIRE(store.control->reads == reads);  // they were cached by the first loads, if not by the write
        if (!failed) break;
    }
}

TEST_CASE("a write whose answer is lost leaves nothing cached, so that the next load asks the backend", "[through_engine][fault]") {
    Opened store;
    WriteSet set = set_of_three();
    REQUIRE(store.engine->write(set));
    for (auto& write : set.writes) write.object = bytes("newer");
    store.control->lose_answers = Errc::io;
    CHECK(store.engine->write(set).error() == Errc::io);
    const auto loaded = store.engine->load(set.writes[0].key, bytes_type);
    REQUIRE(loaded);
    CHECK(*static_cast<const std::string*>(loaded->object.value.get()) == "newer");
}

std::string value_of(Engine& engine, std::string_view key) {
    const auto loaded = engine.load(key, bytes_type);
    return loaded ? *static_cast<const std::string*>(loaded->object.value.get()) : "nothing";
}

TEST_CASE("a conflict over a key that is only required drops it, and whatever load of it is under way", "[through_engine][race]") {
    Opened store;
    REQUIRE(store.control->records.write(joinly::Batch{}.put("required", "old")));
    const bool under_way = GENERATE(false, true);
    Latch has_read;
    Latch go_on;
    store.control->after_read = [&](std::string_view) {
        has_read.open();
        go_on.wait();
    };
    std::thread reader{[&] { (void)value_of(*store.engine, "required"); }};
    has_read.wait();
    store.control->after_read = nullptr;
    if (!under_way) {
        go_on.open();
        reader.join();
    }
    const auto by_another_process = store.control->records.write(joinly::Batch{}.put("required", "new"));
    WriteSet set;
    set.writes.push_back({"written", bytes("value"), {}});
    set.requirements.push_back({"required", 1, false});
    const auto refused = store.engine->write(set);
    if (under_way) {
        go_on.open();
        reader.join();
    }
    REQUIRE(by_another_process);
    CHECK(refused.error() == Errc::conflict);
    CHECK(value_of(*store.engine, "required") == "new");
}

}  // namespace
