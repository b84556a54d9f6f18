#include <joinly/detail/policy/overlay.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/fail_allocations.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using joinly::absent;
using joinly::Expiry;
using joinly::KeyRange;
using joinly::LoadedObject;
using joinly::Version;
using joinly::WallTime;
using joinly::Write;
using joinly::detail::Overlay;
using joinly::test::with_failing_allocation;
using namespace std::chrono_literals;

Write put(std::string key, std::string value, Expiry expires_at = {}) {
    return {std::move(key), {std::make_shared<const std::string>(std::move(value)), &joinly::bytes_type}, expires_at};
}
Write erase(std::string key) { return {std::move(key), {}, {}}; }

constexpr std::size_t weight = 10;

void add(Overlay& overlay, const std::vector<Write>& writes, Version version, std::chrono::nanoseconds now) {
    std::vector<Overlay::Weighed> weighed;
    for (const Write& write : writes) weighed.push_back(overlay.weighed(write, weight));
    Overlay::Addition{overlay, weighed}.commit(version, now);
}

/// "value@version", "erased@version", or "none".
std::string described(const LoadedObject* write) {
    if (write == nullptr) return "none";
    const std::string value = write->object.value ? *static_cast<const std::string*>(write->object.value.get()) : "erased";
    return value + "@" + std::to_string(write->version);
}
std::string found(const Overlay& overlay, std::string_view key) { return described(overlay.find(key)); }

std::vector<std::string> found_within(const Overlay& overlay, const KeyRange& range) {
    std::vector<std::string> all;
    for (const auto& [key, write] : overlay.within(range)) all.push_back(key + "=" + described(&write));
    std::sort(all.begin(), all.end());
    return all;
}

TEST_CASE("an overlay finds what was added, erases included, and nothing else", "[overlay]") {
    Overlay overlay;
    CHECK(overlay.size() == 0);
    const Expiry expires_at{WallTime{5s}};
    add(overlay, {put("a", "1", expires_at), erase("b")}, 7, 0ns);
    CHECK(overlay.size() == 2);
    CHECK(found(overlay, "a") == "1@7");
    CHECK(overlay.find("a")->expires_at == expires_at);
    CHECK(found(overlay, "b") == "erased@7");
    CHECK(overlay.find("c") == nullptr);
    CHECK(overlay.find("") == nullptr);
}

TEST_CASE("writes to one key coalesce into the newest", "[overlay]") {
    Overlay overlay;
    add(overlay, {put("a", "1")}, 1, 0ns);
    add(overlay, {erase("a")}, 2, 0ns);
    add(overlay, {put("a", "3")}, 3, 0ns);
    CHECK(overlay.size() == 1);
    CHECK(found(overlay, "a") == "3@3");
    CHECK(overlay.active().newest == 3);
}

TEST_CASE("of two writes to one key in a set, the later one wins", "[overlay]") {
    Overlay overlay;
    add(overlay, {put("a", "1"), put("b", "1"), put("a", "2")}, 1, 0ns);
    CHECK(overlay.size() == 2);
    CHECK(found(overlay, "a") == "2@1");
}

TEST_CASE("a generation keeps the time of its first write", "[overlay]") {
    Overlay overlay;
    add(overlay, {put("a", "1")}, 1, 100ns);
    add(overlay, {put("a", "2")}, 2, 200ns);
    add(overlay, {put("b", "3")}, 3, 300ns);
    CHECK(overlay.active().first_at == 100ns);
    overlay.begin_flush();
    add(overlay, {put("a", "4")}, 4, 400ns);
    CHECK(overlay.flushing().first_at == 100ns);
    CHECK(overlay.active().first_at == 400ns);
}

TEST_CASE("a set that is not committed leaves nothing behind", "[overlay]") {
    Overlay overlay;
    add(overlay, {put("a", "1")}, 1, 0ns);
    {
        const std::vector<Write> set{put("a", "2"), put("b", "2")};
        std::vector<Overlay::Weighed> weighed{overlay.weighed(set[0], weight), overlay.weighed(set[1], weight)};
        const Overlay::Addition addition{overlay, weighed};
    }
    CHECK(found_within(overlay, {}) == std::vector<std::string>{"a=1@1"});
    CHECK(overlay.bytes() == weight);
}

