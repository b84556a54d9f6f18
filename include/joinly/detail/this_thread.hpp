#ifndef JOINLY_DETAIL_THIS_THREAD_HPP
#define JOINLY_DETAIL_THIS_THREAD_HPP
// Which thread this is, told without thread-local variables and without a system call: by the address of its errno, which is
// its own. A thread that comes later may have the address of one that has ended.

#include <joinly/config.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard, gnu::always_inline]] inline std::uintptr_t this_thread() noexcept { return reinterpret_cast<std::uintptr_t>(&errno); }

/// A number of so many bits, another one for most threads.
template <std::size_t bits>
[[nodiscard, gnu::always_inline]] inline std::size_t spread(std::uintptr_t thread) noexcept {
    constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15U;
    return static_cast<std::size_t>((std::uint64_t{thread} * golden_ratio) >> (64 - bits));
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
