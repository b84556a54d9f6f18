#ifndef JOINLY_DETAIL_CODEC_JSON_READ_HPP
#define JOINLY_DETAIL_CODEC_JSON_READ_HPP
// JSON text to an object: in one walk, if it is as usual (see json_scan.hpp), else over a tree. Every access looks at the value's
// type first, so that nlohmann never throws.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/base64.hpp>
#include <joinly/detail/codec/compressed_mark.hpp>
#include <joinly/detail/codec/json_reader.hpp>
#include <joinly/detail/codec/json_scan.hpp>
#include <joinly/detail/codec/json_tree.hpp>
#include <joinly/detail/codec/json_unknown.hpp>
#include <joinly/detail/codec/unix_seconds.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/enum_names.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/entity/formerly.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <described T>
bool read_json_object(JsonReader& in, const JsonTree& json, T& object);

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

/// The value under a field's present name, or under the first of its former ones; null when there is none.
template <class... Tags>
const JsonTree* find_member(const JsonTree::object_t& members, std::string_view name, const Tags&... tags) {
    const auto find = [&](std::string_view sought) {
        const auto found = members.find(sought);
        return found == members.end() ? nullptr : &found->second;
    };
    const JsonTree* value = find(name);
    for_each_former_name([&](std::string_view former) { value = value == nullptr ? find(former) : value; }, tags...);
    return value;
}

inline bool read_json_version(JsonReader& in, const JsonTree::object_t& members, VersionMark& mark) {
    const auto read = [&](std::string_view key, std::uint64_t& number) {
        const auto* value = find_member(members, key);
        return value == nullptr || read_json_integer(in, *value, number) || in.blame(key);
    };
    return read(version_key, mark.version) && (mark.version == 1 || read(oldest_reader_key, mark.oldest_reader));
}

/// Keeps the members that the description does not have, as they are written. `known` others were found.
template <keeps_unknown_fields T>
bool keep_unknown_members(JsonReader& in, const JsonTree::object_t& members, std::size_t known, T& object) {
    const auto is_known = [&](const auto& member) { return knows_name(object, member.first); };
    if (known == members.size() || std::all_of(members.begin(), members.end(), is_known)) return true;
    UnknownFields& kept = Entity<T>::unknown_fields(object);
    if (!in.charge(1, UnknownFieldsAccess::cost)) return false;
    append_unknown_members(in.members_of(members), object, UnknownFieldsAccess::bytes(kept, UnknownFieldsAccess::Format::json));
    return true;
}

/// Reads the fields that are there, and brings an object that an older build wrote up to this one's description.
template <described T>
bool read_json_object(JsonReader& in, const JsonTree& json, T& object) {
    const auto* members = json.get_ptr<const JsonTree::object_t*>();
    if (members == nullptr) return in.fail("it is not an object");
    VersionMark mark;
    bool ok = read_json_version(in, *members, mark);
    if (ok && !mark.is_sound()) ok = in.fail(unsound_version);
    if (mark.is_beyond(version_of<T>())) return in.fail_with(settle_version(mark, object).error());
    std::size_t known = 0;
    Entity<T>::fields(object, [&](auto, std::string_view name, auto& member, const auto&... tags) {
        if (!ok) return;
        const JsonTree* value = find_member(*members, name, tags...);
        known += value == nullptr ? 0 : 1;
        ok = value == nullptr || read_json_member(in, *value, member) || in.blame(name);
    });
    if constexpr (keeps_unknown_fields<T>) ok = ok && keep_unknown_members(in, *members, known, object);
    if (!ok || mark.is_of(version_of<T>())) return ok;
    const Status settled = settle_version(mark, object);
    return settled || in.fail_with(settled.error());
}

/// The answer to text that is no JSON.
template <described T>
tl::unexpected<Error> refuse_text(std::string_view text, const JsonTreeBuilder& builder) {
    if (is_compressed(text)) return refuse_compressed(place_in_object<T>({}), "Json");
    return failure(Errc::corrupt, place_in_object<T>({}) + ": " + builder.what());
}

/// Any JSON text, into a freshly made object.
template <described T>
Status decode_json_tree(std::string_view text, T& object) {
    JsonTreeBuilder builder;
    if (!builder.parse(text)) return refuse_text<T>(text, builder);
    JsonReader in{text, builder.take_places()};
    if (read_json_object(in, builder.root(), object)) return {};
    return failure(in.code, place_in_object<T>(in.path) + ": " + in.what);
}

template <described T>
Status decode_json(std::string_view text, T& object) {
    if constexpr (std::is_default_constructible_v<T> && std::is_move_assignable_v<T>) {
        JsonScan in{text};
        if (scan_json_object(in, object) && in.at_end()) return {};
        object = T{};  // without what was taken already
    }
    return decode_json_tree(text, object);
}

/// The version of the description that wrote `text`, which is a T.
template <described T>
Result<int> stored_version_in_json(std::string_view text) {
    JsonTreeBuilder builder;
    if (!builder.parse(text)) return refuse_text<T>(text, builder);
    JsonReader in{text, {}};
    VersionMark mark;
    const auto* members = builder.root().template get_ptr<const JsonTree::object_t*>();
    bool ok = members != nullptr ? read_json_version(in, *members, mark) : in.fail("it is not an object");
    if (ok && !mark.is_sound()) ok = in.fail(unsound_version);
    if (!ok) return failure(in.code, place_in_object<T>(in.path) + ": " + in.what);
    return static_cast<int>(mark.version);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
