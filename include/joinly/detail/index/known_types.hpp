#ifndef JOINLY_DETAIL_INDEX_KNOWN_TYPES_HPP
#define JOINLY_DETAIL_INDEX_KNOWN_TYPES_HPP
// Which types a store has dealt with already, and which kinds have indexes: looked at by every typed write, changed hardly ever.

#include <joinly/config.hpp>
#include <joinly/policy/object.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Any thread may call anything; looking takes no lock. When there are more types than it has room for, the others are never known,
/// and only pay for that.
class KnownTypes {
public:
    [[nodiscard]] bool contains(const ObjectType* type) const noexcept {
        for (const auto& place : places_) {
            const ObjectType* const known = place.load(std::memory_order_acquire);
            if (known == type) return true;
            if (known == nullptr) return false;
        }
        return false;
    }
    /// Changes whenever everything is forgotten.
    [[nodiscard]] std::uint64_t round() const noexcept { return round_.load(); }
    void clear() noexcept {
        ++round_;
        for (auto& place : places_) place.store(nullptr);
    }
    /// What was found out about the type in an earlier round may hold no more: it then stays unknown.
    void add(const ObjectType* type, std::uint64_t round) noexcept {
        for (auto& place : places_) {
            const ObjectType* known = nullptr;
            if (!place.compare_exchange_strong(known, type) && known != type) continue;
            if (round != round_.load()) place.store(nullptr);
            return;
        }
    }

private:
    std::array<std::atomic<const ObjectType*>, 64> places_{};
    std::atomic<std::uint64_t> round_{0};
};

/// Guarded by its own mutex, a leaf.
class IndexedKinds {
public:
    [[nodiscard]] bool contains(std::string_view kind) const {
        const std::scoped_lock lock{mutex_};
        return kinds_.find(kind) != kinds_.end();
    }
    void set(std::string_view kind, bool is_indexed) {
        const std::scoped_lock lock{mutex_};
        if (is_indexed) {
            kinds_.emplace(kind);
        } else if (const auto at = kinds_.find(kind); at != kinds_.end()) {
            kinds_.erase(at);
        }
    }

private:
    mutable std::mutex mutex_;
    std::set<std::string, std::less<>> kinds_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
