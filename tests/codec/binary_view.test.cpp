// Views: what is read of an encoded object without making it.

#include <joinly/codec/binary_view.hpp>

#include "tests/codec/samples.hpp"
#include "tests/fuzz/view_judge.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/count_allocations.hpp"

#include <joinly/backend/memory.hpp>
#include <joinly/codec/binary.hpp>
#include <joinly/core/batch.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

/// Fields without versions of their own, of which one is inherited.
struct Base {
    std::string name = {};
};
struct Derived : Base {
    std::int32_t number = 0;
    std::string not_a_field = {};
};

/// A nested struct whose default here is not its own, in what it holds as well.
struct Inner {
    std::int32_t number = 0;
    game::Loadout loadout = {.weapon = "", .ammunition = 0};
};
struct Outer {
    std::int32_t before = 0;
    Inner inner = {.number = 5, .loadout = {.weapon = "sword", .ammunition = 7}};
};

template <class T>
std::string encoded(const T& object) {
    std::string bytes;
    REQUIRE(Binary::encode(object, bytes));
    return bytes;
}

template <class T>
BinaryView<T> viewed(std::string_view bytes) {
    auto seen = view<T>(bytes);
    INFO((seen ? std::string{} : std::string{seen.error().message()}));
    REQUIRE(seen);
    return std::move(*seen);
}

template <class T>
Error fault_in(std::string_view bytes) {
    const auto seen = view<T>(bytes);
    REQUIRE_FALSE(seen);
    return seen.error();
}

template <class Bytes>
concept can_be_viewed = requires(Bytes bytes) {
    view<Player>(std::forward<Bytes>(bytes));
};
static_assert(can_be_viewed<std::string&> && can_be_viewed<const std::string&> && can_be_viewed<std::string_view> &&
              can_be_viewed<const char*>);
static_assert(!can_be_viewed<std::string>);  // it would be gone

}  // namespace

template <>
struct joinly::Entity<Derived> {
    static constexpr void fields(auto& derived, auto&& field) {
        field(1, "name", derived.name);
        field(2, "number", derived.number);
    }
};
template <>
struct joinly::Entity<Inner> {
    static constexpr void fields(auto& inner, auto&& field) {
        field(1, "number", inner.number);
        field(2, "loadout", inner.loadout);
    }
};
template <>
struct joinly::Entity<Outer> {
    static constexpr void fields(auto& outer, auto&& field) {
        field(1, "before", outer.before);
        field(2, "inner", outer.inner);
    }
};

TEST_CASE("a view gives what is in the bytes, and strings where they stand", "[view]") {
    const std::string bytes = encoded(golden_player());
    const auto player = viewed<Player>(bytes);
    const std::string_view name = player.get<&Player::username>();
    CHECK(name == golden_player().username);
    CHECK(name.data() >= bytes.data());
    CHECK(name.data() + name.size() <= bytes.data() + bytes.size());
    CHECK(player.get<&Player::skill_rating>() == 1200);
    CHECK(player.get<&Player::created_at>() == golden_player().created_at);
}

TEST_CASE("every field is seen as it is decoded", "[view]") {
    CHECK(is_seen(viewed<Player>(encoded(golden_player())), golden_player()));
    CHECK(is_seen(viewed<Lobby>(encoded(golden_rated_lobby())), golden_rated_lobby()));
    CHECK(is_seen(viewed<Match>(encoded(golden_match())), golden_match()));
    CHECK(is_seen(viewed<Queue>(encoded(golden_queue())), golden_queue()));
    CHECK(is_seen(viewed<game::Everything>(encoded(everything_filled())), everything_filled()));
    CHECK(is_seen(viewed<game::Everything>(""), game::Everything{}));
    CHECK_FALSE(is_seen(viewed<Player>(encoded(golden_player())), Player{}));  // the judge can tell
}

TEST_CASE("what `get` gives has the type of the field, or a view of it", "[view]") {
    using All = BinaryView<game::Everything>;
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<All>().get<&game::Everything::i8>()), std::int8_t>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<All>().get<&game::Everything::mode>()), game::Mode>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<All>().get<&game::Everything::bytes>()), std::span<const std::byte>>);
    STATIC_REQUIRE(
        std::is_same_v<decltype(std::declval<All>().get<&game::Everything::maybe_text>()), std::optional<std::string_view>>);
    using Hero = BinaryView<game::Hero>;
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<Hero>().get<&game::Hero::hero_id>()), Result<game::Uuid>>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<Hero>().get<&game::Hero::loadout>()), Result<BinaryView<game::Loadout>>>);
}

