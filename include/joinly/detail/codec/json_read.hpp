#ifndef JOINLY_DETAIL_CODEC_JSON_READ_HPP
#define JOINLY_DETAIL_CODEC_JSON_READ_HPP
// A JSON tree to an object. Every access looks at the value's type first, so that nlohmann never throws.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/base64.hpp>
#include <joinly/detail/codec/json_tree.hpp>
#include <joinly/detail/codec/unix_seconds.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/entity/enum_names.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/detail/printable.hpp>

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What reading may still allocate, the first fault, and the path to it.
struct JsonReader {
    std::size_t budget;
    std::string path = {};
    std::string what = {};

    /// Takes `count` elements from the budget, before there is any.
    bool charge(std::size_t count, std::size_t cost) {
        if (cost == 0) return true;
        if (count > budget / cost) return fail("it asks for more memory than its size accounts for");
        budget -= count * cost;
        return true;
    }
    bool fail(std::string why) {
        what = std::move(why);
        return false;
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

template <described T>
bool read_json_object(JsonReader& in, const JsonTree& json, T& object);

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
        const auto* boolean = json.get_ptr<const bool*>();
        if (boolean == nullptr) return in.fail("it is not true or false");
        number = *boolean;
        return true;
    } else {
        return read_json_integer(in, json, number);
    }
}

template <scalar_field T>
bool read_json_scalar(JsonReader& in, const JsonTree& json, T& value) {
    if constexpr (time_field<T>) {
        double seconds = 0;
        if (!read_json_real(in, json, seconds)) return false;
        return from_unix_seconds(seconds, value) || in.fail("the time is out of range");
    } else {
        if constexpr (described_enum<T>) {
            if (const auto* name = json.get_ptr<const std::string*>())
                return find_enumerator(*name, value) || in.fail("there is no enumerator '" + printable_start(*name) + '\'');
        }
        number_of<T> number{};
        if (!read_json_number(in, json, number)) return false;
        value = from_number<T>(number);
        return true;
    }
}

template <single_field T>
bool read_json_value(JsonReader& in, const JsonTree& json, T& value) {
    if constexpr (wire_convertible<T>) {
        converted_type_of<T> wire{};
        if (!read_json_value(in, json, wire)) return false;
        return Entity<T>::from_wire(std::as_const(wire), value) || in.fail("the value is not one that from_wire accepts");
    } else if constexpr (scalar_field<T>) {
        return read_json_scalar(in, json, value);
    } else if constexpr (blob_field<T>) {
        const auto* text = json.get_ptr<const std::string*>();
        if (text == nullptr) return in.fail("it is not a string");
        value.clear();
        if constexpr (bytes_field<T>) {
            return read_base64(*text, value) || in.fail("it is not base64");
        } else {
            value.assign(text->data(), text->size());
            return true;
        }
    } else {
        return read_json_object(in, json, value);
    }
}

template <key_field T>
bool read_json_key(JsonReader& in, const std::string& text, T& key) {
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

template <list_field List>
bool read_json_list(JsonReader& in, const JsonTree& json, List& list) {
    using Element = typename List::value_type;
    if (!json.is_array()) return in.fail("it is not an array");
    if (!in.charge(json.size(), list_element_cost<List>)) return false;
    list.clear();
    list.reserve(json.size());
    for (const JsonTree& item : json) {
        Element element{};
        if (!read_json_value(in, item, element)) return in.blame_index(list.size());
        list.push_back(std::move(element));
    }
    return true;
}

template <map_field Map>
bool read_json_map(JsonReader& in, const JsonTree& json, Map& map) {
    const auto* object = json.get_ptr<const JsonTree::object_t*>();
    if (object == nullptr) return in.fail("it is not an object");
    if (!in.charge(object->size(), map_entry_cost<Map>)) return false;
    map.clear();
    for (const auto& [name, item] : *object) {
        typename Map::key_type key{};
        typename Map::mapped_type mapped{};
        if (!read_json_key(in, name, key) || !read_json_value(in, item, mapped)) return in.blame_key(name);
        map.insert_or_assign(std::move(key), std::move(mapped));
    }
    return true;
}

/// null is nothing: an empty optional, and otherwise the same as a missing key.
template <class Member>
bool read_json_member(JsonReader& in, const JsonTree& json, Member& member) {
    if constexpr (!wire_convertible<Member> && optional_field<Member>) {
        member.reset();
        return json.is_null() || read_json_value(in, json, member.emplace());
    } else {
        if (json.is_null()) return true;
        if constexpr (single_field<Member>) {
            return read_json_value(in, json, member);
        } else if constexpr (map_field<Member>) {
            return read_json_map(in, json, member);
        } else {
            return read_json_list(in, json, member);
        }
    }
}

template <described T>
bool read_json_object(JsonReader& in, const JsonTree& json, T& object) {
    const auto* members = json.get_ptr<const JsonTree::object_t*>();
    if (members == nullptr) return in.fail("it is not an object");
    bool ok = true;
    Entity<T>::fields(object, [&](auto, std::string_view name, auto& member, auto&&...) {
        if (!ok) return;
        const auto found = members->find(name);
        if (found == members->end()) return;
        ok = read_json_member(in, found->second, member) || in.blame(name);
    });
    return ok;
}

template <described T>
Status decode_json(std::string_view text, T& object) {
    JsonTreeBuilder builder;
    if (!JsonTree::sax_parse(text.begin(), text.end(), &builder)) {
        return failure(Errc::corrupt, place_in_object<T>({}) + ": " + builder.what());
    }
    JsonReader in{memory_budget(text.size())};
    if (read_json_object(in, builder.root(), object)) return {};
    return failure(Errc::corrupt, place_in_object<T>(in.path) + ": " + in.what);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
