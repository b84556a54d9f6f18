// UnknownFields as a value. What codecs put in it: tests/codec/evolution.test.cpp.

#include "tests/support/catch.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

using namespace joinly;

static_assert(std::regular<UnknownFields> && std::three_way_comparable<UnknownFields>);
static_assert(std::is_nothrow_move_constructible_v<UnknownFields> && std::is_nothrow_move_assignable_v<UnknownFields>);
static_assert(sizeof(UnknownFields) == sizeof(void*));

namespace {

template <class Codec>
UnknownFields kept_of(std::string_view bytes) {
    Player player;
    REQUIRE(Codec::decode(bytes, player));
    return player.unknown_fields;
}

}  // namespace

TEST_CASE("unknown fields are none at first", "[unknown_fields]") {
    CHECK(UnknownFields{}.empty());
    CHECK(UnknownFields{}.size_bytes() == 0);
    CHECK(UnknownFields{} == UnknownFields{});
}

TEST_CASE("copies of unknown fields are equal and their own", "[unknown_fields]") {
    UnknownFields fields = kept_of<Binary>("\x7a\x01x");
    const UnknownFields copy = fields;
    CHECK(copy == fields);
    CHECK(copy.size_bytes() == 3);
    fields.clear();
    CHECK(fields.empty());
    CHECK(copy.size_bytes() == 3);
    fields = copy;
    CHECK(fields == copy);
    const UnknownFields moved = std::move(fields);
    CHECK(moved == copy);
}

TEST_CASE("unknown fields are equal when bytes and codec are", "[unknown_fields]") {
    const UnknownFields x = kept_of<Binary>("\x7a\x01x");
    CHECK(x == kept_of<Binary>("\x7a\x01x"));
    CHECK(x != kept_of<Binary>("\x7a\x01y"));
    CHECK(x != UnknownFields{});
    CHECK(UnknownFields{} < x);
    CHECK(x < kept_of<Binary>("\x7a\x01y"));
    CHECK(kept_of<Json>(R"({"x":1})") != kept_of<Binary>("\x7a\x01x"));
}
