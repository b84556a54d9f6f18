#ifndef JOINLY_DETAIL_INDEX_CATALOGUE_HPP
#define JOINLY_DETAIL_INDEX_CATALOGUE_HPP
// Which indexes of a kind have an entry of every record: a record of the library's own, one for each kind, that is compared with
// what the description declares. An index that is declared and not listed must be built before it is asked.
//
//     key     00 'd' kind
//     value   1, the format, in 1 byte; then of each index, by ascending numbers:
//             number         2
//             fingerprint    8; all its bits turned: the index is being built
//             name's length  1, and the name
//
// Integers have the highest byte first.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/index/key_encoding.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/detail/index/walk.hpp>
#include <joinly/entity/entity.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

struct IndexDeclaration {
    std::uint16_t number = 0;
    std::string name = {};  ///< for messages: an index may be renamed
    /// Changes with whatever entries depend on: the encodings and the order of the fields, the version of the description, and
    /// the defaults of the fields, which are what a record means that leaves them out.
    std::uint64_t fingerprint = 0;

    friend bool operator==(const IndexDeclaration&, const IndexDeclaration&) = default;
};

/// By ascending numbers.
using IndexCatalogue = std::vector<IndexDeclaration>;

inline constexpr std::string_view catalogue_prefix{"\0d", 2};
inline constexpr char catalogue_format = '\1';

[[nodiscard]] inline std::string catalogue_key(std::string_view kind) { return std::string{catalogue_prefix}.append(kind); }

/// FNV-1a: the same on every machine, and for ever.
[[nodiscard]] constexpr std::uint64_t fingerprint_of(std::string_view bytes) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

/// "6:signed@1/1000000,": a field's number and form, and then what its default is encoded as.
template <described T, class Member>
void describe_indexed_field(std::string& text, const T& defaults, const Member& member) {
    Entity<T>::fields(defaults, [&](auto number, std::string_view, const auto& field, auto&&...) {
        if (is_same_member(field, member)) text += std::to_string(number) + ':';
    });
    text += key_form<Member>() + ',';
    if (!append_key(text, member)) text += "NaN";
}

/// What T's description declares.
template <entity T>
[[nodiscard]] IndexCatalogue index_catalogue() {
    IndexCatalogue declared;
    const T defaults{};
    for_each_index(defaults, [&](auto number, std::string_view name, const auto&... members) {
        std::string text = std::to_string(version_of<T>()) + ';';
        (describe_indexed_field(text, defaults, members), ...);
        declared.push_back({static_cast<std::uint16_t>(number), std::string{name}, fingerprint_of(text)});
    });
    std::sort(declared.begin(), declared.end(), [](const auto& left, const auto& right) { return left.number < right.number; });
    return declared;
}

[[nodiscard]] inline std::string encode_catalogue(const IndexCatalogue& catalogue) {
    std::string bytes(1, catalogue_format);
    for (const IndexDeclaration& index : catalogue) {
        append_big_endian(bytes, index.number, 2);
        append_big_endian(bytes, index.fingerprint, 8);
        const std::string_view name = std::string_view{index.name}.substr(0, 255);
        append_big_endian(bytes, name.size(), 1);
        bytes.append(name);
    }
    return bytes;
}

/// Takes a number of `width` bytes off `bytes`, which has as many.
[[nodiscard]] inline std::uint64_t take_big_endian(std::string_view& bytes, std::size_t width) noexcept {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < width; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
    bytes.remove_prefix(width);
    return number;
}

/// `corrupt`: not what encode_catalogue writes; `incompatible`: a newer library's.
[[nodiscard]] inline Result<IndexCatalogue> decode_catalogue(std::string_view bytes) {
    constexpr std::size_t fixed_bytes = 2 + 8 + 1;
    const auto damaged = [] { return failure(Errc::corrupt, "the list of a kind's indexes is damaged"); };
    if (bytes.empty() || bytes.front() == '\0') return damaged();
    if (bytes.front() != catalogue_format)
        return failure(Errc::incompatible, "the list of a kind's indexes was written by a newer version of the library");
    bytes.remove_prefix(1);
    IndexCatalogue catalogue;
    while (!bytes.empty()) {
        if (bytes.size() < fixed_bytes) return damaged();
        IndexDeclaration index;
        index.number = static_cast<std::uint16_t>(take_big_endian(bytes, 2));
        index.fingerprint = take_big_endian(bytes, 8);
        const auto name_bytes = static_cast<std::size_t>(take_big_endian(bytes, 1));
        if (name_bytes > bytes.size() || index.number <= (catalogue.empty() ? 0 : catalogue.back().number)) return damaged();
        index.name = bytes.substr(0, name_bytes);
        bytes.remove_prefix(name_bytes);
        catalogue.push_back(std::move(index));
    }
    return catalogue;
}

/// Those of `left` that `right` does not have with the same fingerprint.
[[nodiscard]] inline IndexCatalogue indexes_only_in(const IndexCatalogue& left, const IndexCatalogue& right) {
    IndexCatalogue only;
    for (const IndexDeclaration& index : left) {
        const bool has_it = std::any_of(right.begin(), right.end(), [&](const IndexDeclaration& other) {
            return other.number == index.number && other.fingerprint == index.fingerprint;
        });
        if (!has_it) only.push_back(index);
    }
    return only;
}

/// As an index is listed while it is being built: by another fingerprint, which nobody asks for. A program that does not know the
/// index strikes out either.
[[nodiscard]] inline IndexDeclaration unfinished(IndexDeclaration index) {
    index.fingerprint = ~index.fingerprint;
    return index;
}

/// What must be built before it can be asked: declared, and not complete in the data.
[[nodiscard]] inline IndexCatalogue missing(const IndexCatalogue& declared, const IndexCatalogue& stored) {
    return indexes_only_in(declared, stored);
}

/// What is in the data, finished or not, and this program will not keep right: not declared, or declared otherwise.
[[nodiscard]] inline IndexCatalogue unknown(const IndexCatalogue& declared, const IndexCatalogue& stored) {
    IndexCatalogue kept = declared;
    for (const IndexDeclaration& index : declared) kept.push_back(unfinished(index));
    return indexes_only_in(stored, kept);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
