#ifndef JOINLY_TESTS_DAMAGE_DAMAGE_SUITE_HPP
#define JOINLY_TESTS_DAMAGE_DAMAGE_SUITE_HPP
// Databases whose files are damaged at random. Each trial is a process of its own, so that an engine that crashes or hangs
// is one failed trial. Whatever was damaged, a value that was never written under its key is never an answer.
//
// JOINLY_TRIALS=5000 for a long run, JOINLY_SEED=... for another one. A failed trial is repeated by JOINLY_FIRST_TRIAL
// (with the same seed) and JOINLY_TRIALS=1. POSIX only.

#include "tests/support/catch.hpp"
#include "tests/support/settings.hpp"
#include "tests/support/temp_dir.hpp"

#include <joinly/backend/concepts.hpp>
#include <joinly/core/key.hpp>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Nothing here is to survive a power failure: the engines' calls end here, and a trial takes a tenth of the time.
extern "C" int fsync(int) { return 0; }
extern "C" int fdatasync(int) { return 0; }

namespace joinly::test {

using Random = std::mt19937_64;
using Files = std::map<std::string, std::string>;  // name and bytes

// --- what was written

/// All that a key ever held, by version; nullopt where it was erased.
struct Written {
    Version version;
    std::optional<std::string> value;
    Expiry expires_at;
};

class History {
public:
    explicit History(std::uint64_t seed, std::size_t batches) : random_{seed} {
        for (Version version = 1; version <= batches; ++version) add_batch(version);
    }

    [[nodiscard]] const std::vector<Batch>& batches() const noexcept { return batches_; }
    [[nodiscard]] const std::map<std::string, std::vector<Written>, std::less<>>& keys() const noexcept { return keys_; }
    [[nodiscard]] Version last_version() const noexcept { return batches_.size(); }

    /// The version under `key` right after the batch `at`, or `absent`.
    [[nodiscard]] static Version version_at(const std::vector<Written>& written, Version at) {
        Version found = absent;
        for (const Written& one : written) {
            if (one.version <= at) found = one.value ? one.version : absent;
        }
        return found;
    }

    /// Whether exactly this was written under `key` at some time; what is wrong otherwise.
    [[nodiscard]] std::string complaint(std::string_view key, const RecordView& record) const {
        const auto found = keys_.find(key);
        if (found == keys_.end()) return "a phantom key";
        for (const Written& one : found->second) {
            if (one.version == record.version && one.value == record.value && one.expires_at.at() == record.expires_at.at())
                return "";
        }
        return "a value, version or expiry that was never written under " + std::string{key};
    }

private:
    void add_batch(Version version) {
        constexpr const char* kinds[]{"lobby:", "match:", "player:", "queue:"};
        Batch batch;
        for (auto changes = 1 + random_() % 3; changes > 0; --changes) {
            const std::string key = kinds[random_() % 4] + std::to_string(random_() % 80);
            auto& written = keys_[key];
            if (!written.empty() && written.back().version == version) continue;
            if (random_() % 8 == 0) {
                batch.erase(key);
                written.push_back({version, std::nullopt, {}});
                continue;
            }
            std::string value(random_() % 40 == 0 ? random_() % 40'000 : random_() % 400, '\0');
            for (char& byte : value) byte = static_cast<char>(random_() % 16 + 'a');
            const Expiry expires_at =
                random_() % 5 ? Expiry{} : Expiry{WallTime{std::chrono::milliseconds{1'700'000'000'000 + random_() % 1000}}};
            batch.put(key, value, expires_at);
            written.push_back({version, std::move(value), expires_at});
        }
        batches_.push_back(std::move(batch));
    }

    Random random_;
    std::vector<Batch> batches_;
    std::map<std::string, std::vector<Written>, std::less<>> keys_;
};

// --- damage

inline Files files_in(const std::filesystem::path& directory) {
    Files files;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file{entry.path(), std::ios::binary};
        files[entry.path().filename().string()] = {std::istreambuf_iterator<char>{file}, {}};
    }
    return files;
}

inline void make_directory(const std::filesystem::path& directory, const Files& files) {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    for (const auto& [name, bytes] : files) {
        std::ofstream{directory / name, std::ios::binary}.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
}

/// Damages one file. @return what was done, in words.
template <class Subject>
std::string damage(Files& files, Random& random) {
    auto file = files.begin();
    std::advance(file, static_cast<std::ptrdiff_t>(random() % files.size()));
    std::string& bytes = file->second;
    const std::size_t at = bytes.empty() ? 0 : random() % bytes.size();
    const auto where = [&](const char* what) { return file->first + ": " + what + " at " + std::to_string(at); };
    const auto block = [&] { return bytes.empty() ? 0 : random() % bytes.size() / Subject::block_bytes * Subject::block_bytes; };
    switch (random() % 9) {
        case 0:
            if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
            return where("a bit flipped");
        case 1: {
            const std::size_t sector = at / 512 * 512;
            bytes.replace(sector, (std::min)(std::size_t{512}, bytes.size() - sector),
                          (std::min)(std::size_t{512}, bytes.size() - sector), '\0');
            return where("a sector zeroed");
        }
        case 2: bytes.resize(at); return where("truncated");
        case 3:
            for (std::size_t i = at; i < (std::min)(bytes.size(), at + 1 + random() % 600); ++i)
                bytes[i] = static_cast<char>(random());
            return where("overwritten");
        case 4: {
            const std::size_t left = block();
            const std::size_t right = block();
            for (std::size_t i = 0; i < Subject::block_bytes && (std::max)(left, right) + i < bytes.size(); ++i)
                std::swap(bytes[left + i], bytes[right + i]);
            return file->first + ": blocks swapped at " + std::to_string(left) + " and " + std::to_string(right);
        }
        case 5: {
            const std::size_t from = block();
            const std::size_t to = block();
            bytes.replace(to, Subject::block_bytes, bytes.substr(from, Subject::block_bytes));
            return file->first + ": the block at " + std::to_string(from) + " put over that at " + std::to_string(to);
        }
        case 6: {
            if (!Subject::may_remove(file->first)) return where("left as it is");
            const std::string what = where("removed");
            files.erase(file);
            return what;
        }
        case 7:
            for (auto count = 1 + random() % 5000; count > 0; --count) bytes.push_back(static_cast<char>(random()));
            return where("garbage appended");
        default: std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), '\0'); return where("zeroed to the end");
    }
}

