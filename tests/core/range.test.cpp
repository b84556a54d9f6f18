#include <joinly/core/range.hpp>
#include <tests/support/catch.hpp>

#include <string>

namespace {

using joinly::Direction;
using joinly::KeyRange;
using namespace std::string_literals;

TEST_CASE("a range holds its begin and not its end", "[range]") {
    const KeyRange range{"b", "d", Direction::forward};
    CHECK_FALSE(range.contains("a"));
    CHECK(range.contains("b"));
    CHECK(range.contains("cz"));
    CHECK_FALSE(range.contains("d"));
}

TEST_CASE("a range without an end goes on for ever", "[range]") {
    CHECK(KeyRange{}.contains("\0"s));
    CHECK(KeyRange{}.contains("\xff\xff\xff"));
    CHECK(KeyRange{"b", "", Direction::forward}.contains("\xff"));
    CHECK_FALSE(KeyRange{"b", "", Direction::forward}.contains("a"));
}

TEST_CASE("a range compares bytes as unsigned", "[range]") {
    CHECK(KeyRange{"a", "\x80", Direction::forward}.contains("\x7f"));
    CHECK_FALSE(KeyRange{"a", "\x80", Direction::forward}.contains("\xff"));
}

TEST_CASE("a range that ends before it begins holds nothing", "[range]") {
    CHECK_FALSE(KeyRange{"d", "b", Direction::forward}.contains("c"));
    CHECK_FALSE(KeyRange{"c", "c", Direction::forward}.contains("c"));
}

TEST_CASE("a prefix's range holds all keys that start with it and no others", "[range]") {
    const std::string prefix =
        GENERATE(as<std::string>{}, "lobby:", "\0"s, "\x7f", "\x80", "a\xff", "a\xff\xff", "\xff", "\xff\xff");
    CAPTURE(prefix);
    const KeyRange range = KeyRange::prefix(prefix);
    CHECK(range.direction == Direction::forward);
    CHECK(range.contains(prefix));
    CHECK(range.contains(prefix + '\0'));
    CHECK(range.contains(prefix + "\xff\xff\xff"));

    std::string before = prefix;
    before.pop_back();
    CHECK_FALSE(range.contains(before + static_cast<char>(static_cast<unsigned char>(prefix.back()) - 1)));
    CHECK_FALSE(range.contains(before));
    if (prefix.back() != '\xff')
        CHECK_FALSE(range.contains(before + static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1)));
    if (prefix[0] == 'a') CHECK_FALSE(range.contains("b"));
}

TEST_CASE("a prefix's end is the shortest key above all of them", "[range]") {
    CHECK(KeyRange::prefix("lobby:").end == "lobby;");
    CHECK(KeyRange::prefix("\x7f").end == "\x80");
    CHECK(KeyRange::prefix("a\xff\xff").end == "b");
    CHECK(KeyRange::prefix("\xff\xff").end.empty());
}

TEST_CASE("the range of the empty prefix is everything", "[range]") {
    CHECK(KeyRange::prefix("").begin.empty());
    CHECK(KeyRange::prefix("").end.empty());
}

}  // namespace