TEST_CASE("an overlay knows the bytes of what is pending, each key counted once a generation", "[overlay]") {
    Overlay overlay;
    add(overlay, {put("a", "1"), put("b", "1")}, 1, 0ns);
    add(overlay, {put("a", "2")}, 2, 0ns);
    CHECK(overlay.bytes() == 2 * weight);
    overlay.begin_flush();
    add(overlay, {put("a", "3")}, 3, 0ns);
    CHECK(overlay.bytes() == 3 * weight);
    (void)overlay.end_flush();
    CHECK(overlay.bytes() == weight);
}

TEST_CASE("what is being flushed stays readable and does not change", "[overlay]") {
    Overlay overlay;
    add(overlay, {put("a", "1"), put("b", "1")}, 1, 0ns);
    overlay.begin_flush();
    CHECK(overlay.active().slots.empty());
    CHECK(overlay.active().newest == absent);
    CHECK(found(overlay, "a") == "1@1");

    add(overlay, {put("a", "2"), put("c", "2")}, 2, 0ns);
    CHECK(overlay.size() == 4);
    CHECK(described(&overlay.flushing().slots.find("a")->newest) == "1@1");
    CHECK(overlay.flushing().newest == 1);
}

TEST_CASE("a key that is pending in both generations is found as the newer one", "[overlay]") {
    Overlay overlay;
    add(overlay, {put("a", "1"), put("b", "1")}, 1, 0ns);
    overlay.begin_flush();
    add(overlay, {erase("a")}, 2, 0ns);
    CHECK(found(overlay, "a") == "erased@2");
    CHECK(found(overlay, "b") == "1@1");
}

TEST_CASE("the end of a flush hands back what was stored and leaves newer writes pending", "[overlay]") {
    Overlay overlay;
    add(overlay, {put("a", "1"), put("b", "1")}, 1, 0ns);
    overlay.begin_flush();
    add(overlay, {put("a", "2")}, 2, 0ns);
    const Overlay::Generation stored = overlay.end_flush();
    CHECK(stored.slots.size() == 2);
    CHECK(stored.newest == 1);
    CHECK(overlay.flushing().slots.empty());
    CHECK(overlay.flushing().newest == absent);
    CHECK(overlay.size() == 1);
    CHECK(found(overlay, "a") == "2@2");
    CHECK(found(overlay, "b") == "none");
}

TEST_CASE("generations take turns for ever", "[overlay]") {
    Overlay overlay;
    for (Version version = 1; version <= 5; ++version) {
        add(overlay, {put("a", "v")}, version, std::chrono::nanoseconds{version});
        CHECK(overlay.active().first_at == std::chrono::nanoseconds{version});
        overlay.begin_flush();
        CHECK(overlay.end_flush().newest == version);
        CHECK(overlay.size() == 0);
    }
}

TEST_CASE("the writes within a range are the newest ones, of both generations", "[overlay]") {
    Overlay overlay;
    add(overlay, {put("a:1", "1"), put("a:2", "1"), put("b:1", "1")}, 1, 0ns);
    overlay.begin_flush();
    add(overlay, {put("a:2", "2"), erase("a:3"), put("b:2", "2")}, 2, 0ns);
    using All = std::vector<std::string>;
    CHECK(found_within(overlay, KeyRange::prefix("a:")) == All{"a:1=1@1", "a:2=2@2", "a:3=erased@2"});
    CHECK(found_within(overlay, {"a:3", "b:2", {}}) == All{"a:3=erased@2", "b:1=1@1"});
    CHECK(found_within(overlay, {"b:1", "", {}}) == All{"b:1=1@1", "b:2=2@2"});
    CHECK(found_within(overlay, {"c", "", {}}).empty());
    CHECK(found_within(overlay, {}).size() == 5);
}

