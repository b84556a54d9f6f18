#include <joinly/detail/cache/reader_places.hpp>
#include <joinly/detail/cache/retired.hpp>
#include <tests/support/catch.hpp>

#include <deque>
#include <memory>
#include <thread>
#include <vector>

namespace {

using joinly::detail::ReaderPlaces;
using joinly::detail::Retired;
using Stay = ReaderPlaces::Stay;

TEST_CASE(
    "who entered before an epoch's end is waited for, and who entered "
    "after is not",
    "[reader_places]") {
    ReaderPlaces places;
    Stay before{places};
    REQUIRE(before);
    const auto ended = places.end_epoch();
    CHECK_FALSE(places.all_left(ended));
    Stay after{places};
    REQUIRE(after);
    before.leave();
    CHECK(places.all_left(ended));
    CHECK_FALSE(places.all_left(places.end_epoch()));
}

TEST_CASE("a reader's place is free again when it has left", "[reader_places]") {
    ReaderPlaces places;
    for (int i = 0; i < 1000; ++i) REQUIRE(Stay{places});
    CHECK(places.one_reader());
    CHECK(places.all_left(places.end_epoch()));
}

TEST_CASE("there are 64 places, and whoever finds none is told so", "[reader_places]") {
    ReaderPlaces places;
    std::deque<Stay> stays;
    for (int i = 0; i < 64; ++i) REQUIRE(stays.emplace_back(places));
    CHECK_FALSE(Stay{places});
    stays.front().leave();
    CHECK(Stay{places});
}

TEST_CASE("each thread has a place of its own", "[reader_places][threads]") {
    ReaderPlaces places;
    { Stay mine{places}; }
    CHECK(places.one_reader());
    std::thread{[&] { Stay its{places}; }}.join();
    CHECK_FALSE(places.one_reader());
}

TEST_CASE("more threads than places come and go", "[reader_places][threads]") {
    ReaderPlaces places;
    for (int round = 0; round < 20; ++round) {
        std::vector<std::thread> threads;
        for (int i = 0; i < 10; ++i) {
            threads.emplace_back([&] {
                for (int j = 0; j < 10; ++j) {
                    if (Stay stay{places}) stay.count_hit();
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
    }
    CHECK(places.counts().hits == 20 * 10 * 10);
    CHECK(places.counts().misses == 0);
    CHECK(places.all_left(places.end_epoch()));
}

/// Counts what is freed.
struct Freed {
    static inline int count = 0;
    static void free(void* object) noexcept {
        delete static_cast<int*>(object);
        ++count;
    }
    static int since(int before) { return count - before; }
};

TEST_CASE("what is retired is freed at once when nobody is inside", "[retired]") {
    ReaderPlaces places;
    Retired retired;
    const int before = Freed::count;
    retired.add(new int, Freed::free, places);
    CHECK(Freed::since(before) == 1);
    { Stay only{places}; }
    retired.add(new int, Freed::free, places);
    CHECK(Freed::since(before) == 2);
}

TEST_CASE(
    "what is retired while a reader is inside waits for that reader, and "
    "not for later ones",
    "[retired]") {
    ReaderPlaces places;
    Retired retired;
    const int before = Freed::count;
    Stay reader{places};
    for (int i = 0; i < 100; ++i) retired.add(new int, Freed::free, places);
    retired.reclaim(places);
    CHECK(Freed::since(before) == 0);
    Stay later{places};
    reader.leave();
    retired.reclaim(places);
    CHECK(Freed::since(before) > 0);
    later.leave();
    retired.reclaim(places);
    CHECK(Freed::since(before) == 100);
}

TEST_CASE("with several readers, what waits is bounded while nobody is inside", "[retired][threads]") {
    ReaderPlaces places;
    { Stay mine{places}; }
    std::thread{[&] { Stay its{places}; }}.join();
    const int before = Freed::count;
    {
        Retired retired;
        for (int i = 1; i <= 1000; ++i) {
            retired.add(new int, Freed::free, places);
            REQUIRE(i - Freed::since(before) <= 32);
        }
    }
    CHECK(Freed::since(before) == 1000);
}

}  // namespace
