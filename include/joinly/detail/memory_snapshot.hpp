#ifndef JOINLY_DETAIL_MEMORY_SNAPSHOT_HPP
#define JOINLY_DETAIL_MEMORY_SNAPSHOT_HPP
// What MemoryBackend holds between one write and the next, and when what a write has replaced is freed.
//
// Each snapshot keeps the one after it alive, and frees, when it goes, what that one has replaced. So as long as anybody holds a
// snapshot, nothing is freed that it shows.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/detail/record_tree.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Threads: any may read one that it has a hold on. One writer at a time supersedes the newest.
class MemorySnapshot {
public:
    RecordTree records = {};   // index entries, too
    RecordTree expiries = {};  // a record without a value for each that expires, under its expiry and key
    Version version = absent;  // the newest that was allocated, its records erased or not

    /// Keeps a snapshot.
    class Hold {
    public:
        Hold() = default;
        explicit Hold(MemorySnapshot* kept) noexcept : kept_{kept} {}  // takes over one count
        Hold(const Hold& other) noexcept : kept_{other.kept_} {
            if (kept_) kept_->holders_.fetch_add(1, std::memory_order_relaxed);
        }
        Hold(Hold&& other) noexcept : kept_{std::exchange(other.kept_, nullptr)} {}
        Hold& operator=(Hold other) noexcept {
            std::swap(kept_, other.kept_);
            return *this;
        }
        ~Hold() { release(kept_); }
        [[nodiscard]] const MemorySnapshot& operator*() const noexcept { return *kept_; }
        [[nodiscard]] const MemorySnapshot* operator->() const noexcept { return kept_; }

    private:
        friend class MemoryDraft;
        MemorySnapshot* kept_ = nullptr;
    };

private:
    friend class MemoryDraft;

    static void release(MemorySnapshot* each) noexcept {
        while (each && each->holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            MemorySnapshot* const next = each->next_;
            if (next) {
                each->replaced_.free();
            } else {
                each->records.free();
                each->expiries.free();
            }
            delete std::exchange(each, next);
        }
    }

    std::atomic<std::size_t> holders_{1};
    MemorySnapshot* next_ = nullptr;  // counted
    RecordTree::Retired replaced_;    // by the next one
};

/// The next snapshot while it is made. Unless it is published it leaves no trace.
class MemoryDraft {
public:
    RecordTree records;
    RecordTree expiries;

    MemoryDraft(const MemorySnapshot& former, std::uint64_t round) noexcept
        : records{former.records}, expiries{former.expiries}, round_{round} {}
    MemoryDraft(const MemoryDraft&) = delete;
    MemoryDraft& operator=(const MemoryDraft&) = delete;
    ~MemoryDraft() {
        if (!is_published_) {
            records.undo(round_.number);
            expiries.undo(round_.number);
        }
        round_.discarded.free();
    }

    const StoredRecord* put(RecordTree& tree, std::string_view key, const RecordView& record) {
        return tree.put(round_, StoredRecord::make(round_.number, key, record));
    }
    const StoredRecord* erase(RecordTree& tree, std::string_view key) { return tree.erase(round_, key); }

    /// The snapshot that comes after `former`, the newest: nothing else may.
    [[nodiscard]] MemorySnapshot::Hold publish(const MemorySnapshot::Hold& former, Version version) {
        auto* const next = new MemorySnapshot;
        next->records = records;
        next->expiries = expiries;
        next->version = version;
        next->holders_ = 2;
        former.kept_->next_ = next;
        former.kept_->replaced_ = round_.replaced;
        is_published_ = true;
        return MemorySnapshot::Hold{next};
    }

private:
    RecordTree::Round round_;
    bool is_published_ = false;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