// --- what came of it

/// Written by the trial's process, read by the test.
struct Verdict {
    char wrong[600];  // the first thing that must not be
    char refusal[200];
    bool refused;             // at opening
    bool refused_to_read;     // some of it
    bool earlier_moment;      // the database as it was after an earlier batch
    bool older;               // a record that is not the newest was an answer
    bool mixed;               // older, lost or revived records that are no one moment
    bool found_by_verifying;  // verify_integrity() says that something is damaged
    bool written;
    bool write_gone;  // again, which an engine on a damaged tree cannot see
    bool repaired;

    void complain(const std::string& what) {
        if (wrong[0] == '\0') std::strncpy(wrong, what.c_str(), sizeof wrong - 1);
    }
};

template <class Subject>
class Examination {
public:
    Examination(const History& history, std::string directory, Verdict& verdict)
        : history_{history}, directory_{std::move(directory)}, verdict_{verdict} {}

    void run() {
        if (examine_all()) return;
        if constexpr (requires { Subject::repair(directory_); }) examine_repaired();
    }

private:
    using Backend = typename Subject::Backend;

    /// @return whether nothing was found that a repair would mend.
    bool examine_all() {
        {
            auto backend = Subject::open(directory_);
            if (!backend) {
                expect_error(backend.error(), "opening");
                if (backend.error().message().find(directory_) == std::string_view::npos)
                    verdict_.complain("the message does not name the file: " + std::string{backend.error().message()});
                verdict_.refused = true;
                std::strncpy(verdict_.refusal, std::string{backend.error().message()}.c_str(), sizeof verdict_.refusal - 1);
                return false;
            }
            look(*backend);
            write(*backend);
        }
        if (verdict_.written) reopen();
        return !verdict_.found_by_verifying;
    }

    void expect_error(const Error& error, const std::string& when) {
        const Errc code = error.code();
        const bool fits = code == Errc::corrupt || code == Errc::incompatible || code == Errc::io || code == Errc::unsupported ||
                          code == Errc::read_only || code == Errc::full;
        if (!fits || error.message() == to_string(code))
            verdict_.complain(when + " gave " + std::string{to_string(code)} + ": " + std::string{error.message()});
    }

