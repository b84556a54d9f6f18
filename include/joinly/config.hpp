#ifndef JOINLY_CONFIG_HPP
#define JOINLY_CONFIG_HPP
// What the compiler can do, and the namespace that everything lives in. Every other header includes this one first.
//
// Code built with exceptions and code built without must never share an inline function: the linker keeps one of the
// two, and an exception that crosses the wrong one ends the program. So the mode is part of every name, through an
// inline namespace, and a mix of modes becomes a link error instead of a crash.

#if __cplusplus < 202002L && (!defined(_MSVC_LANG) || _MSVC_LANG < 202002L)
#error "joinly needs C++20: compile with -std=c++20"
#endif

#if defined(Status)
#error "a macro named Status (X11/Xlib.h?) is in the way: include joinly before it, or #undef Status"
#endif

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define JOINLY_HAS_EXCEPTIONS 1
#define JOINLY_NAMESPACE_BEGIN \
    namespace joinly {         \
    inline namespace v0 {
#else
#define JOINLY_HAS_EXCEPTIONS 0
#define JOINLY_NAMESPACE_BEGIN \
    namespace joinly {         \
    inline namespace v0_noexcept {
#endif
#define JOINLY_NAMESPACE_END \
    }                        \
    }

/// For the few places where a failed allocation must not undo what is already done: a cache that cannot grow is no error.
#if JOINLY_HAS_EXCEPTIONS
#define JOINLY_TRY try
#define JOINLY_CATCH_ALL catch (...)
#else
#define JOINLY_TRY if constexpr (true)
#define JOINLY_CATCH_ALL else
#endif

/// How a codec's walk over a description becomes straight-line code; and what must not be in its way. Without optimisation
/// they would only cost compile time, and steps in the debugger.
#if defined(__GNUC__) && defined(__OPTIMIZE__)
#define JOINLY_INLINE [[gnu::always_inline]] inline
#define JOINLY_NOINLINE [[gnu::noinline]]
#define JOINLY_COLD [[gnu::noinline, gnu::cold]]
#define JOINLY_FLATTEN [[gnu::noinline, gnu::flatten]]
#else
#define JOINLY_INLINE inline
#define JOINLY_NOINLINE
#define JOINLY_COLD
#define JOINLY_FLATTEN
#endif

#if defined(_MSC_VER)
#define JOINLY_NO_UNIQUE_ADDRESS [[msvc::no_unique_address]]
#else
#define JOINLY_NO_UNIQUE_ADDRESS [[no_unique_address]]
#endif

#endif
