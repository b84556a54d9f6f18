#ifndef JOINLY_TESTS_SUPPORT_SETTINGS_HPP
#define JOINLY_TESTS_SUPPORT_SETTINGS_HPP
// What a test takes from the environment: how long it is to run, and the seed of its randomness.

#include <cstdint>
#include <cstdlib>
#include <string>

namespace joinly::test {

/// The number in the environment variable `name`; `otherwise` when it is not set.
inline std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text ? std::stoull(text) : otherwise;
}

}  // namespace joinly::test
#endif
