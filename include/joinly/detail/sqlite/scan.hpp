#ifndef JOINLY_DETAIL_SQLITE_SCAN_HPP
#define JOINLY_DETAIL_SQLITE_SCAN_HPP
// A range of keys, read in order. Records and index entries lie in two tables; the keys of entries are a stretch of the key order
// that holds nothing else, so a range is read from one table after the other. These functions throw SQLite::Exception;
// sqlite_attempt turns that into an Error.

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/sqlite/connection.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What lies in a range, as of one moment. The connection must outlive it, and be used for nothing else that ends a transaction.
class SqliteScan {
public:
    SqliteScan(SqliteConnection& connection, const KeyRange& range) : connection_{connection}, direction_{range.direction} {
        add_part(SqliteTable::record, range, "", index_entry_prefix);
        add_part(SqliteTable::index_entry, range, index_entry_prefix, index_entries_end);
        add_part(SqliteTable::record, range, index_entries_end, "");
        if (direction_ == Direction::forward)
            std::reverse(parts_.begin(), parts_.begin() + static_cast<std::ptrdiff_t>(parts_left_));
    }
    SqliteScan(const SqliteScan&) = delete;
    SqliteScan& operator=(const SqliteScan&) = delete;
    ~SqliteScan() {
        rows_.reset();
        if (began_) connection_.try_rollback();
    }

    /// @return whether there is one more; it is here until the next call. `corrupt`, naming its key, when it is damaged.
    [[nodiscard]] Result<bool> next() {
        for (;;) {
            if (rows_ && rows_->next()) break;
            rows_.reset();
            if (parts_left_ == 0) return false;
            if (parts_left_ > 1 && !connection_.in_transaction()) {  // one snapshot for all parts
                connection_.run(SqliteSql::begin_read);
                began_ = true;
            }
            begin(parts_[--parts_left_]);
        }
        key_ = rows_->bytes(4);
        const Result<RecordView> record = sqlite_record(*rows_, key_);
        if (!record) return failure(record.error());
        record_ = *record;
        return true;
    }

    [[nodiscard]] std::string_view key() const noexcept { return key_; }
    [[nodiscard]] const RecordView& record() const noexcept { return record_; }

private:
    struct Part {
        SqliteTable table = SqliteTable::record;
        std::string begin;
        std::string end;
    };

    /// What `range` has between `begin` and `end`, where empty means no end.
    void add_part(SqliteTable table, const KeyRange& range, std::string_view begin, std::string_view end) {
        begin = (std::max)(begin, std::string_view{range.begin});
        if (end.empty() || (!range.end.empty() && range.end < end)) end = range.end;
        if (end.empty() || begin < end) parts_[parts_left_++] = {table, std::string{begin}, std::string{end}};
    }
    void begin(const Part& part) {
        if (part.table == SqliteTable::index_entry && !connection_.has_index_entries()) return;
        const bool is_bounded = !part.end.empty();
        rows_.emplace(connection_.statement(sqlite_scan_of(part.table, direction_, is_bounded)), connection_.handle());
        rows_->set_bytes(1, part.begin);
        if (is_bounded) rows_->set_bytes(2, part.end);
    }

    SqliteConnection& connection_;
    Direction direction_;
    std::array<Part, 3> parts_;
    std::size_t parts_left_ = 0;  // the next one is the last of these
    bool began_ = false;
    std::optional<SqliteQuery> rows_;
    std::string_view key_;
    RecordView record_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
