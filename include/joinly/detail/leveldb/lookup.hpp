#ifndef JOINLY_DETAIL_LEVELDB_LOOKUP_HPP
#define JOINLY_DETAIL_LEVELDB_LOOKUP_HPP
// Finding records by something else than their keys: by index entries, and by the time at which they expire.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/index_pair.hpp>
#include <joinly/detail/leveldb/cursor.hpp>
#include <joinly/detail/leveldb/engine.hpp>
#include <joinly/detail/leveldb/files.hpp>
#include <joinly/detail/leveldb/format.hpp>
#include <joinly/detail/printable.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Visits index entries with their records, from one snapshot.
[[nodiscard]] inline Status leveldb_follow(LevelDbEngine& engine, const std::string& path, const KeyRange& range,
                                           EntryVisitor visit) {
    const LevelDbSnapshot snapshot{engine.db()};
    leveldb::ReadOptions options = engine.read_options();
    options.snapshot = snapshot.get();
    std::string bytes;
    LevelDbCursor at{engine.db(), options, range};
    for (; at.valid(); at.next()) {
        const auto entry = decode_leveldb_value(at.key(), at.value());
        if (!entry) return failure(entry.error());
        const auto record_key = indexed_record_key(at.key(), entry->value);
        if (!record_key) return unpaired_entry(at.key());
        const auto got = engine.db().Get(options, *record_key, &bytes);
        if (got.IsNotFound()) return unpaired_entry(at.key());
        if (!got.ok()) return leveldb_failure(got, path + ": reading " + printable(*record_key));
        const auto record = decode_leveldb_value(*record_key, bytes);
        if (!record) return failure(record.error());
        if (!has_index_term(record->index_terms, term_of_entry(at.key(), *record_key))) return unpaired_entry(at.key());
        if (!visit(at.key(), *record_key, *record)) return {};
    }
    if (!at.status().ok()) return leveldb_failure(at.status(), path);
    return {};
}

/// A search through the order of expiry, some places at a time. A record that is put again or erased leaves its former place
/// there behind: the search finds those out. A record that is damaged is passed over.
class LevelDbExpirySearch {
public:
    LevelDbExpirySearch(WallTime now, std::size_t limit) : now_{now}, limit_{limit} {}

    [[nodiscard]] bool done() const noexcept { return at_end_ || found_.size() == limit_; }
    [[nodiscard]] std::vector<ExpiredRecord> take_found() noexcept { return std::move(found_); }

    /// Goes on for some places. From here until `stale` is written nobody else may write: a record that is put again may get
    /// back the place that it had. @return whether there is anything in `stale`.
    [[nodiscard]] Result<bool> go_on(LevelDbEngine& engine, leveldb::WriteBatch& stale) {
        from_ = (std::max)(from_, engine.first_expiry());
        const bool from_first = from_ == engine.first_expiry();
        if (from_first && from_ != leveldb_expiry_prefix && !is_due(from_)) {  // what a sweep meets most often
            at_end_ = true;
            return false;
        }
        std::string first_kept;
        bool any_stale = false;
        const std::unique_ptr<leveldb::Iterator> at{engine.db().NewIterator(engine.read_options())};
        at->Seek(from_);
        for (std::size_t places = 0; at->Valid() && places < places_at_once; at->Next(), ++places) {
            const auto place = examine(engine, to_view(at->key()));
            if (!place) return failure(place.error());
            at_end_ = *place == Place::not_yet;
            if (*place == Place::stale) {
                stale.Delete(at->key());
                any_stale = true;
            } else if (first_kept.empty()) {
                first_kept = at->key().ToString();
            }
            if (done()) break;
        }
        if (!at->status().ok()) return leveldb_failure(at->status(), "the order of expiry");
        if (at->Valid()) from_ = at->key().ToString();
        at_end_ = at_end_ || !at->Valid();
        if (from_first) engine.set_first_expiry(first_kept.empty() ? from_ : first_kept);
        return any_stale;
    }

private:
    enum class Place { due, stale, damaged, not_yet };

    static constexpr std::size_t places_at_once = 128;  // for which a writer may have to wait: half a millisecond

    [[nodiscard]] bool is_due(std::string_view place) const {
        return is_leveldb_expiry_key(place) && expiry_in_key(place.substr(leveldb_expiry_prefix.size())).has_passed(now_);
    }

    [[nodiscard]] Result<Place> examine(LevelDbEngine& engine, std::string_view place) {
        if (!is_due(place)) return Place::not_yet;
        place.remove_prefix(leveldb_expiry_prefix.size());
        const Expiry expires_at = expiry_in_key(place);
        const std::string_view key = place.substr(expiry_bytes);
        const auto got = engine.db().Get(engine.read_options(), to_slice(key), &bytes_);
        if (got.IsNotFound()) return Place::stale;
        if (!got.ok()) return leveldb_failure(got, "reading " + printable(key));
        const auto record = decode_leveldb_value(key, bytes_);
        if (!record) return Place::damaged;
        if (record->expires_at != expires_at) return Place::stale;
        found_.push_back({std::string{key}, record->version, expires_at});
        return Place::due;
    }

    const WallTime now_;
    const std::size_t limit_;
    std::string from_;
    std::string bytes_;
    std::vector<ExpiredRecord> found_;
    bool at_end_ = false;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
