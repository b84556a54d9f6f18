#include <joinly/codec/zstd.hpp>

#include "tests/codec/samples.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/entities.hpp"
#include "tests/support/temp_dir.hpp"

#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/ops/upgrade.hpp>
#include <joinly/store.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

using namespace joinly;
using namespace joinly::test;

namespace {

constexpr ZstdOptions eager{.threshold_bytes = 64};

/// A lobby that compresses well: eight players with long names.
Lobby crowded_lobby(std::size_t players = 8) {
    Lobby crowded = lobby("crowded");
    for (std::size_t i = 0; i < players; ++i)
        crowded.players.push_back("a player whose id is rather long, number " + std::to_string(i));
    return crowded;
}

template <class Codec, class T>
std::string encoded(const T& object) {
    std::string bytes;
    REQUIRE(Codec::encode(object, bytes));
    return bytes;
}

template <class Codec, class T = Lobby>
Error refusal_of(std::string_view bytes) {
    T object;
    const Status decoded = Codec::decode(bytes, object);
    REQUIRE_FALSE(decoded);
    return decoded.error();
}

template <class Codec_>
struct WithCodec : DefaultTraits {
    using Codec = Codec_;
};

/// A codec that breaks the rule: its values begin with FF.
struct Shouting {
    static constexpr ValueForm form = ValueForm::bytes;
    static constexpr std::string_view name = "shouting";
    static Status encode(const Player&, std::string& out) {
        out.append("\xff!");
        return {};
    }
    static Status decode(std::string_view, Player&) { return {}; }
};

}  // namespace

static_assert(codec_for<Zstd<Binary>, Player> && measuring_codec_for<Zstd<Binary>, Player> &&
              versioning_codec_for<Zstd<Binary>, Player>);
static_assert(codec_for<Zstd<Json>, Player> && !measuring_codec_for<Zstd<Json>, Player> &&
              versioning_codec_for<Zstd<Json>, Player>);
static_assert(!versioning_codec_for<Zstd<Shouting>, Player>);
static_assert(Zstd<Json>::form == ValueForm::bytes && Zstd<Json>::name == "zstd_json");

TEMPLATE_TEST_CASE("a value above the threshold is compressed and comes back", "[zstd]", Binary, Json) {
    const std::string plain = encoded<TestType>(crowded_lobby(40));
    const std::string compressed = encoded<Zstd<TestType>>(crowded_lobby(40));
    CHECK(compressed.size() < plain.size() / 4);
    CHECK(compressed.front() == '\xff');

    Lobby back;
    REQUIRE(Zstd<TestType>::decode(compressed, back));
    CHECK(back == crowded_lobby(40));
}

TEMPLATE_TEST_CASE("a value below the threshold is what the plain codec writes", "[zstd]", Binary, Json) {
    CHECK(encoded<Zstd<TestType>>(lobby("small")) == encoded<TestType>(lobby("small")));
}

TEST_CASE("a value that hardly shrinks stays plain", "[zstd]") {
    Player noisy = player("noisy");
    for (std::uint32_t i = 0, noise = 1; i < 1000; ++i) {
        noise = noise * 1664525 + 1013904223;
        noisy.username.push_back(static_cast<char>(noise >> 24));
    }
    CHECK(encoded<Zstd<Binary>>(noisy) == encoded<Binary>(noisy));
}

TEST_CASE("a value beyond the limit stays plain and is read", "[zstd]") {
    using Small = Zstd<Binary, ZstdOptions{.threshold_bytes = 64, .limit_bytes = 256}>;
    const std::string bytes = encoded<Small>(crowded_lobby(40));
    CHECK(bytes == encoded<Binary>(crowded_lobby(40)));
    Lobby back;
    REQUIRE(Small::decode(bytes, back));
    CHECK(back == crowded_lobby(40));
}

TEST_CASE("encoding appends and leaves what is there", "[zstd]") {
    std::string bytes = "before";
    REQUIRE(Zstd<Binary>::encode(crowded_lobby(40), bytes));
    CHECK(bytes == "before" + encoded<Zstd<Binary>>(crowded_lobby(40)));
}

TEMPLATE_TEST_CASE("switching compression on and off breaks no record", "[zstd]", Binary, Json) {
    const TempDir dir;
    const SqliteOptions options{.path = dir / "db", .sync = Sync::process_crash};
    {
        auto store = *open<SqliteBackend, NoCache, WithCodec<TestType>>(options);
        REQUIRE(store.save(crowded_lobby()));
    }
    {
        auto store = *open<SqliteBackend, NoCache, WithCodec<Zstd<TestType, eager>>>(options);
        CHECK(**store.template load<Lobby>("crowded") == crowded_lobby());
        REQUIRE(store.template update<Lobby>("crowded", [](Lobby& lobby) { lobby.owner = "ada"; }));
        CHECK(store.get("lobby:crowded")->front() == '\xff');
    }
    auto store = *open<SqliteBackend, NoCache, WithCodec<Zstd<TestType, no_compression>>>(options);
    CHECK((*store.template load<Lobby>("crowded"))->owner == "ada");
    REQUIRE(store.template update<Lobby>("crowded", [](Lobby& lobby) { lobby.owner = "bob"; }));
    CHECK(store.get("lobby:crowded")->front() != '\xff');
}

