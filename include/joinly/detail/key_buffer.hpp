#ifndef JOINLY_DETAIL_KEY_BUFFER_HPP
#define JOINLY_DETAIL_KEY_BUFFER_HPP
// The key of one call on an entity, on the stack, so that a cache hit allocates nothing however long the id is; and its hash.

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/detail/hash.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What the keys of a kind begin with: its name and a colon. A constant, by which keys are made and hashed.
class KindPrefix {
public:
    constexpr explicit KindPrefix(std::string_view kind) noexcept : kind_{kind} {
        for (std::size_t i = 0; i < size() && i < most_bytes; ++i) {
            const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(i < kind.size() ? kind[i] : ':'));
            (i < 8 ? low_ : high_) |= byte << (i % 8 * 8);
        }
    }
    [[nodiscard]] constexpr std::string_view kind() const noexcept { return kind_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return kind_.size() + 1; }

    /// Whether the words below can be told.
    [[nodiscard]] constexpr bool fits_words() const noexcept { return size() <= most_bytes; }
    /// The prefix from byte `at`, which is 0 or 8, as hashing::read gives it, and zeros behind its end.
    [[nodiscard]] constexpr std::uint64_t word(std::size_t at) const noexcept { return at == 0 ? low_ : high_; }

private:
    static constexpr std::size_t most_bytes = 16;
    std::string_view kind_;
    std::uint64_t low_ = 0;
    std::uint64_t high_ = 0;
};

/// Writes a key, of `prefix.size() + id.size()` bytes. Most ids have some ten or twenty, for which a call of memcpy takes longer
/// than copying does.
[[gnu::always_inline]] inline void write_key(const KindPrefix& prefix, std::string_view id, char* to) noexcept {
    std::memcpy(to, prefix.kind().data(), prefix.kind().size());
    to[prefix.kind().size()] = ':';
    to += prefix.size();
    const std::size_t size = id.size();
    if (size < 8 || size > 64) {
        std::memcpy(to, id.data(), size);
        return;
    }
    for (std::size_t at = 0; at < size - 8; at += 8) std::memcpy(to + at, id.data() + at, 8);
    std::memcpy(to + size - 8, id.data() + size - 8, 8);
}

/// A key that begins with `prefix`.
template <const KindPrefix& prefix>
class KeyBuffer {
public:
    /// For a valid id, which must stay as it is as long as `hash` is called.
    [[gnu::always_inline]] inline explicit KeyBuffer(std::string_view id) noexcept : id_{id} { write_key(prefix, id, bytes_); }
    KeyBuffer(const KeyBuffer&) = delete;
    KeyBuffer& operator=(const KeyBuffer&) = delete;

    [[nodiscard]] std::string_view view() const noexcept { return {bytes_, prefix.size() + id_.size()}; }
    /// A copy.
    [[nodiscard]] std::string_view id() const noexcept { return view().substr(prefix.size()); }
    operator std::string_view() const noexcept { return view(); }  // implicit: where a key is asked for

    /// That of `view()`, but made of kind and id where they came from: to read back as words what was just written as bytes, a
    /// core waits until it is out of its store buffer, which took as long as the rest of a cache's hit.
    [[nodiscard, gnu::always_inline]] inline std::uint64_t hash(const KeyHash& by) const noexcept {
        if (prefix.fits_words() && id_.size() >= 8) return hashing::hash_words(Joined{id_.data()}, view().size(), by.seed);
        return by(view());
    }

private:
    /// With an id of 8 bytes or more, what does not begin in the id are words of 8 bytes, at 0 or 8.
    struct Joined {
        const char* id;
        template <class Word>
        [[nodiscard, gnu::always_inline]] inline std::uint64_t word(std::size_t at) const noexcept {
            if (at >= prefix.size()) return hashing::read<Word>(id + (at - prefix.size()));
            const std::size_t known = prefix.size() - at;
            return known >= 8 ? prefix.word(at) : prefix.word(at) | hashing::read<std::uint64_t>(id) << (8 * known);
        }
    };

    std::string_view id_;
    char bytes_[max_key_bytes];
};

/// For a table of keys: the hash of either kind of key.
[[nodiscard, gnu::always_inline]] inline std::uint64_t hash_key(const KeyHash& by, std::string_view key) noexcept {
    return by(key);
}
template <const KindPrefix& prefix>
[[nodiscard, gnu::always_inline]] inline std::uint64_t hash_key(const KeyHash& by, const KeyBuffer<prefix>& key) noexcept {
    return key.hash(by);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
