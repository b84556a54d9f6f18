#ifndef JOINLY_DETAIL_C_ANY_STORE_HPP
#define JOINLY_DETAIL_C_ANY_STORE_HPP
// A store whose backend, policy and codec are chosen at run time, of documents and bytes: what the C interface works with.

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/backoff.hpp>
#include <joinly/detail/c/any_backend.hpp>
#include <joinly/detail/c/document.hpp>
#include <joinly/detail/c/stats_json.hpp>
#include <joinly/detail/policy/deadline.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/prometheus.hpp>
#include <joinly/ops/sql_views.hpp>
#include <joinly/options.hpp>
#include <joinly/policy/no_cache.hpp>
#include <joinly/store.hpp>
#include <joinly/traits.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

struct AnyPut {
    std::string_view key;
    std::string_view value;
    SaveOptions options = {};
};

struct AnyScan {
    std::string_view prefix;
    std::string_view after;
    std::size_t limit = 0;
    bool wants_values = false;
};

struct AnyEntry {
    std::string key;
    std::string value = {};
};

/// One thread at a time.
class AnyTransaction {
public:
    AnyTransaction() = default;
    AnyTransaction(const AnyTransaction&) = delete;
    AnyTransaction& operator=(const AnyTransaction&) = delete;
    virtual ~AnyTransaction() = default;
    virtual Status put(const AnyPut& put) = 0;
    virtual Result<LoadedObject> get(std::string_view key) = 0;
    virtual Status erase(std::string_view key, const EraseOptions& options) = 0;
    virtual Status scan(const AnyScan& scan, std::vector<AnyEntry>& found) = 0;
    virtual Result<Version> commit() = 0;
};

/// All that a store holds, for what works past its policy.
struct AnyContents {
    AnyBackend::Options backend;
    DocumentCodec codec = DocumentCodec::json;
    bool is_cached = false;  ///< what is written here the store may not see
};

/// Any thread. The names are the Store's, and so is what they promise.
class AnyStore {
public:
    AnyStore() = default;
    AnyStore(const AnyStore&) = delete;
    AnyStore& operator=(const AnyStore&) = delete;
    virtual ~AnyStore() = default;
    virtual Result<Version> put(const AnyPut& put) = 0;
    virtual Result<LoadedObject> get(std::string_view key) = 0;
    virtual Status erase(std::string_view key, const EraseOptions& options) = 0;
    virtual Status touch(std::string_view key, const std::optional<Ttl>& ttl) = 0;
    virtual Status scan(const AnyScan& scan, std::vector<AnyEntry>& found) = 0;
    virtual Result<SweepReport> sweep(std::chrono::microseconds budget) = 0;
    virtual std::unique_ptr<AnyTransaction> begin() = 0;  ///< not to outlive the store
    virtual Status flush(std::optional<std::chrono::milliseconds> timeout) = 0;
    virtual Status close(std::optional<std::chrono::milliseconds> timeout) = 0;
    virtual Result<std::string> stats() = 0;
    virtual Result<std::string> metrics(std::string_view name) = 0;
    virtual Result<std::string> backup(const std::string& directory, const BackupOptions& options) = 0;  ///< its path
    virtual Result<AnyContents> contents() = 0;  ///< with everything that was acknowledged before
};

/// What a key's object is.
[[nodiscard]] inline const ObjectType& type_under(std::string_view key, DocumentCodec codec) noexcept {
    const DocumentKind* const kind = document_kind_of(key);
    return kind == nullptr ? bytes_type : kind->type(codec);
}

/// A document to be written.
[[nodiscard]] inline Result<Object> make_document(const DocumentKind& kind, DocumentCodec codec, const AnyPut& put) {
    auto document = kind.parse[static_cast<std::size_t>(codec)](id_of(kind.name, put.key), put.value);
    if (!document) return failure_at(put.key, document.error());
    return Object{*std::move(document), &kind.type(codec)};
}