TEST_CASE("a member of a base class is a field like any other", "[view]") {
    const std::string bytes = encoded(Derived{{.name = "ada"}, 7, {}});
    CHECK(viewed<Derived>(bytes).get<&Derived::name>() == "ada");
    CHECK(viewed<Derived>(bytes).get<&Derived::number>() == 7);
}

TEST_CASE("what is missing has the default of the object", "[view]") {
    CHECK(viewed<Lobby>("").get<&Lobby::max_players>() == 8);
    CHECK(viewed<Lobby>("\x20\0"sv).get<&Lobby::max_players>() == 0);
    const auto loadout = viewed<game::Loadout>("");
    CHECK(loadout.get<&game::Loadout::weapon>() == "bow");
    CHECK_FALSE(viewed<game::Everything>("").get<&game::Everything::maybe_number>().has_value());
}

TEST_CASE("a default that a view has given lives as long as a copy of it", "[view]") {
    auto first = std::make_unique<BinaryView<game::Loadout>>(viewed<game::Loadout>(""));
    const BinaryView<game::Loadout> second = *first;
    const std::string_view weapon = first->get<&game::Loadout::weapon>();
    first.reset();
    CHECK(weapon == "bow");
    CHECK(second.get<&game::Loadout::weapon>().data() == weapon.data());
}

TEST_CASE("a nested struct that is missing, or lacks a field, has the defaults of where it stands", "[view]") {
    for (const std::string_view bytes : {""sv, "\x12\0"sv, "\x12\x02\x12\0"sv, "\x08\x01"sv}) {
        const auto inner = viewed<Outer>(bytes).get<&Outer::inner>();
        REQUIRE(inner);
        CHECK(inner->get<&Inner::number>() == 5);
        const auto loadout = inner->get<&Inner::loadout>();
        REQUIRE(loadout);
        CHECK(loadout->get<&game::Loadout::weapon>() == "sword");
        CHECK(loadout->get<&game::Loadout::ammunition>() == 7);
    }
    const std::string zeros = encoded(Outer{.inner = {.number = 0, .loadout = {.weapon = "", .ammunition = 0}}});
    CHECK(viewed<Outer>(zeros).get<&Outer::inner>()->get<&Inner::number>() == 0);
}

TEST_CASE("the last of several values counts, and those of a list are all there", "[view]") {
    CHECK(viewed<Player>("\x0a\x01"
                         "a\x18\x05\x0a\x02"
                         "bc"sv)
              .get<&Player::player_id>() == "bc");
    std::vector<std::int64_t> numbers;
    const std::string packed_and_single = "\xb2\x01\x02\x01\x02\xb0\x01\x03\x88\x02\x01\xb0\x01\x04"s;
    REQUIRE(viewed<game::Everything>(packed_and_single).for_each<&game::Everything::numbers>([&](std::int64_t number) {
        numbers.push_back(number);
    }));
    CHECK(numbers == std::vector<std::int64_t>{1, 2, 3, 4});
}

TEST_CASE("elements that are structs are views themselves", "[view]") {
    const std::string bytes = encoded(golden_queue());
    std::string ids;
    REQUIRE(viewed<Queue>(bytes).for_each<&Queue::tickets>(
        [&](const BinaryView<QueueTicket>& ticket) { ids.append(ticket.get<&QueueTicket::player_id>()).push_back(' '); }));
    CHECK(ids == "player_456 player_789 ");
}

TEST_CASE("damage is told with kind, field and byte", "[view][hostile]") {
    CHECK(fault_in<Lobby>("\x20"sv) == Errc::corrupt);
    CHECK(fault_in<Lobby>("\x20"sv).message() == "lobby, field max_players at byte 1: the number is cut off");
    CHECK(fault_in<Lobby>("\x22\x01"sv).message() ==
          "lobby, field max_players at byte 1: the wire type is not the one of this field");
    CHECK(fault_in<Lobby>("\x1a\x05"
                          "a"sv)
              .message() == "lobby, field players at byte 1: the length goes beyond the end");
    CHECK(fault_in<Player>("\x7b\x08\x01\x7c"sv).message() == "player at byte 1: groups are not supported");
}

