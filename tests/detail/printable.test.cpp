#include <joinly/detail/printable.hpp>

#include <string>
#include <string_view>

#include "../support/catch.hpp"

using joinly::detail::printable;
using joinly::detail::printable_start;
using namespace std::string_view_literals;

TEST_CASE("printable bytes are written as they are", "[printable]") {
    CHECK(printable("lobby:lobby_123 ~") == "lobby:lobby_123 ~");
    CHECK(printable("").empty());
}

TEST_CASE("other bytes, and the backslash, are written so that no two keys look the same", "[printable]") {
    CHECK(printable("\0a\n\x7f\xff"sv) == "\\x00a\\x0a\\x7f\\xff");
    CHECK(printable("\\x00") == "\\x5cx00");
}

TEST_CASE("of a long text the printable start is shown", "[printable]") {
    CHECK(printable_start("region") == "region");
    CHECK(printable_start(std::string(40, 'a')) == std::string(40, 'a'));
    CHECK(printable_start('\n' + std::string(40, 'a')) == "\\x0a" + std::string(39, 'a') + "...");
}
