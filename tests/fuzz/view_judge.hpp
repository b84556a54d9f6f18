#ifndef JOINLY_TESTS_FUZZ_VIEW_JUDGE_HPP
#define JOINLY_TESTS_FUZZ_VIEW_JUDGE_HPP
// What a view may do with bytes that nobody vouches for: give what decoding gives, field by field, or refuse; and refuse as
// damaged only what decoding refuses.

#include "tests/codec/samples.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/binary_view.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace joinly::test {

template <described T>
bool is_seen(const BinaryView<T>& view, const T& object);

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<Result<T>> = true;

/// Whether `seen`, which a view has given, is this value of the object. What the view cannot give, and says so, passes.
template <class Seen, class Value>
bool is_value_seen(const Seen& seen, const Value& value) {
    if constexpr (is_result<Seen>) {
        return seen ? is_value_seen(*seen, value) : seen.error() == Errc::unsupported;
    } else if constexpr (detail::single_field<Value>) {
        if constexpr (detail::message_field<Value>) {
            return is_seen(seen, value);
        } else if constexpr (detail::scalar_field<Value>) {
            return detail::to_bits(detail::to_number(seen)) == detail::to_bits(detail::to_number(value));  // NaN as well
        } else if constexpr (detail::bytes_field<Value>) {
            return std::ranges::equal(seen, value);
        } else {
            return seen == value;
        }
    } else {  // an optional
        if (!seen || !value) return seen.has_value() == value.has_value();
        return is_value_seen(*seen, *value);
    }
}

/// Of entries with one key the last one counts, so they are collected first.
template <auto member, described T, class Map>
bool is_map_seen(const BinaryView<T>& view, const Map& map) {
    using Mapped = typename Map::mapped_type;
    std::vector<std::pair<typename Map::key_type, detail::viewed<Mapped>>> entries;
    const Status visited = view.template for_each<member>(
        [&](const auto& key, const auto& mapped) { entries.emplace_back(typename Map::key_type{key}, mapped); });
    std::size_t count = 0;
    bool same = true;
    for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
        const auto found = map.find(entry->first);
        const bool is_there = found != map.end();
        const bool is_it = is_value_seen(entry->second, is_there ? found->second : Mapped{});
        if (std::any_of(entry + 1, entries.end(), [&](const auto& later) { return later.first == entry->first; })) continue;
        same = is_it && is_there && same;
        ++count;
    }
    return visited ? same && count == map.size() : visited.error() == Errc::unsupported;
}

template <auto member, described T, class List>
bool is_list_seen(const BinaryView<T>& view, const List& list) {
    using Element = typename List::value_type;
    std::size_t count = 0;
    bool same = true;
    const Status visited = view.template for_each<member>([&](const auto& element) {
        const bool is_there = count < list.size();
        same = is_value_seen(element, is_there ? Element{list[count]} : Element{}) && is_there && same;
        ++count;
    });
    return visited ? same && count == list.size() : visited.error() == Errc::unsupported;
}

template <auto member, described T>
bool is_field_seen(const BinaryView<T>& view, const T& object) {
    using Member = std::remove_cvref_t<decltype(object.*member)>;
    if constexpr (detail::single_field<Member> || detail::optional_field<Member>) {
        return is_value_seen(view.template get<member>(), object.*member);
    } else if constexpr (detail::map_field<Member>) {
        return is_map_seen<member>(view, object.*member);
    } else {
        return is_list_seen<member>(view, object.*member);
    }
}

/// Every field is looked at, whatever the ones before it were.
template <auto... members, described T>
bool are_fields_seen(const BinaryView<T>& view, const T& object) {
    return (int{is_field_seen<members>(view, object)} & ...) != 0;
}

template <described T>
bool is_seen_within(const BinaryView<T>& view, const T& object) {
    if constexpr (std::is_same_v<T, Player>) {
        return are_fields_seen<&T::player_id, &T::username, &T::skill_rating, &T::created_at, &T::attributes>(view, object);
    } else if constexpr (std::is_same_v<T, Lobby>) {
        return are_fields_seen<&T::lobby_id, &T::state, &T::players, &T::max_players, &T::owner, &T::created_at, &T::attributes,
                               &T::rating>(view, object);
    } else if constexpr (std::is_same_v<T, Match>) {
        return are_fields_seen<&T::match_id, &T::lobby_id, &T::players, &T::started_at, &T::ended_at, &T::result>(view, object);
    } else if constexpr (std::is_same_v<T, QueueTicket>) {
        return are_fields_seen<&T::player_id, &T::skill_rating, &T::enqueued_at>(view, object);
    } else if constexpr (std::is_same_v<T, Queue>) {
        return are_fields_seen<&T::queue_id, &T::tickets>(view, object);
    } else if constexpr (std::is_same_v<T, game::Loadout>) {
        return are_fields_seen<&T::weapon, &T::ammunition, &T::perks>(view, object);
    } else if constexpr (std::is_same_v<T, game::Hero>) {
        return are_fields_seen<&T::hero_id, &T::mode, &T::loadout, &T::spare, &T::stash, &T::lent, &T::name>(view, object);
    } else if constexpr (std::is_same_v<T, game::Tree>) {
        return are_fields_seen<&T::value, &T::children>(view, object);
    } else if constexpr (std::is_same_v<T, game::Keeper>) {
        return are_fields_seen<&T::name, &T::within, &T::by_name>(view, object);
    } else {
        static_assert(std::is_same_v<T, game::Everything>);
        return are_fields_seen<&T::flag, &T::letter, &T::i8, &T::u8, &T::i16, &T::u16, &T::i32, &T::u32, &T::i64, &T::u64,
                               &T::single_precision, &T::double_precision, &T::mode, &T::undescribed, &T::text, &T::bytes, &T::at,
                               &T::day, &T::maybe_number, &T::maybe_text, &T::flags, &T::numbers, &T::reals, &T::texts, &T::blobs,
                               &T::modes, &T::uuids, &T::loadouts, &T::by_number, &T::by_flag, &T::by_mode, &T::by_name>(view,
                                                                                                                         object);
    }
}

/// Beyond the depth that decoding allows nothing is looked at: a view has no limit of its own.
template <described T>
bool is_seen(const BinaryView<T>& view, const T& object) {
    static int depth = 0;
    ++depth;
    const bool same = depth > detail::max_depth + 1 || is_seen_within(view, object);
    --depth;
    return same;
}

/// What is wrong with how `bytes` are seen as a T; empty when nothing is. `peak_bytes_of` is as for `complaint`.
template <described T, class Meter>
std::string view_complaint(std::string_view bytes, Meter peak_bytes_of) {
    Result<BinaryView<T>> seen = failure(Errc::not_found);
    const std::uint64_t allocated = peak_bytes_of([&] { seen = view<T>(bytes); });
    if (allocated > 4096) return std::to_string(allocated) + " bytes allocated";
    T object;
    const Status decoded = Binary::decode(bytes, object);
    if (!seen) {
        if (seen.error() == Errc::unsupported) return detail::has_upgrade<T> ? "" : "unsupported without an upgrade";
        return decoded ? "refused, and decoding does not so" : "";
    }
    const bool same = is_seen(*seen, object);  // of what does not decode as well: it must not go out of bounds
    return same || !decoded ? "" : "a view gives something else";
}

}  // namespace joinly::test
#endif