    /// Takes an answer into `seen`; an error is told apart from what is not there.
    template <class Answer>
    void take(std::string_view key, const Answer& answer, std::map<std::string, Version>& seen, const char* how) {
        if (answer) {
            const std::string wrong = history_.complaint(key, {answer->value, answer->version, answer->expires_at});
            if (!wrong.empty()) verdict_.complain(how + (": " + wrong));
            seen[std::string{key}] = answer->version;
            newest_seen_ = (std::max)(newest_seen_, answer->version);
            const auto known = history_.keys().find(key);
            verdict_.older = verdict_.older || (known != history_.keys().end() &&
                                                answer->version != History::version_at(known->second, history_.last_version()));
        } else if (answer.error() != Errc::not_found) {
            expect_error(answer.error(), how);
            verdict_.refused_to_read = true;
        }
    }

    std::map<std::string, Version> scan(Backend& backend, Direction direction) {
        std::map<std::string, Version> seen;
        KeyRange all = user_keys();
        all.direction = direction;
        std::uint64_t visited = 0;
        const Status status = backend.scan(all, [&](std::string_view key, const RecordView& record) {
            take(key, Result<RecordView>{record}, seen, "scan");
            return ++visited < 100'000;
        });
        if (visited == 100'000) verdict_.complain("a scan without end");
        if (!status) take("", Result<RecordView>{failure(status.error())}, seen, "scan");
        return seen;
    }

    std::map<std::string, Version> read(Backend& backend) {
        std::map<std::string, Version> seen;
        for (const auto& [key, written] : history_.keys()) take(key, backend.read(key), seen, "read");
        take("lobby:nobody", backend.read("lobby:nobody"), seen, "read");
        return seen;
    }

    std::map<std::string, Version> read_many(Backend& backend) {
        std::map<std::string, Version> seen;
        std::vector<std::string_view> keys;
        for (const auto& [key, written] : history_.keys()) keys.push_back(key);
        const Status status = backend.read_many(
            keys, [&](std::size_t position, Result<Record> record) { take(keys[position], record, seen, "read_many"); });
        if (!status) take("", Result<RecordView>{failure(status.error())}, seen, "read_many");
        return seen;
    }

    [[nodiscard]] bool is_state_at(const std::map<std::string, Version>& seen, Version at) const {
        for (const auto& [key, written] : history_.keys()) {
            const auto found = seen.find(key);
            if ((found == seen.end() ? absent : found->second) != History::version_at(written, at)) return false;
        }
        return true;
    }

    void look(Backend& backend) {
        const auto forward = scan(backend, Direction::forward);
        const auto backward = scan(backend, Direction::backward);
        const auto one_by_one = read(backend);
        const auto together = read_many(backend);
        const bool same = forward == backward && forward == one_by_one && forward == together;
        const bool right = same && is_state_at(forward, history_.last_version());
        for (Version at = newest_seen_; same && !right && at < history_.last_version(); ++at)
            verdict_.earlier_moment = verdict_.earlier_moment || is_state_at(forward, at);
        verdict_.mixed = !right && !verdict_.earlier_moment && !verdict_.refused_to_read;

        const Status intact = backend.verify_integrity();
        if (!intact) expect_error(intact.error(), "verify_integrity");
        verdict_.found_by_verifying = !intact;
        if (intact && verdict_.refused_to_read) verdict_.complain("verify_integrity overlooked what a read has met");
        if (intact && verdict_.mixed) verdict_.complain("verify_integrity overlooked records that are older than others, or gone");
    }

    static constexpr std::string_view new_key = "lobby:new";

    void write(Backend& backend) {
        const Result<Version> version = backend.write(Batch{}.put(std::string{new_key}, "new"));
        if (!version) return expect_error(version.error(), "write");
        verdict_.written = true;
        if (*version <= newest_seen_ && !verdict_.found_by_verifying) verdict_.complain("a version was given a second time");
        expect_written(backend, "after a write");
    }

    void expect_written(Backend& backend, const char* when) {
        const Result<Record> record = backend.read(new_key);
        if (!record && record.error() == Errc::not_found) {
            verdict_.write_gone = true;
            if (!verdict_.found_by_verifying) verdict_.complain(std::string{"a write is gone "} + when);
            return;
        }
        if (!record) return expect_error(record.error(), when);
        if (record->value != "new") verdict_.complain(std::string{"a write is another "} + when);
    }

    void reopen() {
        auto backend = Subject::open(directory_);
        if (!backend) return expect_error(backend.error(), "reopening");
        expect_written(*backend, "after reopening");
    }

    void examine_repaired() {
        const Status repaired = Subject::repair(directory_);
        if (!repaired) return expect_error(repaired.error(), "repair");
        verdict_.repaired = true;
        auto backend = Subject::open(directory_);
        if (!backend) return verdict_.complain("does not open after repair: " + std::string{backend.error().message()});
        if (const Status intact = backend->verify_integrity(); !intact)
            verdict_.complain("damaged after repair: " + std::string{intact.error().message()});
        const Status scanned = backend->scan(user_keys(), [&](std::string_view key, const RecordView& record) {
            const std::string wrong = key == new_key ? "" : history_.complaint(key, record);
            if (!wrong.empty()) verdict_.complain("after repair: " + wrong);
            return true;
        });
        if (!scanned) verdict_.complain("unreadable after repair: " + std::string{scanned.error().message()});
        if (const auto version = backend->write(Batch{}.put(std::string{new_key}, "new")); !version)
            verdict_.complain("cannot be written after repair: " + std::string{version.error().message()});
    }

    const History& history_;
    std::string directory_;
    Verdict& verdict_;
    Version newest_seen_ = absent;
};

/// Runs `work` in a process of its own, for a minute at most. @return 0, or how it ended.
template <class Work>
int in_a_process(Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(60);
        work();
        ::_exit(0);  // without closing anything that is still open
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}

/// The files of a database with all of `history`; `closed`: its last session ended in order.
template <class Subject>
Files make_database(const TempDir& dir, const History& history, bool closed) {
    const std::string directory = dir / "original";
    make_directory(directory, {});
    const int status = in_a_process([&] {
        std::optional<typename Subject::Backend> backend;
        for (std::size_t i = 0; i < history.batches().size(); ++i) {
            if (i % (history.batches().size() / 4) == 0) {
                backend.reset();
                if (auto opened = Subject::open(directory)) backend.emplace(std::move(*opened));
            }
            if (!backend || backend->write(history.batches()[i]) != i + 1) ::_exit(1);
            if (i == history.batches().size() / 3 && !backend->compact()) ::_exit(1);
        }
        if (closed) backend.reset();
    });
    REQUIRE(status == 0);
    Files files = files_in(directory);
    std::erase_if(files, [](const auto& file) { return !Subject::may_damage(file.first); });
    return files;
}

template <class Subject>
void run_damage_trials() {
    const std::uint64_t trials = setting("JOINLY_TRIALS", 150);
    const std::uint64_t first = setting("JOINLY_FIRST_TRIAL", 0);
    const std::uint64_t seed = setting("JOINLY_SEED", std::random_device{}());
    const TempDir dir;
    const History history{seed, 320};
    const Files originals[]{make_database<Subject>(dir, history, true), make_database<Subject>(dir, history, false)};
    void* const shared = ::mmap(nullptr, sizeof(Verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(shared != MAP_FAILED);
    Verdict& verdict = *static_cast<Verdict*>(shared);

    std::map<std::string, int> counts;
    for (std::uint64_t trial = first; trial < first + trials; ++trial) {
        Random random{seed + trial};
        Files files = originals[trial % 2];
        std::string what = damage<Subject>(files, random);
        while (random() % 4 == 0) what += "; " + damage<Subject>(files, random);
        make_directory(dir / "trial", files);
        verdict = {};
        const int status = in_a_process([&] { Examination<Subject>{history, dir / "trial", verdict}.run(); });

        INFO("seed " << seed << ", trial " << trial << ", " << what << "\nrefused: " << verdict.refusal);
        if (status != 0) FAIL_CHECK("the process ended with status " << status << (WTERMSIG(status) == SIGALRM ? ": a hang" : ""));
        if (verdict.wrong[0] != '\0') FAIL_CHECK(verdict.wrong);
        counts["refused at opening"] += verdict.refused;
        counts["reads refused"] += verdict.refused_to_read;
        counts["an earlier moment"] += verdict.earlier_moment;
        counts["an older record beside newer ones"] += verdict.older && !verdict.earlier_moment;
        counts["found by verify_integrity"] += verdict.found_by_verifying;
        counts["written to"] += verdict.written;
        counts["written in vain, after verify_integrity"] += verdict.write_gone;
        counts["repaired"] += verdict.repaired;
        const bool right = !verdict.refused && !verdict.refused_to_read && !verdict.earlier_moment && !verdict.mixed;
        counts["all answers right"] += right;
    }
    ::munmap(shared, sizeof(Verdict));
    std::printf("%s, seed %llu: %llu trials\n", Subject::name, static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(trials));
    for (const auto& [name, count] : counts) std::printf("  %-40s %6d\n", name.c_str(), count);
}

}  // namespace joinly::test
#endif
