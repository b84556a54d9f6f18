// Encodings as keys: in the order of the values, whatever their type. Random values come from a fixed seed.
#include <joinly/detail/index/key_encoding.hpp>
#include <tests/codec/samples.hpp>
#include <tests/support/catch.hpp>

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace {

using namespace joinly;
using namespace joinly::detail;

template <class T>
std::string key(const T& value) {
    std::string out;
    REQUIRE(append_key(out, value));
    return out;
}

template <class T>
std::vector<std::string> keys_of(const std::vector<T>& values) {
    std::vector<std::string> keys;
    for (const T& value : values) keys.push_back(key(value));
    return keys;
}

/// Every pair of values compares as its encodings do.
template <class T>
void check_order(const std::vector<T>& values) {
    const std::vector<std::string> keys = keys_of(values);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        for (std::size_t j = 0; j < values.size(); ++j) {
            wrong += (values[i] < values[j]) != (keys[i] < keys[j]) || (values[i] == values[j]) != (keys[i] == keys[j]);
        }
    }
    CHECK(wrong == 0);
}

/// No encoding is the beginning of another one.
template <class T>
void check_prefix_free(const std::vector<T>& values) {
    const std::vector<std::string> keys = keys_of(values);
    std::size_t wrong = 0;
    for (const std::string& left : keys) {
        for (const std::string& right : keys) wrong += left != right && std::string_view{right}.starts_with(left);
    }
    CHECK(wrong == 0);
}

template <class Integer>
std::vector<Integer> integers() {
    using Limits = std::numeric_limits<Integer>;
    std::vector<Integer> values{0,
                                1,
                                2,
                                127,
                                (Limits::max)(),
                                static_cast<Integer>((Limits::max)() - 1),
                                (Limits::min)(),
                                static_cast<Integer>((Limits::min)() + 1),
                                static_cast<Integer>(-1)};
    std::mt19937_64 random{7};
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t bits = random();
        values.push_back(static_cast<Integer>(bits >> (bits & 63)));  // of every length
        values.push_back(static_cast<Integer>(~(bits >> (bits & 63))));
    }
    return values;
}

std::vector<double> reals() {
    using Limits = std::numeric_limits<double>;
    std::vector<double> values{0.0,
                               -0.0,
                               1.0,
                               -1.0,
                               0.1,
                               -0.1,
                               Limits::max(),
                               -Limits::max(),
                               Limits::min(),
                               -Limits::min(),
                               Limits::denorm_min(),
                               -Limits::denorm_min(),
                               Limits::infinity(),
                               -Limits::infinity(),
                               1e300};
    std::mt19937_64 random{11};
    while (values.size() < 200) {
        const auto value = std::bit_cast<double>(random());
        if (value == value) values.push_back(value);
    }
    return values;
}

/// Over an alphabet that has all that an escape could trip over.
std::string random_text(std::mt19937_64& random) {
    constexpr std::string_view alphabet{
        "\0\1\xff\xfe"
        "ab",
        6};
    std::string text;
    for (std::uint64_t left = random() % 5; left > 0; --left) text.push_back(alphabet[random() % alphabet.size()]);
    return text;
}

std::vector<std::string> texts() {
    std::vector<std::string> values{"",    "a", "ab", "b", std::string(1, '\0'), std::string("a\0", 2), std::string("a\0b", 3),
                                    "\xff"};
    std::mt19937_64 random{13};
    while (values.size() < 200) values.push_back(random_text(random));
    return values;
}

}  // namespace

TEMPLATE_TEST_CASE("integers of every width are in order as keys", "[index]", std::int8_t, std::uint8_t, std::int16_t,
                   std::uint16_t, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, char) {
    check_order(integers<TestType>());
    check_prefix_free(integers<TestType>());
}

TEST_CASE("a widened integer keeps its key", "[index]") {
    for (const std::int16_t value : integers<std::int16_t>()) CHECK(key(value) == key(static_cast<std::int64_t>(value)));
    for (const std::uint8_t value : integers<std::uint8_t>()) CHECK(key(value) == key(static_cast<std::uint32_t>(value)));
}

TEST_CASE("floating-point numbers are in order as keys, from infinity to infinity", "[index]") {
    check_order(reals());
    check_prefix_free(reals());
    std::vector<float> floats;
    for (const double value : reals()) {
        if (value > -1e38 && value < 1e38) floats.push_back(static_cast<float>(value));
    }
    check_order(floats);
}

TEST_CASE("negative zero has the key of zero, and a float that of the same double", "[index]") {
    CHECK(key(-0.0) == key(0.0));
    CHECK(key(-0.0F) == key(0.0));
    CHECK(key(0.1F) == key(static_cast<double>(0.1F)));
    CHECK(key(-std::numeric_limits<float>::infinity()) == key(-std::numeric_limits<double>::infinity()));
}

