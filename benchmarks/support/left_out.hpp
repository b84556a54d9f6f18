#ifndef JOINLY_BENCHMARKS_SUPPORT_LEFT_OUT_HPP
#define JOINLY_BENCHMARKS_SUPPORT_LEFT_OUT_HPP
// What is said of a peer that is not installed.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>

namespace joinly::bench {

/// Says so on stderr, and to the report by way of the results.
inline void left_out(const std::string& peer, const std::string& package) {
    std::fprintf(stderr, "left out, because it is not installed: %s (%s)\n", peer.c_str(), package.c_str());
    benchmark::AddCustomContext("left out: " + peer, package);
}

}  // namespace joinly::bench
#endif
