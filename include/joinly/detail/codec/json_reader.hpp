#ifndef JOINLY_DETAIL_CODEC_JSON_READER_HPP
#define JOINLY_DETAIL_CODEC_JSON_READER_HPP
// What reading a JSON tree keeps account of, and its numbers. Every access looks at the value's type first, so that
// nlohmann never throws.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/json_tree.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/entity/enum_names.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/entity/described.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What reading may still allocate, the first fault, and the path to it.
struct JsonReader {
    std::string_view text;
    std::vector<JsonTreeBuilder::Place> places;
    std::size_t budget = memory_budget(text.size());
    std::string path = {};
    std::string what = {};
    Errc code = Errc::corrupt;

    /// Takes `count` elements from the budget, before there is any.
    bool charge(std::size_t count, std::size_t cost) {
        if (cost == 0) return true;
        if (count > budget / cost) return fail("it asks for more memory than its size accounts for");
        budget -= count * cost;
        return true;
    }
    bool fail(std::string why) {
        what = std::move(why);
        code = Errc::corrupt;
        return false;
    }
    /// A fault of the object that is being read, whatever was wrong within it.
    bool fail_with(const Error& fault) {
        what = fault.message();
        code = fault.code();
        path.clear();
        return false;
    }
    /// The text from the first member of an object on, which has one.
    [[nodiscard]] std::string_view members_of(const JsonTree::object_t& object) const {
        const auto after = std::upper_bound(places.begin(), places.end(), &object, [](const auto* sought, const auto& place) {
            return std::less<>{}(sought, place.object);
        });
        return text.substr(static_cast<std::size_t>(std::prev(after)->members - text.data()));
    }
    /// Called from the inside out, with a field, an entry's key or an element's index: "tickets[3].player_id".
    bool blame(std::string_view name) {
        if (!path.empty() && path.front() != '[') path.insert(0, 1, '.');
        path.insert(0, name);
        return false;
    }
    bool blame_key(std::string_view key) { return blame(key.empty() ? "''" : printable_start(key)); }
    bool blame_index(std::size_t index) { return blame('[' + std::to_string(index) + ']'); }
};

/// Takes an integer, or a float that is whole: Python writes 5.0 for what was computed.
template <std::integral Number>
bool read_json_integer(JsonReader& in, const JsonTree& json, Number& number) {
    using Limits = std::numeric_limits<Number>;
    if (const auto* natural = json.get_ptr<const std::uint64_t*>()) {
        if (*natural > static_cast<std::uint64_t>((Limits::max)())) return in.fail("the number is out of range");
        number = static_cast<Number>(*natural);
    } else if (const auto* integer = json.get_ptr<const std::int64_t*>()) {  // negative: else it would be the other
        if (std::is_unsigned_v<Number> || *integer < static_cast<std::int64_t>((Limits::min)()))
            return in.fail("the number is out of range");
        number = static_cast<Number>(*integer);
    } else if (const auto* real = json.get_ptr<const double*>()) {
        // Beyond 2^53 a double does not say which integer was meant.
        const bool fits =
            std::abs(*real) <= 0x1p53 && *real < std::ldexp(1.0, Limits::digits) && *real >= static_cast<double>((Limits::min)());
        if (!fits) return in.fail("the number is out of range");
        if (*real != std::floor(*real)) return in.fail("the number is not whole");
        number = static_cast<Number>(*real);
    } else if (const auto* boolean = json.get_ptr<const bool*>()) {  // what the field was in an older description
        number = static_cast<Number>(*boolean);
    } else {
        return in.fail("it is not a number");
    }
    return true;
}

inline bool read_json_real(JsonReader& in, const JsonTree& json, double& number) {
    if (const auto* real = json.get_ptr<const double*>()) {
        number = *real;
    } else if (const auto* natural = json.get_ptr<const std::uint64_t*>()) {
        number = static_cast<double>(*natural);
    } else if (const auto* integer = json.get_ptr<const std::int64_t*>()) {
        number = static_cast<double>(*integer);
    } else {
        return in.fail("it is not a number");
    }
    return true;
}

template <std::floating_point Number>
bool read_json_number(JsonReader& in, const JsonTree& json, Number& number) {
    double real = 0;
    if (!read_json_real(in, json, real)) return false;
    // What rounds down to the maximum is in range: the shortest text of the largest float is a little larger than it.
    constexpr auto max = static_cast<double>((std::numeric_limits<Number>::max)());
    constexpr double half_step = sizeof(Number) < sizeof(double) ? 0x1p103 : 0;
    if (std::abs(real) > max + half_step) return in.fail("the number is out of range");
    number = std::abs(real) > max ? std::copysign((std::numeric_limits<Number>::max)(), static_cast<Number>(real < 0 ? -1 : 1))
                                  : static_cast<Number>(real);
    return true;
}
template <std::integral Number>
bool read_json_number(JsonReader& in, const JsonTree& json, Number& number) {
    if constexpr (std::same_as<Number, bool>) {
        std::uint8_t bit = 0;
        if (!read_json_integer(in, json, bit) || bit > 1) return in.fail("it is not true or false");
        number = bit == 1;
        return true;
    } else {
        return read_json_integer(in, json, number);
    }
}

/// A member's key as that of a map's entry. `in` takes what is wrong.
template <key_field T, class In>
bool read_json_key(In& in, std::string_view text, T& key) {
    if constexpr (wire_convertible<T>) {
        converted_type_of<T> wire{};
        if (!read_json_key(in, text, wire)) return false;
        return Entity<T>::from_wire(std::as_const(wire), key) || in.fail("the key is not one that from_wire accepts");
    } else if constexpr (string_field<T>) {
        key.assign(text.data(), text.size());
        return true;
    } else if constexpr (std::same_as<T, bool>) {
        key = text == "true";
        return key || text == "false" || in.fail("the key is not true or false");
    } else {
        if constexpr (described_enum<T>) {
            if (find_enumerator(text, key)) return true;
        }
        number_of<T> number{};
        const char* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data(), end, number);
        if (parsed.ec != std::errc{} || parsed.ptr != end) return in.fail("the key is not a number that fits");
        key = from_number<T>(number);
        return true;
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
