#ifndef JOINLY_DETAIL_SQLITE_API_HPP
#define JOINLY_DETAIL_SQLITE_API_HPP
// The one place that includes SQLite and SQLiteCpp, and where their exceptions and codes become Errors.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>

#if !JOINLY_HAS_EXCEPTIONS
#error "SqliteBackend needs exceptions: SQLiteCpp reports its errors with them. Build this file with -fexceptions."
#endif

// Unreal defines a macro with the name of a function of SQLiteCpp's.
#pragma push_macro("check")
#undef check
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>
#pragma pop_macro("check")

#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What SQLite said: the extended result code where there is one.
[[nodiscard]] inline int sqlite_code(const SQLite::Exception& error) noexcept {
    const int extended = error.getExtendedErrorCode();
    return extended > 0 ? extended : error.getErrorCode();
}

[[nodiscard]] constexpr Errc sqlite_errc(int code) noexcept {
    if (code == SQLITE_READONLY_DBMOVED) return Errc::io;  // the file went away under an open connection
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL: return Errc::busy;
        case SQLITE_FULL:
        case SQLITE_NOMEM: return Errc::full;
        case SQLITE_READONLY: return Errc::read_only;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Errc::corrupt;
        case SQLITE_CONSTRAINT:  // of the program's own: a unique index, a trigger
        case SQLITE_TOOBIG: return Errc::invalid_argument;
        default: return Errc::io;
    }
}

/// Whether a connection that said this may still be trusted to keep what it acknowledges. After a failed write or fsync
/// it may not: the operating system has forgotten the page, and the next fsync succeeds without it.
[[nodiscard]] constexpr bool sqlite_ends_connection(int code) noexcept {
    return (code & 0xff) == SQLITE_IOERR || code == SQLITE_READONLY_DBMOVED;
}

[[nodiscard]] constexpr bool sqlite_is_damage(int code) noexcept {
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

/// Whether SQLite would not write this, rather than could not write: an index or a trigger of the program's own refused or
/// failed. Nothing was committed, and another write may succeed.
[[nodiscard]] constexpr bool sqlite_is_refusal(int code) noexcept {
    const Errc kind = sqlite_errc(code);
    return kind == Errc::invalid_argument || (kind == Errc::io && !sqlite_ends_connection(code));
}

/// For the message of a malformed database. The program joinly is for who has no C++ at hand.
inline constexpr std::string_view sqlite_repair_advice =
    "; restore a backup, or joinly repair or SqliteBackend::salvage saves what can be read into a new one";

/// "/var/joinly.db: database is locked (SQLite code 5)"
[[nodiscard]] inline Error sqlite_error(int code, std::string_view path, std::string_view words) {
    std::string text = std::string{path} + ": " + std::string{words} + " (SQLite code " + std::to_string(code) + ')';
    if ((code & 0xff) == SQLITE_CORRUPT) text += sqlite_repair_advice;
    return {sqlite_errc(code), std::move(text)};
}

/// Runs `work`, which returns a Result. What SQLiteCpp throws meanwhile becomes an Error about `path`, and `on_fault` is
/// told the code. Nothing of the user's may run inside: their exceptions travel on.
template <class Work, class OnFault>
auto sqlite_attempt(std::string_view path, Work&& work, OnFault&& on_fault) -> std::invoke_result_t<Work&> {
    try {
        return work();
    } catch (const SQLite::Exception& error) {
        on_fault(sqlite_code(error));
        return failure(sqlite_error(sqlite_code(error), path, error.what()));
    } catch (const std::bad_alloc&) {
        return failure(Errc::full, std::string{path} + ": out of memory");
    }
}

template <class Work>
auto sqlite_attempt(std::string_view path, Work&& work) -> std::invoke_result_t<Work&> {
    return sqlite_attempt(path, work, [](int) {});
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