TEST_CASE("thousands of keys are found, and of what is stored in parts what is left", "[overlay]") {
    const auto key = [](int number) { return "player:" + std::to_string(number); };
    constexpr int keys = 5'000;
    Overlay overlay;
    for (int i = 0; i < keys; ++i) add(overlay, {put(key(i), std::to_string(i))}, static_cast<Version>(i + 1), 0ns);
    overlay.begin_flush();
    for (int i = 0; i < keys; i += 5) add(overlay, {put(key(i), "newer")}, static_cast<Version>(keys + i + 1), 0ns);
    std::vector<const Overlay::Slot*> part;
    for (int i = 0; i < keys; i += 3) part.push_back(overlay.flushing().slots.find(key(i)));
    std::vector<Overlay::Slot::Owner> done;
    done.reserve(10);
    overlay.end_part(part, done);
    CHECK(done.size() == 10);
    CHECK(overlay.flushing().slots.size() == keys - part.size());
    CHECK(overlay.bytes() == weight * overlay.size());
    int wrong = 0;
    for (int i = 0; i < keys; ++i) {
        const std::string newer = "newer@" + std::to_string(keys + i + 1);
        const std::string older = i % 3 == 0 ? "none" : std::to_string(i) + "@" + std::to_string(i + 1);
        wrong += found(overlay, key(i)) != (i % 5 == 0 ? newer : older) ? 1 : 0;
    }
    CHECK(wrong == 0);
    CHECK(overlay.find(key(keys)) == nullptr);
}

TEST_CASE("what a range gave stays as it was when the overlay changes", "[overlay]") {
    Overlay overlay;
    add(overlay, {put("a", "1")}, 1, 0ns);
    const auto copy = overlay.within({});
    add(overlay, {put("a", "2")}, 2, 0ns);
    REQUIRE(copy.size() == 1);
    CHECK(described(&copy[0].second) == "1@1");
}

TEST_CASE("a set that finds no memory for one of its writes leaves the overlay as it was", "[overlay][fault]") {
    std::vector<Write> set;
    for (int i = 0; i < 20; ++i) set.push_back(put("a key too long to be kept in place, number " + std::to_string(i), "new"));
    set.push_back(put("there already", "new"));
    set.push_back(put(set.front().key, "newer"));
    int n = 0;
    for (;; ++n) {
        Overlay overlay;
        add(overlay, {put("there already", "old"), put("untouched", "old")}, 1, 10ns);
        const bool failed = with_failing_allocation(n, [&] { add(overlay, set, 2, 20ns); });
        REQUIRE(overlay.active().first_at == 10ns);
        REQUIRE(found(overlay, "untouched") == "old@1");
        if (!failed) {
            CHECK(overlay.size() == 22);
            CHECK(found(overlay, set.front().key) == "newer@2");
            break;
        }
        REQUIRE(overlay.size() == 2);
        REQUIRE(overlay.active().newest == 1);
        REQUIRE(found(overlay, "there already") == "old@1");
    }
    CHECK(n > 20);  // a slot each
}

TEST_CASE("a listing of pending writes that finds no memory says so, and another one succeeds", "[overlay][fault]") {
    Overlay overlay;
    for (int i = 0; i < 20; ++i) add(overlay, {put("a key too long to be kept in place, number " + std::to_string(i), "")}, 1, 0ns);
    overlay.begin_flush();
    add(overlay, {put("another key that is too long to be kept in place", "")}, 2, 0ns);
    int n = 0;
    while (with_failing_allocation(n, [&] { (void)overlay.within({}); })) ++n;
    CHECK(n > 20);
    CHECK(overlay.within({}).size() == 21);
}

TEST_CASE("a first set that finds no memory leaves the overlay empty and without a time", "[overlay][fault]") {
    const std::vector<Write> set{put("a", "1"), put("b", "1")};
    for (int n = 0;; ++n) {
        Overlay overlay;
        if (!with_failing_allocation(n, [&] { add(overlay, set, 1, 10ns); })) break;
        REQUIRE(overlay.size() == 0);
        REQUIRE(overlay.active().newest == absent);
        add(overlay, set, 2, 20ns);
        REQUIRE(overlay.active().first_at == 20ns);
    }
}

}  // namespace
