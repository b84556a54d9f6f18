#ifndef JOINLY_TESTS_FUZZ_FUZZ_HPP
#define JOINLY_TESTS_FUZZ_FUZZ_HPP
// What libFuzzer's targets share: an abort that says why, and a meter of memory. Only for programs under AddressSanitizer.

#include "tests/fuzz/judge.hpp"

#include <sanitizer/allocator_interface.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace joinly::test {

/// Counts what is in use, from the sanitizer's own hooks. One thread.
struct Meter {
    static inline std::uint64_t in_use = 0;
    static inline std::uint64_t most = 0;
    static inline bool running = false;

    static void install() {
        __sanitizer_install_malloc_and_free_hooks(
            [](const volatile void*, std::size_t size) {
                if (!running) return;
                in_use += size;
                if (in_use > most) most = in_use;
            },
            [](const volatile void* memory) {
                if (running && memory) in_use -= __sanitizer_get_allocated_size(memory);
            });
    }

    template <class Work>
    std::uint64_t operator()(Work work) const {
        in_use = most = 0;
        running = true;
        work();
        running = false;
        return most;
    }
};

/// What is wrong ends the program: libFuzzer keeps the input then.
inline void demand_none(std::string_view decoder, const std::string& complaint) {
    if (complaint.empty()) return;
    std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(decoder.size()), decoder.data(), complaint.c_str());
    std::abort();
}

/// `bytes` as each of the types, one after the other.
template <class Codec, class... Types>
void decode_as(std::string_view bytes) {
    static const bool installed = (Meter::install(), true);
    static_cast<void>(installed);
    (demand_none(detail::place_in_object<Types>({}), complaint<Codec, Types>(bytes, Meter{})), ...);
}

}  // namespace joinly::test
#endif
