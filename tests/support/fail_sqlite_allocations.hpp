#ifndef JOINLY_TESTS_SUPPORT_FAIL_SQLITE_ALLOCATIONS_HPP
#define JOINLY_TESTS_SUPPORT_FAIL_SQLITE_ALLOCATIONS_HPP
// SQLite's allocations among those that fail_allocations.hpp makes fail.

#include <tests/support/fail_allocations.hpp>

#include <sqlite3.h>

namespace joinly::test {

inline sqlite3_mem_methods sqlite_memory;

/// From now on they count like those of `new`. To be called before SQLite is used. @return whether SQLite has agreed.
inline bool count_allocations_of_sqlite() {
    static const bool once = [] {
        sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory);
        sqlite3_mem_methods counted = sqlite_memory;
        counted.xMalloc = [](int bytes) { return is_to_fail() ? nullptr : sqlite_memory.xMalloc(bytes); };
        counted.xRealloc = [](void* at, int bytes) { return is_to_fail() ? nullptr : sqlite_memory.xRealloc(at, bytes); };
        return sqlite3_config(SQLITE_CONFIG_MALLOC, &counted) == SQLITE_OK;
    }();
    return once;
}

}  // namespace joinly::test
#endif
