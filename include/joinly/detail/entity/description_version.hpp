#ifndef JOINLY_DETAIL_ENTITY_DESCRIPTION_VERSION_HPP
#define JOINLY_DETAIL_ENTITY_DESCRIPTION_VERSION_HPP
// Which version of a description wrote an object, and what follows from that for this build.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/entity/described.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::string_view version_key = "_version";  // in JSON: no field's name begins with _
inline constexpr std::string_view oldest_reader_key = "_oldest_reader";
inline constexpr std::uint32_t version_number = 18'998;  // on the wire: no field may have these
inline constexpr std::uint32_t oldest_reader_number = 18'999;

template <class T>
concept has_version = requires {
    Entity<T>::version;
};
template <class T>
concept has_oldest_reader = requires {
    Entity<T>::oldest_reader;
};
template <class T>
concept has_upgrade = requires(T& object, int from) {
    { Entity<T>::upgrade(object, from) } -> std::same_as<Status>;
};
template <class T>
concept keeps_unknown_fields = requires(T& object, const T& constant) {
    { Entity<T>::unknown_fields(object) } -> std::same_as<UnknownFields&>;
    { Entity<T>::unknown_fields(constant) } -> std::same_as<const UnknownFields&>;
};

template <class T>
constexpr int version_of() {
    if constexpr (has_version<T>) {
        return static_cast<int>(Entity<T>::version);
    } else {
        return 1;
    }
}

/// The oldest version whose builds may read what this one writes.
template <class T>
constexpr int oldest_reader_of() {
    if constexpr (has_oldest_reader<T>) {
        return static_cast<int>(Entity<T>::oldest_reader);
    } else {
        return version_of<T>();
    }
}

/// What an encoded object says of itself; as read, so anything may stand here.
struct VersionMark {
    std::uint64_t version = 1;
    std::uint64_t oldest_reader = 0;  // 0: the same

    [[nodiscard]] bool is_sound() const noexcept {
        constexpr auto most = static_cast<std::uint64_t>((std::numeric_limits<int>::max)());
        return version >= 1 && version <= most && oldest_reader <= version;
    }
    /// Whether nothing follows from the mark for a build of version `known`: the usual case.
    [[nodiscard]] bool is_of(int known) const noexcept {
        return version == static_cast<std::uint64_t>(known) && oldest_reader <= version;
    }
    /// Whether what is under this mark is not for a build of version `known`: then what else is wrong with it does not matter.
    [[nodiscard]] bool is_beyond(int known) const noexcept {
        return is_sound() && (oldest_reader == 0 ? version : oldest_reader) > static_cast<std::uint64_t>(known);
    }
};

inline constexpr const char* unsound_version = "the description version is out of range";

/// What a build of version `known` answers to a mark that it may not read; without the object's place.
[[nodiscard]] inline Error refuse_version(const VersionMark& mark, int known) {
    const auto oldest = mark.oldest_reader == 0 ? mark.version : mark.oldest_reader;
    return {Errc::incompatible, "it has description version " + std::to_string(mark.version) + ", which takes a build of version " +
                                    std::to_string(oldest) + " to read; this one has version " + std::to_string(known)};
}

/// Brings a decoded object under a sound mark up to this build's description, or says why that cannot be done, without the
/// object's place.
template <class T>
[[nodiscard]] Status settle_version(const VersionMark& mark, [[maybe_unused]] T& object) {
    constexpr int known = version_of<T>();
    if (mark.is_beyond(known)) return failure(refuse_version(mark, known));
    if constexpr (has_upgrade<T>) {
        const auto from = static_cast<int>(mark.version);
        if (from < known) return Entity<T>::upgrade(object, from);
    }
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
