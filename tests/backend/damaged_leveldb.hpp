#ifndef JOINLY_TESTS_BACKEND_DAMAGED_LEVELDB_HPP
#define JOINLY_TESTS_BACKEND_DAMAGED_LEVELDB_HPP
// A LevelDB database that must be repaired, and what a repair brings back of it.

#include <joinly/backend/leveldb.hpp>
#include <joinly/core/key.hpp>
#include <tests/support/catch.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace joinly::test {

inline constexpr int keys_of_each = 30;

inline LevelDbOptions at(const std::string& path) {
    LevelDbOptions options;
    options.path = path;
    options.sync = Sync::process_crash;
    options.compression = false;
    return options;
}

inline void write_keys(const std::string& path, const std::string& prefix) {
    auto backend = LevelDbBackend::open(at(path)).value();
    for (int i = 100; i < 100 + keys_of_each; ++i) {
        REQUIRE(backend.write(Batch{}.put(prefix + std::to_string(i), std::string(1'000, 'v'))));
    }
}

enum class Damage : unsigned char { no_current, a_block, both, cut_short };

/// As a repair leaves it that was killed when it had made no table of the logs yet, but set them aside.
inline void cut_repair_short(const std::string& path) {
    std::filesystem::create_directory(path + "/lost");
    std::string names = "\n";
    for (const auto& entry : std::filesystem::directory_iterator{path}) {
        if (entry.path().extension() == ".log") names += entry.path().filename().string() + '\n';
    }
    std::ofstream{path + "/lost/unfinished"} << names;
    for (std::size_t at = 1, end = 0; (end = names.find('\n', at)) != std::string::npos; at = end + 1)
        std::filesystem::rename(path + '/' + names.substr(at, end - at), path + "/lost/" + names.substr(at, end - at));
}

/// A table of old keys and a log of new ones, that must be repaired.
inline void make_damaged(const std::string& path, Damage damage) {
    write_keys(path, "old");
    write_keys(path, "new");  // opening has made a table of the log
    if (damage != Damage::a_block) std::filesystem::remove(path + "/CURRENT");
    if (damage == Damage::cut_short) cut_repair_short(path);
    if (damage == Damage::no_current || damage == Damage::cut_short) return;
    for (const auto& entry : std::filesystem::directory_iterator{path}) {
        if (entry.path().extension() != ".ldb") continue;
        std::fstream table{entry.path(), std::ios::in | std::ios::out | std::ios::binary};
        table << std::string(512, '\0');
    }
}

/// How many keys of a sound database there are.
inline int keys_in(const std::string& path) {
    auto backend = LevelDbBackend::open(at(path));
    if (!backend || !backend->verify_integrity()) return -1;
    int keys = 0;
    const auto scanned = backend->scan(user_keys(), [&](std::string_view, const RecordView& record) {
        keys += record.value == std::string(1'000, 'v');
        return true;
    });
    return scanned ? keys : -1;
}

}  // namespace joinly::test
#endif
