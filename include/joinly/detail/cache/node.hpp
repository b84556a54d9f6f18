#ifndef JOINLY_DETAIL_CACHE_NODE_HPP
#define JOINLY_DETAIL_CACHE_NODE_HPP
// An entry of a Cache: one allocation that holds a header of 16 bytes, the expiry if there is one, the key, and the value.
// The key comes before the value, so that finding an entry touches one cache line of it.
//
// A node does not change once it is linked, but for `uses`; readers need no lock.

#include <joinly/cache/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Whether `size` bytes are the same. In line, for keys are short and a call costs as much as the rest.
[[nodiscard, gnu::always_inline]] inline bool same_bytes(const char* left, const char* right, std::size_t size) noexcept {
    const auto differing = [&]<class Word>(Word, std::size_t at) {
        Word one;
        Word other;
        std::memcpy(&one, left + at, sizeof one);
        std::memcpy(&other, right + at, sizeof other);
        return one ^ other;
    };
    constexpr std::uint64_t word = 0;
    constexpr std::uint32_t half = 0;
    if (size <= 16) {
        if (size >= 8) return (differing(word, 0) | differing(word, size - 8)) == 0;
        if (size >= 4) return (differing(half, 0) | differing(half, size - 4)) == 0;
        for (std::size_t at = 0; at < size; ++at) {
            if (left[at] != right[at]) return false;
        }
        return true;
    }
    if (size > 32) return std::memcmp(left, right, size) == 0;
    return (differing(word, 0) | differing(word, 8) | differing(word, size - 16) | differing(word, size - 8)) == 0;
}

template <class Value>
class CacheNode {
public:
    /// What readers are given: strings lie in the node as bytes.
    static constexpr bool is_bytes = std::is_same_v<Value, std::string>;
    using View = std::conditional_t<is_bytes, std::string_view, const Value&>;

    struct Destroy {
        void operator()(CacheNode* node) const noexcept { destroy(node); }
    };
    using Owner = std::unique_ptr<CacheNode, Destroy>;

    /// Sizes are kept in 32 bits.
    [[nodiscard]] static bool fits(std::string_view key, const Value& value) noexcept {
        constexpr std::size_t most = (std::numeric_limits<std::uint32_t>::max)();
        if constexpr (is_bytes) return key.size() <= most && value.size() <= most;
        return key.size() <= most;
    }

    /// Throws what the allocation or the value's move throws.
    [[nodiscard]] static Owner make(std::string_view key, Value&& value, Expiry expires_at) {
        const std::size_t key_at = sizeof_header + (expires_at.is_never() ? 0 : sizeof(Expiry));
        const std::size_t value_at = aligned(key_at + key.size());
        std::unique_ptr<void, Free> memory{allocate(value_at + size_of(value))};
        char* const bytes = static_cast<char*>(memory.get());
        if constexpr (is_bytes) {
            std::memcpy(bytes + value_at, value.data(), value.size());
        } else {
            ::new (bytes + value_at) Value(std::move(value));
        }
        static_assert(sizeof(CacheNode) == sizeof_header);
        auto* const node = ::new (memory.release()) CacheNode;
        node->key_size_ = static_cast<std::uint32_t>(key.size());
        if constexpr (is_bytes) node->value_size_ = static_cast<std::uint32_t>(value.size());
        node->key_at_ = static_cast<std::uint8_t>(key_at);
        if (node->expires()) std::memcpy(bytes + sizeof_header, &expires_at, sizeof expires_at);
        if (!key.empty()) std::memcpy(bytes + key_at, key.data(), key.size());
        return Owner{node};
    }

    static void destroy(CacheNode* node) noexcept {
        if constexpr (!is_bytes) node->value().~Value();
        node->~CacheNode();
        Free{}(node);
    }

    [[nodiscard]] std::string_view key() const noexcept { return {bytes() + key_at_, key_size_}; }
    [[nodiscard]] bool has_key(std::string_view key) const noexcept {
        return key_size_ == key.size() && same_bytes(bytes() + key_at_, key.data(), key.size());
    }
    [[nodiscard]] View value() const noexcept {
        const char* const at = bytes() + aligned(key_at_ + key_size_);
        if constexpr (is_bytes) {
            return {at, value_size_};
        } else {
            return *std::launder(reinterpret_cast<const Value*>(at));
        }
    }
    [[nodiscard]] Expiry expires_at() const noexcept {
        Expiry expiry;
        if (expires()) std::memcpy(&expiry, bytes() + sizeof_header, sizeof expiry);
        return expiry;
    }
    /// The clock is asked only for an entry that expires.
    template <class Clock>
    [[nodiscard]] bool has_expired(const Clock& clock) const noexcept {
        return expires() && expires_at().has_passed(clock.now());
    }

    [[nodiscard]] std::uint8_t uses() const noexcept { return uses_.load(std::memory_order_relaxed); }
    void set_uses(std::uint8_t uses) noexcept { uses_.store(uses, std::memory_order_relaxed); }
    /// A hit: counts up to `most`, and writes nothing from there on.
    void use(std::uint8_t most) const noexcept {
        const std::uint8_t now = uses_.load(std::memory_order_relaxed);
        if (now < most) uses_.store(static_cast<std::uint8_t>(now + 1), std::memory_order_relaxed);
    }

    CacheSlot slot = no_slot;  // for writers

private:
    static constexpr std::size_t sizeof_header = 16;
    static constexpr std::size_t alignment = is_bytes ? 1 : alignof(Value);
    static constexpr bool over_aligned = alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__;

    struct Free {
        void operator()(void* memory) const noexcept {
            if constexpr (over_aligned) {
                ::operator delete (memory, std::align_val_t{alignment});
            } else {
                ::operator delete(memory);
            }
        }
    };
    [[nodiscard]] static void* allocate(std::size_t size) {
        if constexpr (over_aligned) {
            return ::operator new (size, std::align_val_t{alignment});
        } else {
            return ::operator new(size);
        }
    }
    [[nodiscard]] static constexpr std::size_t aligned(std::size_t at) noexcept { return (at + alignment - 1) & ~(alignment - 1); }
    [[nodiscard]] static std::size_t size_of(const Value& value) noexcept {
        if constexpr (is_bytes) {
            return value.size();
        } else {
            return sizeof value;
        }
    }
    [[nodiscard]] const char* bytes() const noexcept { return reinterpret_cast<const char*>(this); }
    [[nodiscard]] bool expires() const noexcept { return key_at_ != sizeof_header; }

    CacheNode() = default;

    std::uint32_t key_size_ = 0;
    std::uint32_t value_size_ = 0;  // of bytes
    mutable std::atomic<std::uint8_t> uses_{0};
    std::uint8_t key_at_ = sizeof_header;  // after the expiry, if there is one
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
