#ifndef JOINLY_BENCHMARKS_SUPPORT_TRACES_HPP
#define JOINLY_BENCHMARKS_SUPPORT_TRACES_HPP
// Keys in the order in which a cache is asked for them: read from files, or made up, the same in each run.

#include <benchmarks/support/zipf.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
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

[[noreturn]] inline void refuse(const std::filesystem::path& path, const char* why) {
    std::fprintf(stderr, "benchmark: %s %s\n", path.c_str(), why);
    std::exit(1);
}

#ifdef JOINLY_BENCHMARKS_ZSTD
/// All frames of a .zst file.
[[nodiscard]] inline std::string unpacked(const std::string& bytes, const std::filesystem::path& path) {
    const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream{ZSTD_createDStream(), &ZSTD_freeDStream};
    std::string out, part(ZSTD_DStreamOutSize(), '\0');
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::size_t expected = 1;  // 0 where a frame has ended
    while (in.pos < in.size || expected != 0) {
        const std::size_t before = in.pos;
        ZSTD_outBuffer some{part.data(), part.size(), 0};
        expected = ZSTD_decompressStream(stream.get(), &some, &in);
        if (ZSTD_isError(expected) || (in.pos == before && some.pos == 0)) refuse(path, "is no whole zstd file");
        out.append(part.data(), some.pos);
    }
    return out;
}
#else
[[noreturn]] inline std::string unpacked(const std::string&, const std::filesystem::path& path) {
    refuse(path, "needs libzstd, which was missing when this was built (libzstd-dev)");
}
#endif

/// A file of little-endian 32-bit ids, <name>.u32 or <name>.u32.zst; its trace is called "file:<name>".
[[nodiscard]] inline Trace read_trace(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    if (!in) refuse(path, "cannot be read");
    std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    if (path.extension() == ".zst") bytes = unpacked(bytes, path);
    if (bytes.empty() || bytes.size() % 4 != 0) refuse(path, "is no file of 32-bit ids");
    std::vector<std::uint32_t> keys(bytes.size() / 4);
    for (std::size_t i = 0; i < bytes.size(); ++i) keys[i / 4] |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << i % 4 * 8;
    return numbered("file:" + path.filename().string().substr(0, path.filename().string().find('.')), std::move(keys));
}

/// A file's trace, or those of a directory's files, in the order of their names.
inline void read_traces(const std::filesystem::path& path, std::vector<Trace>& traces) {
    std::error_code code;
    if (!std::filesystem::is_directory(path, code)) {
        traces.push_back(read_trace(path));
        return;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{path, code}) {
        const std::string extension = entry.path().extension().string();
        if (extension == ".u32" || entry.path().string().ends_with(".u32.zst")) files.push_back(entry.path());
    }
    if (files.empty()) refuse(path, "is a directory without a .u32 or .u32.zst file that can be read");
    std::sort(files.begin(), files.end());
    for (const auto& file : files) traces.push_back(read_trace(file));
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
