// Damage on which LevelDB itself would end the process, where it is built with assertions as Debian's is. Whatever meets it
// here runs in a process of its own, so that this is a failed test.

#include <joinly/backend/leveldb.hpp>
#include <joinly/core/key.hpp>
#include <joinly/detail/crc32c.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "../support/catch.hpp"
#include "../support/child_process.hpp"
#include "../support/temp_dir.hpp"

using namespace joinly;
using joinly::test::ChildProcess;
using joinly::test::TempDir;
using namespace std::string_view_literals;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t block = 32768;  // of a log

LevelDbOptions uncompressed(const std::string& path) {
    LevelDbOptions options;
    options.path = path;
    options.sync = Sync::process_crash;
    options.compression = false;
    return options;
}

/// Writes "key0", "key1" and so on, each in a batch of its own, and closes the database.
void write_keys(const std::string& path, int count, const std::string& value) {
    auto backend = LevelDbBackend::open(uncompressed(path)).value();
    for (int i = 0; i < count; ++i) REQUIRE(backend.write(Batch{}.put("key" + std::to_string(i), value)));
}

/// 0 or the error's code; -1 when a signal ended the process.
template <class Work>
int outcome(Work work) {
    return ChildProcess{[&] {
               const auto done = work();
               return done ? 0 : static_cast<int>(done.error().code());
           }}
        .wait();
}

int opening(const std::string& path) {
    return outcome([&] { return LevelDbBackend::open(uncompressed(path)); });
}

int repairing(const LevelDbOptions& options) {
    return outcome([&]() -> Status {
        if (auto repaired = LevelDbBackend::repair(options); !repaired) return failure(repaired.error());
        auto backend = LevelDbBackend::open(options);
        return backend ? backend->verify_integrity() : failure(backend.error());
    });
}

constexpr int corrupt = static_cast<int>(Errc::corrupt);

/// The keys that are there, all with `value`.
std::size_t keys_with(const std::string& path, std::string_view value) {
    auto backend = LevelDbBackend::open(uncompressed(path)).value();
    std::size_t keys = 0;
    REQUIRE(backend.scan(user_keys(), [&](std::string_view, const RecordView& record) {
        keys += record.value == value;
        return true;
    }));
    return keys;
}

fs::path file_ending(const std::string& directory, std::string_view ending) {
    for (const auto& entry : fs::directory_iterator{directory}) {
        if (entry.path().string().ends_with(ending)) return entry.path();
    }
    FAIL("no file ends in " << ending);
    return {};
}