template <class Core>
class TransactionOf final : public AnyTransaction {
public:
    TransactionOf(Core& core, DocumentCodec codec) : core_{core}, codec_{codec}, transaction_{core} {}

    Status put(const AnyPut& put) override {
        if (auto usable = core_.open_raw_key(put.key); !usable) return usable;
        const DocumentKind* const kind = document_kind_of(put.key);
        if (kind == nullptr) return transaction_.put(put.key, std::string{put.value}, put.options);
        const auto expires_at = core_.expiry(put.options.ttl);
        if (!expires_at) return failure(expires_at.error());
        auto document = make_document(*kind, codec_, put);
        if (!document) return failure(std::move(document).error());
        if (auto kept = transaction_.rest_on(rest_on_catalogue_of(core_, *kind)); !kept) return kept;
        if (auto met = transaction_.expect(put.key, kind->type(codec_), put.options.expect); !met) return met;
        transaction_.write_object(std::string{put.key}, *std::move(document), *expires_at);
        return {};
    }
    Result<LoadedObject> get(std::string_view key) override {
        if (auto usable = core_.open_raw_key(key); !usable) return failure(std::move(usable).error());
        return transaction_.load_object(std::string{key}, type_under(key, codec_));
    }
    Status erase(std::string_view key, const EraseOptions& options) override {
        if (auto usable = core_.open_raw_key(key); !usable) return usable;
        if (auto met = transaction_.expect(key, type_under(key, codec_), options.expect); !met) return met;
        return transaction_.erase_key(key);
    }
    Status scan(const AnyScan& scan, std::vector<AnyEntry>& found) override {
        auto keys = transaction_.keys(scan.prefix, {std::string{scan.after}, scan.limit});
        if (!keys) return failure(std::move(keys).error());
        for (std::string& key : *keys) found.push_back({std::move(key)});
        return {};
    }
    Result<Version> commit() override {
        if (core_.is_closed()) return Core::closed_error();
        return core_.observed(Operation::transaction, [&] { return transaction_.finish({}); });
    }

private:
    Core& core_;
    DocumentCodec codec_;
    Transaction<Core> transaction_;
};

/// What the C interface's stores use. The codec is that of the catalogues and views: documents have one of their own.
struct AnyTraits : DefaultTraits {
    using Codec = Json;
};

template <class CachePolicy>
class StoreOf final : public AnyStore {
    using Typed = Store<AnyBackend, CachePolicy, AnyTraits>;

public:
    StoreOf(Typed store, DocumentCodec codec, StoreNames names)
        : store_{std::move(store)}, core_{StoreAccess::core(store_)}, codec_{codec}, names_{std::move(names)} {}

    Result<Version> put(const AnyPut& put) override {
        if (auto usable = core_.open_raw_key(put.key); !usable) return failure(std::move(usable).error());
        const DocumentKind* const kind = document_kind_of(put.key);
        if (kind == nullptr) return store_.put(put.key, std::string{put.value}, put.options);
        return core_.observed(Operation::save, [&]() -> Result<Version> {
            const auto expires_at = core_.expiry(put.options.ttl);
            if (!expires_at) return failure(expires_at.error());
            auto document = make_document(*kind, codec_, put);
            if (!document) return failure(std::move(document).error());
            return write(put.key, *std::move(document), *expires_at, put.options.expect);
        });
    }
    Result<LoadedObject> get(std::string_view key) override {
        if (auto usable = core_.open_raw_key(key); !usable) return failure(std::move(usable).error());
        return core_.observed(Operation::load, [&] { return core_.engine().load(key, type_under(key, codec_)); });
    }
    Status erase(std::string_view key, const EraseOptions& options) override { return store_.erase_key(key, options); }

