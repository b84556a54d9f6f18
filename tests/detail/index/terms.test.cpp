// What the indexes of a type know an object by.
#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/codec/zstd.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/detail/policy/object_type.hpp>
#include <joinly/entity/queue.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/indexed_entities.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace game {

/// With times that are finer than a microsecond, as the system's clock has them on Linux.
struct Beacon {
    using Time = std::chrono::sys_time<std::chrono::nanoseconds>;
    std::string beacon_id;
    Time lit_at = {};
    std::optional<Time> out_at = {};
};

}  // namespace game

template <>
struct joinly::Entity<game::Beacon> {
    static constexpr std::string_view kind = "beacon";
    static constexpr auto& id(auto& beacon) { return beacon.beacon_id; }
    static constexpr void fields(auto& beacon, auto&& field) {
        field(1, "beacon_id", beacon.beacon_id);
        field(2, "lit_at", beacon.lit_at, joinly::indexed);
        field(3, "out_at", beacon.out_at, joinly::indexed);
    }
    static constexpr void indexes(auto& beacon, auto&& index) { index(1000, "lit_out", beacon.lit_at, beacon.out_at); }
};

namespace {

using namespace joinly;
using namespace joinly::test;
using detail::index_terms;

template <class T>
std::vector<std::string> terms_of(const T& object) {
    std::string packed;
    REQUIRE(index_terms(object, packed));
    std::vector<std::string> terms;
    std::string_view rest = packed;
    while (const auto term = take_index_term(rest)) terms.emplace_back(*term);
    CHECK(rest.empty());
    return terms;
}

}  // namespace

static_assert(detail::has_indexes<game::Guild> && detail::count_indexes<game::Guild>() == 10);
static_assert(!detail::has_indexes<Queue>);
static_assert(detail::has_indexes<game::Plain>);  // it may have: that is known at run time

TEST_CASE("each index gives a term: its number, and then the keys of its fields", "[index]") {
    const auto terms = terms_of(guild("owls", 7, game::Region::us));
    REQUIRE(terms.size() == 10);
    CHECK(terms[0] == std::string_view("\0\2\0\1", 4));                                     // an empty name
    CHECK(terms[1] == std::string_view("\0\4\x80\0\0\0\0\0\0\7", 10));                      // trophies
    CHECK(terms[4] == std::string_view("\0\x8\0", 3));                                      // no motto
    CHECK(terms[7] == std::string_view("\3\xe8\x80\0\0\0\0\0\0\1\x80\0\0\0\0\0\0\7", 18));  // region, trophies
    CHECK(terms[8] == std::string_view("\3\xe9\1\0\0\1", 6));                               // open, no motto, no name
}

TEST_CASE("a description that cannot be walked at compile time has terms all the same", "[index]") {
    const auto terms = terms_of(game::Plain{"ada", 5, 2});
    REQUIRE(terms.size() == 2);
    CHECK(terms[0] == std::string_view("\0\2\x80\0\0\0\0\0\0\5", 10));
    CHECK(terms[1] == std::string_view("\0\x64\x80\0\0\0\0\0\0\2\x80\0\0\0\0\0\0\5", 18));
}

TEST_CASE("terms are appended to what is there", "[index]") {
    std::string packed{"before"};
    REQUIRE(index_terms(game::Plain{}, packed));
    CHECK(std::string_view{packed}.starts_with("before"));
    CHECK(packed.size() == 6 + 2 + 10 + 2 + 18);
}

TEST_CASE("NaN in an indexed field is refused, naming the field, and nothing is left behind", "[index]") {
    game::Guild owls = guild("owls");
    owls.win_rate = std::numeric_limits<double>::quiet_NaN();
    std::string packed{"before"};
    const Status refused = index_terms(owls, packed);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(std::string{refused.error().message()}.find("guild, field win_rate") != std::string::npos);
    CHECK(packed == "before");
}

