#ifndef TOOL_ANY_BACKEND_HPP
#define TOOL_ANY_BACKEND_HPP
// A backend that is chosen while the program runs. The library is put together at compile time; a tool that opens whatever it is
// given wants one store type and not one for each engine. So this is a backend like any other, and stands on a virtual interface.
// Thread safety and meaning: the engine's.

#include <joinly/backend/concepts.hpp>
#include <joinly/backend/sqlite_query.hpp>
#include <joinly/backend/sqlite_views.hpp>

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "place.hpp"

namespace tool {

/// As joinly::storage_backend has it.
class Engine {
public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    [[nodiscard]] virtual joinly::Result<joinly::Record> read(std::string_view key) = 0;
    [[nodiscard]] virtual joinly::Status read_many(std::span<const std::string_view> keys, joinly::ReadSink sink) = 0;
    [[nodiscard]] virtual joinly::Result<joinly::Version> write(const joinly::Batch& batch) = 0;
    [[nodiscard]] virtual joinly::Status scan(const joinly::KeyRange& range, joinly::ScanVisitor visit) = 0;
    [[nodiscard]] virtual joinly::Status follow(const joinly::KeyRange& range, joinly::EntryVisitor visit) = 0;
    [[nodiscard]] virtual joinly::Result<std::vector<joinly::ExpiredRecord>> expired(joinly::WallTime now, std::size_t limit) = 0;
    [[nodiscard]] virtual joinly::Result<joinly::Version> last_version() = 0;
    [[nodiscard]] virtual joinly::Result<std::uint64_t> size_on_disk() = 0;
    [[nodiscard]] virtual joinly::Result<std::vector<joinly::StoragePart>> size_by_part() = 0;
    [[nodiscard]] virtual joinly::Status verify_integrity() = 0;
    [[nodiscard]] virtual joinly::Status examine(joinly::ScanVisitor visit, joinly::FlawVisitor on_flaw) = 0;

    /// `unsupported`: the engine has no SQL.
    [[nodiscard]] virtual joinly::Status query(std::string_view sql, joinly::SqlVisitor visit,
                                               const joinly::QueryOptions& options) = 0;
    [[nodiscard]] virtual joinly::Status create_views(std::span<const joinly::SqlView> views) = 0;
};

enum class Access : std::uint8_t { read, write, create };

/// Opens what is at a place. Without Access::create a place with nothing there is `not_found`, and stays as it is.
[[nodiscard]] joinly::Result<std::unique_ptr<Engine>> open_engine(const Place& place, Access access);

// One file each: an engine's header in one translation unit alone.
[[nodiscard]] joinly::Result<std::unique_ptr<Engine>> open_sqlite(const Place& place, Access access);
[[nodiscard]] joinly::Result<std::unique_ptr<Engine>> open_leveldb(const Place& place, Access access);

class AnyBackend {
public:
    /// An engine that is open already.
    struct Options {
        std::shared_ptr<Engine> engine;
    };
    [[nodiscard]] static joinly::Result<AnyBackend> open(Options options) { return AnyBackend{std::move(options.engine)}; }

    [[nodiscard]] auto read(std::string_view key) { return engine_->read(key); }
    [[nodiscard]] auto read_many(std::span<const std::string_view> keys, joinly::ReadSink sink) {
        return engine_->read_many(keys, sink);
    }
    [[nodiscard]] auto write(const joinly::Batch& batch) { return engine_->write(batch); }
    [[nodiscard]] auto scan(const joinly::KeyRange& range, joinly::ScanVisitor visit) { return engine_->scan(range, visit); }
    [[nodiscard]] auto follow(const joinly::KeyRange& range, joinly::EntryVisitor visit) { return engine_->follow(range, visit); }
    [[nodiscard]] auto expired(joinly::WallTime now, std::size_t limit) { return engine_->expired(now, limit); }
    [[nodiscard]] auto last_version() { return engine_->last_version(); }
    [[nodiscard]] auto size_on_disk() { return engine_->size_on_disk(); }
    [[nodiscard]] auto size_by_part() { return engine_->size_by_part(); }
    [[nodiscard]] auto verify_integrity() { return engine_->verify_integrity(); }
    [[nodiscard]] auto examine(joinly::ScanVisitor visit, joinly::FlawVisitor on_flaw) { return engine_->examine(visit, on_flaw); }
    [[nodiscard]] auto create_views(std::span<const joinly::SqlView> views) { return engine_->create_views(views); }

private:
    explicit AnyBackend(std::shared_ptr<Engine> engine) noexcept : engine_{std::move(engine)} {}

    std::shared_ptr<Engine> engine_;
};

static_assert(joinly::verifies_integrity<AnyBackend> && joinly::tells_size_by_part<AnyBackend>);

}  // namespace tool
#endif