    Status touch(std::string_view key, const std::optional<Ttl>& ttl) override {
        if (auto usable = core_.open_raw_key(key); !usable) return usable;
        return core_.observed(Operation::touch, [&]() -> Status {
            Backoff backoff;
            for (;;) {
                auto loaded = core_.engine().load(key, type_under(key, codec_));
                if (!loaded) return failure(std::move(loaded).error());
                const auto expires_at = core_.expiry(ttl);
                if (!expires_at) return failure(expires_at.error());
                const auto touched = write(key, std::move(loaded->object), *expires_at, loaded->version);
                if (touched) return {};
                if (touched.error() != Errc::conflict || !backoff.wait()) return failure(touched.error());
                core_.count_retry();
            }
        });
    }

    Status scan(const AnyScan& scan, std::vector<AnyEntry>& found) override {
        if (core_.is_closed()) return Core::closed_error();
        if (scan.limit == 0) return {};
        return core_.observed(Operation::scan, [&]() -> Status {
            Status outcome;
            auto scanned = core_.engine().scan(user_keys(scan.prefix, scan.after), [&](const ScanItem& item) {
                AnyEntry& entry = found.emplace_back(AnyEntry{std::string{item.key}});
                if (scan.wants_values) outcome = read_value(item, entry.value);
                return outcome && found.size() < scan.limit;
            });
            return scanned ? std::move(outcome) : std::move(scanned);
        });
    }

    Result<SweepReport> sweep(std::chrono::microseconds budget) override { return store_.sweep(budget); }
    std::unique_ptr<AnyTransaction> begin() override { return std::make_unique<TransactionOf<Core>>(core_, codec_); }
    Status flush(std::optional<std::chrono::milliseconds> timeout) override {
        return timeout ? store_.flush(*timeout) : store_.flush();
    }
    Status close(std::optional<std::chrono::milliseconds> timeout) override {
        return timeout ? store_.close(*timeout).status : store_.close();
    }
    Result<std::string> stats() override {
        if (core_.is_closed()) return Core::closed_error();
        const auto parts = store_.size_by_part();
        if (!parts) return failure(parts.error());
        return stats_json(names_, store_.stats(), store_.health(), *parts);
    }
    Result<std::string> metrics(std::string_view name) override {
        if (core_.is_closed()) return Core::closed_error();
        return to_prometheus(store_, name);
    }
    Result<std::string> backup(const std::string& directory, const BackupOptions& options) override {
        if (store_.backend().engine() == "memory") return failure(Errc::unsupported, "the memory has nothing on a disk to copy");
        auto made = joinly::backup(store_, directory, options);
        if (!made) return failure(std::move(made).error());
        return std::move(made->path);
    }

    Result<AnyContents> contents() override {
        if (auto flushed = store_.flush(); !flushed) return failure(std::move(flushed).error());
        return AnyContents{store_.backend().share(), codec_, !std::is_same_v<CachePolicy, NoCache>};
    }

    [[nodiscard]] Status create_views() { return joinly::create_views<Lobby, Player, Match, Queue>(store_); }

private:
    using Core = std::remove_reference_t<decltype(StoreAccess::core(std::declval<Typed&>()))>;

    [[nodiscard]] Result<Version> write(std::string_view key, Object object, Expiry expires_at,
                                        const std::optional<Version>& expect) {
        WriteSet set;
        if (expect) set.requirements.push_back({std::string{key}, *expect, false});
        set.writes.push_back({std::string{key}, std::move(object), expires_at});
        return write_resting_on(core_, std::move(set), [&] {
            const DocumentKind* const kind = document_kind_of(key);
            return kind == nullptr ? require_unindexed(core_, key) : rest_on_catalogue_of(core_, *kind);
        });
    }

    [[nodiscard]] Status read_value(const ScanItem& item, std::string& value) const {
        const ObjectType& type = type_under(item.key, codec_);
        auto loaded = item.object == nullptr ? decode_record(item.key, item.record, type)
                                             : as_type(item.key, {*item.object, item.record.version, item.record.expires_at}, type);
        if (!loaded) return failure(std::move(loaded).error());
        value = shown(loaded->object);
        return {};
    }

    Typed store_;
    Core& core_;
    DocumentCodec codec_;
    StoreNames names_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