TEST_CASE("no NaN has a key, whatever its sign and payload", "[index]") {
    using Doubles = std::numeric_limits<double>;
    std::string out;
    CHECK_FALSE(append_key(out, Doubles::quiet_NaN()));
    CHECK_FALSE(append_key(out, -Doubles::quiet_NaN()));
    CHECK_FALSE(append_key(out, std::bit_cast<double>(std::uint64_t{0x7ff0'0000'0000'0001})));
    CHECK_FALSE(append_key(out, std::bit_cast<double>(std::uint64_t{0xffff'ffff'ffff'ffff})));
    CHECK_FALSE(append_key(out, std::numeric_limits<float>::quiet_NaN()));
    CHECK_FALSE(append_key(out, std::optional<double>{Doubles::quiet_NaN()}));
}

TEST_CASE("strings of any bytes are in order as keys, and none begins another", "[index]") {
    check_order(texts());
    check_prefix_free(texts());
}

TEST_CASE("a string's key begins with the key's start of each of its prefixes, and of no other", "[index]") {
    std::size_t wrong = 0;
    for (const std::string& text : texts()) {
        for (const std::string& prefix : texts()) {
            std::string start;
            append_string_start(start, prefix);
            wrong += std::string_view{text}.starts_with(prefix) != std::string_view{key(text)}.starts_with(start);
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("bytes have the keys of strings", "[index]") {
    for (const std::string& text : texts()) {
        std::vector<std::byte> bytes;
        for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
        CHECK(key(bytes) == key(text));
    }
}

TEST_CASE("enums are in order of their numbers, and bools false first", "[index]") {
    check_order<game::Mode>({game::Mode::retired, game::Mode::casual, game::Mode::ranked});
    CHECK(key(game::Mode::retired) == key(-1));
    check_order<bool>({false, true});
}

TEST_CASE("times are in order as keys, before the epoch too, in ticks of their own", "[index]") {
    using std::chrono::milliseconds;
    std::vector<std::chrono::sys_time<milliseconds>> times;
    for (const std::int64_t count : integers<std::int64_t>()) times.emplace_back(milliseconds{count});
    check_order(times);
    CHECK(key(std::chrono::sys_days{std::chrono::days{3}}) == key(std::int64_t{3}));
}

TEST_CASE("an absent value is before every other", "[index]") {
    std::vector<std::optional<std::string>> optionals{std::nullopt};
    for (const std::string& text : texts()) optionals.emplace_back(text);
    check_order(optionals);
    check_prefix_free(optionals);
}

TEST_CASE("a type that travels as another has that one's key", "[index]") {
    CHECK(key(game::Uuid{{0xab, 0x01}}) == key(std::string{"ab01"}));
}

TEST_CASE("keys in a row are in the order of tuples", "[index]") {
    using Row = std::tuple<std::string, std::int32_t, std::optional<std::string>>;
    std::mt19937_64 random{17};
    std::vector<Row> rows;
    std::vector<std::string> keys;
    for (int i = 0; i < 300; ++i) {
        const auto number = static_cast<std::int32_t>(random() % 5) - 2;
        std::optional<std::string> last;
        if (random() % 3 != 0) last = random_text(random);
        rows.emplace_back(random_text(random), number, last);
        const auto& [text, integer, maybe] = rows.back();
        keys.push_back(key(text) + key(integer) + key(maybe));
    }
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::size_t j = 0; j < rows.size(); ++j) {
            wrong += (rows[i] < rows[j]) != (keys[i] < keys[j]) || (rows[i] == rows[j]) != (keys[i] == keys[j]);
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("the bytes of a key are those that are written down", "[index]") {
    CHECK(key(std::int32_t{1}) == std::string_view("\x80\0\0\0\0\0\0\1", 8));
    CHECK(key(std::uint32_t{1}) == std::string_view("\0\0\0\0\0\0\0\1", 8));
    CHECK(key(std::int8_t{-1}) == std::string_view("\x7f\xff\xff\xff\xff\xff\xff\xff", 8));
    CHECK(key(1.0) == std::string_view("\xbf\xf0\0\0\0\0\0\0", 8));
    CHECK(key(-1.0) == std::string_view("\x40\x0f\xff\xff\xff\xff\xff\xff", 8));
    CHECK(key(std::string("a\0b", 3)) == std::string_view("a\0\xff"
                                                          "b\0\1",
                                                          6));
    CHECK(key(true) == "\1");
    CHECK(key(std::optional<bool>{}) == std::string_view("\0", 1));
    CHECK(key(std::optional<bool>{true}) == "\1\1");
}

static_assert(indexable<std::string> && indexable<std::vector<std::byte>> && indexable<std::optional<Timestamp>>);
static_assert(indexable<game::Uuid> && indexable<std::optional<game::Uuid>>);
static_assert(!indexable<std::vector<int>> && !indexable<std::map<int, int>> && !indexable<game::Loadout>);
static_assert(!indexable<std::optional<game::Loadout>> && !indexable<long double>);

TEST_CASE("the form of a key tells what would change it, and not what would not", "[index]") {
    CHECK(key_form<std::int8_t>() == key_form<std::int64_t>());
    CHECK(key_form<std::int32_t>() != key_form<std::uint32_t>());
    CHECK(key_form<float>() != key_form<double>());
    CHECK(key_form<double>() != key_form<std::int64_t>());
    CHECK(key_form<game::Mode>() == key_form<int>());
    CHECK(key_form<bool>() != key_form<int>());
    CHECK(key_form<game::Uuid>() == key_form<std::string>());
    CHECK(key_form<std::optional<int>>() != key_form<int>());
    CHECK(key_form<Timestamp>() != key_form<WallTime>());
    CHECK(key_form<Timestamp>() != key_form<std::int64_t>());
}
