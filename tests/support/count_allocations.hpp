#ifndef JOINLY_TESTS_SUPPORT_COUNT_ALLOCATIONS_HPP
#define JOINLY_TESTS_SUPPORT_COUNT_ALLOCATIONS_HPP
// Counts what a test program allocates with operator new, on all threads; with glibc, which tells a block's size. It replaces that
// operator, so exactly one file of a program may include this. Sanitizers have an operator of their own, which is left to them:
// nothing is counted then.

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define JOINLY_TESTS_COUNT_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define JOINLY_TESTS_COUNT_ALLOCATIONS 0
#endif
#endif
#if !defined(JOINLY_TESTS_COUNT_ALLOCATIONS)
#define JOINLY_TESTS_COUNT_ALLOCATIONS 1
#endif

namespace joinly::test {

inline constexpr bool counts_allocations = JOINLY_TESTS_COUNT_ALLOCATIONS;
inline std::atomic<std::uint64_t> allocations{0};
inline std::atomic<std::uint64_t> bytes_in_use{0};
inline std::atomic<std::uint64_t> most_bytes_in_use{0};

/// How often `work()` allocates. Nothing that asserts belongs in it: that allocates as well.
template <class Work>
std::uint64_t allocations_of(Work work) {
    const std::uint64_t before = allocations;
    work();
    return allocations - before;
}

/// How many bytes `work()` has allocated and not freed at the moment when that is most, while no other thread allocates.
template <class Work>
std::uint64_t peak_bytes_of(Work work) {
    const std::uint64_t before = bytes_in_use;
    most_bytes_in_use = before;
    work();
    return most_bytes_in_use - before;
}

}  // namespace joinly::test

#if JOINLY_TESTS_COUNT_ALLOCATIONS
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++joinly::test::allocations;
    void* const memory = std::malloc(size == 0 ? 1 : size);
    const std::uint64_t now = joinly::test::bytes_in_use += ::malloc_usable_size(memory);
    if (now > joinly::test::most_bytes_in_use) joinly::test::most_bytes_in_use = now;
    return memory;
}
void* operator new(std::size_t size) {
    if (void* memory = operator new(size, std::nothrow)) return memory;
    throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
    joinly::test::bytes_in_use -= ::malloc_usable_size(memory);
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
#endif

#endif
