// The program around README.md's snippets that are the body of a function.
#include <joinly/backend/sqlite.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/store.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

static int fail(const joinly::Error& error) {
    std::fprintf(stderr, "%s\n", std::string{error.message()}.c_str());
    return 1;
}

int main() {
    // SNIPPET
    return 0;
}
