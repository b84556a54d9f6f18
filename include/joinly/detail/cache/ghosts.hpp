#ifndef JOINLY_DETAIL_CACHE_GHOSTS_HPP
#define JOINLY_DETAIL_CACHE_GHOSTS_HPP
// What an eviction policy remembers of the keys that it has let go.

#include <joinly/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The last so many keys that were added, each as four bytes: half a fingerprint, half a time, in buckets of eight that
/// need no deletion, for what is too old is passed over and then overwritten. So it errs, by little: one lookup in 8,000 finds a
/// key that was not added, and a crowded bucket forgets early. All calls are O(1) but `remember`.
class Ghosts {
public:
    /// From now on the last `count` additions are remembered. Forgets all. Throws when there is no memory, changing nothing.
    void remember(std::size_t count) {
        marks_ = std::vector<std::uint32_t>((count + bucket_size - 1) / bucket_size * bucket_size);
        remembered_ = count;
    }

    void add(std::uint32_t hash) noexcept {
        if (marks_.empty()) return;
        std::uint32_t* const bucket = bucket_of(hash);
        std::uint32_t* const oldest =
            std::max_element(bucket, bucket + bucket_size, [this](auto left, auto right) { return age(left) < age(right); });
        *oldest = fingerprint(hash) << 16U | now();
        ++additions_;
    }

    /// Forgets the key. @return how many additions have been made since its own, which counts; nullopt: not remembered.
    std::optional<std::size_t> take(std::uint32_t hash) noexcept {
        if (marks_.empty()) return std::nullopt;
        std::uint32_t* const bucket = bucket_of(hash);
        for (std::uint32_t* mark = bucket; mark != bucket + bucket_size; ++mark) {
            if (*mark >> 16U != fingerprint(hash) || age(*mark) > lifetime) continue;
            const std::size_t additions = age(*mark) * remembered_ / lifetime;
            *mark = 0;
            return additions;
        }
        return std::nullopt;
    }

private:
    static constexpr std::size_t bucket_size = 8;
    static constexpr std::uint32_t lifetime = 4096;  // ticks that a key is remembered; times repeat after 16 lifetimes

    [[nodiscard]] static std::uint32_t fingerprint(std::uint32_t hash) noexcept {
        return (std::max)(hash & 0xffffU, std::uint32_t{1});  // 0 is no key
    }
    [[nodiscard]] std::uint32_t* bucket_of(std::uint32_t hash) noexcept {
        const std::uint64_t spread = hash * std::uint32_t{0x9e37'79b1};  // the low bits, which fingerprints are, reach the high
        return marks_.data() + (spread * (marks_.size() / bucket_size) >> 32U) * bucket_size;
    }
    [[nodiscard]] std::uint32_t now() const noexcept {
        return static_cast<std::uint32_t>(additions_ * lifetime / remembered_) & 0xffffU;
    }
    [[nodiscard]] std::uint32_t age(std::uint32_t mark) const noexcept { return mark == 0 ? 0x1'0000U : (now() - mark) & 0xffffU; }

    std::vector<std::uint32_t> marks_;
    std::uint64_t additions_ = 0;
    std::size_t remembered_ = 0;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
