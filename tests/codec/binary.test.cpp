// The Binary codec: round trips, the Protocol Buffers rules, and bytes that nobody vouches for.

#include "tests/codec/samples.hpp"
#include "tests/support/catch.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/concepts.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::string_literals;
using namespace std::string_view_literals;

static_assert(codec_for<Binary, Player> && codec_for<Binary, game::Everything>);
static_assert(!codec_for<Binary, int>);
static_assert(Binary::form == ValueForm::bytes);

namespace {

template <class T>
std::string encoded(const T& object) {
    std::string bytes;
    const Status status = Binary::encode(object, bytes);
    INFO((status ? std::string{} : std::string{status.error().message()}));
    REQUIRE(status);
    return bytes;
}

template <class T>
T decoded(std::string_view bytes) {
    T object;
    const Status status = Binary::decode(bytes, object);
    INFO((status ? std::string{} : std::string{status.error().message()}));
    REQUIRE(status);
    return object;
}

template <class T>
std::string fault_in(std::string_view bytes) {
    T object;
    const Status status = Binary::decode(bytes, object);
    REQUIRE_FALSE(status);
    REQUIRE(status.error() == Errc::corrupt);
    return std::string{status.error().message()};
}

/// A tree whose one child, of less than 16 KiB, is `tree`.
std::string as_child(const std::string& tree) {
    std::string bytes = "\x12";
    if (tree.size() >= 0x80) bytes.push_back(static_cast<char>((tree.size() & 0x7f) | 0x80));
    bytes.push_back(static_cast<char>(tree.size() >= 0x80 ? tree.size() >> 7 : tree.size()));
    return bytes + tree;
}

struct Numbers {
    std::vector<std::int32_t> list = {};
    std::int16_t small = 0;
    double real = 0;
};

/// Its outer default differs from the nested struct's own.
struct Nested {
    game::Loadout loadout = {.weapon = "sword", .ammunition = 7, .perks = {1}};
    std::vector<std::string> tags = {"default"};
    std::optional<int> limit = 5;
    friend bool operator==(const Nested&, const Nested&) = default;
};

/// Large when decoded, two bytes when empty.
struct Large {
    std::array<char, 4000> scratch{};  // not a field
    std::string name = {};
};
struct Larges {
    std::vector<Large> list = {};
};

/// Answers differently each time it is asked.
struct Fickle {
    mutable std::size_t calls = 0;
};
struct HasFickle {
    Fickle fickle = {};
    std::string after = "after";
};

/// Counts how often a walk comes by; a zero on the wire, so that nothing ends there.
struct Counted {
    inline static std::size_t visits = 0;
};
/// Contains itself through a message that stands directly in it.
struct Node;
struct Branch {
    Counted counted;
    std::vector<Node> kids;
};
struct Node {
    Counted counted;
    Branch branch;
};

/// Each node is two messages, the outermost one and the empty innermost branch apart.
Node chain_of_nodes(int levels) {
    Node node;
    for (int level = 0; level < levels; ++level) {
        Node parent;
        parent.branch.kids.push_back(std::move(node));
        node = std::move(parent);
    }
    return node;
}

/// Destroys a chain from the outside in, without recursion.
void dismantle(Node& node) {
    while (!node.branch.kids.empty()) {
        std::vector<Node> kids = std::move(node.branch.kids);
        node = std::move(kids.front());
    }
}

int levels_of(const Node& node) {
    int levels = 0;
    for (const Node* at = &node; !at->branch.kids.empty(); at = &at->branch.kids.front()) ++levels;
    return levels;
}

template <class Work>
std::size_t visits_of(Work work) {
    const std::size_t before = Counted::visits;
    work();
    return Counted::visits - before;
}

/// Messages directly in each other, as deep as the type says.
template <int depth>
struct Nest {
    Nest<depth - 1> inner;
};
template <>
struct Nest<0> {
    Counted counted;
};

}  // namespace

