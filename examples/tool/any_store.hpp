#ifndef TOOL_ANY_STORE_HPP
#define TOOL_ANY_STORE_HPP
// A store whose backend and codec are known while the program runs, with what the commands ask of it. One thread at a time.

#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/options.hpp>

#include <memory>
#include <string>
#include <string_view>

#include "any_backend.hpp"
#include "place.hpp"

namespace tool {

class AnyStore {
public:
    AnyStore() = default;
    AnyStore(const AnyStore&) = delete;
    AnyStore& operator=(const AnyStore&) = delete;
    virtual ~AnyStore() = default;

    /// The value of a record: JSON for the kinds that the library knows, and bytes as they are for others.
    [[nodiscard]] virtual joinly::Result<std::string> readable(std::string_view key, std::string_view value) const = 0;
    /// The other way round. `invalid_argument` when it is no JSON of that kind, or of another id than the key's.
    [[nodiscard]] virtual joinly::Result<joinly::Version> put(std::string_view key, std::string value,
                                                              const joinly::SaveOptions& options) = 0;
    [[nodiscard]] virtual joinly::Status erase(std::string_view key, const joinly::EraseOptions& options) = 0;
    using OnExpired = joinly::detail::FunctionRef<void(const joinly::ExpiredEntity& expired)>;
    [[nodiscard]] virtual joinly::Result<joinly::SweepReport> sweep(std::chrono::microseconds budget, OnExpired on_expired) = 0;
    /// Builds the indexes of the kinds that the library knows, where they are not as they should be; `on_built` is told each kind
    /// of which they were built. The first error of a kind whose could not be; `corrupt`: a record is in the way.
    using OnBuilt = joinly::detail::FunctionRef<void(std::string_view kind)>;
    [[nodiscard]] virtual joinly::Status rebuild_indexes(OnBuilt on_built) = 0;
    /// For SQL: one for each kind. `unsupported` unless the store is SQLite's and keeps JSON.
    [[nodiscard]] virtual joinly::Status create_views() = 0;
};

/// Whether the library knows what a record under `key` is.
[[nodiscard]] bool is_known_kind(std::string_view key);

/// As Engine::scan, forward, but past damaged records: `on_flaw` is told those. `corrupt`: what is damaged has no key to go on
/// behind.
[[nodiscard]] joinly::Status scan_past_damage(Engine& engine, joinly::KeyRange range, joinly::ScanVisitor visit,
                                              joinly::FlawVisitor on_flaw);

/// How the first record is written, of those of the kinds that the library knows, that can be read; nullopt: there are none.
/// `corrupt`: there are some, and none can be read.
[[nodiscard]] joinly::Result<std::optional<CodecName>> detect_codec(Engine& engine);

/// An open store: `engine` for records as they are, `store` for what the library makes of them; none where only they are wanted.
struct Opened {
    Place place;
    std::shared_ptr<Engine> engine;
    std::unique_ptr<AnyStore> store;
    CodecName codec = CodecName::binary;
    bool is_new = false;  ///< it has just been made
};

/// What parse_place and open_engine may answer; `incompatible`: its records are written in another codec than the place asks for;
/// `corrupt`, for Access::create: its codec cannot be told, for none of its records can be read, nor does the place.
///
/// @param codec  of a store that has no records yet and whose place asks for none
[[nodiscard]] joinly::Result<Opened> open_store(const std::string& place, Access access, CodecName codec = CodecName::binary);

/// As above, without `store`, which opens only where everything that the library keeps for itself can be read.
[[nodiscard]] joinly::Result<Opened> open_records(const std::string& place, Access access, CodecName codec = CodecName::binary);

// One file each, so that they compile side by side.
[[nodiscard]] joinly::Result<std::unique_ptr<AnyStore>> make_binary_store(std::shared_ptr<Engine> engine);
[[nodiscard]] joinly::Result<std::unique_ptr<AnyStore>> make_json_store(std::shared_ptr<Engine> engine);
[[nodiscard]] joinly::Result<std::unique_ptr<AnyStore>> make_binary_zstd_store(std::shared_ptr<Engine> engine);
[[nodiscard]] joinly::Result<std::unique_ptr<AnyStore>> make_json_zstd_store(std::shared_ptr<Engine> engine);

}  // namespace tool
#endif
