#ifndef JOINLY_DETAIL_CODEC_JSON_WRITE_HPP
#define JOINLY_DETAIL_CODEC_JSON_WRITE_HPP
// An object to JSON text, written straight from its fields: no tree in between, and nothing that throws.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/base64.hpp>
#include <joinly/detail/codec/json_unknown.hpp>
#include <joinly/detail/codec/json_writer.hpp>
#include <joinly/detail/codec/unix_seconds.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/enum_names.hpp>
#include <joinly/detail/entity/field_types.hpp>

#include <string>
#include <string_view>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <described T>
bool write_json_object(JsonWriter& out, const T& object);

template <single_field T>
bool write_json_value(JsonWriter& out, const T& value) {
    if constexpr (wire_convertible<T>) {
        return write_json_value(out, Entity<T>::to_wire(value));
    } else if constexpr (std::is_enum_v<T>) {
        if constexpr (described_enum<T>) {
            if (const std::string_view name = name_of_enumerator(value); !name.empty()) return out.text(name);
        }
        return write_json_value(out, to_number(value));
    } else if constexpr (std::is_same_v<T, bool>) {
        out.raw(value ? std::string_view{"true"} : "false");
        return true;
    } else if constexpr (std::is_floating_point_v<T>) {
        return out.real(value);
    } else if constexpr (std::is_integral_v<T>) {
        out.number(+value);  // a character type is a number here
        return true;
    } else if constexpr (time_field<T>) {
        if (!survives_as_unix_seconds(value, out.exact())) return out.fail("it is too far from 1970 for seconds in a double");
        return out.real(to_unix_seconds(value));
    } else if constexpr (string_field<T>) {
        return out.text(value);
    } else if constexpr (bytes_field<T>) {
        std::string base64;
        append_base64(base64, value.data(), value.size());
        return out.text(base64);
    } else {
        return write_json_object(out, value);
    }
}

/// JSON has string keys only: a number as a key is written as Python's json.dumps writes it.
template <key_field T>
bool write_json_key(JsonWriter& out, const T& key) {
    if constexpr (wire_convertible<T>) {
        return write_json_key(out, Entity<T>::to_wire(key));
    } else if constexpr (string_field<T>) {
        return out.text(key);
    } else {
        if constexpr (described_enum<T>) {
            if (const std::string_view name = name_of_enumerator(key); !name.empty()) return out.text(name);
        }
        out.raw('"');
        const bool ok = write_json_value(out, to_number(key));
        out.raw('"');
        return ok;
    }
}

template <class Member>
bool write_json_member(JsonWriter& out, const Member& member) {
    if constexpr (single_field<Member>) {
        return write_json_value(out, member);
    } else if constexpr (optional_field<Member>) {
        if (member.has_value()) return write_json_value(out, *member);
        out.raw("null");
        return true;
    } else if constexpr (map_field<Member>) {
        out.charge(member.size() * map_entry_cost<Member>);
        out.open('{');
        for (const auto& [key, mapped] : member) {
            out.separate();
            if (!write_json_key(out, key)) return false;
            out.raw(':');
            if (!write_json_value(out, mapped)) return false;
        }
        out.close('}');
        return true;
    } else {
        out.charge(member.size() * list_element_cost<Member>);
        out.open('[');
        for (const auto& element : member) {
            out.separate();
            if (!write_json_value<typename Member::value_type>(out, element)) return false;
        }
        out.close(']');
        return true;
    }
}

template <described T>
bool write_json_object(JsonWriter& out, const T& object) {
    if (!out.enter()) return false;
    bool ok = true;
    out.open('{');
    if constexpr (version_of<T>() > 1) {
        out.key(version_key);
        out.number(version_of<T>());
        if constexpr (oldest_reader_of<T>() != version_of<T>()) {
            out.key(oldest_reader_key);
            out.number(oldest_reader_of<T>());
        }
    }
    Entity<T>::fields(object, [&](auto, std::string_view name, const auto& member, auto&&...) {
        if (!ok) return;
        out.key(name);
        ok = write_json_member(out, member);
        if (!ok) out.blame(name);
    });
    if constexpr (keeps_unknown_fields<T>) ok = ok && write_unknown_members(out, object);
    out.close('}');
    out.leave();
    return ok;
}

template <described T>
Status encode_json(const T& object, std::string& out, bool exact = false) {
    const std::size_t start = out.size();
    JsonWriter writer{out, exact};
    if (write_json_object(writer, object) && writer.affordable()) return {};
    out.resize(start);
    return failure(Errc::invalid_argument, place_in_object<T>(writer.path()) + ": " + writer.what());
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
