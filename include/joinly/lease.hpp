#ifndef JOINLY_LEASE_HPP
#define JOINLY_LEASE_HPP
// Ownership for a limited time: for the player whom two servers both believe to be theirs.
//
//     auto lease = joinly::acquire_lease(store, "player:ada", "server-1", 30s);
//     if (!lease) return fail(lease.error());                           // busy: "player:ada is held by server-2 ..."
//     auto saved = joinly::save_fenced(store, *lease, ada);             // conflict: the lease is over, or another's by now
//     auto kept = joinly::renew_lease(store, *lease, 30s);              // every 10 seconds, say
//
// A key may be any text that the store's codec takes: any bytes with Binary, UTF-8 with Json. By custom it is that of the record
// which is owned. A lease keeps nobody from writing who does not ask: all who write the owned records do it by save_fenced,
// erase_fenced, or a transaction that begins with require_lease.
//
// The token is what keeps two owners' writes apart: it grows with each acquisition, over expiry, release and restarts, and is
// checked in the very batch that makes the write. So a write of the old owner's comes before the new owner's acquisition, and then
// the new owner reads it, pending or not; or it is `conflict`. Give the token to other systems, and they can refuse an old one too.
// A write that the backend refuses after it was acknowledged, which write-behind sets aside as a dead letter, is made no more: its
// retry is `conflict`, too, and a renewal's once the key was acquired since. A retry that is told to `overwrite` is checked by
// nobody, and can bring an old token back.
//
// Time only decides when somebody else may take over: the store's clock, at the moment of each call. On one machine that is
// one clock. Machines that share a database each ask their own, so the lease of one whose clock is behind is over that much
// earlier than its holder thinks, and one set back lasts longer; no write is let through by it that the token would refuse. A
// clock that is set back after a lease has run out may bring the lease back, while nobody has acquired it since.
//
// Any thread. Acquiring waits until the backend has the lease, so that no crash brings a token back; the backend's `sync`
// option says what it then survives. Leases are entities of the kind `lease`, which a game leaves alone: when one has run out, a
// sweep tells of "lease:player:ada".

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/entity/unknown_fields.hpp>
#include <joinly/options.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

/// What its owner keeps, and shows with each write.
struct Lease {
    std::string key = {};
    std::string owner = {};
    Version token = absent;  ///< greater than that of every lease of this key before
    Expiry expires_at = {};  ///< by the store's clock; the lease may last some milliseconds longer, never less

    friend bool operator==(const Lease&, const Lease&) = default;
};

namespace detail {

/// What is stored, for as long as the lease lasts: the record's expiry is the lease's. A record's version is above all earlier
/// ones, so the one that the acquisition got is the token; a renewal writes it down.
struct LeaseRecord {
    std::string key = {};
    std::string owner = {};
    Version renewed_token = absent;     ///< `absent`: never renewed
    UnknownFields unknown_fields = {};  ///< what a newer build has stored besides

    friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

}  // namespace detail

template <>
struct Entity<detail::LeaseRecord> {
    static constexpr std::string_view kind = "lease";
    static constexpr auto& id(auto& lease) { return lease.key; }
    static constexpr auto& unknown_fields(auto& lease) { return lease.unknown_fields; }
    static constexpr void fields(auto& lease, auto&& field) {
        field(1, "key", lease.key);
        field(2, "owner", lease.owner);
        field(3, "token", lease.renewed_token);
    }
};

namespace detail {

template <class LoadedRecord>
[[nodiscard]] Lease as_lease(const LoadedRecord& loaded) {
    const Version token = loaded->renewed_token == absent ? loaded.version() : loaded->renewed_token;
    return {loaded->key, loaded->owner, token, loaded.expires_at()};
}

[[nodiscard]] inline Result<Expiry> lease_end(WallTime now, Ttl ttl) {
    const auto expires_at = Expiry::after(now, ttl);
    if (expires_at) return *expires_at;
    return failure(Errc::invalid_argument,
                   "a lease must last a positive time, not " + std::to_string(ttl.duration().count()) + " ms");
}

[[nodiscard]] inline tl::unexpected<Error> held_by(const Lease& lease, WallTime now) {
    std::string message = printable(lease.key) + " is held by " + printable(lease.owner);
    if (!lease.expires_at.is_never()) {
        message += " for another " + std::to_string((lease.expires_at.at() - now).count()) + " ms";
    }
    return failure(Errc::busy, std::move(message));
}

}  // namespace detail

/// Who holds `key`, with token and end. `not_found`: nobody, or not any more.
template <class Store>
[[nodiscard]] Result<Lease> find_lease(Store& store, std::string_view key) {
    const auto loaded = store.template load<detail::LeaseRecord>(key);
    if (!loaded) return failure(loaded.error());
    return detail::as_lease(*loaded);
}

/// Makes `owner` the owner of `key` for `ttl`, unless somebody else is. An owner who holds it already gets a new lease with a
/// greater token, and the old one is over: a server that restarted is not kept waiting by its former self, and not disturbed
/// by it either.
///
/// @param key    1 byte to 1 KiB; UTF-8 in a store whose codec is Json, as the owner
/// @param owner  unique among all who acquire: a host and process, say
/// @return the lease; `busy`: the message names who holds it and how much longer (find_lease tells it to a program);
///         `invalid_argument`: the key or the owner is empty, or not UTF-8 where it must be, or the ttl not positive. After any
///         other error the lease may have been acquired all the same: acquire it again, or let it run out.
template <class Store>
[[nodiscard]] Result<Lease> acquire_lease(Store& store, std::string_view key, std::string_view owner, Ttl ttl) {
    if (owner.empty()) return failure(Errc::invalid_argument, "the owner of a lease of " + detail::printable(key) + " is empty");
    Lease lease{std::string{key}, std::string{owner}, absent, {}};
    const auto token = store.transaction([&](auto& tx) -> Status {
        const auto held = tx.template load<detail::LeaseRecord>(key);
        if (!held && !(held.error() == Errc::not_found)) return failure(held.error());
        const WallTime now = store.now();
        if (held && (*held)->owner != owner) return detail::held_by(detail::as_lease(*held), now);
        const auto expires_at = detail::lease_end(now, ttl);
        if (!expires_at) return failure(expires_at.error());
        lease.expires_at = *expires_at;
        return tx.save(detail::LeaseRecord{lease.key, lease.owner}, {.ttl = ttl});
    });
    if (!token) return failure(token.error());
    // A flush tells of others' batches, too, that the backend refused; what counts is this one.
    if (auto flushed = store.flush(); !flushed && !store.wait(*token, std::chrono::milliseconds{0})) {
        return failure(std::move(flushed).error());
    }
    lease.token = *token;
    return lease;
}

/// For a transaction: its writes are made only while the lease holds.
///
/// @return `conflict` when the lease is over, was released, or is another's: return it from the transaction.
template <class Transaction>
[[nodiscard]] Status require_lease(Transaction& tx, const Lease& lease) {
    const auto held = tx.template load<detail::LeaseRecord>(lease.key);
    if (held && detail::as_lease(*held).token == lease.token) return {};
    if (!held && !(held.error() == Errc::not_found)) return failure(held.error());
    std::string message =
        "the lease of " + detail::printable(lease.key) + " with token " + std::to_string(lease.token) + " is over";
    if (held) message += ", " + detail::printable((*held)->owner) + " holds a newer one";
    return failure(Errc::conflict, std::move(message));
}

/// Makes the lease last until `ttl` from now. The token stays.
///
/// @return the lease with its new end; `conflict` when it is over already: acquire it again; `invalid_argument`: the ttl is not
///         positive.
template <class Store>
[[nodiscard]] Result<Lease> renew_lease(Store& store, const Lease& lease, Ttl ttl) {
    Lease renewed = lease;
    const auto done = store.transaction([&](auto& tx) -> Status {
        if (auto holds = require_lease(tx, lease); !holds) return holds;
        const auto expires_at = detail::lease_end(store.now(), ttl);
        if (!expires_at) return failure(expires_at.error());
        renewed.expires_at = *expires_at;
        const auto held = tx.template load<detail::LeaseRecord>(lease.key);
        if (!held) return failure(held.error());
        detail::LeaseRecord record = **held;
        record.renewed_token = lease.token;
        return tx.save(record, {.ttl = ttl});
    });
    if (!done) return failure(done.error());
    return renewed;
}

/// Ends the lease, so that others may acquire the key at once. Releasing one that is over is no error, and ends nobody else's.
template <class Store>
[[nodiscard]] Status release_lease(Store& store, const Lease& lease) {
    const auto done = store.transaction([&](auto& tx) -> Status {
        auto held = require_lease(tx, lease);
        if (!held) return held.error() == Errc::conflict ? Status{} : held;
        return tx.template erase<detail::LeaseRecord>(lease.key);
    });
    if (!done) return failure(done.error());
    return {};
}

/// As Store::save, but `conflict` unless the lease holds. For several records at once: a transaction and require_lease.
template <class Store, class T>
[[nodiscard]] Result<Version> save_fenced(Store& store, const Lease& lease, const T& entity, const SaveOptions& options = {}) {
    return store.transaction([&](auto& tx) -> Status {
        if (auto held = require_lease(tx, lease); !held) return held;
        return tx.save(entity, options);
    });
}

/// As Store::erase without options, but `conflict` unless the lease holds. With a version to expect: a transaction and
/// require_lease.
template <class T, class Store>
[[nodiscard]] Status erase_fenced(Store& store, const Lease& lease, std::string_view id) {
    const auto done = store.transaction([&](auto& tx) -> Status {
        if (auto held = require_lease(tx, lease); !held) return held;
        return tx.template erase<T>(id);
    });
    if (!done) return failure(done.error());
    return {};
}

JOINLY_NAMESPACE_END
#endif