TEST_CASE("a string fits as long as its term does, and is refused, naming the field, when it does not", "[index]") {
    constexpr std::size_t room = max_index_term_bytes - 2 - 2;  // the index's number, the string's end
    game::Guild owls = guild("owls");
    owls.name.assign(room, 'x');
    owls.motto.reset();
    std::string packed;
    // The composed index over is_open, motto and name has two bytes less room.
    const Status composed = index_terms(owls, packed);
    REQUIRE_FALSE(composed);
    CHECK(std::string{composed.error().message()}.find("guild, field name: too long for the index open_motto_name") !=
          std::string::npos);

    owls.name.assign(room - 2, 'x');
    CHECK(index_terms(owls, packed));
    owls.name.assign(room / 2, '\0');  // which takes two bytes each
    CHECK(index_terms(owls, packed).error() == Errc::invalid_argument);

    owls.name.assign(room + 1, 'x');
    const Status single = index_terms(owls, packed);
    REQUIRE_FALSE(single);
    CHECK(std::string{single.error().message()}.find("guild, field name: too long for the index name") != std::string::npos);
}

TEST_CASE("measuring tells how many bytes the terms take, or the same refusal", "[index]") {
    std::vector<game::Guild> guilds{guild("owls"), guild("owls", 7, game::Region::us)};
    guilds.push_back(guild(std::string("ow\0ls\0", 6), -1));
    guilds.back().name.assign("\0\0x", 3);
    guilds.back().motto = std::string("a\0b", 3);
    guilds.push_back(guild("owls"));
    guilds.back().name.assign(max_index_term_bytes / 2, '\0');
    guilds.push_back(guild("owls"));
    guilds.back().motto.emplace(max_index_term_bytes - 2 - 3, 'x');
    guilds.push_back(guild("owls"));
    guilds.back().win_rate = std::numeric_limits<double>::quiet_NaN();
    std::size_t refusals = 0;
    for (const game::Guild& one : guilds) {
        std::string packed;
        const Status told = index_terms(one, packed);
        const auto measured = detail::measure_index_terms(one);
        REQUIRE(measured.has_value() == told.has_value());
        if (told) {
            CHECK(*measured == packed.size());
        } else {
            CHECK(measured.error().message() == told.error().message());
            ++refusals;
        }
    }
    CHECK(refusals == 3);
    std::string packed;
    REQUIRE(index_terms(game::Plain{"ada", 5, 2}, packed));
    CHECK(*detail::measure_index_terms(game::Plain{"ada", 5, 2}) == packed.size());
}

TEST_CASE("what an object weighs is its encoding and its terms", "[index]") {
    const game::Guild owls = guild("owls", 3);
    std::string bytes;
    REQUIRE(Binary::encode(owls, bytes));
    REQUIRE(index_terms(owls, bytes));
    CHECK(*detail::object_type<game::Guild, Binary>.measure(&owls) == bytes.size());
    const IndexedBytes brought_back{"bytes", "terms!"};
    CHECK(*indexed_bytes_type.measure(&brought_back) == 11);
}

TEST_CASE("a type with indexes tells its terms to the policies, and one without tells that it has none", "[index]") {
    const ObjectType& guilds = detail::object_type<game::Guild, Binary>;
    REQUIRE(guilds.index_terms != nullptr);
    const game::Guild owls = guild("owls", 3);
    std::string told;
    std::string expected;
    REQUIRE(guilds.index_terms(&owls, told));
    REQUIRE(index_terms(owls, expected));
    CHECK(told == expected);
    CHECK(detail::object_type<Queue, Binary>.index_terms == nullptr);
}

TEMPLATE_TEST_CASE("an object has the terms of what its codec gives back", "[index]", Binary, Json, Zstd<Json>) {
    const ObjectType& type = detail::object_type<game::Beacon, TestType>;
    std::mt19937_64 random{20'000};
    for (int i = 0; i < 1000; ++i) {
        const auto some_time = [&] {
            return game::Beacon::Time{std::chrono::nanoseconds{static_cast<std::int64_t>(random()) / 4}};
        };
        game::Beacon saved{"north", some_time()};
        if (i % 2 == 0) saved.out_at = some_time();
        std::string bytes;
        REQUIRE(type.encode(&saved, bytes));
        const auto read = type.decode(bytes);
        REQUIRE(read);
        std::string terms_of_saved;
        std::string terms_of_read;
        REQUIRE(type.index_terms(&saved, terms_of_saved));
        REQUIRE(type.index_terms(read->get(), terms_of_read));
        CAPTURE(bytes);
        REQUIRE(terms_of_saved == terms_of_read);
        std::string exact;
        REQUIRE(index_terms(*static_cast<const game::Beacon*>(read->get()), exact));
        REQUIRE(exact == terms_of_read);
        REQUIRE(detail::measure_index_terms(saved).value() == terms_of_saved.size());
    }
}
