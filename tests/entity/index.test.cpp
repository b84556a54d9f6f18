// Indexes in descriptions. What a wrong one is answered with is in tests/compile_fail/.
#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/codec/proto_schema.hpp>
#include <joinly/entity/entity.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/indexed_entities.hpp>

#include <string>

using namespace joinly;

static_assert(entity<game::Guild> && detail::explain_entity<game::Guild>());
static_assert(entity<game::Plain> && detail::explain_entity<game::Plain>());

TEST_CASE("an indexed field is stored as any other", "[entity][index]") {
    game::Guild owls = test::guild("owls", 1200, game::Region::us);
    owls.motto = "hoo";
    std::string bytes;
    REQUIRE(Binary::encode(owls, bytes));
    game::Guild back;
    REQUIRE(Binary::decode(bytes, back));
    CHECK(back.trophies == 1200);
    CHECK(back.motto == "hoo");

    std::string text;
    REQUIRE(Json::encode(owls, text));
    game::Guild read;
    REQUIRE(Json::decode(text, read));
    CHECK(read.trophies == 1200);
    CHECK(proto_schema<game::Guild>().find("int32 trophies = 4;") != std::string::npos);
}
