// The list of a kind's indexes: what changes its fingerprints, and what it makes of bytes that it did not write.
#include <joinly/detail/index/catalogue.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/indexed_entities.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>

namespace {

using namespace joinly;
using namespace joinly::detail;

/// A struct that is described in another way by each `way`.
template <int way>
struct Hero {
    std::string name = {};
    std::conditional_t<way == 1, std::int64_t, std::conditional_t<way == 2, std::uint32_t, std::int32_t>> strength =
        way == 3 ? 10 : 0;
    std::int32_t age = 0;
};

/// The fingerprint of the one index that is declared.
template <int way>
std::uint64_t fingerprint() {
    const IndexCatalogue declared = index_catalogue<Hero<way>>();
    REQUIRE(declared.size() == 1);
    return declared[0].fingerprint;
}

}  // namespace

// 0 as it was; 1 wider; 2 unsigned; 3 another default; 4 fields the other way round; 5 a version; 6 renamed; 7 its own field's
template <int way>
struct joinly::Entity<Hero<way>> {
    static constexpr std::string_view kind = "hero";
    static constexpr int version = way == 5 ? 2 : 1;
    static constexpr auto& id(auto& hero) { return hero.name; }
    static constexpr void fields(auto& hero, auto&& field) {
        field(1, "name", hero.name);
        field(2, way == 6 ? "power" : "strength", hero.strength);
        field(3, "age", hero.age);
    }
    static constexpr void indexes(auto& hero, auto&& index) {
        if constexpr (way == 4) {
            index(100, "strength_age", hero.age, hero.strength);
        } else {
            index(100, way == 6 ? "power_age" : "strength_age", hero.strength, hero.age);
        }
    }
};

TEST_CASE("a fingerprint changes with whatever the entries of an index depend on", "[index]") {
    CHECK(fingerprint<2>() != fingerprint<0>());  // another encoding
    CHECK(fingerprint<3>() != fingerprint<0>());  // another default: records that leave the field out mean another value
    CHECK(fingerprint<4>() != fingerprint<0>());  // another order
    CHECK(fingerprint<5>() != fingerprint<0>());  // another version of the description
}

TEST_CASE("a fingerprint does not change when a number is widened or something is renamed", "[index]") {
    CHECK(fingerprint<1>() == fingerprint<0>());
    CHECK(fingerprint<6>() == fingerprint<0>());
}

TEST_CASE("the fingerprint of a given description never changes", "[index]") {
    CHECK(fingerprint<0>() == fingerprint_of(std::string_view{"1;2:signed,\x80\0\0\0\0\0\0\0"
                                                              "3:signed,\x80\0\0\0\0\0\0\0",
                                                              36}));
    CHECK(fingerprint_of("") == 0xcbf29ce484222325U);
    CHECK(fingerprint_of("foobar") == 0x85944171f73967e8U);  // FNV-1a's own examples
}

TEST_CASE("a catalogue lists all indexes by ascending numbers", "[index]") {
    const IndexCatalogue declared = index_catalogue<game::Guild>();
    REQUIRE(declared.size() == 10);
    for (std::size_t i = 1; i < declared.size(); ++i) CHECK(declared[i - 1].number < declared[i].number);
    CHECK(declared[0].number == 2);
    CHECK(declared[0].name == "name");
    CHECK(declared[9].number == 1002);
    CHECK(declared[9].name == "region_win_rate");
}

TEST_CASE("a catalogue comes back from its bytes", "[index]") {
    const IndexCatalogue declared = index_catalogue<game::Guild>();
    const auto back = decode_catalogue(encode_catalogue(declared));
    REQUIRE(back);
    CHECK(*back == declared);
    const auto none = decode_catalogue(encode_catalogue({}));
    REQUIRE(none);
    CHECK(none->empty());
    CHECK(catalogue_key("guild") == std::string_view("\0dguild", 7));
}

TEST_CASE("the bytes of a catalogue are those that are written down", "[index]") {
    CHECK(encode_catalogue({{0x0102, "ab", 0x1122334455667788U}}) ==
          std::string_view("\1\1\2\x11\x22\x33\x44\x55\x66\x77\x88\2ab", 14));
}

TEST_CASE("a catalogue that is cut short, out of order or of no known format is refused", "[index]") {
    const std::string whole = encode_catalogue(index_catalogue<game::Plain>());
    const std::size_t first_ends = 1 + 11 + std::string_view{"score"}.size();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        if (size == 1 || size == first_ends) continue;  // the end of a shorter list
        CHECK(decode_catalogue(std::string_view{whole}.substr(0, size)).error() == Errc::corrupt);
    }
    CHECK(decode_catalogue(encode_catalogue({{5, "a", 1}, {5, "b", 2}})).error() == Errc::corrupt);
    CHECK(decode_catalogue(encode_catalogue({{5, "a", 1}, {4, "b", 2}})).error() == Errc::corrupt);
    CHECK(decode_catalogue(encode_catalogue({{0, "a", 1}})).error() == Errc::corrupt);
    CHECK(decode_catalogue(std::string_view{"\0", 1}).error() == Errc::corrupt);
    CHECK(decode_catalogue("\2").error() == Errc::incompatible);
}

TEST_CASE("of any bytes that are taken for a catalogue, the catalogue encodes to the same bytes", "[index]") {
    std::mt19937 random{3};
    std::string bytes = encode_catalogue(index_catalogue<game::Guild>());
    std::size_t taken = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string damaged = bytes;
        damaged[random() % damaged.size()] = static_cast<char>(random() & 0xff);
        const auto decoded = decode_catalogue(damaged);
        if (!decoded) continue;
        ++taken;
        REQUIRE(encode_catalogue(*decoded) == damaged);
    }
    CHECK(taken != 0);  // a damaged name or fingerprint is one as well
}

TEST_CASE("what is missing is declared and not complete, what is unknown is stored and not declared", "[index]") {
    const IndexCatalogue declared{{1, "a", 10}, {2, "b", 20}, {3, "c", 30}};
    const IndexCatalogue stored{{1, "a", 10}, {2, "b", 21}, {4, "d", 40}};
    CHECK(missing(declared, stored) == IndexCatalogue{{2, "b", 20}, {3, "c", 30}});
    CHECK(unknown(declared, stored) == IndexCatalogue{{2, "b", 21}, {4, "d", 40}});
    CHECK(missing(declared, declared).empty());
    CHECK(unknown({}, {}).empty());
}

TEST_CASE("an index that is being built is missing to who declares it, and unknown to who does not", "[index]") {
    const IndexCatalogue declared{{1, "a", 10}, {2, "b", 20}};
    const IndexCatalogue stored{{1, "a", 10}, unfinished({2, "b", 20})};
    CHECK(missing(declared, stored) == IndexCatalogue{{2, "b", 20}});
    CHECK(unknown(declared, stored).empty());
    CHECK(unknown({{1, "a", 10}}, stored) == IndexCatalogue{unfinished({2, "b", 20})});
    CHECK(unknown({{1, "a", 10}, {2, "b", 21}}, stored) == IndexCatalogue{unfinished({2, "b", 20})});
    CHECK(*decode_catalogue(encode_catalogue(stored)) == stored);
}
