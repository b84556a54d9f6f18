#ifndef JOINLY_DETAIL_INDEX_TERMS_HPP
#define JOINLY_DETAIL_INDEX_TERMS_HPP
// What the indexes of its type know an object by.

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/detail/index/key_encoding.hpp>
#include <joinly/detail/index/walk.hpp>
#include <joinly/entity/described.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Appends a field to the term that begins at `start`.
template <KeptTimes times, described T, class Member>
[[nodiscard]] Status append_to_term(std::string& packed, std::size_t start, const T& object, std::string_view index,
                                    const Member& member) {
    if (!append_key<times>(packed, member))
        return failure(Errc::invalid_argument,
                       place_in_object<T>(name_of_field(object, member)) + ": NaN has no place in the index " + std::string{index});
    const std::size_t size = packed.size() - start;
    if (size <= max_index_term_bytes) return {};
    return failure(Errc::invalid_argument, place_in_object<T>(name_of_field(object, member)) + ": too long for the index " +
                                               std::string{index} + ", which has room for " + std::to_string(max_index_term_bytes) +
                                               " bytes and would need " + std::to_string(size));
}

/// Appends the object's terms, packed (see core/index_entry.hpp), in the order of the description. On `invalid_argument`, which
/// names the field, `packed` is as it was. An object that has been read has the same terms whatever `times` is.
/// @par Complexity  O(size of the indexed fields).
template <KeptTimes times = KeptTimes::exact, described T>
[[nodiscard]] Status index_terms(const T& object, std::string& packed) {
    const std::size_t before = packed.size();
    Status status;
    for_each_index(object, [&](auto number, std::string_view name, const auto&... members) {
        if (!status) return;
        const std::size_t size_at = packed.size();
        const std::size_t start = size_at + 2;
        append_big_endian(packed, static_cast<std::uint16_t>(number), 4);  // two zeros for the size, and the index's number
        static_cast<void>(((status = append_to_term<times>(packed, start, object, name, members)).has_value() && ...));
        const std::size_t size = packed.size() - start;
        packed[size_at] = static_cast<char>(size >> 8);
        packed[size_at + 1] = static_cast<char>(size & 0xff);
    });
    if (!status) packed.resize(before);
    return status;
}

/// How many bytes index_terms appends, or why it refuses: at a fraction of its cost.
template <described T>
[[nodiscard]] Result<std::size_t> measure_index_terms(const T& object) {
    std::size_t all = 0;
    bool is_doubtful = false;
    for_each_index(object, [&](auto, std::string_view, const auto&... members) {
        std::size_t term = 2;  // the index's number
        const auto add = [&](const std::optional<std::size_t>& bytes) {
            term += bytes.value_or(0);
            is_doubtful |= !bytes;
        };
        (add(key_bytes(members)), ...);
        is_doubtful |= term > max_index_term_bytes;
        all += 2 + term;
    });
    if (!is_doubtful) [[likely]]
        return all;
    std::string packed;
    if (auto told = index_terms(object, packed); !told) return failure(std::move(told).error());
    return packed.size();
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
