#ifndef JOINLY_DETAIL_INDEX_QUERY_STATE_HPP
#define JOINLY_DETAIL_INDEX_QUERY_STATE_HPP
// What a query has come to while it is put together: a range of index entries, which each call narrows.

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/range.hpp>
#include <joinly/detail/index/key_encoding.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// An integer of any type, as a bound for those of an index: -1 is below all unsigned ones, and not the largest.
template <bool is_signed>
class IntegerBound {
public:
    template <std::integral Integer>
    constexpr IntegerBound(Integer integer) noexcept : bits_{static_cast<std::uint64_t>(integer)} {  // implicit: at_least(1100)
        if constexpr (std::is_signed_v<Integer> && !is_signed) is_below_ = integer < 0;
        if constexpr (!std::is_signed_v<Integer> && is_signed) is_above_ = bits_ >= sign_bit;
    }
    [[nodiscard]] constexpr bool is_below() const noexcept { return is_below_; }
    [[nodiscard]] constexpr bool is_above() const noexcept { return is_above_; }
    void append_to(std::string& out) const { append_big_endian(out, is_signed ? bits_ ^ sign_bit : bits_, 8); }

private:
    std::uint64_t bits_;
    bool is_below_ = false;
    bool is_above_ = false;
};

/// What the bounds of a field are given as.
template <class T>
struct ArgumentFor {
    using type = T;
};
template <class T>
requires(std::integral<T> && !std::same_as<T, bool> && !wire_convertible<T>) struct ArgumentFor<T> {
    using type = IntegerBound<std::is_signed_v<T>>;
};
template <class T>
requires(string_field<T> && !wire_convertible<T>) struct ArgumentFor<T> {
    using type = std::string_view;
};

/// A bound is a value, also where the field may be absent; what a field is equal to may be nullopt there.
template <class T>
struct BoundFor : ArgumentFor<T> {
    using equal = typename ArgumentFor<T>::type;
};
template <optional_value T>
struct BoundFor<T> : ArgumentFor<typename T::value_type> {
    using equal = std::optional<typename ArgumentFor<typename T::value_type>::type>;
};
template <class Member>
using bound_for = typename BoundFor<Member>::type;
template <class Member>
using equal_for = typename BoundFor<Member>::equal;

/// Where a bound lies among the values that its field can have.
enum class BoundPlace : std::uint8_t { among, below, above, nowhere };

template <bool is_signed>
[[nodiscard]] BoundPlace append_bound(std::string& out, const IntegerBound<is_signed>& integer) {
    integer.append_to(out);
    return integer.is_below() ? BoundPlace::below : integer.is_above() ? BoundPlace::above : BoundPlace::among;
}
[[nodiscard]] inline BoundPlace append_bound(std::string& out, std::string_view text) {
    append_string_start(out, text);
    out.append(string_end);
    return BoundPlace::among;
}
template <indexable T>
[[nodiscard]] BoundPlace append_bound(std::string& out, const T& value) {
    return append_key(out, value) ? BoundPlace::among : BoundPlace::nowhere;
}

struct QueryState {
    std::uint16_t index = 0;  ///< 0: there is none over these members
    std::uint8_t field = 0;   ///< the one that the next bound is for, counted from 0
    bool is_empty = false;    ///< nothing can match
    std::optional<std::uint8_t> nan_field = {};
    std::string path = {};  ///< what the keys of all entries in question begin with
    KeyRange range = {};
    std::size_t limit = (std::numeric_limits<std::size_t>::max)();
    std::string cursor = {};

    QueryState(std::string_view kind, std::uint16_t number) : index{number} {
        path.append(index_entry_prefix).append(kind).push_back(':');
        append_big_endian(path, number, 2);
        range = KeyRange::prefix(path);
    }

    /// The rest of the query is about entries whose next field is `value`.
    template <class Member>
    void fix(const equal_for<Member>& value) {
        BoundPlace place = BoundPlace::among;
        if constexpr (optional_value<Member>) {
            path.push_back(value.has_value() ? present_mark : absent_mark);
            if (value.has_value()) place = append_bound(path, *value);
        } else {
            place = append_bound(path, value);
        }
        if (place == BoundPlace::nowhere && !nan_field) nan_field = field;
        is_empty = is_empty || place != BoundPlace::among;
        range = KeyRange::prefix(path);
        ++field;
    }

    /// Leaves out entries whose next field is absent: no range has them.
    template <class Member>
    void skip_absent() {
        if constexpr (optional_value<Member>) range = KeyRange::prefix(path + present_mark);
    }

    /// Leaves out entries whose next field is less than `value`, or is `value` and that is not included.
    template <class Member>
    void narrow_below(const bound_for<Member>& value, bool is_included) {
        const auto [place, equal] = next_is<Member>(value);
        is_empty = is_empty || place == BoundPlace::above;
        if (place == BoundPlace::among) range.begin = (std::max)(range.begin, is_included ? equal.begin : equal.end);
    }
    /// The same of what is greater.
    template <class Member>
    void narrow_above(const bound_for<Member>& value, bool is_included) {
        const auto [place, equal] = next_is<Member>(value);
        is_empty = is_empty || place == BoundPlace::below;
        if (place == BoundPlace::among) range.end = (std::min)(range.end, is_included ? equal.end : equal.begin);
    }

    template <class Member>
    void narrow_to_prefix(std::string_view prefix) {
        std::string start = path;
        if constexpr (optional_value<Member>) start.push_back(present_mark);
        append_string_start(start, prefix);
        range = KeyRange::prefix(start);
    }

private:
    /// The entries whose next field is `value`.
    template <class Member>
    std::pair<BoundPlace, KeyRange> next_is(const bound_for<Member>& value) {
        std::string key = path;
        if constexpr (optional_value<Member>) key.push_back(present_mark);
        const BoundPlace place = append_bound(key, value);
        if (place == BoundPlace::nowhere && !nan_field) nan_field = field;
        return {place, KeyRange::prefix(key)};
    }
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
