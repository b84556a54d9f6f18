#ifndef JOINLY_TESTS_SUPPORT_FAIL_ALLOCATIONS_HPP
#define JOINLY_TESTS_SUPPORT_FAIL_ALLOCATIONS_HPP
// Makes a chosen allocation fail, so that a test can try each one that some work does:
//
//     for (int n = 0;; ++n) {
//         ...  // make what the work needs
//         const bool failed = with_failing_allocation(n, [&] { work(); });
//         ...  // what must hold either way
//         if (!failed) break;
//     }
//
// It replaces operator new, so exactly one file of a program may include this. Works under sanitizers, too.

#include <cstddef>
#include <cstdlib>
#include <new>

namespace joinly::test {

inline constexpr int no_allocation_fails = -1;
inline constexpr int every_allocation_fails = -2;

/// How many allocations of this thread's succeed before one fails.
inline thread_local int allocations_left = no_allocation_fails;

/// What `allocations_left` is once one has failed.
inline thread_local int allocations_left_then = no_allocation_fails;

/// Counts an allocation of this thread's: whether it is one that fails.
inline bool is_to_fail() noexcept {
    if (allocations_left == every_allocation_fails) return true;
    if (allocations_left == no_allocation_fails || allocations_left-- != 0) return false;
    allocations_left = allocations_left_then;
    return true;
}

/// Calls `work()` and lets its allocation number `n`, counted from 0, throw std::bad_alloc, which goes no further; and those
/// after it as well if `left_then` is every_allocation_fails.
/// @return whether it came to that: false when `work` allocates less often. Nothing that asserts belongs in `work`.
template <class Work>
bool with_failing_allocation(int n, Work work, int left_then = no_allocation_fails) {
    allocations_left = n;
    allocations_left_then = left_then;
    try {
        work();
    } catch (const std::bad_alloc&) {
    }
    const bool failed = allocations_left == left_then;
    allocations_left = no_allocation_fails;
    return failed;
}

}  // namespace joinly::test

// Not inlined, where g++ would take malloc and free for a mismatch. The nothrow one is left out of the count.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (joinly::test::is_to_fail()) throw std::bad_alloc{};
    if (void* memory = operator new(size, std::nothrow)) return memory;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

#endif
