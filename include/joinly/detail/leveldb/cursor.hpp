#ifndef JOINLY_DETAIL_LEVELDB_CURSOR_HPP
#define JOINLY_DETAIL_LEVELDB_CURSOR_HPP
// Going through a range of LevelDB's keys, in its direction, past the adapter's own.

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/format.hpp>

#include <memory>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What reads of one cursor or more are to agree on. It must go before its database.
class LevelDbSnapshot {
public:
    explicit LevelDbSnapshot(leveldb::DB& db) : db_{db}, snapshot_{db.GetSnapshot()} {}
    ~LevelDbSnapshot() { db_.ReleaseSnapshot(snapshot_); }
    LevelDbSnapshot(const LevelDbSnapshot&) = delete;
    LevelDbSnapshot& operator=(const LevelDbSnapshot&) = delete;
    [[nodiscard]] const leveldb::Snapshot* get() const noexcept { return snapshot_; }

private:
    leveldb::DB& db_;
    const leveldb::Snapshot* snapshot_;
};

/// Sees what was there when it was made, or what the options' snapshot has. It must go before its database.
class LevelDbCursor {
public:
    LevelDbCursor(leveldb::DB& db, const leveldb::ReadOptions& options, KeyRange range)
        : range_{std::move(range)}, at_{db.NewIterator(options)} {
        forward() ? at_->Seek(range_.begin) : seek_before(range_.end);
        skip_own_keys();
    }

    /// Whether it is at an entry: not at the end of its range, nor stopped by an error, which `status` tells.
    [[nodiscard]] bool valid() const {
        if (!at_->Valid()) return false;
        return forward() ? range_.end.empty() || key() < range_.end : key() >= range_.begin;
    }
    [[nodiscard]] std::string_view key() const { return to_view(at_->key()); }
    [[nodiscard]] std::string_view value() const { return to_view(at_->value()); }
    void next() {
        forward() ? at_->Next() : at_->Prev();
        skip_own_keys();
    }
    [[nodiscard]] leveldb::Status status() const { return at_->status(); }

private:
    [[nodiscard]] bool forward() const noexcept { return range_.direction == Direction::forward; }

    void seek_before(std::string_view key) {
        if (key.empty()) return at_->SeekToLast();
        at_->Seek(to_slice(key));
        at_->Valid() ? at_->Prev() : at_->SeekToLast();
    }
    void skip_own_keys() {  // at once: there may be as many of them as records
        if (!at_->Valid() || !is_leveldb_own_key(key())) return;
        forward() ? at_->Seek(to_slice(leveldb_after_own_keys)) : seek_before(leveldb_own_prefix);
    }

    KeyRange range_;
    std::unique_ptr<leveldb::Iterator> at_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
