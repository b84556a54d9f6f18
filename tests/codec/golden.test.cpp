// Bytes that are on players' disks must stay readable: tests/golden/ pins what both codecs write and read.

#include "tests/codec/samples.hpp"
#include "tests/support/catch.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>

#include <fstream>
#include <iterator>
#include <string>

using namespace joinly;
using namespace joinly::test;

namespace {

std::string golden_file(const std::string& name) {
    std::ifstream file{JOINLY_TEST_SOURCE_DIR "/golden/" + name, std::ios::binary};
    REQUIRE(file);
    return {std::istreambuf_iterator<char>{file}, {}};
}

template <class Codec, class T>
void check_golden(const T& object, const std::string& name) {
    const std::string golden = golden_file(name);
    T read;
    REQUIRE(Codec::decode(golden, read));
    CHECK(read == object);

    std::string written;
    REQUIRE(Codec::encode(object, written));
    CHECK(written == golden);
}

}  // namespace

TEST_CASE("Binary reads and writes the golden files", "[binary][golden]") {
    check_golden<Binary>(golden_player(), "player.binary");
    check_golden<Binary>(golden_lobby(), "lobby.binary");
    check_golden<Binary>(golden_match(), "match.binary");
    check_golden<Binary>(golden_queue(), "queue.binary");
}

TEST_CASE("Json reads and writes the golden files", "[json][golden]") {
    check_golden<Json>(golden_player(), "player.json");
    check_golden<Json>(golden_lobby(), "lobby.json");
    check_golden<Json>(golden_match(), "match.json");
    check_golden<Json>(golden_queue(), "queue.json");
}
