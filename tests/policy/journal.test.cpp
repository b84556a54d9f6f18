#include <joinly/policy/journal.hpp>
#include <joinly/policy/write_behind.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/temp_dir.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using joinly::absent;
using joinly::CheckpointSink;
using joinly::Errc;
using joinly::Expiry;
using joinly::Journal;
using joinly::JournalChange;
using joinly::JournalDeadLetter;
using joinly::JournalOptions;
using joinly::JournalPayload;
using joinly::salvage_journal;
using joinly::Status;
using joinly::Sync;
using joinly::ValueForm;
using joinly::Version;
using joinly::test::ChildProcess;
using joinly::test::TempDir;
using Batches = std::vector<std::pair<Version, std::string>>;

constexpr std::size_t small_segment = std::size_t{64} << 10;
constexpr std::size_t first_frame = 64;  // where a segment's frames begin

JournalOptions small(std::string path, Sync sync = Sync::process_crash) {
    return {.path = std::move(path), .sync = sync, .segment_bytes = small_segment, .limit_bytes = std::size_t{1} << 20};
}

std::unique_ptr<Journal> open(const JournalOptions& options, Version stored = absent) {
    auto journal = Journal::open(options, stored);
    if (!journal) FAIL(journal.error().message());
    return std::move(*journal);
}

std::string payload_of(std::string_view value) {
    JournalPayload payload;
    const auto encode = [&](std::string& out) {
        out.append(value);
        return Status{};
    };
    REQUIRE(payload.put("key", {}, ValueForm::bytes, encode));
    return std::string{payload.bytes()};
}

Status append(Journal& journal, Version version, std::string_view value) { return journal.append(version, payload_of(value)); }

/// Batches `from` to `to`, each with its version as the value.
void append_all(Journal& journal, Version from, Version to) {
    for (Version version = from; version <= to; ++version) REQUIRE(append(journal, version, std::to_string(version)));
}

Batches contents(Journal& journal, Version after = absent) {
    Batches batches;
    const auto visit = [&](Version version, std::span<const JournalChange> changes) {
        batches.emplace_back(version, std::string{changes.front().value.value_or("erased")});
        return Status{};
    };
    const auto replayed = journal.replay(after, visit);
    if (!replayed) FAIL(replayed.error().message());
    return batches;
}

Batches numbered(Version from, Version to) {
    Batches batches;
    for (Version version = from; version <= to; ++version) batches.emplace_back(version, std::to_string(version));
    return batches;
}

std::string bytes_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void write_bytes(const std::string& path, std::string_view bytes) { std::ofstream{path, std::ios::binary} << bytes; }

std::string segment(const std::string& path, int number) { return path + "/000000000" + std::to_string(number) + ".segment"; }

/// Where the frames of a segment begin, and where the last one ends.
std::vector<std::size_t> frame_offsets(std::string_view bytes) {
    const auto header = joinly::detail::read_header(bytes, joinly::detail::JournalFileKind::segment);
    REQUIRE(header);
    std::vector<std::size_t> offsets{first_frame};
    while (const auto frame = joinly::detail::read_frame(bytes.substr(offsets.back()), header->seed, 0))
        offsets.push_back(offsets.back() + joinly::detail::frame_bytes(frame->payload.size()));
    return offsets;
}

/// A journal with batches 1 to 9 in one segment, of which `durable` are.
std::string nine_batches(const TempDir& dir, Sync sync = Sync::process_crash, Version durable = 0) {
    const std::string path = dir / "journal";
    const auto journal = open(small(path, sync));
    append_all(*journal, 1, durable);
    REQUIRE(journal->make_durable(durable));
    append_all(*journal, durable + 1, 9);
    return path;
}

// --- what is appended comes back

TEST_CASE("what was appended is replayed in order when the journal is opened again", "[journal]") {
    TempDir dir;
    append_all(*open(small(dir / "journal")), 1, 100);
    const auto journal = open(small(dir / "journal"));
    CHECK(journal->last_version() == 100);
    CHECK(contents(*journal) == numbered(1, 100));
}

TEST_CASE("a replay begins after the version that it is given", "[journal]") {
    TempDir dir;
    append_all(*open(small(dir / "journal")), 1, 20);
    const auto journal = open(small(dir / "journal"));
    CHECK(contents(*journal, 15) == numbered(16, 20));
    CHECK(contents(*journal, 20).empty());
}

TEST_CASE("a batch keeps its keys, values, expiries, forms and erasures", "[journal]") {
    TempDir dir;
    const Expiry expiry{joinly::WallTime{1'700'000'000'000ms}};
    const std::string key = "lobby:\0 1"s;
    JournalPayload payload;
    REQUIRE(payload.put(key, expiry, ValueForm::text, [](std::string& out) { return out.append("{}"), Status{}; }));
    payload.erase("gone");
    REQUIRE(payload.put("empty", {}, ValueForm::bytes, [](std::string&) { return Status{}; }));
    REQUIRE(open(small(dir / "journal"))->append(7, payload.bytes()));

    int visits = 0;
    const auto visit = [&](Version version, std::span<const JournalChange> changes) {
        ++visits;
        CHECK(version == 7);
        REQUIRE(changes.size() == 3);
        CHECK(changes[0].key == key);
        CHECK(changes[0].value == "{}");
        CHECK(changes[0].expires_at == expiry);
        CHECK(changes[0].form == ValueForm::text);
        CHECK(changes[0].version == 7);
        CHECK(changes[1].key == "gone");
        CHECK_FALSE(changes[1].value);
        CHECK(changes[2].value == "");
        CHECK(changes[2].expires_at.is_never());
        return Status{};
    };
    REQUIRE(open(small(dir / "journal"))->replay(absent, visit));
    CHECK(visits == 1);
}

TEST_CASE("a value that cannot be encoded leaves a payload as it was", "[journal]") {
    JournalPayload payload;
    payload.erase("first");
    const std::string before{payload.bytes()};
    const auto refuse = [](std::string& out) -> Status {
        out.append("half");
        return joinly::failure(Errc::invalid_argument, "no");
    };
    CHECK(payload.put("second", {}, ValueForm::bytes, refuse).error() == Errc::invalid_argument);
    CHECK(payload.bytes() == before);
}

TEST_CASE("an error of the visitor ends a replay and is passed on", "[journal]") {
    TempDir dir;
    append_all(*open(small(dir / "journal")), 1, 3);
    int visits = 0;
    const auto visit = [&](Version, std::span<const JournalChange>) -> Status {
        ++visits;
        return joinly::failure(Errc::busy);
    };
    CHECK(open(small(dir / "journal"))->replay(absent, visit).error() == Errc::busy);
    CHECK(visits == 1);
}

