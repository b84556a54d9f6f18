#ifndef JOINLY_DETAIL_CODEC_JSON_UNKNOWN_HPP
#define JOINLY_DETAIL_CODEC_JSON_UNKNOWN_HPP
// Members of a JSON object that the description does not have: kept as they are written, and written again.

#include <joinly/config.hpp>
#include <joinly/detail/codec/json_members.hpp>
#include <joinly/detail/codec/json_tree.hpp>
#include <joinly/detail/codec/json_writer.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/entity/described.hpp>
#include <joinly/entity/formerly.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Whether a key is one that the description, or the library, gives a meaning.
template <described T>
[[nodiscard]] bool knows_name(const T& object, std::string_view key) {
    bool known = key == version_key || key == oldest_reader_key;
    Entity<T>::fields(object, [&](auto, std::string_view name, const auto&, const auto&... tags) {
        known = known || key == name;
        for_each_former_name([&](std::string_view former) { known = known || key == former; }, tags...);
    });
    return known;
}

/// Appends the members that `object` has no fields for. `members` is what the parser has accepted, from the first one on.
template <described T>
void append_unknown_members(std::string_view members, const T& object, std::string& kept) {
    JsonMembers walk{members};
    JsonMember member;
    while (walk.next(member)) {
        std::string name{member.key_text()};
        if (name.find('\\') != std::string::npos) {
            JsonTreeBuilder key;
            key.parse(member.key);
            name = key.root().get_ref<const std::string&>();
        }
        if (knows_name(object, name)) continue;
        if (!kept.empty()) kept.push_back(',');
        JsonWriter{kept}.text(name);  // without needless escapes, so that write_unknown_members need know none
        kept.append(":").append(member.value);
    }
}

/// Writes what another build stored, as it was read; but of a field that this description has, only the member counts.
template <keeps_unknown_fields T>
bool write_unknown_members(JsonWriter& out, const T& object) {
    const UnknownFields& kept = Entity<T>::unknown_fields(object);
    if (kept.empty()) return true;
    if (!UnknownFieldsAccess::are(kept, UnknownFieldsAccess::Format::json))
        return out.fail("its unknown fields were read by another codec; clear them to do without");
    out.charge(UnknownFieldsAccess::cost);
    JsonMembers walk{UnknownFieldsAccess::bytes(kept)};
    JsonMember member;
    while (walk.next(member)) {
        if (knows_name(object, member.key_text())) continue;
        if (!out.has_room_for(member.depth)) return false;
        out.separate();
        out.raw(member.key);
        out.raw(':');
        out.raw(member.value);
    }
    return true;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
