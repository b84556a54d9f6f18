#ifndef JOINLY_DETAIL_POLICY_PENDING_SLOTS_HPP
#define JOINLY_DETAIL_POLICY_PENDING_SLOTS_HPP
// What is pending by key: slots, each one allocation that its key is part of, and the cache's table to find them by the hash
// that the cache goes by as well, so that a save hashes its key once.
//
// Takes no lock: its owner's mutex guards it (see write_behind_state.hpp); only `prefetch` may be called without.

#include <joinly/config.hpp>
#include <joinly/detail/cache/node.hpp>
#include <joinly/detail/cache/table.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/policy/object.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What is pending for a key: its newest write, which batches of its generation wrote it, and what it weighs.
class PendingSlot {
public:
    struct Destroy {
        void operator()(PendingSlot* slot) const noexcept {
            slot->~PendingSlot();
            ::operator delete(slot);
        }
    };
    using Owner = std::unique_ptr<PendingSlot, Destroy>;

    /// Throws what the allocation throws.
    [[nodiscard]] static Owner make(std::string_view key) {
        void* const memory = ::operator new(sizeof(PendingSlot) + key.size());
        Owner slot{::new (memory) PendingSlot{key.size()}};
        if (!key.empty()) std::memcpy(static_cast<char*>(memory) + sizeof(PendingSlot), key.data(), key.size());
        return slot;
    }
    PendingSlot(const PendingSlot&) = delete;
    PendingSlot& operator=(const PendingSlot&) = delete;

    [[nodiscard]] std::string_view key() const noexcept { return {reinterpret_cast<const char*>(this + 1), key_size_}; }
    [[nodiscard]] bool has_key(std::string_view key) const noexcept {
        return key_size_ == key.size() && same_bytes(this->key().data(), key.data(), key.size());
    }

    /// Asks for the memory of the object that is about to be replaced, and destroyed by and by.
    void prefetch_object() const noexcept {
#if defined(__GNUC__)
        const auto object = reinterpret_cast<std::uintptr_t>(newest.object.value.get());  // may be null, or end sooner than that
        for (std::uintptr_t line = 0; line <= 128; line += 64) __builtin_prefetch(reinterpret_cast<const void*>(object + line));
#endif
    }

    LoadedObject newest;
    Version first_version = absent;
    std::size_t bytes = 0;
    bool is_conditional = false;  ///< one of its batches depended on more than the keys it wrote

private:
    explicit PendingSlot(std::size_t key_size) noexcept : key_size_{static_cast<std::uint32_t>(key_size)} {}
    ~PendingSlot() = default;

    std::uint32_t key_size_;  // the key follows
};

/// Owns its slots, which stay where they are until they are erased.
class PendingSlots {
public:
    explicit PendingSlots(KeyHash hash) noexcept : hash_{hash} {}
    PendingSlots(PendingSlots&& other) noexcept : hash_{other.hash_} { swap(other); }
    PendingSlots& operator=(PendingSlots&& other) noexcept {
        PendingSlots{std::move(other)}.swap(*this);
        return *this;
    }
    ~PendingSlots() {
        for_each([](PendingSlot& slot) { PendingSlot::Destroy{}(&slot); });
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Null when there is none.
    [[nodiscard]] PendingSlot* find(std::string_view key, std::uint64_t hash) const noexcept {
        if (table_ == nullptr) return nullptr;
        return table_->find(hash, [key](const PendingSlot& other) { return other.has_key(key); }).node;
    }
    [[nodiscard]] PendingSlot* find(std::string_view key) const noexcept { return find(key, hash_(key)); }
    [[nodiscard]] bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }

    /// The key's slot, which is made if there is none. What throws leaves all as it was.
    [[nodiscard]] PendingSlot& find_or_add(std::string_view key, std::uint64_t hash) {
        if (PendingSlot* const found = find(key, hash)) return *found;
        auto slot = PendingSlot::make(key);
        if (table_ == nullptr || size_ >= table_->room()) grow();
        table_->insert(hash, slot.get());
        ++size_;
        return *slot.release();
    }

    /// Takes out a slot that is there.
    [[nodiscard]] PendingSlot::Owner extract(const PendingSlot& slot) noexcept {
        PendingSlot* const found = find(slot.key());
        table_->erase(hash_(slot.key()), found);
        --size_;
        return PendingSlot::Owner{found};
    }

    /// In no order.
    template <class Visit>
    void for_each(Visit visit) const {
        if (table_ != nullptr) table_->for_each([&](PendingSlot* slot) { visit(*slot); });
    }

    /// Asks for the memory where the hash's slot is looked for.
    void prefetch(std::uint64_t hash) const noexcept { Table::prefetch(whereabouts_, hash); }

private:
    using Table = CacheTable<PendingSlot>;

    void swap(PendingSlots& other) noexcept {
        std::swap(table_, other.table_);
        std::swap(size_, other.size_);
        tell();
        other.tell();
    }
    void tell() noexcept {
        if (table_ != nullptr) table_->tell(whereabouts_);
    }
    void grow() {
        constexpr std::size_t most = (std::numeric_limits<std::size_t>::max)() / sizeof(PendingSlot);
        auto larger = Table::larger(table_.get(), most);
        for_each([&](PendingSlot& slot) { larger->insert(hash_(slot.key()), &slot); });
        table_ = std::move(larger);
        tell();
    }

    KeyHash hash_;
    std::unique_ptr<Table> table_;  // null: no slots
    std::size_t size_ = 0;
    typename Table::Whereabouts whereabouts_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
