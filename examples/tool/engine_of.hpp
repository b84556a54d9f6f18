#ifndef TOOL_ENGINE_OF_HPP
#define TOOL_ENGINE_OF_HPP
// A compile-time backend behind the run-time interface.

#include <utility>

#include "any_backend.hpp"

namespace tool {

template <joinly::storage_backend Backend>
class EngineOf final : public Engine {
public:
    explicit EngineOf(Backend backend) : backend_{std::move(backend)} {}

    joinly::Result<joinly::Record> read(std::string_view key) override { return backend_.read(key); }
    joinly::Status read_many(std::span<const std::string_view> keys, joinly::ReadSink sink) override {
        return backend_.read_many(keys, sink);
    }
    joinly::Result<joinly::Version> write(const joinly::Batch& batch) override { return backend_.write(batch); }
    joinly::Status scan(const joinly::KeyRange& range, joinly::ScanVisitor visit) override { return backend_.scan(range, visit); }
    joinly::Status follow(const joinly::KeyRange& range, joinly::EntryVisitor visit) override {
        return backend_.follow(range, visit);
    }
    joinly::Result<std::vector<joinly::ExpiredRecord>> expired(joinly::WallTime now, std::size_t limit) override {
        return backend_.expired(now, limit);
    }
    joinly::Result<joinly::Version> last_version() override { return backend_.last_version(); }
    joinly::Result<std::uint64_t> size_on_disk() override { return backend_.size_on_disk(); }
    joinly::Result<std::vector<joinly::StoragePart>> size_by_part() override { return backend_.size_by_part(); }
    joinly::Status verify_integrity() override { return backend_.verify_integrity(); }
    joinly::Status examine(joinly::ScanVisitor visit, joinly::FlawVisitor on_flaw) override {
        return backend_.examine(visit, on_flaw);
    }

    joinly::Status query(std::string_view sql, joinly::SqlVisitor visit, const joinly::QueryOptions& options) override {
        if constexpr (requires { backend_.query(sql, {}, visit, options); }) {
            return backend_.query(sql, {}, visit, options);
        } else {
            return no_sql();
        }
    }
    joinly::Status create_views(std::span<const joinly::SqlView> views) override {
        if constexpr (requires { backend_.create_views(views); }) {
            return backend_.create_views(views);
        } else {
            return no_sql();
        }
    }

private:
    static joinly::Status no_sql() {
        return joinly::failure(joinly::Errc::unsupported, "only an SQLite store answers SQL: migrate this one to sqlite+json:PATH");
    }

    Backend backend_;
};

template <joinly::storage_backend Backend>
[[nodiscard]] joinly::Result<std::unique_ptr<Engine>> open_engine_of(const typename Backend::Options& options) {
    auto backend = Backend::open(options);
    if (!backend) return joinly::failure(std::move(backend).error());
    return std::make_unique<EngineOf<Backend>>(std::move(*backend));
}

}  // namespace tool
#endif
