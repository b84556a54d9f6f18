#ifndef JOINLY_CORE_BATCH_HPP
#define JOINLY_CORE_BATCH_HPP
// A group of changes that a backend makes whole or not at all, and what must hold for them to be made.

#include <joinly/config.hpp>
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
};

/// A key must be at this version, or absent, when the batch is decided.
struct Requirement {
    std::string key;
    Version version = absent;
};

/// Changes in order (a later one to the same key wins) and the requirements they are made under.
struct Batch {
    std::vector<Change> changes;
    std::vector<Requirement> requirements;

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
        changes.push_back({std::move(key), std::move(value), expires_at, absent, ValueForm::bytes});
        return *this;
    }
    Batch& erase(std::string key) {
        changes.push_back({std::move(key), std::nullopt, {}, absent, ValueForm::bytes});
        return *this;
    }
    Batch& require(std::string key, Version at) {
        requirements.push_back({std::move(key), at});
        return *this;
    }
};

JOINLY_NAMESPACE_END
#endif
