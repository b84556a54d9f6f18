#ifndef JOINLY_BENCHMARKS_SUPPORT_TRACES_HPP
#define JOINLY_BENCHMARKS_SUPPORT_TRACES_HPP
// Keys in the order in which a cache is asked for them: read from files, or made up, the same in each run.

#include <benchmarks/support/zipf.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>
#ifdef JOINLY_BENCHMARKS_ZSTD
#include <zstd.h>
#endif

namespace joinly::bench {

struct Trace {
    std::string name;
    std::vector<std::uint32_t> keys;  // numbered from 0 in the order of their first use
    std::size_t distinct = 0;
};

[[nodiscard]] inline Trace numbered(std::string name, std::vector<std::uint32_t> keys) {
    std::unordered_map<std::uint32_t, std::uint32_t> numbers;
    for (std::uint32_t& key : keys) key = numbers.try_emplace(key, static_cast<std::uint32_t>(numbers.size())).first->second;
    return {std::move(name), std::move(keys), numbers.size()};
}

/// What a .zst file holds; anything else as it is.
[[nodiscard]] inline std::string unpacked(std::string bytes, [[maybe_unused]] const std::filesystem::path& path) {
    if (path.extension() != ".zst") return bytes;
#ifdef JOINLY_BENCHMARKS_ZSTD
    const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (size != ZSTD_CONTENTSIZE_ERROR && size != ZSTD_CONTENTSIZE_UNKNOWN) {
        std::string out(size, '\0');
        if (ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size()) == size) return out;
    }
    std::fprintf(stderr, "benchmark: %s is no whole zstd frame that says its size\n", path.c_str());
#else
    std::fprintf(stderr, "benchmark: %s needs libzstd, which was missing when this was built\n", path.c_str());
#endif
    std::exit(1);
}

/// A file of little-endian 32-bit ids, <name>.u32 or <name>.u32.zst.
[[nodiscard]] inline Trace read_trace(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    const std::string bytes = unpacked({std::istreambuf_iterator<char>{in}, {}}, path);
    if (bytes.empty() || bytes.size() % 4 != 0) {
        std::fprintf(stderr, "benchmark: %s is no file of 32-bit ids\n", path.c_str());
        std::exit(1);
    }
    std::vector<std::uint32_t> keys(bytes.size() / 4);
    for (std::size_t i = 0; i < bytes.size(); ++i) keys[i / 4] |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << i % 4 * 8;
    return numbered(path.filename().string().substr(0, path.filename().string().find('.')), std::move(keys));
}

/// A key that was used lately, the later the likelier: its place by recency has a logarithm that is spread evenly.
[[nodiscard]] inline std::vector<std::uint32_t> recent_keys(Random& random, std::size_t requests) {
    std::vector<std::uint32_t> by_recency;  // the latest is the last
    std::vector<std::uint32_t> keys;
    while (keys.size() < requests) {
        const auto place = static_cast<std::size_t>(std::pow(10.0, static_cast<double>(random.below(4'200)) / 1'000));
        std::uint32_t key = static_cast<std::uint32_t>(keys.size());
        if (place <= by_recency.size() && random.below(12) != 0) {
            const auto found = by_recency.end() - static_cast<std::ptrdiff_t>(place);
            key = *found;
            by_recency.erase(found);
        }
        by_recency.push_back(key);
        keys.push_back(key);
    }
    return keys;
}

/// Lobbies are used a few dozen times by those who are in them and never again; between that, players' profiles are loaded.
[[nodiscard]] inline std::vector<std::uint32_t> lobby_churn(Random& random, std::size_t requests) {
    struct Lobby {
        std::uint32_t id;
        std::uint64_t uses_left;
    };
    std::vector<Lobby> open;
    std::uint32_t next = 1'000'000;
    const Zipf players{40'000, 0.7};
    std::vector<std::uint32_t> keys;
    while (keys.size() < requests) {
        if (open.size() < 300 || random.below(50) == 0) open.push_back({next++, 5 + random.below(80)});
        if (random.below(5) < 2) {
            keys.push_back(static_cast<std::uint32_t>(players(random)));
            continue;
        }
        Lobby& lobby = open[random.below(open.size())];
        keys.push_back(lobby.id);
        if (--lobby.uses_left == 0) lobby = std::exchange(open.back(), {}), open.pop_back();
    }
    return keys;
}

/// Traces of our own: few popular keys, scans, loops, popularity that moves on, recency, lobbies.
[[nodiscard]] inline std::vector<Trace> made_traces() {
    constexpr std::size_t requests = 400'000;
    std::vector<Trace> traces;
    Random random;
    const auto add = [&](const char* name, auto key) {
        std::vector<std::uint32_t> keys;
        for (std::size_t i = 0; i < requests; ++i) keys.push_back(static_cast<std::uint32_t>(key(i)));
        traces.push_back(numbered(name, std::move(keys)));
    };
    const auto add_zipf = [&](const char* name, double skew) {
        add(name, [&, zipf = Zipf{50'000, skew}](std::size_t) { return zipf(random); });
    };
    add_zipf("zipf_0.60", 0.60);
    add_zipf("zipf_0.80", 0.80);
    add_zipf("zipf_0.99", 0.99);
    add_zipf("zipf_1.20", 1.20);
    const Zipf popular{20'000, 0.9};
    add("zipf_and_scans", [&](std::size_t i) { return i % 24'000 < 4'000 ? 1'000'000 + i : popular(random); });
    add("zipf_and_a_loop", [&](std::size_t i) { return i % 4 == 0 ? 1'000'000 + i / 4 % 30'000 : popular(random); });
    add("loop", [](std::size_t i) { return i % 10'000; });
    add("loop_and_hot_keys", [&](std::size_t i) { return i / 30'000 % 2 == 0 ? 1'000'000 + random.below(600) : i % 8'000; });
    add("popularity_shifts", [&](std::size_t i) { return popular(random) + i / 40'000 * 3'000; });
    add("popularity_drifts", [&, zipf = Zipf{5'000, 0.8}](std::size_t i) { return zipf(random) + i / 10; });
    add("phases", [&](std::size_t i) -> std::size_t {
        const std::size_t phase = i / 50'000 % 4;
        return phase == 1 ? 50'000 + i % 6'000 : phase == 2 ? 100'000 + i / 8 + random.below(400) : popular(random);
    });
    traces.push_back(numbered("recency", recent_keys(random, requests / 2)));
    traces.push_back(numbered("lobby_churn", lobby_churn(random, requests)));
    return traces;
}

}  // namespace joinly::bench
#endif
