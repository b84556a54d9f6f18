#ifndef JOINLY_DETAIL_THROWN_HPP
#define JOINLY_DETAIL_THROWN_HPP
// What a backend, a codec or the program's own function throws where nothing may be thrown, as an error; and memory that cannot be
// had, wherever that is.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>

#include <type_traits>

#if JOINLY_HAS_EXCEPTIONS
#include <exception>
#include <new>
#endif

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard]] inline Error no_memory() noexcept { return Error{Errc::full, "no memory left"}; }  // so short that it takes none

/// `full` when memory has run out; else `io`, with what it says. To be called where it has been caught.
[[nodiscard]] inline Error thrown_error() noexcept {
#if JOINLY_HAS_EXCEPTIONS
    try {
        try {
            throw;
        } catch (const std::bad_alloc&) {
        } catch (const std::exception& thrown) {
            return Error{Errc::io, thrown.what()};
        } catch (...) {
            return Error{Errc::io, "something was thrown that is no std::exception"};
        }
    } catch (const std::bad_alloc&) {  // not even for the words
    }
#endif
    return no_memory();
}

/// What `call` returns, which is a Result or a Status, or `full` when memory runs out meanwhile. What else it throws passes: it
/// comes from the program's own functions.
template <class Call>
[[nodiscard]] std::invoke_result_t<Call&> full_without_memory(Call&& call) {
#if JOINLY_HAS_EXCEPTIONS
    try {
        return call();
    } catch (const std::bad_alloc&) {
    }
    return failure(no_memory());
#else
    return call();
#endif
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
