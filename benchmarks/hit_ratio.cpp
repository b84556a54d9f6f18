// How often each eviction policy has what is asked for. Ours run as they are shipped, inside a Cache with its usual shards; what is
// measured is counted, not timed.
//
//     hit_ratio [--benchmark_...] [file.u32 | file.u32.zst | directory of such ...]
//
// Files hold little-endian 32-bit ids in the order of their use; JOINLY_TRACES names files and directories as well, separated by
// colons. The traces of our own making (support/traces.hpp) are always run; "mean" is theirs, and "mean_of_files" that of what was
// given. Each is run with caches for 1, 3, 10 and 30 per cent of its keys, or, with JOINLY_QUICK, for 1 and 10.
//
// `gap_closed` is the share of the way from LRU's misses to those of Belady's optimum, in a mean over its traces, for sizes of 1
// and 10 per cent; `misses_by_lru`, there of the worst trace, and `misses_by_lru_any_size`, that of all sizes. LRU is exact in one
// list, as the others that are not ours are.

#include <benchmarks/support/reference_policies.hpp>
#include <benchmarks/support/traces.hpp>
#include <joinly/cache/adaptive_s3_fifo.hpp>
#include <joinly/cache/cache.hpp>
#include <joinly/cache/lru.hpp>
#include <joinly/cache/s3_fifo.hpp>
#include <joinly/cache/sieve.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace joinly::bench;

template <class Policy>
std::size_t misses_of(const Trace& trace, std::size_t capacity, std::size_t shards) {
    joinly::Cache<char, Policy> cache{{.capacity_entries = capacity, .shards = shards}};
    std::size_t misses = 0;
    for (const std::uint32_t number : trace.keys) {
        char key[sizeof number];
        std::memcpy(key, &number, sizeof number);
        if (cache.visit({key, sizeof key}, [](auto&&) {})) continue;
        ++misses;
        cache.set({key, sizeof key}, '\0');
    }
    return misses;
}
template <class Policy>
std::size_t as_shipped(const Trace& trace, std::size_t capacity) {
    return misses_of<Policy>(trace, capacity, 0);
}
std::size_t lru_misses(const Trace& trace, std::size_t capacity) { return misses_of<joinly::Lru>(trace, capacity, 1); }

struct Subject {
    const char* name;
    std::size_t (*misses)(const Trace&, std::size_t capacity);
};
constexpr Subject subjects[] = {
    {"fifo", fifo_misses},
    {"clock", clock_misses},
    {"lru", lru_misses},
    {"sieve", as_shipped<joinly::Sieve>},
    {"tiny_lfu", tiny_lfu_misses},
    {"arc", arc_misses},
    {"s3_fifo", as_shipped<joinly::S3Fifo>},
    {"adaptive_s3_fifo", as_shipped<joinly::AdaptiveS3Fifo>},
    {"optimum", optimal_misses},
};

/// What was counted, by the benchmark's name and the counter's.
using Figures = std::map<std::string, std::map<std::string, double>>;

/// @param share  of the trace in its mean
void count(const Trace& trace, std::size_t percent, double share, const std::string& mean, Figures& figures) {
    const std::size_t capacity = (std::max)(trace.distinct * percent / 100, std::size_t{1});
    const auto lru = static_cast<double>(lru_misses(trace, capacity));
    const auto optimum = static_cast<double>(optimal_misses(trace, capacity));
    const auto requests = static_cast<double>(trace.keys.size());
    std::printf("%-18s %2zu %% %7zu", trace.name.c_str(), percent, capacity);
    for (const Subject& subject : subjects) {
        const auto misses = static_cast<double>(subject.misses(trace, capacity));
        const double gap_closed = lru == optimum ? 0 : (lru - misses) / (lru - optimum);
        const double hit_ratio = 1 - misses / requests;
        std::printf("  %.3f %+5.0f", 1 - hit_ratio, 100 * gap_closed);
        std::string at = std::to_string(percent);
        at.insert(0, 1, '/').append("/").append(subject.name);
        figures["eviction/" + trace.name + at]["hit_ratio"] = hit_ratio;
        figures[mean + at]["hit_ratio"] += hit_ratio * share;
        auto& all = figures[mean + '/' + subject.name];
        all["misses_by_lru_any_size"] = (std::max)(all["misses_by_lru_any_size"], misses / lru);
        if (percent != 1 && percent != 10) continue;
        all["gap_closed"] += gap_closed * share / 2;
        all["misses_by_lru"] = (std::max)(all["misses_by_lru"], misses / lru);
    }
    std::printf("\n");
    std::fflush(stdout);
}

/// @param mean  the name of what is said of all of them
void count_all(const std::vector<Trace>& traces, const std::string& mean, Figures& figures) {
    if (traces.empty()) return;
    std::printf("Misses per request, and per cent of the gap from LRU to the optimum that is closed.\n%30s", "");
    for (const Subject& subject : subjects) std::printf("%13.12s", subject.name);
    std::printf("\n");
    std::vector<std::size_t> sizes{1, 3, 10, 30};
    if (std::getenv("JOINLY_QUICK")) sizes = {1, 10};
    for (const Trace& trace : traces) {
        for (const std::size_t percent : sizes) count(trace, percent, 1 / static_cast<double>(traces.size()), mean, figures);
    }
    for (const char* which : {"gap_closed", "misses_by_lru"}) {
        std::printf("%-30s", which == std::string_view{"gap_closed"} ? "mean, 1 and 10 %" : "misses by LRU's, worst");
        for (const Subject& subject : subjects) {
            std::printf("%13.3f", figures[mean + '/' + subject.name][which]);
        }
        std::printf("\n");
    }
}

std::vector<Trace> given_traces(int argc, char** argv) {
    std::vector<Trace> traces;
    for (int i = 1; i < argc; ++i) read_traces(argv[i], traces);
    const char* named = std::getenv("JOINLY_TRACES");
    std::istringstream paths{named == nullptr ? "" : named};
    for (std::string path; std::getline(paths, path, ':');) read_traces(path, traces);
    return traces;
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    const std::vector<Trace> given = given_traces(argc, argv);  // first, for it may end the program
    Figures figures;
    count_all(made_traces(), "eviction/mean", figures);
    count_all(given, "eviction/mean_of_files", figures);
    for (const auto& [name, counted] : figures) {
        benchmark::RegisterBenchmark(name.c_str(),
                                     [counted = counted](benchmark::State& state) {
                                         for (auto _ : state) {
                                         }
                                         for (const auto& [counter, value] : counted) state.counters[counter] = value;
                                     })
            ->Iterations(1)
            ->Repetitions(1);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
