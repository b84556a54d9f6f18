// The program around README.md's snippets that are the body of a function.
#include <joinly/core/result.hpp>

#include <cstdio>
#include <string>

[[maybe_unused]] static int fail(const joinly::Error& error) {
    std::fprintf(stderr, "%s\n", std::string{error.message()}.c_str());
    return 1;
}

int main() {
    // SNIPPET
    return 0;
}
