#include <joinly/detail/policy/flush_part.hpp>
#include <tests/support/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace {

using joinly::Version;
using joinly::Write;
using joinly::detail::FlushPart;
using joinly::detail::FlushQueue;
using joinly::detail::Overlay;
using joinly::detail::whole_of;

constexpr std::size_t unlimited = (std::numeric_limits<std::size_t>::max)();

/// A flushing generation of these batches, the first with version 1: each names the keys that it writes, one letter a key.
Overlay flushing(const std::vector<std::string>& batches) {
    Overlay overlay;
    for (std::size_t i = 0; i < batches.size(); ++i) {
        std::vector<Write> writes;
        for (const char key : batches[i]) writes.push_back({std::string(1, key), {}, {}});
        std::vector<Overlay::Weighed> weighed;
        for (const Write& write : writes) weighed.push_back(overlay.weighed(write, 1));
        Overlay::Addition{overlay, weighed}.commit(i + 1, std::chrono::nanoseconds{0});
    }
    overlay.begin_flush();
    return overlay;
}

std::string keys(const FlushPart& part) {
    std::string keys;
    for (const auto* entry : part.slots) keys += entry->key();
    std::sort(keys.begin(), keys.end());
    return keys;
}

TEST_CASE("the whole of a generation reaches from its first batch to its last", "[flush]") {
    const Overlay overlay = flushing({"ab", "c", "a"});
    const FlushPart part = whole_of(overlay.flushing());
    CHECK(keys(part) == "abc");
    CHECK(part.first == 1);
    CHECK(part.last == 3);
    CHECK(part.is_whole);
}

TEST_CASE("batches without a key in common are runs of their own", "[flush]") {
    const Overlay overlay = flushing({"ab", "c", "d"});
    FlushQueue queue{overlay.flushing()};
    for (const auto& [expected, version] : {std::pair{"ab", Version{1}}, std::pair{"c", Version{2}}, std::pair{"d", Version{3}}}) {
        const FlushPart part = queue.first(1, unlimited);
        CHECK(keys(part) == expected);
        CHECK(part.first == version);
        CHECK(part.last == version);
        CHECK(part.runs == 1);
        CHECK(part.is_whole == (version == 3));
        queue.pop(part);
    }
}

TEST_CASE("batches that wrote one key are one run, with all between them", "[flush]") {
    const Overlay overlay = flushing({"a", "bc", "d", "ce", "f"});
    FlushQueue queue{overlay.flushing()};
    queue.pop(queue.first(1, unlimited));
    const FlushPart run = queue.first(1, unlimited);
    CHECK(keys(run) == "bcde");
    CHECK(run.first == 2);
    CHECK(run.last == 4);
}

TEST_CASE("runs that overlap in turn are one", "[flush]") {
    const Overlay overlay = flushing({"ax", "by", "ay", "bz", "c"});
    const FlushPart run = FlushQueue{overlay.flushing()}.first(1, unlimited);
    CHECK(keys(run) == "abxyz");
    CHECK(run.last == 4);
}

TEST_CASE("a part takes as many runs as its limits allow, and one at least", "[flush]") {
    const Overlay overlay = flushing({"abc", "d", "e", "f"});
    const FlushQueue queue{overlay.flushing()};
    CHECK(keys(queue.first(unlimited, 0)) == "abc");
    CHECK(keys(queue.first(unlimited, 4)) == "abcd");
    CHECK(keys(queue.first(3, unlimited)) == "abcde");
    const FlushPart all = queue.first(unlimited, unlimited);
    CHECK(keys(all) == "abcdef");
    CHECK(all.runs == 4);
    CHECK(all.is_whole);
}

}  // namespace
