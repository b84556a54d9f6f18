#ifndef JOINLY_TESTS_NOEXCEPT_EXPECT_HPP
#define JOINLY_TESTS_NOEXCEPT_EXPECT_HPP
// A check for programs without exceptions, where Catch2 does not serve: a failed one is printed and ends the program.
#include <cstdio>
#include <cstdlib>

#define EXPECT(...)                                                                \
    do {                                                                           \
        if (!(__VA_ARGS__)) {                                                      \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #__VA_ARGS__); \
            std::exit(EXIT_FAILURE);                                               \
        }                                                                          \
    } while (false)

#endif
