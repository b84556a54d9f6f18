#ifndef JOINLY_DETAIL_THROWN_HPP
#define JOINLY_DETAIL_THROWN_HPP
// What a backend, a codec or the program's own function throws where nothing may be thrown, as an error.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>

#if JOINLY_HAS_EXCEPTIONS
#include <exception>
#include <new>
#endif

JOINLY_NAMESPACE_BEGIN
namespace detail {

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
    return Error{Errc::full, "no memory left"};  // so short that it takes none
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
