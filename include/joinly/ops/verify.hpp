#ifndef JOINLY_OPS_VERIFY_HPP
#define JOINLY_OPS_VERIFY_HPP
// Is everything that a store keeps as it should be? All flaws up to a limit, not only the first.
//
//     auto report = joinly::verify_store<joinly::Player, joinly::Lobby>(*store);
//     if (report && !report->is_sound()) for (const auto& flaw : report->flaws) std::puts(flaw.what.c_str());
//
// What to do about damage: restore a backup (joinly/ops/restore.hpp). Where there is none, LevelDbBackend::repair puts a database
// in order in its place, and SqliteBackend::salvage makes a new one of what can be read. A flaw whose code is `incompatible` is no
// damage: a newer build has written there, or an index is declared that Store::rebuild_indexes has not built yet.

#include <joinly/backend/concepts.hpp>
#include <joinly/codec/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/detail/index/catalogue.hpp>
#include <joinly/detail/ops/entity_id.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/fwd.hpp>
#include <joinly/ops/inventory.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

struct VerifyOptions {
    /// So many flaws are told; the others are counted.
    std::size_t flaw_limit = 100;

    /// Have the engine's own check done as well, which looks every record up in every index: it takes several times as long.
    /// Without it the engine's pages are checked, and the library's indexes as a whole.
    bool thorough = true;

    /// Called every 1,024 records with how many there were; false stops.
    std::function<bool(std::uint64_t records)> on_progress = {};
};

struct Flaw {
    std::string key;  ///< of the record; empty: the database itself
    Errc code = Errc::corrupt;
    std::string what;  ///< for people
};

struct VerifyReport {
    Inventory inventory;                     ///< of the records that are sound
    std::vector<std::string> unknown_kinds;  ///< that are there, and were not named: their records' values were not looked into
    std::vector<Flaw> flaws;
    std::uint64_t flaw_count = 0;
    bool is_complete = true;  ///< false: not everything could be read, which is a flaw, and `inventory` is of what could

    [[nodiscard]] bool is_sound() const noexcept { return flaw_count == 0; }
};

namespace detail {

template <class Codec, class... T>
class Verifier {
public:
    explicit Verifier(const VerifyOptions& options) : options_{options} {}

    bool visit(std::string_view key, const RecordView& record) {
        report_.inventory.add(key, record);
        (void)((is_of_kind<T>(key) && (look_into<T>(key, record.value), true)) || ...);
        return ++records_ % 1024 != 0 || !options_.on_progress || options_.on_progress(records_);
    }

    bool note(std::string_view key, const Error& error) {
        if (report_.flaw_count++ < options_.flaw_limit)
            report_.flaws.push_back({std::string{key}, error.code(), std::string{error.message()}.append(advice_on(key))});
        return true;
    }
    /// Of what has no key. @return what hinders looking.
    [[nodiscard]] Status note(const Status& status) {
        if (status || status.error() == Errc::not_found) return {};
        if (status.error() != Errc::corrupt && status.error() != Errc::incompatible) return status;
        (void)note({}, status.error());
        return {};
    }

    /// Everything but whether indexes and records agree. @return what hinders looking.
    template <class Backend>
    [[nodiscard]] Status look_through(Backend& backend) {
        const auto see = [&](std::string_view key, const RecordView& record) { return visit(key, record); };
        Status examined;
        if constexpr (verifies_integrity<Backend>) {
            examined = backend.examine(see, [&](std::string_view key, const Error& flaw) { return note(key, flaw); });
        } else {
            bool stopped = false;
            examined = backend.scan(KeyRange{}, [&](std::string_view key, const RecordView& record) {
                stopped = !see(key, record);
                return !stopped;
            });
            if (stopped) examined = failure(Errc::cancelled);
        }
        if (auto noted = note(examined); !noted) return noted;
        if (!examined) report_.is_complete = false;
        if constexpr (verifies_integrity<Backend>) {
            if (options_.thorough && is_sound_so_far()) return note(backend.verify_integrity());  // it knows the first flaw only
        }
        return {};
    }

    [[nodiscard]] VerifyReport finish() && {
        for (const auto& [kind, counts] : report_.inventory.kinds) {
            if (!kind.empty() && !((kind == kind_of<T>) || ...)) report_.unknown_kinds.push_back(kind);
        }
        return std::move(report_);
    }
    [[nodiscard]] bool is_sound_so_far() const noexcept { return report_.is_sound(); }

private:
    /// A store reads these when it opens.
    [[nodiscard]] static std::string advice_on(std::string_view key) {
        if (!key.starts_with(catalogue_prefix)) return {};
        return "; it lists the indexes of '" + printable(key.substr(catalogue_prefix.size())) +
               "', and the store does not open with it: joinly repair leaves it out, and builds them anew, as in C++ a repair and "
               "Store::rebuild_indexes";
    }

    template <class U>
    [[nodiscard]] static bool is_of_kind(std::string_view key) noexcept {
        return key.size() > kind_of<U>.size() && key.starts_with(kind_of<U>) && key[kind_of<U>.size()] == ':';
    }

    template <class U>
    void look_into(std::string_view key, std::string_view value) {
        U object{};
        if (const Status decoded = Codec::decode(value, object); !decoded) {
            note(key, failure_at(key, decoded.error()).value());
        } else if (const Status own = require_own_key(object, key); !own) {
            note(key, failure_at(key, own.error()).value());
        }
    }

    const VerifyOptions& options_;
    VerifyReport report_;
    std::uint64_t records_ = 0;
};

}  // namespace detail

/// Reads everything: the engine's own check, every record's checksum, whether each T decodes and is under its own id, and whether
/// indexes and records agree. A flaw is no error: it is in the report. LevelDB's blocks that cannot be read are passed, and told by
/// the keys before and behind them; SQLite goes no further. Others may read and write meanwhile.
///
/// @return otherwise what hinders looking: `io`, `busy`, `closed`; `cancelled`: `on_progress` said so.
/// @par Thread safety  Any thread. It flushes the store first.
/// @par Complexity     O(bytes stored), decoding each T; a bounded number of flaws in memory.
template <class... T, class Backend, class CachePolicy, class Traits>
[[nodiscard]] Result<VerifyReport> verify_store(Store<Backend, CachePolicy, Traits>& store, const VerifyOptions& options = {}) {
    if constexpr ((detail::explain_entity<T>() && ...)) {
        if (auto flushed = store.flush(); !flushed) return failure(std::move(flushed).error());
        detail::Verifier<typename Traits::Codec, T...> verifier{options};
        if (auto looked = verifier.look_through(store.backend()); !looked) return failure(std::move(looked).error());
        Status agree;
        if (verifier.is_sound_so_far()) ((agree = agree ? verifier.note(store.template verify_indexes<T>()) : agree), ...);
        if (!agree) return failure(std::move(agree).error());
        return std::move(verifier).finish();
    } else {
        return failure(Errc::unsupported);
    }
}

/// As above, of a backend alone, whose records Codec has written: for a store that does not open, because what lists its indexes is
/// damaged. Whether indexes and records agree is not looked at.
template <class Codec, class... T, storage_backend Backend>
[[nodiscard]] Result<VerifyReport> verify_backend(Backend& backend, const VerifyOptions& options = {}) {
    if constexpr ((detail::explain_entity<T>() && ...)) {
        detail::Verifier<Codec, T...> verifier{options};
        if (auto looked = verifier.look_through(backend); !looked) return failure(std::move(looked).error());
        return std::move(verifier).finish();
    } else {
        return failure(Errc::unsupported);
    }
}

JOINLY_NAMESPACE_END
#endif