TEST_CASE("damage within an element is told when the element is asked for", "[view][hostile]") {
    const auto queue = viewed<Queue>(
        "\x12\x02\x10\x01\x12\x04\x0a\x09"
        "ab"sv);
    int seen = 0;
    const Status visited = queue.for_each<&Queue::tickets>([&](const auto&) { ++seen; });
    REQUIRE_FALSE(visited);
    CHECK(visited.error() == Errc::corrupt);
    CHECK(visited.error().message() == "queue, field tickets.player_id at byte 7: the length goes beyond the end");
    CHECK(seen == 1);

    const auto hero = viewed<game::Hero>(
        "\x0a\x03"
        "xyz\x1a\x01\x0a"sv);
    const auto id = hero.get<&game::Hero::hero_id>();
    REQUIRE_FALSE(id);
    CHECK(id.error().message() == "hero, field hero_id at byte 2: the value is not one that from_wire accepts");
    const auto loadout = hero.get<&game::Hero::loadout>();
    REQUIRE_FALSE(loadout);
    CHECK(loadout.error().message() == "hero, field loadout.weapon at byte 8: the number is cut off");
}

TEST_CASE("a struct in several pieces is refused, not half seen", "[view]") {
    const auto hero = viewed<game::Hero>(
        "\x1a\x02\x10\x05\x1a\x05\x0a\x03"
        "axe"sv);
    const auto loadout = hero.get<&game::Hero::loadout>();
    REQUIRE_FALSE(loadout);
    CHECK(loadout.error() == Errc::unsupported);
    CHECK(loadout.error().message() ==
          "hero, field loadout: it is in several pieces, which a view does not merge: decode the object");
}

TEST_CASE("what is to be upgraded, and what a newer build wrote, is refused and not misread", "[view]") {
    const Error older = fault_in<game::Keeper>("\xb0\xa3\x09\x02"sv);
    CHECK(older == Errc::unsupported);
    CHECK(older.message() == "object: it has description version 2 and needs `upgrade`, which a view does not do: decode it");
    CHECK(fault_in<game::Keeper>("") == Errc::unsupported);  // version 1 is not written

    CHECK(fault_in<game::Keeper>("\xb0\xa3\x09\x04"sv) == Errc::incompatible);
    CHECK(view<game::Keeper>("\xb0\xa3\x09\x04\xb8\xa3\x09\x03"sv));  // which says that this build may read it
    CHECK(fault_in<game::Keeper>("\xb0\xa3\x09\0"sv) == Errc::corrupt);

    game::Keeper keeper;
    keeper.name = "ada";
    keeper.by_name["x"];
    const std::string bytes = encoded(keeper);
    CHECK(viewed<game::Keeper>(bytes).get<&game::Keeper::name>() == "ada");
    CHECK(is_seen(viewed<game::Keeper>(bytes), keeper));
}

TEST_CASE("a compressed value is refused by name", "[view]") {
    CHECK(fault_in<Player>("\xff\x28"sv) == Errc::incompatible);
    CHECK(fault_in<Player>("\xff\x28"sv).message().find("Zstd<Binary>") != std::string_view::npos);
}

TEST_CASE("a view of strings and numbers allocates nothing", "[view][allocations]") {
    if (!counts_allocations) return;
    const std::string long_text(100, 'x');
    const std::string player_bytes = encoded(Player{.username = long_text, .attributes = {{long_text, long_text}}});
    const std::string lobby_bytes = encoded(Lobby{.players = {long_text, "ada"}, .owner = long_text});
    std::size_t seen = 0;
    bool ok = true;
    CHECK(allocations_of([&] {
              const auto player = view<Player>(player_bytes);
              ok = ok && player;
              seen += player->get<&Player::username>().size() + player->get<&Player::player_id>().size();
              seen += static_cast<std::size_t>(player->get<&Player::skill_rating>());
              ok = ok && player->for_each<&Player::attributes>(
                             [&](std::string_view key, std::string_view value) { seen += key.size() + value.size(); });
              const auto lobby = view<Lobby>(lobby_bytes);
              ok = ok && lobby && lobby->for_each<&Lobby::players>([&](std::string_view id) { seen += id.size(); });
          }) == 0);
    CHECK(ok);
    CHECK(seen == 100 + 200 + 103);
    CHECK(allocations_of([&] { ok = ok && view<game::Loadout>("\x10\x05"sv); }) == 1);  // its weapon's default is not empty
}

TEST_CASE("a record of a backend is seen without making the object", "[view]") {
    auto backend = MemoryBackend::open({});
    REQUIRE(backend);
    Batch batch;
    batch.put("player:ada", encoded(golden_player()));
    REQUIRE(backend->write(batch));
    const auto record = backend->read("player:ada");
    REQUIRE(record);
    CHECK(viewed<Player>(record->value).get<&Player::username>() == golden_player().username);
}