std::string read_file(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(const fs::path& path, std::string_view bytes) {
    std::ofstream{path, std::ios::binary}.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// The frames of a log's first block.
std::vector<std::string> frames_of(std::string_view log) {
    std::vector<std::string> frames;
    while (log.size() > 7) {
        const std::size_t size = 7u + static_cast<unsigned char>(log[4]) + 256u * static_cast<unsigned char>(log[5]);
        frames.emplace_back(log.substr(0, size));
        log.remove_prefix(size);
    }
    return frames;
}

/// A log of one record, which LevelDB gives the number that the next change will have.
std::string batch_without_changes(std::uint64_t next) {
    std::string checked(1, '\1');  // all of the record, which 12 bytes have
    for (int i = 0; i < 12; ++i) checked += static_cast<char>(i < 8 ? next >> 8 * i & 0xff : 0);
    const std::uint32_t crc = joinly::detail::crc32c(checked);
    const std::uint32_t masked = (crc >> 15 | crc << 17) + 0xa282ead8u;
    std::string frame;
    for (int i = 0; i < 4; ++i) frame += static_cast<char>(masked >> 8 * i & 0xff);
    return frame + std::string{"\14\0", 2} + checked;
}

}  // namespace

TEST_CASE("a table whose first block reads as zeros is refused by opening, and repaired", "[leveldb][damage][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, 10, std::string(3000, 'v'));
    REQUIRE(opening(path) == 0);  // makes a table of the log
    const fs::path table = file_ending(path, ".ldb");
    const std::string bytes = read_file(table);
    write_file(table, std::string(512, '\0') + bytes.substr(512));

    for (const bool paranoid : {true, false}) {
        LevelDbOptions options = uncompressed(path);
        options.paranoid_checks = options.verify_checksums = paranoid;
        CHECK(outcome([&] { return LevelDbBackend::open(options); }) == corrupt);
    }
    LevelDbOptions unchecked = uncompressed(path);
    unchecked.paranoid_checks = false;
    REQUIRE(repairing(unchecked) == 0);
    CHECK(keys_with(path, std::string(3000, 'v')) >= 8);
}

TEST_CASE("a log that holds a write twice, or after a later one, is refused by opening, and nothing is lost by repair",
          "[leveldb][damage][repair]") {
    const TempDir dir;
    const std::string original = dir / "original";
    write_keys(original, 5, "value");
    const fs::path name = file_ending(original, ".log").filename();
    const std::string log = read_file(original / name);
    const auto frames = frames_of(log);  // the format, and five batches
    REQUIRE(frames.size() == 6);
    for (const std::string& damaged : {log + frames[2], log + log, frames[2] + log, frames[5] + log, frames[0] + log,
                                       frames[5] + frames[4] + frames[3] + frames[2] + frames[1] + frames[0]}) {
        const std::string path = dir / "damaged";
        fs::remove_all(path);
        fs::copy(original, path);
        write_file(path / name, damaged);
        CHECK(opening(path) == corrupt);
        CHECK(read_file(path / name) == damaged);
        REQUIRE(repairing(uncompressed(path)) == 0);
        CHECK(keys_with(path, "value") == 5);
    }
}

TEST_CASE("opening says which log holds a write twice, and what to do", "[leveldb][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, 2, "value");
    const fs::path log = file_ending(path, ".log");
    write_file(log, read_file(log) + frames_of(read_file(log)).back());
    CHECK(outcome([&]() -> Status {
              const auto opened = LevelDbBackend::open(uncompressed(path));
              const std::string_view said = opened ? "" : opened.error().message();
              const bool advises = said.find("LevelDbBackend::repair with the path \"" + path + '"') != said.npos;
              if (said.starts_with(log.string() + ": ") && advises) return {};
              return failure(Errc::not_found);
          }) == 0);
}

TEST_CASE("a log that lacks a write before another one is refused by opening, and repair saves the others",
          "[leveldb][damage][repair]") {
    const TempDir dir;
    const std::string original = dir / "original";
    write_keys(original, 5, "value");
    const fs::path name = file_ending(original, ".log").filename();
    const auto frames = frames_of(read_file(original / name));  // the format, and five batches
    REQUIRE(frames.size() == 6);
    for (std::size_t lost = 0; lost < frames.size(); ++lost) {
        const std::string path = dir / "damaged";
        fs::remove_all(path);
        fs::copy(original, path);
        std::string damaged;
        for (std::size_t i = 0; i < frames.size(); ++i) damaged += i == lost ? std::string{} : frames[i];
        write_file(path / name, damaged);
        CAPTURE(lost);
        const bool is_last = lost + 1 == frames.size();
        CHECK(opening(path) == (is_last ? 0 : corrupt));
        if (is_last || lost == 0) continue;  // without its format it is not ours any more
        REQUIRE(repairing(uncompressed(path)) == 0);
        CHECK(keys_with(path, "value") == 4);
    }
}

TEST_CASE("a block of a log that reads as zeros is not passed over by opening", "[leveldb][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, 1, "value");
    const fs::path log = file_ending(path, ".log");
    const auto frames = frames_of(read_file(log));
    std::string bytes = frames[0];
    bytes.resize(block, '\0');  // a record, zeros to the end of the block, and another record
    CHECK((write_file(log, bytes + frames[1]), opening(path)) == 0);

    const TempDir other;
    const std::string holed = other / "db";
    write_keys(holed, 3, "value");
    const fs::path its_log = file_ending(holed, ".log");
    const auto all = frames_of(read_file(its_log));
    std::string first = all[0] + all[1];
    first.resize(block, '\0');
    CHECK((write_file(its_log, first + all[3]), opening(holed)) == corrupt);
    CHECK((write_file(its_log, std::string(block, '\0') + all[0] + all[1]), opening(holed)) == corrupt);
}

TEST_CASE("of two logs the older one must be whole, or opening refuses them", "[leveldb][damage]") {
    const TempDir dir;
    const std::string original = dir / "original";
    write_keys(original, 5, "value");
    const fs::path name = file_ending(original, ".log").filename();
    const auto frames = frames_of(read_file(original / name));  // the format, and five batches
    const std::string older = frames[0] + frames[1] + frames[2], newer = frames[3] + frames[4] + frames[5];
    const auto opening_with = [&](const std::string& first, const std::string& second) {
        const std::string path = dir / "two";
        fs::remove_all(path);
        fs::copy(original, path);
        write_file(path / name, first);
        write_file(path + "/000099.log", second);
        return opening(path);
    };
    CHECK(opening_with(older, newer) == 0);
    CHECK(keys_with(dir / "two", "value") == 5);
    CHECK(opening_with(older, "") == 0);
    CHECK(keys_with(dir / "two", "value") == 2);

    CHECK(opening_with(frames[0] + frames[1], newer) == corrupt);
    CHECK(opening_with(older.substr(0, older.size() - 3), newer) == corrupt);
    CHECK(opening_with(frames[0], newer) == corrupt);
    CHECK(opening_with("", newer) == corrupt);
    fs::remove(dir / "two" / name);
    CHECK(opening(dir / "two") == corrupt);
}

TEST_CASE("a log that holds a batch without changes alone stands between two others", "[leveldb][damage]") {
    const TempDir dir;
    const std::string original = dir / "original";
    write_keys(original, 5, "value");
    const fs::path name = file_ending(original, ".log").filename();
    const auto frames = frames_of(read_file(original / name));  // the format, and five batches: changes 1 to 6 and their versions
    std::uint64_t next = 1;
    for (std::size_t i = 0; i < 3; ++i) next += static_cast<unsigned char>(frames[i][7 + 8]);
    const std::string older = frames[0] + frames[1] + frames[2], newer = frames[3] + frames[4] + frames[5];
    const auto opening_with = [&](const std::string& first, const std::string& middle) {
        const std::string path = dir / "three";
        fs::remove_all(path);
        fs::copy(original, path);
        write_file(path / name, first);
        write_file(path + "/000098.log", middle);
        write_file(path + "/000099.log", newer);
        return opening(path);
    };
    CHECK(opening_with(older, batch_without_changes(next)) == 0);
    CHECK(keys_with(dir / "three", "value") == 5);
    CHECK(opening_with(frames[0] + frames[1], batch_without_changes(next)) == corrupt);
    CHECK(opening_with(older, batch_without_changes(next - 1)) == corrupt);
    CHECK(opening_with(older, "") == corrupt);
}

TEST_CASE("the torn end of a log is cut off, though there is a newer one without changes", "[leveldb][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, 5, std::string(3000, 'v'));
    const fs::path log = file_ending(path, ".log");
    std::string bytes = read_file(log);
    bytes.replace(bytes.size() - 1500, std::string::npos, 1500, '\0');
    write_file(log, bytes);
    write_file(path + "/000099.log", batch_without_changes(11));
    CHECK(opening(path) == 0);
    CHECK(keys_with(path, std::string(3000, 'v')) == 4);
}

TEST_CASE("a log that is missing is corrupt, by name", "[leveldb][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, 5, "value");
    const fs::path log = file_ending(path, ".log");
    fs::remove(log);
    CHECK(outcome([&]() -> Status {
              const auto opened = LevelDbBackend::open(uncompressed(path));
              if (!opened && opened.error() == Errc::corrupt && opened.error().message().starts_with(log.string() + ": "))
                  return {};
              return failure(Errc::not_found);
          }) == 0);
}

TEST_CASE("a log that cannot be read is not called damaged, though another one can", "[leveldb][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, 5, "value");
    const fs::path log = file_ending(path, ".log");
    const auto frames = frames_of(read_file(log));
    fs::remove(log);
    fs::create_directory(log);  // reading it fails
    write_file(path + "/000099.log", frames[3] + frames[4] + frames[5]);
    CHECK(opening(path) == static_cast<int>(Errc::io));
}

TEST_CASE("a log that holds a write twice is refused, though another one cannot be read", "[leveldb][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, 2, "value");
    const fs::path log = file_ending(path, ".log");
    const std::string bytes = read_file(log);
    write_file(log, bytes + frames_of(bytes).back());
    fs::create_directory(path + "/000099.log");  // reading it fails
    CHECK(opening(path) == corrupt);
}

TEST_CASE("what is left of a log that has become a table does not matter to opening", "[leveldb][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, 5, "value");
    const fs::path name = file_ending(path, ".log").filename();
    const auto frames = frames_of(read_file(path / name));
    REQUIRE(opening(path) == 0);  // makes a table of the log, and another log
    write_file(path / name, frames[0] + frames[1] + frames[4]);
    CHECK(opening(path) == 0);
    CHECK(keys_with(path, "value") == 5);
}

TEST_CASE("opening without paranoid checks takes a log that lacks a write", "[leveldb][damage]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, 5, "value");
    const fs::path log = file_ending(path, ".log");
    const auto frames = frames_of(read_file(log));
    write_file(log, frames[0] + frames[1] + frames[2] + frames[4] + frames[5]);
    LevelDbOptions unchecked = uncompressed(path);
    unchecked.paranoid_checks = false;
    CHECK(outcome([&] { return LevelDbBackend::open(unchecked); }) == 0);
    CHECK(keys_with(path, "value") == 4);
}

TEST_CASE("blocks of a log in a wrong place are repaired away, with no write but theirs", "[leveldb][damage][repair]") {
    const TempDir dir;
    const std::string original = dir / "original";
    const std::string value(1000, 'v');
    write_keys(original, 130, value);
    const fs::path name = file_ending(original, ".log").filename();
    const std::string log = read_file(original / name);
    const std::size_t blocks = log.size() / block;  // whole ones
    REQUIRE(blocks == 4);
    for (std::size_t from = 0; from < blocks; ++from) {
        for (std::size_t to = 0; to < blocks; ++to) {
            if (from == to) continue;
            const std::string path = dir / "damaged";
            fs::remove_all(path);
            fs::copy(original, path);
            std::string damaged = log;
            damaged.replace(to * block, block, log, from * block, block);
            write_file(path / name, damaged);
            INFO("block " << from << " put over block " << to);
            CHECK(opening(path) == corrupt);
            REQUIRE(repairing(uncompressed(path)) == 0);
            CHECK(keys_with(path, value) >= 130 - 32 - 2);  // those of the lost block, and what reaches into a neighbour
        }
    }
}

TEST_CASE("a table whose footer names more memory than there is does not end a repair", "[leveldb][damage][repair]") {
    const TempDir dir;
    const std::string path = dir / "db";
    write_keys(path, 3, "value");
    REQUIRE(opening(path) == 0);  // makes a table of the log
    const fs::path table = file_ending(path, ".ldb");
    std::string bytes = read_file(table);
    const std::string_view beyond[]{"\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv, "\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
                                    "\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
                                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv};
    for (const std::string_view handles : beyond) {
        const TempDir place;
        const std::string damaged = place / "db";
        fs::copy(path, damaged);
        write_file(fs::path{damaged} / table.filename(), bytes.replace(bytes.size() - 48, handles.size(), handles));
        REQUIRE(repairing(uncompressed(damaged)) == 0);
        CHECK(read_file(fs::path{damaged} / "lost" / table.filename()) == bytes);
        CHECK(keys_with(damaged, "value") == 0);
    }
}

TEST_CASE("a log with batches that change nothing is sound", "[leveldb][open]") {
    const TempDir dir;
    const std::string path = dir / "db";
    {
        auto backend = LevelDbBackend::open(uncompressed(path)).value();
        for (int i = 0; i < 3; ++i) {
            REQUIRE(backend.write(Batch{}.put("key" + std::to_string(i), "value")));
            REQUIRE(backend.compact());
            REQUIRE(backend.write(Batch{}));
            REQUIRE(backend.compact());
        }
        REQUIRE(backend.write(Batch{}.put("key3", "value")));
    }
    REQUIRE(opening(path) == 0);
    REQUIRE(repairing(uncompressed(path)) == 0);
    CHECK(keys_with(path, "value") == 4);
}
