#include <joinly/detail/printable.hpp>

#include <string_view>

#include "../support/catch.hpp"

using joinly::detail::printable;
using namespace std::string_view_literals;

TEST_CASE("printable bytes are written as they are", "[printable]") {
    CHECK(printable("lobby:lobby_123 ~") == "lobby:lobby_123 ~");
    CHECK(printable("").empty());
}

TEST_CASE("other bytes, and the backslash, are written so that no two keys look the same", "[printable]") {
    CHECK(printable("\0a\n\x7f\xff"sv) == "\\x00a\\x0a\\x7f\\xff");
    CHECK(printable("\\x00") == "\\x5cx00");
}
