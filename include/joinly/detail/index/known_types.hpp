#ifndef JOINLY_DETAIL_INDEX_KNOWN_TYPES_HPP
#define JOINLY_DETAIL_INDEX_KNOWN_TYPES_HPP
// Which types a store has dealt with already, and which kinds have indexes: looked at by every typed write, changed hardly
// ever. The one lock, that of the kinds, is a leaf.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/policy/object.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Of each type the version that its kind's catalogue had when it was found to suit the type, and the round in which that was
/// found out: it holds in no other one. Any thread may call anything; looking takes no lock. When there are more types than it has
/// room for, the others are never known, and only pay for that.
class KnownTypes {
public:
    [[nodiscard]] std::optional<Version> find(const ObjectType* type) const noexcept {
        for (const Place& place : places_) {
            const ObjectType* const known = place.type.load(std::memory_order_acquire);
            if (known == nullptr) break;
            if (known != type) continue;
            if (place.round.load() != round_.load()) break;
            return place.version.load();
        }
        return std::nullopt;
    }
    /// Rises whenever everything is forgotten.
    [[nodiscard]] std::uint64_t round() const noexcept { return round_.load(); }
    /// Whether no catalogue has changed since `round`, nor is being changed: what was found out since then holds still.
    [[nodiscard]] bool has_stayed(std::uint64_t round) const noexcept { return changes_.load() == 0 && round_.load() == round; }
    void clear() noexcept { ++round_; }
    /// What was found out about the type in an earlier round may hold no more: it is known at no moment then.
    void add(const ObjectType* type, Version version, std::uint64_t round) noexcept {
        for (Place& place : places_) {
            const ObjectType* known = nullptr;
            if (!place.type.compare_exchange_strong(known, type) && known != type) continue;
            place.version.store(version);
            place.round.store(round);
            return;
        }
    }

    /// A catalogue is being changed: everything is forgotten before and after that, and nothing has stayed meanwhile.
    class Change {
    public:
        static constexpr std::uint64_t rounds = 2;

        explicit Change(KnownTypes& known) noexcept : known_{known} {
            ++known_.changes_;
            known_.clear();
        }
        Change(const Change&) = delete;
        Change& operator=(const Change&) = delete;
        ~Change() {
            known_.clear();
            --known_.changes_;
        }

    private:
        KnownTypes& known_;
    };

private:
    /// A type keeps its place, so that it is never seen with another one's version. With one of an earlier round it may be, of two
    /// that add it at once: what requires that is a conflict.
    struct Place {
        std::atomic<const ObjectType*> type{nullptr};
        std::atomic<Version> version{absent};
        std::atomic<std::uint64_t> round{0};  // none
    };
    std::array<Place, 64> places_{};
    std::atomic<std::uint64_t> round_{1};
    std::atomic<std::uint64_t> changes_{0};  // under way
};

/// Which kinds may have indexes. Guarded by its own mutex, a leaf.
class IndexedKinds {
public:
    [[nodiscard]] bool contains(std::string_view kind) const {
        const std::scoped_lock lock{mutex_};
        return kinds_.find(kind) != kinds_.end();
    }
    void add(std::string_view kind) {
        const std::scoped_lock lock{mutex_};
        kinds_.emplace(kind);
    }

private:
    mutable std::mutex mutex_;
    std::set<std::string, std::less<>> kinds_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
