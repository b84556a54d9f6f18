#include <joinly/detail/expiry_key.hpp>
#include <tests/support/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace joinly;
using namespace std::string_view_literals;

Expiry at(std::int64_t unix_ms) { return Expiry{WallTime{std::chrono::milliseconds{unix_ms}}}; }

std::string place(std::int64_t unix_ms, std::string_view key) {
    std::string bytes;
    detail::append_expiry_key(bytes, at(unix_ms), key);
    return bytes;
}

TEST_CASE("a place in the order of expiry has the bytes of the README", "[expiry_key][golden]") {
    CHECK(place(1'700'000'000'000, "lobby:1") == "\x80\x00\x01\x8b\xcf\xe5\x68\x00lobby:1"sv);
}

TEST_CASE("places are in the order of time, then of keys, and tell the time", "[expiry_key]") {
    using Limits = std::numeric_limits<std::int64_t>;
    std::vector<std::string> places;
    for (const std::int64_t ms : {Limits::min(), std::int64_t{-256}, std::int64_t{-1}, std::int64_t{0}, std::int64_t{255},
                                  std::int64_t{256}, Limits::max() - 1}) {
        places.push_back(place(ms, "\1"));
        places.push_back(place(ms, "\xff"));
        CHECK(detail::expiry_in_key(places.back()) == at(ms));
    }
    CHECK(std::is_sorted(places.begin(), places.end()));
}

}  // namespace
