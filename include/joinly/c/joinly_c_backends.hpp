#ifndef JOINLY_C_JOINLY_C_BACKENDS_HPP
#define JOINLY_C_JOINLY_C_BACKENDS_HPP
// A part of joinly_c.hpp, and only to be included by it: the engines by their names, and what each has a way of its own for.

#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite_salvage.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/c/any_backend.hpp>
#include <joinly/detail/c/open_options.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/ops/restore.hpp>
#if !defined(JOINLY_C_WITHOUT_SQLITE)
#include <joinly/backend/sqlite.hpp>
#endif
#if !defined(JOINLY_C_WITHOUT_LEVELDB)
#include <joinly/backend/leveldb.hpp>
#endif

#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Whether there is such a backend, be it in this build or not.
[[nodiscard]] inline Status require_backend(std::string_view name) {
    if (name.find(' ') == name.npos && !name.empty() && names_have("sqlite leveldb memory", name)) return {};
    return failure(Errc::invalid_argument, "there is no backend '" + printable_start(name) + '\'');
}

[[nodiscard]] inline tl::unexpected<Error> built_without(std::string_view name) {
    return failure(Errc::unsupported, "this library was built without " + std::string{name});
}

[[nodiscard]] inline Result<AnyBackend::Options> open_backend(std::string_view name, std::string_view path,
                                                              const OpenOptions& options) {
    if (name == "memory") {
        if (path.empty()) return hold_backend<MemoryBackend>({});
        return failure(Errc::invalid_argument, "the memory backend has no path");
    }
    if (path.empty()) return failure(Errc::invalid_argument, std::string{name} + " needs a path");
#if !defined(JOINLY_C_WITHOUT_SQLITE)
    if (name == "sqlite") {
        SqliteOptions chosen = options.sqlite;
        chosen.path = path;
        return hold_backend<SqliteBackend>(chosen);
    }
#endif
#if !defined(JOINLY_C_WITHOUT_LEVELDB)
    if (name == "leveldb") {
        LevelDbOptions chosen = options.leveldb;
        chosen.path = path;
        return hold_backend<LevelDbBackend>(chosen);
    }
#endif
    return built_without(name);
}

template <storage_backend Backend>
[[nodiscard]] Status restore_typed(const std::string& backup, typename Backend::Options target, const std::string& path,
                                   const OpenOptions& options) {
    target.path = path;
    const auto restored = restore<Backend>(backup, target, {.journal = options.behind.journal.path});
    return restored ? Status{} : failure(restored.error());
}

[[nodiscard]] inline Status restore_any(std::string_view backend, const std::string& backup, const std::string& path,
                                        const OpenOptions& options) {
#if !defined(JOINLY_C_WITHOUT_SQLITE)
    if (backend == "sqlite") return restore_typed<SqliteBackend>(backup, options.sqlite, path, options);
#endif
#if !defined(JOINLY_C_WITHOUT_LEVELDB)
    if (backend == "leveldb") return restore_typed<LevelDbBackend>(backup, options.leveldb, path, options);
#endif
    return failure(Errc::unsupported, "there is nothing that '" + printable_start(backend) + "' could restore");
}

/// In its place.
[[nodiscard]] inline Status repair_any(std::string_view backend, const std::string& path) {
    if (auto known = require_backend(backend); !known) return known;
    if (backend == "memory") return failure(Errc::unsupported, "the memory has nothing to be repaired");
    if (backend == "sqlite")
        return failure(Errc::unsupported,
                       "SQLite is not repaired in its place: a salvage makes a new database of what can be read");
#if !defined(JOINLY_C_WITHOUT_LEVELDB)
    LevelDbOptions options;
    options.path = path;
    const auto repaired = LevelDbBackend::repair(options);
    return repaired ? Status{} : failure(repaired.error());
#else
    return built_without(backend);
#endif
}

/// Into a new database.
[[nodiscard]] inline Result<SqliteSalvage> salvage_any(std::string_view backend, const std::string& path, const std::string& into) {
    if (auto known = require_backend(backend); !known) return failure(std::move(known).error());
    if (backend == "memory") return failure(Errc::unsupported, "the memory has nothing to be salvaged");
    if (backend == "leveldb") return failure(Errc::unsupported, "a LevelDB database is repaired in its place: copy it first");
#if !defined(JOINLY_C_WITHOUT_SQLITE)
    SqliteOptions options;
    options.path = path;
    return SqliteBackend::salvage(options, into);
#else
    return built_without(backend);
#endif
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
