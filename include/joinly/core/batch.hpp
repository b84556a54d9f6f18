#ifndef JOINLY_CORE_BATCH_HPP
#define JOINLY_CORE_BATCH_HPP
// A group of changes that a backend makes whole or not at all, and what must hold for them to be made.

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// What a returned write has survived to by the time it returns.
enum class Sync : std::uint8_t {
    power_loss,    ///< it has been fsynced
    process_crash  ///< it has reached the operating system: it survives the process, not the machine
};

/// One key's new record, or its end.
struct Change {
    std::string key;
    std::optional<std::string> value;  ///< nullopt erases the key; erasing what is not there is no error
    Expiry expires_at;
    Version version = absent;  ///< what the record gets; `absent`: the batch's own version
    ValueForm form = ValueForm::bytes;

    /// What secondary indexes know the new record by (see core/index_entry.hpp): the backend keeps it with the record and, in
    /// the same transaction, makes an index entry of each term and removes those that the record's former terms had made. Engaged
    /// and empty: the record has none, but its predecessor may have had. nullopt: neither should have any. Where the predecessor
    /// has some all the same (a program that does not know its indexes has replaced it), a backend to which looking costs nothing
    /// removes its entries; another one, LevelDB, leaves them, and no index may be listed as complete before it is rebuilt.
    std::optional<std::string> index_terms = {};
};

/// A key must be at this version, or absent, when the batch is decided.
struct Requirement {
    std::string key;
    Version version = absent;
    bool even_expired = false;  ///< a record that has expired counts as what it is, and not as absent: for a sweep
};

/// A range must hold what it held when it was read: the digest of the records in it that are live at the batch's `now` must be
/// this one (see core/range_digest.hpp).
struct RangeRequirement {
    KeyRange range;
    std::uint64_t seed = 0;
    std::uint64_t digest = 0;
};

/// Changes in order (a later one to the same key wins) and the requirements they are made under.
struct Batch {
    std::vector<Change> changes;
    std::vector<Requirement> requirements;
    std::vector<RangeRequirement> ranges = {};  ///< decided like requirements

    /// The moment the batch is decided at: a record that has expired by then counts as absent to a requirement. The
    /// default lets nothing expire.
    WallTime now = (WallTime::min)();

    /// The batch's version, when the caller allocates them (write-behind does); it must be above every version that the
    /// backend has committed, else the backend answers `conflict`. `absent`: the backend allocates one.
    Version version = absent;

    /// The last version that the caller knows of, when it believes to be the only writer: if the backend has committed any
    /// other since, it answers `conflict` and changes nothing. nullopt: whatever the others did.
    std::optional<Version> after = {};

    /// What the batch must survive once the write has returned, where that is more than the backend's own `sync` option asks
    /// for: a journal lets go of a batch only once the backend has it for good.
    Sync sync = Sync::process_crash;

    Batch& put(std::string key, std::string value, Expiry expires_at = {}) {
        changes.push_back({std::move(key), std::move(value), expires_at, absent, ValueForm::bytes, {}});
        return *this;
    }
    Batch& erase(std::string key) {
        changes.push_back({std::move(key), std::nullopt, {}, absent, ValueForm::bytes, {}});
        return *this;
    }
    Batch& require(std::string key, Version at) {
        requirements.push_back({std::move(key), at, false});
        return *this;
    }
};

JOINLY_NAMESPACE_END
#endif