TEST_CASE("appending goes on after a journal is opened again, over many segments", "[journal]") {
    TempDir dir;
    Batches expected;
    for (Version version = 1; version <= 40;) {
        const auto journal = open(small(dir / "journal"));
        CHECK(contents(*journal) == expected);
        for (int i = 0; i < 10; ++i, ++version) {
            expected.emplace_back(version, std::string(9'000 + version, 'v'));
            REQUIRE(append(*journal, version, expected.back().second));
        }
    }
    CHECK(contents(*open(small(dir / "journal"))) == expected);
}

TEST_CASE("a batch larger than a segment gets one of its own size", "[journal]") {
    TempDir dir;
    const std::string large(3 * small_segment, 'L');
    {
        const auto journal = open(small(dir / "journal"));
        append_all(*journal, 1, 2);
        REQUIRE(append(*journal, 3, large));
        append_all(*journal, 4, 5);
    }
    CHECK(contents(*open(small(dir / "journal"))) == Batches{{1, "1"}, {2, "2"}, {3, large}, {4, "4"}, {5, "5"}});
}

TEST_CASE("a journal in a directory that is missing is not made, and the message says so", "[journal]") {
    TempDir dir;
    const auto opened = Journal::open(small(dir / "missing/journal"));
    REQUIRE(opened.error() == Errc::io);
    CHECK(opened.error().message().find("missing/journal: the directory that it would be made in does not exist") !=
          std::string_view::npos);
}

TEST_CASE("versions must rise", "[journal]") {
    TempDir dir;
    const auto journal = open(small(dir / "journal"));
    REQUIRE(append(*journal, 5, "five"));
    CHECK(append(*journal, 5, "again").error() == Errc::invalid_argument);
    CHECK(append(*journal, 4, "four").error() == Errc::invalid_argument);
    REQUIRE(append(*journal, 9, "nine"));
    CHECK(journal->last_version() == 9);
}

// --- bounded

TEST_CASE("segments that the backend has stored are recycled, and their old frames are no ghosts", "[journal]") {
    TempDir dir;
    const std::string path = dir / "journal";
    std::size_t most = 0;
    {
        const auto journal = open(small(path));
        const std::string value(1'000, 'v');
        for (Version version = 1; version <= 2'000; ++version) {
            REQUIRE(append(*journal, version, value));
            most = (std::max)(most, journal->bytes());
            if (version % 50 == 0) journal->stored(version);
            if (version % 100 == 0) journal->prepare();
        }
    }
    CHECK(most <= 5 * small_segment);
    const auto journal = open(small(path), 1'990);
    const auto left = contents(*journal, 1'990);
    CHECK(left.size() == 10);
    CHECK(left.front().first == 1'991);
}

TEST_CASE("at its limit a journal is full, and goes on when the backend has stored something", "[journal]") {
    TempDir dir;
    auto options = small(dir / "journal");
    options.limit_bytes = 2 * small_segment;
    const auto journal = open(options);
    const std::string value(10'000, 'v');
    Version version = 0;
    Status appended;
    while ((appended = append(*journal, version + 1, value))) REQUIRE(++version < 100);
    CHECK(appended.error() == Errc::full);
    CHECK(journal->last_version() == version);
    CHECK(journal->bytes() <= options.limit_bytes);
    CHECK(append(*journal, version + 1, value).error() == Errc::full);

    journal->stored(version);
    REQUIRE(append(*journal, version + 1, value));
}

TEST_CASE("a batch that fits the limit but not beside the newest segment is taken once everything is stored", "[journal]") {
    TempDir dir;
    auto options = small(dir / "journal");
    options.limit_bytes = 4 * small_segment;
    const std::string large(options.limit_bytes - 4'096, 'L');
    {
        const auto journal = open(options);
        append_all(*journal, 1, 2);
        CHECK(append(*journal, 3, large).error() == Errc::full);
        journal->stored(1);
        CHECK(append(*journal, 3, large).error() == Errc::full);
        journal->stored(2);
        REQUIRE(append(*journal, 3, large));
        CHECK(journal->bytes() <= options.limit_bytes);
        CHECK(append(*journal, 4, large).error() == Errc::full);
        journal->stored(3);
        REQUIRE(append(*journal, 4, large));
        CHECK(journal->bytes() <= options.limit_bytes);
    }
    CHECK(contents(*open(options, 3), 3) == Batches{{4, large}});
}

TEST_CASE("a batch that can never fit is an invalid argument", "[journal]") {
    TempDir dir;
    const auto journal = open(small(dir / "journal"));
    CHECK(append(*journal, 1, std::string(std::size_t{2} << 20, 'v')).error() == Errc::invalid_argument);
    REQUIRE(append(*journal, 1, "fits"));
}

TEST_CASE("a full disk is an error and no signal", "[journal][fault]") {
    TempDir dir;
    ChildProcess child{[&] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{small_segment / 2, small_segment / 2};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
        auto journal = Journal::open(small(dir / "journal"));
        if (!journal) return 2;
        const auto appended = (*journal)->append(1, payload_of("one"));
        if (appended || appended.error() != Errc::full) return 3;
        (*journal)->prepare();
        return (*journal)->bytes() == 0 ? 0 : 4;
    }};
    CHECK(child.wait() == 0);
    const auto journal = open(small(dir / "journal"));
    CHECK(contents(*journal).empty());
    REQUIRE(append(*journal, 1, "one"));
}

// --- damage

TEST_CASE("a last frame that was cut short at any byte is cut off, and nothing else", "[journal][damage]") {
    TempDir dir;
    const std::string path = nine_batches(dir);
    const std::string whole = bytes_of(segment(path, 1));
    const auto offsets = frame_offsets(whole);
    REQUIRE(offsets.size() == 10);
    for (std::size_t cut = offsets[8]; cut < offsets[9]; ++cut) {
        std::string torn = whole;
        std::fill(torn.begin() + static_cast<std::ptrdiff_t>(cut), torn.begin() + static_cast<std::ptrdiff_t>(offsets[9]), '\0');
        // The padding, and whatever happens to be zero, is no loss.
        const bool same = torn == whole;
        write_bytes(segment(path, 1), torn);
        INFO("cut at byte " << cut - offsets[8] << " of the frame");
        CHECK(contents(*open(small(path))) == numbered(1, same ? 9 : 8));
    }
}

TEST_CASE("a damaged middle is corrupt, with file and offset, and a salvage returns the rest", "[journal][damage]") {
    TempDir dir;
    const std::string path = nine_batches(dir);
    const std::string whole = bytes_of(segment(path, 1));
    const auto offsets = frame_offsets(whole);
    for (std::size_t at = offsets[3]; at < offsets[4]; at += 5) {
        std::filesystem::remove_all(path);
        std::filesystem::create_directory(path);
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
        write_bytes(segment(path, 1), damaged);
        INFO("damaged at byte " << at - offsets[3] << " of the frame");

        const auto journal = Journal::open(small(path));
        REQUIRE(journal.error() == Errc::corrupt);
        const std::string message{journal.error().message()};
        CHECK(message.find("0000000001.segment: damaged at byte " + std::to_string(offsets[3])) != std::string::npos);
        CHECK(bytes_of(segment(path, 1)) == damaged);

        const auto salvaged = salvage_journal(path);
        REQUIRE(salvaged);
        CHECK(salvaged->frames == 8);
        CHECK(salvaged->bytes_skipped == offsets[4] - offsets[3]);
        CHECK(salvaged->skips.size() == 1);
        auto expected = numbered(1, 9);
        expected.erase(expected.begin() + 3);
        CHECK(contents(*open(small(path))) == expected);
        CHECK(bytes_of(segment(path, 1) + ".damaged") == damaged);
    }
}

TEST_CASE("one damaged header is read from its copy, two are corrupt", "[journal][damage]") {
    TempDir dir;
    const std::string path = nine_batches(dir);
    std::string bytes = bytes_of(segment(path, 1));
    bytes[20] = 'x';
    write_bytes(segment(path, 1), bytes);
    CHECK(contents(*open(small(path))) == numbered(1, 9));

    bytes[bytes.size() - 20] = 'x';
    write_bytes(segment(path, 1), bytes);
    CHECK(Journal::open(small(path)).error() == Errc::corrupt);
    const auto salvaged = salvage_journal(path);
    REQUIRE(salvaged);
    CHECK(salvaged->bytes_skipped == small_segment);
    CHECK(contents(*open(small(path))).empty());
}

TEST_CASE("damage in what the backend has stored does not matter", "[journal][damage]") {
    TempDir dir;
    const std::string path = nine_batches(dir);
    std::string bytes = bytes_of(segment(path, 1));
    bytes[frame_offsets(bytes)[3] + 8] = 'x';
    write_bytes(segment(path, 1), bytes);
    CHECK(Journal::open(small(path), 3).error() == Errc::corrupt);
    CHECK(contents(*open(small(path), 4), 4) == numbered(5, 9));
}

TEST_CASE("a missing segment is corrupt and named", "[journal][damage]") {
    TempDir dir;
    const std::string path = dir / "journal";
    for (Version version = 1; version <= 4; ++version) append_all(*open(small(path)), version, version);
    REQUIRE(std::filesystem::remove(segment(path, 3)));
    const auto journal = Journal::open(small(path));
    REQUIRE(journal.error() == Errc::corrupt);
    CHECK(std::string{journal.error().message()}.find("0000000003.segment: missing, after version 2") != std::string::npos);

    REQUIRE(salvage_journal(path));
    CHECK(contents(*open(small(path))) == Batches{{1, "1"}, {2, "2"}, {4, "4"}});
}

TEST_CASE("what the backend had when the journal was opened is kept until it is told to be stored", "[journal]") {
    TempDir dir;
    const std::string path = dir / "journal";
    append_all(*open(small(path)), 1, 5);
    append_all(*open(small(path), 5), 6, 9);  // after a crash of the process the backend may have lost 5 when the power goes
    CHECK(contents(*open(small(path))) == numbered(1, 9));
}

TEST_CASE("batches that are neither in the backend nor in the journal are corrupt", "[journal][damage]") {
    TempDir dir;
    const std::string path = dir / "journal";
    append_all(*open(small(path)), 1, 5);
    {
        const auto later = open(small(path), 5);
        append_all(*later, 6, 9);
        later->stored(5);
    }
    const auto journal = open(small(path));
    CHECK(contents(*journal, 5) == numbered(6, 9));
    const auto ignore = [](Version, std::span<const JournalChange>) { return Status{}; };
    CHECK(journal->replay(3, ignore).error() == Errc::corrupt);
}

TEST_CASE("a hole that a power loss left ends the journal, and what lay behind it never comes back", "[journal][damage]") {
    TempDir dir;
    const std::string path = nine_batches(dir, Sync::power_loss, 4);
    const auto options = small(path, Sync::power_loss);
    std::string bytes = bytes_of(segment(path, 1));
    const auto offsets = frame_offsets(bytes);
    bytes.replace(offsets[6], offsets[7] - offsets[6], offsets[7] - offsets[6], '\0');
    write_bytes(segment(path, 1), bytes);
    CHECK(contents(*open(options)) == numbered(1, 6));
    CHECK(contents(*open(options)) == numbered(1, 6));

    REQUIRE(append(*open(options), 7, "another seven"));
    auto expected = numbered(1, 6);
    expected.emplace_back(7, "another seven");
    CHECK(contents(*open(options)) == expected);
    REQUIRE(append(*open(options), 8, "another eight"));
    expected.emplace_back(8, "another eight");
    CHECK(contents(*open(options)) == expected);
}

TEST_CASE("a hole in what was durable is corrupt whatever the options", "[journal][damage]") {
    TempDir dir;
    const std::string path = nine_batches(dir, Sync::power_loss, 4);
    std::string bytes = bytes_of(segment(path, 1));
    const auto offsets = frame_offsets(bytes);
    bytes.replace(offsets[2], offsets[3] - offsets[2], offsets[3] - offsets[2], '\0');
    write_bytes(segment(path, 1), bytes);
    CHECK(Journal::open(small(path, Sync::power_loss)).error() == Errc::corrupt);
}

TEST_CASE("a segment that a power loss left empty is no damage", "[journal][damage]") {
    TempDir dir;
    const std::string path = nine_batches(dir);
    write_bytes(segment(path, 2), std::string(small_segment, '\0'));
    CHECK(contents(*open(small(path))) == numbered(1, 9));
    append_all(*open(small(path)), 10, 10);
    CHECK(contents(*open(small(path))) == numbered(1, 10));
}

TEST_CASE("a segment that a power loss caught between two lives is no damage", "[journal][damage]") {
    TempDir dir;
    const std::string path = nine_batches(dir);
    std::filesystem::copy(segment(path, 1), segment(path, 2));
    CHECK(contents(*open(small(path))) == numbered(1, 9));
    CHECK_FALSE(std::filesystem::exists(segment(path, 2)));
}

TEST_CASE("whatever a segment file holds, opening ends with an answer", "[journal][damage]") {
    TempDir dir;
    const std::string path = nine_batches(dir);
    const std::string whole = bytes_of(segment(path, 1));
    std::mt19937 random{17};
    std::vector<std::string> files{"", "x", whole.substr(0, 64), whole.substr(0, 65), whole.substr(0, 200), whole + "more"};
    for (int i = 0; i < 20; ++i) {
        std::string noise(random() % 5'000, '\0');
        for (char& c : noise) c = static_cast<char>(random());
        files.push_back(noise);
        files.push_back(whole.substr(0, 64) + noise);
    }
    for (const std::string& bytes : files) {
        write_bytes(segment(path, 1), bytes);
        const auto journal = Journal::open(small(path));
        if (!journal) CHECK((journal.error() == Errc::corrupt || journal.error() == Errc::incompatible));
        if (bytes.size() < 64) CHECK_FALSE(journal);
    }
}

TEST_CASE("a length that lies costs nothing and is believed by nobody", "[journal][damage]") {
    TempDir dir;
    const std::string path = nine_batches(dir);
    std::string bytes = bytes_of(segment(path, 1));
    const auto offsets = frame_offsets(bytes);
    for (const std::string_view length : {"\xff\xff\xff\xff", "\x00\x00\xff\x00", "\xe0\xff\xff\xff"}) {
        bytes.replace(offsets[4] + 4, 4, length.substr(0, 4));
        write_bytes(segment(path, 1), bytes);
        CHECK(Journal::open(small(path)).error() == Errc::corrupt);
    }
}

TEST_CASE("a newer format is incompatible and left alone", "[journal]") {
    TempDir dir;
    const std::string path = nine_batches(dir);
    std::string bytes = bytes_of(segment(path, 1));
    joinly::detail::store_little_endian(bytes.data() + 8, std::uint32_t{3});
    joinly::detail::store_little_endian(bytes.data() + 60, joinly::detail::crc32c({bytes.data(), 60}));
    write_bytes(segment(path, 1), bytes);
    const auto journal = Journal::open(small(path));
    REQUIRE(journal.error() == Errc::incompatible);
    CHECK(std::string{journal.error().message()}.find("format 3") != std::string::npos);
    CHECK(salvage_journal(path).error() == Errc::incompatible);
    CHECK(bytes_of(segment(path, 1)) == bytes);
}

TEST_CASE("each file of a newer format is refused by its name and format, and left alone", "[journal]") {
    using joinly::detail::JournalFileKind;
    const std::pair<std::uint32_t, std::uint32_t> newer[]{{3, 0}, {255, 0}, {65'536, 0}, {0xffff'ffff, 0}, {2, 2}, {2, 1U << 31}};
    const std::pair<const char*, JournalFileKind> files[]{{"checkpoint", JournalFileKind::checkpoint},
                                                          {"dead_letters", JournalFileKind::dead_letters},
                                                          {"lock", JournalFileKind::lock},
                                                          {"0000000001.segment", JournalFileKind::segment}};
    for (const auto& [name, kind] : files) {
        for (const auto& [format, flags] : newer) {
            INFO(name << ", format " << format << ", flags " << flags);
            TempDir dir;
            const std::string path = nine_batches(dir);
            char header[joinly::detail::journal_header_bytes];
            joinly::detail::write_header(header, {kind});
            joinly::detail::store_little_endian(header + 8, format);
            joinly::detail::store_little_endian(header + 12, flags);
            joinly::detail::store_little_endian(header + 60, joinly::detail::crc32c({header, 60}));
            const std::string bytes = std::string(header, sizeof header) + std::string(header, sizeof header);
            write_bytes(path + '/' + name, bytes);
            const auto opened = [&]() -> Status {
                const auto journal = Journal::open(small(path));
                if (!journal) return joinly::failure(journal.error());
                const auto letters = (*journal)->dead_letters();
                return letters ? Status{} : joinly::failure(letters.error());
            }();
            REQUIRE(opened.error() == Errc::incompatible);
            CHECK_THAT(std::string{opened.error().message()},
                       Catch::Contains(name) && Catch::Contains("format " + std::to_string(format)));
            CHECK(bytes_of(path + '/' + name) == bytes);
        }
    }
}

TEST_CASE("a directory with something else in it is refused, and nothing is put there", "[journal]") {
    TempDir dir;
    write_bytes(dir / "notes.txt", "mine");
    CHECK(Journal::open(small(dir.path().string())).error() == Errc::incompatible);
    CHECK_FALSE(std::filesystem::exists(dir / "lock"));
    CHECK(Journal::open(small(dir / "notes.txt")).error() == Errc::incompatible);
    CHECK(Journal::open(small("")).error() == Errc::invalid_argument);
    CHECK(Journal::open(small(dir / "no/such/parent")).error() == Errc::io);
}

TEST_CASE("a salvage of what is not damaged changes nothing", "[journal]") {
    TempDir dir;
    const std::string path = nine_batches(dir);
    const std::string before = bytes_of(segment(path, 1));
    const auto salvaged = salvage_journal(path);
    REQUIRE(salvaged);
    CHECK(salvaged->frames == 9);
    CHECK(salvaged->skips.empty());
    CHECK(bytes_of(segment(path, 1)) == before);
    CHECK(salvage_journal(dir / "nowhere").error() == Errc::not_found);
}

#if defined(F_SETLEASE)
TEST_CASE("whoever asks for a journal's size does not wait for a segment that is being made", "[journal]") {
    TempDir dir;
    const std::string path = dir / "journal";
    const auto journal = open(small(path));
    append_all(*journal, 1, 1);
    // Whoever opens a file that another holds a lease on waits until that is given up, or the kernel's patience ends.
    const std::string spare = path + "/0000000002.spare";
    const int lease = ::open(spare.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
    REQUIRE(lease >= 0);
    REQUIRE(::fcntl(lease, F_SETSIG, SIGURG) == 0);  // which is ignored
    if (::fcntl(lease, F_SETLEASE, F_WRLCK) != 0) {
        WARN("no leases on this file system");
        ::close(lease);
        return;
    }
    Status appended;
    std::atomic<bool> has_ended{false};
    std::thread appender{[&, payload = payload_of(std::string(small_segment, 'v'))] {
        appended = journal->append(2, payload);
        has_ended = true;
    }};
    while (::fcntl(lease, F_GETLEASE) == F_WRLCK && !has_ended) std::this_thread::yield();
    CHECK(journal->bytes() >= small_segment);
    CHECK_FALSE(has_ended);
    CHECK(::fcntl(lease, F_SETLEASE, F_UNLCK) == 0);  // so it is held to this moment, and the segment not yet made
    appender.join();
    ::close(lease);
    CHECK(appended);
    CHECK(journal->bytes() > 2 * small_segment);
}
#endif

// --- alone

TEST_CASE("a journal has one owner at a time", "[journal]") {
    TempDir dir;
    const std::string path = dir / "journal";
    {
        const auto journal = open(small(path));
        CHECK(Journal::open(small(path)).error() == Errc::busy);
        CHECK(salvage_journal(path).error() == Errc::busy);
        ChildProcess child{[&] { return Journal::open(small(path)).error() == Errc::busy ? 0 : 1; }};
        CHECK(child.wait() == 0);
        append_all(*journal, 1, 2);
    }
    CHECK(contents(*open(small(path))) == numbered(1, 2));
}

TEST_CASE("its files are for their owner only", "[journal]") {
    TempDir dir;
    const auto journal = open(small(dir / "journal"));
    append_all(*journal, 1, 1);
    REQUIRE(journal->keep_dead_letters({}));
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator{dir / "journal"}) {
        struct stat about {};
        REQUIRE(::stat(entry.path().c_str(), &about) == 0);
        CHECK((about.st_mode & (S_IRWXG | S_IRWXO)) == 0);
        ++files;
    }
    CHECK(files == 3);
}

TEST_CASE("a journal whose directory has vanished says so", "[journal][fault]") {
    TempDir dir;
    for (const Sync sync : {Sync::process_crash, Sync::power_loss}) {
        const auto journal = open(small(dir / "journal", sync));
        append_all(*journal, 1, 1);
        std::filesystem::remove_all(dir / "journal");
        if (sync == Sync::power_loss) {
            CHECK(journal->make_durable(1).error() == Errc::io);
        } else {
            journal->prepare();
        }
        const auto appended = append(*journal, 2, "two");
        REQUIRE(appended.error() == Errc::io);
        CHECK(std::string{appended.error().message()}.find("0000000001.segment") != std::string::npos);
        CHECK(journal->make_durable(1).error() == Errc::io);
    }
}

TEST_CASE("a journal that has failed begins again when everything is stored", "[journal][fault]") {
    TempDir dir;
    const std::string path = dir / "journal";
    {
        const auto journal = open(small(path));
        append_all(*journal, 1, 3);
        REQUIRE(std::filesystem::remove(segment(path, 1)));
        journal->prepare();
        REQUIRE(append(*journal, 4, "four").error() == Errc::io);
        CHECK(journal->restart(2).error() == Errc::invalid_argument);
        REQUIRE(journal->restart(3));
        append_all(*journal, 4, 6);
        CHECK(journal->make_durable(6));
    }
    CHECK(contents(*open(small(path)), 3) == numbered(4, 6));
}

TEST_CASE("a segment takes no name that another file has: the message tells which, and moving that away is enough",
          "[journal][fault]") {
    TempDir dir;
    const std::string path = dir / "journal";
    {
        const auto journal = open(small(path));
        append_all(*journal, 1, 3);
        write_bytes(segment(path, 2), "somebody's");
        const std::string large(small_segment, 'v');
        const auto refused = append(*journal, 4, large);
        REQUIRE(refused.error() == Errc::io);
        CHECK(std::string{refused.error().message()}.find(segment(path, 2)) != std::string::npos);
        CHECK(bytes_of(segment(path, 2)) == "somebody's");
        REQUIRE(std::filesystem::remove(segment(path, 2)));
        REQUIRE(append(*journal, 4, large));
    }
    CHECK(contents(*open(small(path))).size() == 4);
}

TEST_CASE("a journal that begins again in a directory that was made anew holds it, and keeps its id and dead letters there",
          "[journal][fault]") {
    TempDir dir;
    const std::string path = dir / "journal";
    const std::vector<JournalDeadLetter> letters{{1, 1, Errc::invalid_argument, "refused", payload_of("a")}};
    const bool was_opened_again = GENERATE(false, true);
    {
        auto journal = open(small(path));
        REQUIRE(journal->keep_id(17));
        REQUIRE(journal->keep_dead_letters(letters));
        if (was_opened_again) {
            journal.reset();
            journal = open(small(path));
        }
        append_all(*journal, 1, 3);
        std::filesystem::remove_all(path);
        std::filesystem::create_directory(path);
        journal->prepare();
        REQUIRE(append(*journal, 4, "four").error() == Errc::io);
        CHECK(std::filesystem::is_empty(path));
        REQUIRE(journal->restart(3));
        CHECK(Journal::open(small(path)).error() == Errc::busy);
        ChildProcess child{[&] { return Journal::open(small(path)).error() == Errc::busy ? 0 : 1; }};
        CHECK(child.wait() == 0);
        append_all(*journal, 4, 6);
        CHECK(journal->make_durable(6));
    }
    const auto journal = open(small(path), 3);
    CHECK(contents(*journal, 3) == numbered(4, 6));
    CHECK(journal->id() == 17);
    REQUIRE(journal->dead_letters());
    REQUIRE(journal->dead_letters()->size() == 1);
    CHECK(journal->dead_letters()->front().payload == letters.front().payload);
}

TEST_CASE("a journal touches no file of another one that was made in its place, and says what has happened", "[journal][fault]") {
    TempDir dir;
    const std::string path = dir / "journal";
    const Sync sync = GENERATE(Sync::process_crash, Sync::power_loss);
    const bool is_moved = GENERATE(false, true);
    const Version appended = GENERATE(Version{0}, Version{3});
    const auto journal = open(small(path, sync));
    append_all(*journal, 1, appended);
    if (appended == 0) journal->prepare();
    if (is_moved) {
        std::filesystem::rename(path, dir / "away");
    } else {
        std::filesystem::remove_all(path);
    }
    {
        const auto other = open(small(path, sync));
        append_all(*other, 1, 5);
        other->prepare();
        const auto everything = [&] {
            std::vector<std::pair<std::string, std::string>> files;
            for (const auto& file : std::filesystem::directory_iterator{path})
                files.emplace_back(file.path().string(), bytes_of(file.path().string()));
            std::sort(files.begin(), files.end());
            return files;
        };
        const auto before = everything();
        const auto is_replaced = [](const Status& status) {
            return status.error() == Errc::io && status.error().message().find("was removed while") != std::string_view::npos;
        };
        CHECK(is_replaced(journal->keep_dead_letters({})));
        const auto added = journal->add_dead_letter({1, 1, Errc::conflict, "why", payload_of("a")});
        CHECK((!added && added.error() == Errc::io));
        CHECK(is_replaced(journal->write_checkpoint(appended, [](CheckpointSink) { return Status{}; })));
        CHECK(is_replaced(journal->keep_id(17)));
        CHECK(is_replaced(append(*journal, 4, std::string(small_segment, 'v'))));
        journal->stored(appended);
        journal->prepare();
        const auto restarted = journal->restart(appended);
        CHECK(is_replaced(restarted));
        CHECK(restarted.error().message().find("another store has it open") == std::string_view::npos);  // files tell it first
        CHECK(is_replaced(append(*journal, 4, "four")));
        CHECK(everything() == before);
        CHECK(append(*other, 6, "6"));
    }
    CHECK(!journal->restart(appended));  // what the other has left is not this one's to clear away
    CHECK(contents(*open(small(path, sync))) == numbered(1, 6));
}

TEST_CASE("a journal finds out by its next segment that another one was made in its place", "[journal][fault]") {
    TempDir dir;
    const std::string path = dir / "journal";
    const auto journal = open(small(path));
    append_all(*journal, 1, 3);
    journal->prepare();
    std::filesystem::remove_all(path);
    const auto other = open(small(path));
    CHECK(append(*journal, 4, std::string(small_segment, 'v')).error() == Errc::io);
    CHECK(journal->restart(3).error().message().find("another store has it open") != std::string_view::npos);
    append_all(*other, 1, 3);
}

TEST_CASE("a journal whose lock was removed takes no more once it finds out, and keeps what it has", "[journal][fault]") {
    TempDir dir;
    const std::string path = dir / "journal";
    {
        const auto journal = open(small(path));
        append_all(*journal, 1, 3);
        REQUIRE(std::filesystem::remove(path + "/lock"));
        CHECK(append(*journal, 4, std::string(small_segment, 'v')).error() == Errc::io);
        CHECK(journal->restart(3).error() == Errc::io);
        CHECK(append(*journal, 4, "4").error() == Errc::io);
    }
    CHECK(contents(*open(small(path))) == numbered(1, 3));
}

// --- durable

TEST_CASE("every caller of make_durable finds its frame durable, however many wait", "[journal]") {
    TempDir dir;
    const auto journal = open(small(dir / "journal", Sync::power_loss));
    std::mutex mutex;  // guards append and `next`
    Version next = 0;
    std::atomic<int> wrong{0};
    const auto work = [&] {
        for (int i = 0; i < 20; ++i) {
            Version version = 0;
            {
                const std::scoped_lock lock{mutex};
                version = ++next;
                if (!journal->append(version, std::string(3'000, 'v'))) ++wrong;
            }
            if (!journal->make_durable(version) || journal->durable_version() < version) ++wrong;
            if (version % 16 == 0) {
                journal->stored(version - 8);
                journal->prepare();
            }
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work);
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(journal->durable_version() == 80);
    CHECK(journal->last_version() == 80);
}

TEST_CASE("what is not there needs not become durable", "[journal]") {
    TempDir dir;
    const auto journal = open(small(dir / "journal"));
    CHECK(journal->make_durable(100));
    append_all(*journal, 1, 3);
    CHECK(journal->durable_version() == absent);
    CHECK(journal->make_durable(2));
    CHECK(journal->durable_version() == 3);
}

TEST_CASE("whatever the moment a process is killed at, nothing acknowledged is missing", "[journal][crash]") {
    TempDir dir;
    const std::string path = dir / "journal";
    std::mt19937_64 random{joinly::test::setting("JOINLY_SEED", 1)};
    Version acknowledged = 0;
    const auto rounds = joinly::test::setting("JOINLY_ROUNDS", 20);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        const auto child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(ends[0]);
            auto journal = Journal::open(small(path));
            if (!journal) ::_exit(1);
            for (Version version = (*journal)->last_version() + 1;; ++version) {
                const std::string payload = payload_of(std::to_string(version) + std::string(version % 700, '.'));
                if (!(*journal)->append(version, payload)) ::_exit(2);
                if (::write(ends[1], &version, sizeof version) != sizeof version) ::_exit(3);
                if (version % 64 == 0) {
                    (*journal)->stored(version - 32);
                    (*journal)->prepare();
                }
            }
        }
        ::close(ends[1]);
        const std::uint64_t reports = random() % 3'000;  // then the kill comes at some later instruction
        Version version = 0;
        for (std::uint64_t i = 0; i < reports && ::read(ends[0], &version, sizeof version) == sizeof version; ++i) {
        }
        ::kill(child, SIGKILL);
        while (::read(ends[0], &version, sizeof version) == sizeof version) {
        }
        ::close(ends[0]);
        int status = 0;
        ::waitpid(child, &status, 0);
        REQUIRE(WIFSIGNALED(status));
        acknowledged = (std::max)(acknowledged, version);

        const Version after = acknowledged > 100 ? acknowledged - 30 : 0;
        const auto journal = open(small(path), after);
        CHECK(journal->last_version() >= acknowledged);
        CHECK(journal->last_version() <= acknowledged + 1);
        const auto batches = contents(*journal, after);
        REQUIRE(batches.size() == journal->last_version() - after);
        for (std::size_t i = 0; i < batches.size(); ++i) {
            const Version expected = after + 1 + i;
            REQUIRE(batches[i].first == expected);
            REQUIRE(batches[i].second == std::to_string(expected) + std::string(expected % 700, '.'));
        }
        acknowledged = journal->last_version();
    }
}

// --- dead letters and checkpoints

TEST_CASE("dead letters are kept until the list is replaced", "[journal]") {
    TempDir dir;
    const std::vector<JournalDeadLetter> letters{{3, 5, Errc::invalid_argument, "UNIQUE constraint failed", payload_of("a")},
                                                 {9, 9, Errc::conflict, "", payload_of("b")}};
    {
        const auto journal = open(small(dir / "journal"));
        CHECK(journal->dead_letters()->empty());
        REQUIRE(journal->keep_dead_letters(letters));
    }
    const auto journal = open(small(dir / "journal"));
    const auto kept = journal->dead_letters();
    REQUIRE(kept);
    REQUIRE(kept->size() == 2);
    CHECK((*kept)[0].first == 3);
    CHECK((*kept)[0].last == 5);
    CHECK((*kept)[0].code == Errc::invalid_argument);
    CHECK((*kept)[0].reason == "UNIQUE constraint failed");
    CHECK((*kept)[0].payload == letters[0].payload);
    CHECK((*kept)[1].code == Errc::conflict);
    REQUIRE(journal->keep_dead_letters({}));
    CHECK(journal->dead_letters()->empty());
}

/// Where what was added to a list of dead letters begins.
std::size_t end_of_list(std::string_view bytes) {
    const auto header = joinly::detail::read_header(bytes, joinly::detail::JournalFileKind::dead_letters);
    REQUIRE(header);
    return static_cast<std::size_t>(header->bytes);
}

/// A list of three letters to which one was added, and of which one was dropped.
std::string added_letters(const TempDir& dir) {
    const std::string path = dir / "journal";
    const auto journal = open(small(path));
    std::vector<JournalDeadLetter> letters;
    for (Version version = 1; version <= 3; ++version)
        letters.push_back({version, version, Errc::conflict, "why", payload_of("a")});
    REQUIRE(journal->keep_dead_letters(letters));
    REQUIRE(*journal->add_dead_letter({4, 5, Errc::corrupt, "added", payload_of("b")}));
    REQUIRE(*journal->add_dead_letter({2, 2, Errc::conflict, {}, {}}));
    return path;
}

std::vector<Version> letters_of(const std::string& path) {
    std::vector<Version> versions;
    const auto letters = open(small(path))->dead_letters();
    REQUIRE(letters);
    for (const JournalDeadLetter& letter : *letters) {
        if (!letter.payload.empty()) versions.push_back(letter.last);
    }
    return versions;
}
using Versions = std::vector<Version>;

TEST_CASE("a dead letter is added to the list, and one without changes takes the place of the one that was dropped", "[journal]") {
    TempDir dir;
    const std::string path = added_letters(dir);
    const auto letters = open(small(path))->dead_letters();
    REQUIRE(letters);
    REQUIRE(letters->size() == 4);
    CHECK((*letters)[1].last == 2);
    CHECK((*letters)[1].payload.empty());
    CHECK((*letters)[3].first == 4);
    CHECK((*letters)[3].last == 5);
    CHECK((*letters)[3].code == Errc::corrupt);
    CHECK((*letters)[3].reason == "added");
    CHECK((*letters)[3].payload == payload_of("b"));
}

TEST_CASE("the list of dead letters is written as a whole once when it was opened, and then as often as it doubles", "[journal]") {
    TempDir dir;
    const auto journal = open(small(dir / "journal"));
    std::vector<JournalDeadLetter> letters;
    std::size_t wholes = 0;
    for (Version version = 1; version <= 1'000; ++version) {
        letters.push_back({version, version, Errc::conflict, "why", payload_of("value")});
        const auto added = journal->add_dead_letter(letters.back());
        REQUIRE(added);
        if (*added) continue;
        REQUIRE(journal->keep_dead_letters(letters));
        ++wholes;
    }
    CHECK(wholes <= 12);
    CHECK(journal->dead_letters()->size() == 1'000);
}

TEST_CASE("a list of dead letters whose file was removed or moved is not added to", "[journal]") {
    TempDir dir;
    const bool is_moved = GENERATE(false, true);
    const auto journal = open(small(dir / "journal"));
    const JournalDeadLetter letter{1, 1, Errc::conflict, "why", payload_of("a")};
    REQUIRE(journal->keep_dead_letters(std::vector{letter, letter}));
    if (is_moved) {
        std::filesystem::rename(dir / "journal/dead_letters", dir / "away");
    } else {
        std::filesystem::remove(dir / "journal/dead_letters");
    }
    CHECK_FALSE(*journal->add_dead_letter(letter));
}

TEST_CASE("an addition to the dead letters that was torn is left out, wherever that was", "[journal]") {
    TempDir dir;
    const std::string path = added_letters(dir);
    const std::string file = path + "/dead_letters";
    const std::string bytes = bytes_of(file);
    const std::size_t end = end_of_list(bytes);
    const std::size_t second =
        end + joinly::detail::frame_bytes(joinly::detail::load_little_endian<std::uint32_t>(bytes.data() + end + 4));
    REQUIRE(second < bytes.size());
    const bool filled = GENERATE(false, true);
    for (std::size_t size = end; size <= bytes.size(); ++size) {
        INFO("up to byte " << size << " of " << bytes.size() << (filled ? ", then zeros" : ""));
        const std::string torn = bytes.substr(0, size) + std::string(filled ? bytes.size() - size : 0, '\0');
        write_bytes(file, torn);
        const bool has_first = torn.substr(0, second) == bytes.substr(0, second);
        const auto expected = torn == bytes ? Versions{1, 3, 5} : has_first ? Versions{1, 2, 3, 5} : Versions{1, 2, 3};
        CHECK(letters_of(path) == expected);
        const auto salvaged = salvage_journal(path);
        REQUIRE(salvaged);
        CHECK(salvaged->skips.empty());
        CHECK(letters_of(path) == expected);
    }
}

TEST_CASE("dead letters that were added are there though the header at the beginning is lost", "[journal][damage]") {
    TempDir dir;
    const std::string path = added_letters(dir);
    std::string bytes = bytes_of(path + "/dead_letters");
    bytes[20] = static_cast<char>(bytes[20] ^ 1);
    write_bytes(path + "/dead_letters", bytes);
    CHECK(letters_of(path) == Versions{1, 3, 5});
}

TEST_CASE("damage before the last dead letter that was added is corrupt, and a salvage returns the rest", "[journal][damage]") {
    TempDir dir;
    const std::string path = added_letters(dir);
    const std::string file = path + "/dead_letters";
    std::string bytes = bytes_of(file);
    const std::size_t end = end_of_list(bytes);
    bytes[end + 40] = static_cast<char>(bytes[end + 40] ^ 1);
    write_bytes(file, bytes);
    const auto journal = Journal::open(small(path));
    REQUIRE(journal.error() == Errc::corrupt);
    CHECK_THAT(std::string{journal.error().message()}, Catch::Contains("dead_letters: damaged at byte " + std::to_string(end)));
    REQUIRE(salvage_journal(path));
    CHECK(bytes_of(file + ".damaged") == bytes);
    CHECK(letters_of(path) == Versions{1, 3});
}

using Records = std::vector<std::pair<std::string, Version>>;

Status write_checkpoint(Journal& journal, Version version, const Records& records) {
    return journal.write_checkpoint(version, [&](CheckpointSink sink) -> Status {
        for (const auto& [key, at] : records) {
            if (auto taken = sink({key, "value of " + key, {}, ValueForm::bytes, at}); !taken) return taken;
        }
        return {};
    });
}

Records checkpoint_of(Journal& journal) {
    Records records;
    const auto visit = [&](const JournalChange& record) {
        CHECK(record.value == "value of " + std::string{record.key});
        records.emplace_back(std::string{record.key}, record.version);
        return Status{};
    };
    REQUIRE(journal.replay_checkpoint(visit));
    return records;
}

TEST_CASE("a checkpoint takes the place of the frames up to its version", "[journal]") {
    TempDir dir;
    const std::string path = dir / "journal";
    Records records;
    for (int i = 0; i < 3'000; ++i) records.emplace_back("key " + std::to_string(i), Version(i % 7 + 1));
    {
        const auto journal = open(small(path));
        CHECK(journal->checkpoint_version() == absent);
        append_all(*journal, 1, 9);
        REQUIRE(write_checkpoint(*journal, 7, records));
        append_all(*journal, 10, 12);
    }
    const auto journal = open(small(path));
    CHECK(journal->checkpoint_version() == 7);
    CHECK(checkpoint_of(*journal) == records);
    CHECK(contents(*journal, journal->checkpoint_version()) == numbered(8, 12));
    CHECK(journal->last_version() == 12);
}

TEST_CASE("a checkpoint keeps the journal bounded, and its version lasts without a frame", "[journal]") {
    TempDir dir;
    const std::string path = dir / "journal";
    {
        const auto journal = open(small(path));
        for (Version version = 1; version <= 1'000; ++version) {
            REQUIRE(append(*journal, version, std::string(1'000, 'v')));
            if (version % 100 == 0) REQUIRE(write_checkpoint(*journal, version, {{"key", version}}));
        }
        CHECK(journal->bytes() < 7 * small_segment);
    }
    const auto journal = open(small(path));
    CHECK(journal->last_version() == 1'000);
    CHECK(contents(*journal, journal->checkpoint_version()).empty());
    CHECK(checkpoint_of(*journal) == Records{{"key", 1'000}});
}

TEST_CASE("a checkpoint that fails leaves the old one", "[journal]") {
    TempDir dir;
    const auto journal = open(small(dir / "journal"));
    append_all(*journal, 1, 5);
    REQUIRE(write_checkpoint(*journal, 3, {{"old", 3}}));
    const auto fails = [](CheckpointSink sink) -> Status {
        if (auto taken = sink({"new", "value of new", {}, ValueForm::bytes, 4}); !taken) return taken;
        return joinly::failure(Errc::busy);
    };
    CHECK(journal->write_checkpoint(4, fails).error() == Errc::busy);
    CHECK(write_checkpoint(*journal, 2, {}).error() == Errc::invalid_argument);
    CHECK(write_checkpoint(*journal, 6, {}).error() == Errc::invalid_argument);
    CHECK(journal->checkpoint_version() == 3);
    CHECK(checkpoint_of(*journal) == Records{{"old", 3}});
    CHECK_FALSE(std::filesystem::exists(dir / "journal/checkpoint.tmp"));
}

TEST_CASE("a damaged checkpoint or list of dead letters is corrupt, and a salvage returns the rest", "[journal][damage]") {
    TempDir dir;
    const std::string path = dir / "journal";
    {
        const auto journal = open(small(path));
        append_all(*journal, 1, 5);
        Records records;
        for (int i = 0; i < 3'000; ++i) records.emplace_back("key " + std::to_string(i), Version{1});
        REQUIRE(write_checkpoint(*journal, 3, records));
        const JournalDeadLetter letter{2, 2, Errc::conflict, "reason", payload_of("a")};
        REQUIRE(journal->keep_dead_letters(std::vector{letter, letter, letter}));
    }
    for (const std::string name : {"/checkpoint", "/dead_letters"}) {
        std::string bytes = bytes_of(path + name);
        bytes[140] = static_cast<char>(bytes[140] ^ 1);
        write_bytes(path + name, bytes);
        const auto journal = Journal::open(small(path));
        REQUIRE(journal.error() == Errc::corrupt);
        CHECK(std::string{journal.error().message()}.find(name) != std::string::npos);
        REQUIRE(salvage_journal(path));
        CHECK(bytes_of(path + name + ".damaged") == bytes);
    }
    const auto journal = open(small(path));
    const auto left = checkpoint_of(*journal).size();
    CHECK(left > 100);
    CHECK(left < 3'000);
    CHECK(journal->dead_letters()->size() == 2);
    CHECK(contents(*journal, 3) == numbered(4, 5));
}

TEST_CASE("a checkpoint whose headers are lost is put aside, and the batches after it are still replayed", "[journal][damage]") {
    TempDir dir;
    const std::string path = dir / "journal";
    {
        const auto journal = open(small(path));
        append_all(*journal, 1, 5);
        REQUIRE(write_checkpoint(*journal, 5, {{"key", 5}}));
    }
    append_all(*open(small(path)), 6, 9);
    write_bytes(path + "/checkpoint", std::string(1'000, 'x'));
    CHECK(Journal::open(small(path)).error() == Errc::corrupt);
    REQUIRE(salvage_journal(path));
    CHECK(contents(*open(small(path))) == numbered(6, 9));
}

// --- the format

TEST_CASE("a journal of format 1 is read as ever", "[journal][golden]") {
    TempDir dir;
    const std::string path = dir / "journal";
    const std::string golden = JOINLY_TEST_SOURCE_DIR "/golden/journal_v1.";
    std::filesystem::create_directory(path);
    std::filesystem::copy(golden + "segment", segment(path, 1));
    std::filesystem::copy(golden + "checkpoint", path + "/checkpoint");
    std::filesystem::copy(golden + "dead_letters", path + "/dead_letters");
    const auto journal = open(small(path));
    CHECK(journal->checkpoint_version() == 257);
    CHECK(checkpoint_of(*journal) == Records{{"lobby:1", 256}, {"lobby:2", 257}});
    CHECK(contents(*journal, 257) == Batches{{258, "hello"}, {259, "erased"}});
    const auto letters = journal->dead_letters();
    REQUIRE(letters);
    REQUIRE(letters->size() == 1);
    CHECK(letters->front().reason == "why");
    CHECK(letters->front().code == Errc::conflict);
}

TEST_CASE("a list of dead letters with additions is read as ever", "[journal][golden]") {
    TempDir dir;
    const std::string path = dir / "journal";
    std::filesystem::create_directory(path);
    std::filesystem::copy(JOINLY_TEST_SOURCE_DIR "/golden/journal_v2.dead_letters", path + "/dead_letters");
    const auto letters = open(small(path))->dead_letters();
    REQUIRE(letters);
    REQUIRE(letters->size() == 3);
    CHECK((*letters)[0].last == 5);
    CHECK((*letters)[0].payload.empty());  // dropped
    CHECK((*letters)[1].reason == "how");
    CHECK((*letters)[2].first == 7);
    CHECK((*letters)[2].last == 8);
    CHECK((*letters)[2].code == Errc::invalid_argument);
    CHECK((*letters)[2].reason == "added");
    CHECK((*letters)[2].payload.find("lobby:3") != std::string::npos);
}

TEST_CASE("a segment is written as ever", "[journal][golden]") {
    namespace detail = joinly::detail;
    std::string bytes(detail::journal_header_bytes, '\0');
    detail::write_header(bytes.data(), {detail::JournalFileKind::segment, true, 1, small_segment, 257, 255, 0x01020304});
    JournalPayload payload;
    const Expiry expiry{joinly::WallTime{1'700'000'000'000ms}};
    REQUIRE(payload.put("lobby:1", expiry, ValueForm::text, [](std::string& out) { return out.append("hello"), Status{}; }));
    const auto add = [&](Version version, Version watermark) {
        bytes.resize(bytes.size() + detail::frame_bytes(payload.bytes().size()), 'x');
        detail::write_frame(bytes.data() + bytes.size() - detail::frame_bytes(payload.bytes().size()), 0x01020304, version,
                            watermark, payload.bytes());
    };
    add(258, 255);
    payload.clear();
    payload.erase("lobby:2");
    add(259, 256);
    payload.clear();
    REQUIRE(payload.put(
        "lobby:3", expiry, ValueForm::text, [](std::string& out) { return out.append("hi"), Status{}; }, joinly::absent,
        std::string_view{"\0\4\0\7ab", 6}));
    add(260, 259);
    CHECK(bytes == bytes_of(JOINLY_TEST_SOURCE_DIR "/golden/journal_v2.segment"));
}

}  // namespace