template <>
struct joinly::Entity<Numbers> {
    static constexpr void fields(auto& numbers, auto&& field) {
        field(1, "list", numbers.list);
        field(2, "small", numbers.small);
        field(3, "real", numbers.real);
    }
};
template <>
struct joinly::Entity<Nested> {
    static constexpr void fields(auto& nested, auto&& field) {
        field(1, "loadout", nested.loadout);
        field(2, "tags", nested.tags);
        field(3, "limit", nested.limit);
    }
};
template <>
struct joinly::Entity<Large> {
    static constexpr void fields(auto& large, auto&& field) { field(1, "name", large.name); }
};
template <>
struct joinly::Entity<Larges> {
    static constexpr void fields(auto& larges, auto&& field) { field(1, "list", larges.list); }
};
template <>
struct joinly::Entity<Fickle> {
    static std::string to_wire(const Fickle& fickle) { return std::string(2'000 * ++fickle.calls, 'x'); }
    static bool from_wire(const std::string&, Fickle&) { return true; }
};
template <>
struct joinly::Entity<HasFickle> {
    static constexpr void fields(auto& object, auto&& field) {
        field(1, "fickle", object.fickle);
        field(2, "after", object.after);
    }
};
template <>
struct joinly::Entity<Counted> {
    static int to_wire(const Counted&) {
        ++Counted::visits;
        return 0;
    }
    static bool from_wire(int, Counted&) { return true; }
};
template <>
struct joinly::Entity<Branch> {
    static constexpr void fields(auto& branch, auto&& field) {
        field(1, "counted", branch.counted);
        field(2, "kids", branch.kids);
    }
};
template <>
struct joinly::Entity<Node> {
    static constexpr void fields(auto& node, auto&& field) {
        field(1, "counted", node.counted);
        field(2, "branch", node.branch);
    }
};
template <int depth>
struct joinly::Entity<Nest<depth>> {
    static constexpr void fields(auto& nest, auto&& field) { field(1, "inner", nest.inner); }
};
template <>
struct joinly::Entity<Nest<0>> {
    static constexpr void fields(auto& nest, auto&& field) { field(1, "counted", nest.counted); }
};

TEST_CASE("what Binary encodes it decodes to an equal object", "[binary]") {
    CHECK(decoded<Player>(encoded(golden_player())) == golden_player());
    CHECK(decoded<Lobby>(encoded(golden_lobby())) == golden_lobby());
    CHECK(decoded<Match>(encoded(golden_match())) == golden_match());
    CHECK(decoded<Queue>(encoded(golden_queue())) == golden_queue());
    CHECK(decoded<Lobby>(encoded(Lobby{})) == Lobby{});
    CHECK(decoded<game::Everything>(encoded(everything_filled())) == everything_filled());
    CHECK(decoded<game::Everything>(encoded(game::Everything{})) == game::Everything{});
}

TEST_CASE("extreme numbers survive Binary", "[binary]") {
    using Real = std::numeric_limits<double>;
    game::Everything all;
    all.i8 = INT8_MAX;
    all.i16 = INT16_MAX;
    all.i32 = INT32_MAX;
    all.i64 = INT64_MAX;
    all.single_precision = std::numeric_limits<float>::denorm_min();
    all.reals = {Real::infinity(), -Real::infinity(), Real::max(), Real::lowest(), Real::denorm_min()};
    CHECK(decoded<game::Everything>(encoded(all)) == all);

    all.double_precision = Real::quiet_NaN();
    CHECK(std::isnan(decoded<game::Everything>(encoded(all)).double_precision));
    all.double_precision = -0.0;
    CHECK(std::signbit(decoded<game::Everything>(encoded(all)).double_precision));
}

TEST_CASE("Binary appends to what is in the buffer", "[binary]") {
    std::string bytes = "prefix";
    REQUIRE(Binary::encode(Player{.player_id = "p"}, bytes));
    CHECK(bytes == "prefix\x0a\x01p");
}

TEST_CASE("Binary writes the Protocol Buffers wire format", "[binary]") {
    CHECK(encoded(Numbers{.list = {1, 300, -1}}) == "\x0a\x0d\x01\xac\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    CHECK(encoded(Numbers{.small = -2}) == "\x10\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    CHECK(encoded(Numbers{.real = 1.5}) == "\x19\0\0\0\0\0\0\xf8\x3f"s);
    CHECK(encoded(Match{.result = {{"a", 0}}}) ==
          "\x32\x0c\x0a\x01"
          "a\x11\0\0\0\0\0\0\0\0"s);
    CHECK(encoded(Match{.ended_at = Timestamp{}}) == "\x28\0"s);
}

TEST_CASE("a nested message of any length gets the length that it needs", "[binary]") {
    for (const std::size_t length : {0U, 100U, 123U, 124U, 125U, 126U, 127U, 128U, 16'370U, 16'384U, 2'100'000U}) {
        const Queue queue{.queue_id = "q", .tickets = {{.player_id = std::string(length, 'p')}, {.player_id = "next"}}};
        CHECK(decoded<Queue>(encoded(queue)) == queue);
    }
}

TEST_CASE("Binary leaves out zeros, except where the default is something else", "[binary]") {
    CHECK(encoded(Player{}).empty());
    CHECK(encoded(Lobby{}) == "\x20\x08");
    CHECK(encoded(Lobby{.max_players = 0}) == "\x20\0"s);
    CHECK(decoded<Lobby>("\x20\0"sv).max_players == 0);
    CHECK(decoded<Lobby>("").max_players == 8);
}

TEST_CASE("a nested struct whose default differs from its type's own comes back as it was", "[binary]") {
    const Nested emptied{.loadout = {.weapon = "", .ammunition = 0, .perks = {}}, .tags = {}, .limit = {}};
    CHECK(decoded<Nested>(encoded(emptied)) == emptied);
    CHECK(decoded<Nested>(encoded(Nested{})) == Nested{});
    const Nested type_default{.loadout = {}, .tags = {"default", "more"}, .limit = 0};
    CHECK(decoded<Nested>(encoded(type_default)) == type_default);
}

TEST_CASE("a field that is missing keeps its default, a missing container is empty", "[binary]") {
    const auto nested = decoded<Nested>("");
    CHECK(nested.loadout.weapon == "sword");
    CHECK(nested.tags.empty());
    CHECK_FALSE(nested.limit.has_value());
}

TEST_CASE("a field that the description does not know changes nothing in those that it knows", "[binary]") {
    const std::string known = encoded(golden_player());
    const std::string unknown =
        "\x78\xff\xff\xff\xff\x0f"s  // 15: varint
        "\x79"
        "12345678"  // 15: fixed64
        "\x7a\x03"
        "abc"  // 15: delimited
        "\x7d"
        "1234"                        // 15: fixed32
        "\xf8\xff\xff\xff\x0f\x01"s;  // the largest number
    auto player = decoded<Player>(unknown + known + unknown);
    CHECK(player.unknown_fields.size_bytes() == 2 * unknown.size());
    player.unknown_fields.clear();
    CHECK(player == golden_player());
    CHECK(decoded<game::Loadout>(unknown) == game::Loadout{});  // has no place for them
}

TEST_CASE("a group is refused", "[binary]") {
    CHECK(fault_in<Player>("\x7b\x08\x01\x7c"sv) == "player at byte 1: groups are not supported");
}

TEST_CASE("both packed and single numbers are accepted, and are appended", "[binary]") {
    CHECK(decoded<Numbers>("\x0a\x02\x01\x02\x08\x03\x0a\x01\x04\x08\x05"sv).list == std::vector<std::int32_t>{1, 2, 3, 4, 5});
}

TEST_CASE("the last of several values wins", "[binary]") {
    CHECK(decoded<Numbers>("\x10\x01\x10\x02"sv).small == 2);
    CHECK(decoded<Player>("\x0a\x01"
                          "a"
                          "\x0a\x02"
                          "bc"sv)
              .player_id == "bc");
    CHECK(decoded<Player>("\x2a\x06\x0a\x01k\x12\x01x\x2a\x06\x0a\x01k\x12\x01y"sv).attributes.at("k") == "y");
}

TEST_CASE("two parts of a nested message are merged", "[binary]") {
    const auto hero = decoded<game::Hero>(
        "\x1a\x02\x10\x05\x1a\x05\x0a\x03"
        "axe"
        "\x22\x02\x10\x06\x22\x02\x0a\0"sv);
    CHECK(hero.loadout == game::Loadout{.weapon = "axe", .ammunition = 5});
    CHECK(hero.spare == game::Loadout{.weapon = "", .ammunition = 6});
}

TEST_CASE("a map entry without key or value has the default ones", "[binary]") {
    CHECK(decoded<Player>("\x2a\0"sv).attributes == std::map<std::string, std::string>{{"", ""}});
    CHECK(decoded<Player>("\x2a\x03\x12\x01v"sv).attributes == std::map<std::string, std::string>{{"", "v"}});
    CHECK(decoded<Player>("\x2a\x08\x18\x01\x0a\x01k\x12\x01v"sv).attributes.at("k") == "v");  // an unknown field in it
}

TEST_CASE("an integer that is too wide is cut down, as Protocol Buffers does", "[binary]") {
    CHECK(decoded<Numbers>("\x10\x81\x80\x04"sv).small == 1);
    CHECK(decoded<Numbers>("\x08\xff\xff\xff\xff\x0f"sv).list == std::vector<std::int32_t>{-1});
    CHECK(decoded<game::Everything>("\x08\x80\x01"sv).flag);
}

TEST_CASE("an enumerator that has no name is kept", "[binary]") {
    const Lobby lobby{.state = static_cast<LobbyState>(200)};
    CHECK(decoded<Lobby>(encoded(lobby)) == lobby);
}

TEST_CASE("a fault is told with kind, path and byte", "[binary][hostile]") {
    CHECK(fault_in<Queue>("\x12\x04\x0a\x09"
                          "ab"sv) == "queue, field tickets.player_id at byte 3: the length goes beyond the end");
    CHECK(fault_in<Lobby>("\x20"sv) == "lobby, field max_players at byte 1: the number is cut off");
    CHECK(fault_in<Lobby>("\x22\x01"sv) == "lobby, field max_players at byte 1: the wire type is not the one of this field");
    CHECK(fault_in<Lobby>("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv) ==
          "lobby, field max_players at byte 1: the number has more than 10 bytes");
    CHECK(fault_in<Lobby>("\x00\x01"sv) == "lobby at byte 0: the field number is out of range");
    CHECK(fault_in<Lobby>("\x0f\x01"sv) == "lobby, field lobby_id at byte 1: the wire type is not the one of this field");
    CHECK(fault_in<Lobby>("\x7f"sv) == "lobby at byte 1: there is no such wire type");
    CHECK(fault_in<game::Loadout>("\x0a\x01"sv) == "object, field weapon at byte 1: the length goes beyond the end");
    CHECK(fault_in<game::Hero>("\x0a\x03"
                               "xyz"sv) == "hero, field hero_id at byte 1: the value is not one that from_wire accepts");
}

TEST_CASE("a length is checked before anything is allocated for it", "[binary][hostile]") {
    const auto huge = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s;
    for (const char tag : {'\x0a', '\x1a', '\x3a'}) {
        CHECK(fault_in<Lobby>(tag + huge).find("beyond the end") != std::string::npos);
        CHECK(fault_in<Lobby>(tag + "\xff\xff\xff\xff\x07"s).find("beyond the end") != std::string::npos);
    }
    CHECK(fault_in<Lobby>("\x7a" + huge).find("beyond the end") != std::string::npos);
}

TEST_CASE("every cut of a value decodes or is corrupt", "[binary][hostile]") {
    const std::string bytes = encoded(everything_filled());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const std::vector<char> exactly(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
        game::Everything object;
        const Status status = Binary::decode({exactly.data(), length}, object);
        CHECK((status || status.error() == Errc::corrupt));
    }
}

TEMPLATE_TEST_CASE("every flipped bit of a value decodes or is corrupt", "[binary][hostile]", Player, Lobby, Match, Queue,
                   game::Everything) {
    std::string bytes;
    if constexpr (std::is_same_v<TestType, Player>) bytes = encoded(golden_player());
    if constexpr (std::is_same_v<TestType, Lobby>) bytes = encoded(golden_lobby());
    if constexpr (std::is_same_v<TestType, Match>) bytes = encoded(golden_match());
    if constexpr (std::is_same_v<TestType, Queue>) bytes = encoded(golden_queue());
    if constexpr (std::is_same_v<TestType, game::Everything>) bytes = encoded(everything_filled());
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        TestType object;
        const Status status = Binary::decode(damaged, object);
        if (!status) {
            CHECK(status.error() == Errc::corrupt);
            continue;
        }
        std::string again;  // what was accepted is an object like any other
        CHECK(Binary::encode(object, again));
    }
}

TEST_CASE("a recursive struct survives up to 64 levels, and is refused beyond", "[binary][hostile]") {
    game::Tree tree{.value = 1};
    for (int level = 0; level < 64; ++level) {
        game::Tree parent{.value = level};
        parent.children.push_back(std::move(tree));
        tree = std::move(parent);
    }
    const std::string deepest = encoded(tree);
    CHECK(decoded<game::Tree>(deepest) == tree);

    game::Tree deeper;
    deeper.children.push_back(std::move(tree));
    std::string bytes = "unchanged";
    const Status refused = Binary::encode(deeper, bytes);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(refused.error().message() == "object, field children: it is nested deeper than 64 levels");
    CHECK(bytes == "unchanged");

    CHECK(fault_in<game::Tree>(as_child(deepest)).find("it is nested deeper than 64 levels") != std::string::npos);
}

TEST_CASE("nesting without end is corrupt, not a stack overflow", "[binary][hostile]") {
    std::string bytes;
    while (bytes.size() < 15'000) bytes = as_child(bytes);  // 4,000 levels
    CHECK(fault_in<game::Tree>(bytes).find("it is nested deeper than 64 levels") != std::string::npos);
}

TEST_CASE("the work of encoding grows with the depth of an object, not with a power of it", "[binary][hostile]") {
    const auto visits_to_encode = [](int levels) { return visits_of([node = chain_of_nodes(levels)] { encoded(node); }); };
    const auto visits_to_measure = [](int levels) {
        return visits_of([node = chain_of_nodes(levels)] { REQUIRE(Binary::measure(node)); });
    };
    CHECK(visits_to_encode(15) - visits_to_encode(10) == visits_to_encode(10) - visits_to_encode(5));
    CHECK(visits_to_measure(15) - visits_to_measure(10) == visits_to_measure(10) - visits_to_measure(5));
}

TEST_CASE("the work of encoding does not double with each message directly within another", "[binary]") {
    CHECK(visits_of([] { encoded(Nest<12>{}); }) < 2 * visits_of([] { encoded(Nest<10>{}); }));
}

TEST_CASE("messages directly within list elements survive Binary up to 64 levels, and are refused beyond", "[binary][hostile]") {
    CHECK(levels_of(decoded<Node>(encoded(chain_of_nodes(30)))) == 30);
    CHECK(levels_of(decoded<Node>(encoded(chain_of_nodes(32)))) == 32);

    for (const int levels : {33, 200'000}) {
        Node node = chain_of_nodes(levels);
        std::string bytes = "unchanged";
        const Status refused = Binary::encode(node, bytes);
        const auto measured = Binary::measure(node);
        dismantle(node);
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == Errc::invalid_argument);
        CHECK(refused.error().message().find("it is nested deeper than 64 levels") != std::string::npos);
        CHECK(bytes == "unchanged");
        REQUIRE_FALSE(measured);
        CHECK(measured.error() == Errc::invalid_argument);
    }
}

TEST_CASE("many empty elements cannot ask for more memory than their bytes account for", "[binary][hostile]") {
    std::string bytes;
    for (int i = 0; i < 100'000; ++i) bytes.append("\x0a\0"sv);
    CHECK(fault_in<Larges>(bytes) == "object, field list at byte 1: it asks for more memory than its size accounts for");

    Larges larges;
    larges.list.resize(1'000);
    std::string out;
    const Status refused = Binary::encode(larges, out);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::invalid_argument);

    larges.list.resize(10);  // what fits is fine
    CHECK(decoded<Larges>(encoded(larges)).list.size() == 10);
}

TEST_CASE("a list in many pieces does not grow piece by piece", "[binary][hostile]") {
    std::string packed;
    std::string single;
    for (int i = 0; i < 100'000; ++i) {
        packed.append("\x0a\x01\x01"sv);
        single.append("\x12\0\x78\0"sv);  // an unknown field between any two
    }
    const auto list = decoded<Numbers>(packed).list;
    CHECK(list.size() == 100'000);
    CHECK(list.capacity() > list.size());  // room for what may follow: the last growth was not by one
    const auto tickets = decoded<Queue>(single).tickets;
    CHECK(tickets.size() == 100'000);
    CHECK(tickets.capacity() > tickets.size());
}

TEST_CASE("a list in one piece gets exactly its room", "[binary]") {
    const auto lobby = decoded<Lobby>(encoded(Lobby{.players = std::vector<std::string>(100, "player")}));
    CHECK(lobby.players.capacity() == 100);
    CHECK(decoded<Numbers>(encoded(Numbers{.list = std::vector<std::int32_t>(100, -1)})).list.capacity() == 100);
}

TEST_CASE("Binary asks for little more memory than it writes", "[binary]") {
    const std::string bytes = encoded(Lobby{.players = std::vector<std::string>(1'000, "player")});
    CHECK(bytes.capacity() < bytes.size() + 32);
}

TEST_CASE("a to_wire that answers differently the second time is refused, not overrun", "[binary][hostile]") {
    std::string bytes = "unchanged";
    const Status refused = Binary::encode(HasFickle{}, bytes);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(bytes == "unchanged");
}
