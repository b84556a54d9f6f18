#ifndef JOINLY_DETAIL_SQLITE_OWN_RECORDS_HPP
#define JOINLY_DETAIL_SQLITE_OWN_RECORDS_HPP
// The versions of records of the library's own that write transactions of one connection have asked for: every write of an entity
// requires one of these, its kind's list of indexes, to be as it was, and it hardly ever changes. They hold until somebody else
// commits, which moves the last version on: a transaction that finds the last version where this connection's newest one has left
// it may rely on them. For one thread at a time.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class SqliteOwnRecords {
public:
    /// A write transaction has begun, and this is the last version.
    void begin(Version last) noexcept {
        if (last_ != last) versions_.clear();
        last_.reset();  // until it has committed, nothing is known of what follows it
    }
    /// It has committed, or changed nothing.
    void end(Version last) noexcept { last_ = last; }

    /// Within a transaction.
    [[nodiscard]] bool has(std::string_view key, Version version) const {
        if (!is_own(key)) return false;
        const auto at = versions_.find(key);
        return at != versions_.end() && at->second == version;
    }
    /// As the transaction sees it. A record that can expire is none of the library's own.
    void note(std::string_view key, Version version) {
        if (!is_own(key)) return;
        if (versions_.size() >= most) versions_.clear();
        versions_.insert_or_assign(std::string{key}, version);
    }
    /// The transaction changes it.
    void forget(std::string_view key) {
        if (!is_own(key)) return;
        if (const auto at = versions_.find(key); at != versions_.end()) versions_.erase(at);
    }

private:
    static constexpr std::size_t most = 64;

    [[nodiscard]] static bool is_own(std::string_view key) noexcept { return key.substr(0, 1) == std::string_view{"\0", 1}; }

    std::map<std::string, Version, std::less<>> versions_;
    std::optional<Version> last_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