TEST_CASE("a plain codec names what reads a compressed value", "[zstd]") {
    const std::string binary = encoded<Zstd<Binary>>(crowded_lobby(40));
    const Error refused = refusal_of<Binary>(binary);
    CHECK(refused == Errc::incompatible);
    CHECK(refused.message() == "lobby: the value is compressed: joinly::Zstd<Binary> reads it, Binary alone does not");
    CHECK(Binary::stored_version<Lobby>(binary).error() == Errc::incompatible);

    const std::string json = encoded<Zstd<Json>>(crowded_lobby(40));
    CHECK(refusal_of<Json>(json).message() == "lobby: the value is compressed: joinly::Zstd<Json> reads it, Json alone does not");
    CHECK(Json::stored_version<Lobby>(json).error() == Errc::incompatible);
}

TEST_CASE("the version of a compressed value is told", "[zstd]") {
    CHECK(Zstd<Binary>::stored_version<Lobby>(encoded<Zstd<Binary>>(crowded_lobby(40))) == detail::version_of<Lobby>());
    CHECK(Zstd<Binary>::stored_version<Lobby>(encoded<Binary>(crowded_lobby(40))) == detail::version_of<Lobby>());
    CHECK(Zstd<Binary>::stored_version<Lobby>("\xff nonsense").error() == Errc::corrupt);
}

TEST_CASE("what is measured is no less than what is written", "[zstd]") {
    CHECK(Zstd<Binary>::measure(crowded_lobby(40)) == encoded<Binary>(crowded_lobby(40)).size());
    CHECK(Zstd<Binary>::measure(lobby("small")) == encoded<Zstd<Binary>>(lobby("small")).size());
}

TEST_CASE("a frame that claims more than the limit is corrupt before anything is allocated", "[zstd]") {
    using namespace std::string_view_literals;
    // A head that claims 2^56 - 1 bytes, and one that claims a gigabyte, each before one empty block.
    const std::string_view huge = "\xff\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x00\x01\x00\x00"sv;
    const std::string_view gigabyte = "\xff\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40\x01\x00\x00"sv;
    for (const std::string_view bytes : {huge, gigabyte}) {
        const Error refused = refusal_of<Zstd<Binary>>(bytes);
        CHECK(refused == Errc::corrupt);
        CHECK_THAT(std::string{refused.message()}, Catch::Matchers::Contains("above the limit of 67108864"));
    }
    const std::string_view megabytes = "\xff\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x02\x01\x00\x00"sv;  // 32 of them, in 12 bytes
    CHECK_THAT(std::string{refusal_of<Zstd<Binary>>(megabytes).message()}, Catch::Matchers::Contains("more than its bytes can"));
}

TEST_CASE("a damaged frame is corrupt and names what it is of", "[zstd]") {
    const std::string good = encoded<Zstd<Binary>>(crowded_lobby(40));
    for (std::size_t size = 1; size < good.size(); ++size) {
        const Error refused = refusal_of<Zstd<Binary>>(good.substr(0, size));
        CHECK(refused == Errc::corrupt);
        CHECK(refused.message().starts_with("lobby at byte 1: "));
    }
    CHECK_THAT(std::string{refusal_of<Zstd<Binary>>(good + '\0').message()},
               Catch::Matchers::Contains("something stands behind it"));
}

TEST_CASE("a codec whose values begin with the mark cannot be compressed", "[zstd]") {
    std::string bytes = "before";
    const Status refused = Zstd<Shouting>::encode(player("ada"), bytes);
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(refused.error().message() == "player: Zstd cannot stand on shouting, which writes values that begin with FF");
    CHECK(bytes == "before");
}

TEST_CASE("records of a compressing store are upgraded as others are", "[zstd]") {
    auto store = *open<MemoryBackend, NoCache, WithCodec<Zstd<Binary, eager>>>({});
    REQUIRE(store.save(crowded_lobby()));
    const auto report = upgrade_all<Lobby>(store);
    REQUIRE(report);
    CHECK(report->seen == 1);
    CHECK(report->failed == 0);
}

TEMPLATE_TEST_CASE("what any build has compressed reads as it should", "[zstd][golden]", Binary, Json) {
    const std::string path =
        std::string{JOINLY_TEST_SOURCE_DIR "/golden/lobby_v1."}.append(Zstd<TestType>::name);  // not what this build must write
    std::ifstream file{path, std::ios::binary};
    const std::string stored{std::istreambuf_iterator<char>{file}, {}};
    REQUIRE(stored.size() > 1);
    CHECK(stored.front() == '\xff');
    Lobby back;
    REQUIRE(Zstd<TestType>::decode(stored, back));
    CHECK(back == crowded_lobby());
}
