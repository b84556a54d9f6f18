#ifndef JOINLY_TESTS_FAULT_MATRIX_HPP
#define JOINLY_TESTS_FAULT_MATRIX_HPP
// Every file call failed in turn. For each kind of call and each n, a store goes through a scenario in which the n-th such
// call fails, once or with all that follow; then the disk is well again, and what must hold is checked.
//
// A sample of the cases by default, spread over each kind; JOINLY_FAULTS=all runs every n until the fault is not reached
// any more, and prints how many cases there were; JOINLY_FAULTS=sync does so for that kind alone.

#include <tests/fault/trial.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/file_faults.hpp>
#include <tests/support/temp_dir.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace joinly::test {

struct FaultKind {
    const char* name;
    FileFault fault;
};
inline const std::array<FaultKind, 18> fault_kinds{{
    {"open for reading", {FileCall::open_read, EIO}},
    {"open for writing", {FileCall::open_write, EIO}},
    {"too many open files", FileFault::on_open(EMFILE)},
    {"read", {FileCall::read, EIO}},
    {"write", {FileCall::write, EIO}},
    {"write, disk full", {FileCall::write, ENOSPC}},
    {"torn write", {FileCall::write, ENOSPC, true}},
    {"torn write, broken disk", {FileCall::write, EIO, true}},
    {"sync", {FileCall::sync, EIO}},
    {"truncate", {FileCall::truncate, EIO}},
    {"rename", {FileCall::rename, EIO}},
    {"remove", {FileCall::remove, EIO}},
    {"make directory", {FileCall::make_dir, EIO}},
    {"allocate", {FileCall::allocate, ENOSPC}},
    {"map", {FileCall::map, ENOMEM}},
    {"lock", {FileCall::lock, ENOLCK}},
    {"stat", {FileCall::look, EIO}},
    {"list", {FileCall::list, EIO}},
}};

/// JOINLY_FAULTS: "all", the name of one kind, or empty for a sample of all.
[[nodiscard]] inline std::string_view asked_faults() {
    const char* const asked = std::getenv("JOINLY_FAULTS");
    return asked ? asked : "";
}

/// A case that hangs ends the program, saying which it was.
class CaseAlarm {
public:
    explicit CaseAlarm(const std::string& name) {
        name.copy(name_, sizeof name_ - 1);
        name_[std::min(name.size(), sizeof name_ - 1)] = '\0';
        std::signal(SIGALRM, [](int) {
            std::fprintf(stderr, "hangs: %s\n", name_);
            std::_Exit(1);
        });
        ::alarm(60);
    }
    ~CaseAlarm() { ::alarm(0); }
    CaseAlarm(const CaseAlarm&) = delete;
    CaseAlarm& operator=(const CaseAlarm&) = delete;

private:
    inline static char name_[256];
};

/// A number that no call has: nothing fails.
inline constexpr std::int64_t no_call = (std::numeric_limits<std::int64_t>::max)() - 1;

/// Tries that a store may take to find its feet when the disk is well again: three at once, and then as long as an engine may wait
/// before it opens its database again, and some more.
class Patience {
public:
    [[nodiscard]] bool lasts() {
        if (tries_++ >= 3) std::this_thread::sleep_for(std::chrono::milliseconds{5});
        return std::chrono::steady_clock::now() < end_;
    }

private:
    int tries_ = 0;
    std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + std::chrono::seconds{20};
};

/// Everything that may meet the fault. Ratings tell the writes apart.
template <class Setup>
void go_through(Trial<Setup>& trial, FileFaults& faults) {
    trial.open();
    trial.save("a", 1);
    trial.save("b", 2);
    trial.save_many({"c", "d", "e"}, 3);
    trial.save("c", 4, {}, 70'000);  // more than LevelDB keeps in memory here
    trial.compare_and_set("a", 5);
    trial.save_over_absent("b", 6);
    trial.erase("b");
    for (const char* id : {"a", "b", "c", "d", "e", "f"}) trial.load(id);
    trial.list();
    (void)trial.flush();
    trial.back_up();
    trial.save_many({"a", "d", "f"}, 7);
    trial.save("c", 8, {}, 70'000);
    if (!trial.close() && !trial.close()) {  // what could not be stored waits for another call
        faults.lift();
        if (!trial.close()) trial.found("a store cannot be closed though the disk is well again");
    }
    trial.destroy();
    trial.open();
    for (const char* id : {"a", "c", "d"}) trial.load(id);
    trial.list();
    trial.save("g", 9);
    trial.compare_and_set("a", 10);
    (void)trial.flush();
}

/// What must hold once the disk is well again.
template <class Setup>
void recover(Trial<Setup>& trial) {
    trial.check_backup();
    for (Patience patience; !trial.is_open() && patience.lasts();) trial.open();
    if (!trial.is_open()) return trial.found("the store cannot be opened though the disk is well again");
    bool stored = false;
    int tries = 0;
    for (Patience patience; !stored && patience.lasts(); ++tries) {
        trial.save("probe", 100 + tries);
        const bool flushed = trial.flush().has_value();  // in any case: a journal that failed begins again with it
        stored = trial.load("probe") && flushed;
    }
    if (!stored) trial.found("the store does not work on though the disk is well again");
    trial.load_all();
    const auto live = trial.list();
    if (!live) trial.found("the store cannot be listed though the disk is well again");
    if (!trial.close()) trial.found("the store cannot be closed though the disk is well again");
    trial.destroy();
    if (!trial.open()) return trial.found("the store cannot be opened again");
    trial.load_all();
    if (trial.list() != live) trial.found("the reopened store has something else than the one before");
    if (const Status intact = trial.store().backend().verify_integrity(); !intact)
        trial.found("damage: " + std::string{intact.error().message()});
    trial.destroy();
}

/// Fails the test if the trial has found anything.
template <class Setup>
void report(const Trial<Setup>& trial, const std::string& name) {
    if (trial.findings().empty()) return;
    std::string text = name;
    for (const std::string& step : trial.steps()) text += "\n  " + step;
    FAIL_CHECK(text);
}

/// A store's life on a disk that fails on the way: `live(trial)` opens the store and uses it.
template <class Setup, class Live>
void run_trial(const std::string& name, const TempDir& dir, FileFaults& faults, Live live) {
    const CaseAlarm alarm{name};
    const auto files_before = open_files();
    const std::string place = dir / "case";
    std::filesystem::create_directory(place);
    Trial<Setup> trial{place};
    live(trial);
    faults.lift();
    recover(trial);
    if (open_files() != files_before) trial.found("files stay open");
    std::filesystem::remove_all(place);
    report(trial, name);
}

/// @return whether the fault was reached.
template <class Setup>
bool run_case(const FaultKind& kind, Failing failing, std::int64_t n, const TempDir& dir, FileFaults& faults) {
    const std::string name = std::string{Setup::name} + ", " + kind.name + " " + std::to_string(n) +
                             (failing == Failing::once ? " once" : " from then on");
    bool struck = false;
    run_trial<Setup>(name, dir, faults, [&](Trial<Setup>& trial) {
        faults.fail(kind.fault, n, failing);
        go_through(trial, faults);
        struck = faults.struck();
    });
    return struck;
}

/// A directory in memory where there is one: these tests make and remove thousands of files.
class QuickDir {
public:
    QuickDir() {
        std::error_code error;
        if (std::filesystem::is_directory("/dev/shm", error)) ::setenv("TMPDIR", "/dev/shm", 0);
        dir_.emplace();
    }
    [[nodiscard]] const TempDir& operator*() const noexcept { return *dir_; }

private:
    std::optional<TempDir> dir_;
};

/// All kinds of faults for one backend under one policy.
template <class Setup>
void run_matrix(std::int64_t sample) {
    const QuickDir quick;
    const TempDir& dir = *quick;
    FileFaults faults{dir.path().string()};
    const std::string_view asked = asked_faults();
    const bool all = !asked.empty();
    int total = 0;
    for (const FaultKind& kind : fault_kinds) {
        if (all && asked != "all" && asked != kind.name) continue;
        for (const Failing failing : {Failing::once, Failing::forever}) {
            const std::int64_t before = faults.count(kind.fault);
            run_case<Setup>(kind, Failing::once, no_call, dir, faults);
            const std::int64_t calls = faults.count(kind.fault) - before;
            const std::int64_t stride = all ? 1 : (std::max)(std::int64_t{1}, calls / sample);
            int cases = 0;
            for (std::int64_t n = 1; run_case<Setup>(kind, failing, n, dir, faults); n += stride) ++cases;
            if (all)
                std::printf("%-24s %-24s %-12s %4d\n", Setup::name, kind.name, failing == Failing::once ? "once" : "from then on",
                            cases);
            total += cases;
        }
    }
    if (all) std::printf("%-24s %-24s %-12s %4d\n", Setup::name, "all", "", total);
    CHECK(total > 0);
}

/// A disk with room for so many bytes, and then more again.
template <class Setup>
void run_full_disk() {
    const QuickDir quick;
    FileFaults faults{(*quick).path().string()};
    for (const std::int64_t room : {0, 1, 100, 4'000, 10'000, 30'000, 50'000, 70'000, 100'000, 130'000, 160'000, 200'000}) {
        bool says_full = false;
        run_trial<Setup>(std::string{Setup::name} + ", room for " + std::to_string(room), *quick, faults, [&](Trial<Setup>& trial) {
            faults.set_room(room);
            trial.open();
            for (int i = 0; i < 48 && trial.errors().size() < 3; ++i) {
                trial.save("player " + std::to_string(i), i + 1, {}, 6'000);
                if (i % 5 == 4) (void)trial.flush();
                trial.load_all();
            }
            (void)trial.flush();
            for (const Error& error : trial.errors()) says_full = says_full || error == Errc::full;
            if (!faults.struck()) trial.found("the disk did not become full");
        });
        INFO(Setup::name << ", room for " << room);
        CHECK(says_full);
    }
}

/// Whether any error's text has these words.
template <class Setup>
bool says(const Trial<Setup>& trial, Errc code, std::string_view words) {
    return std::any_of(trial.errors().begin(), trial.errors().end(),
                       [&](const Error& error) { return error == code && error.message().find(words) != std::string_view::npos; });
}

/// A file system that is remounted for reading beneath an open store, and stays so while it is opened anew.
template <class Setup>
void run_read_only() {
    const QuickDir quick;
    FileFaults faults{(*quick).path().string()};
    for (const int refusal : {EROFS, EACCES}) {
        run_trial<Setup>(std::string{Setup::name} + ", read-only", *quick, faults, [&](Trial<Setup>& trial) {
            trial.open();
            trial.save("a", 1);
            (void)trial.flush();
            faults.fail(FileFault::on_change(refusal), 1, Failing::forever);
            for (int i = 2; i < 5; ++i) {
                const std::size_t before = trial.errors().size();
                trial.save("a", i);
                (void)trial.flush();
                if (trial.errors().size() == before) trial.found("a write to a read-only file system is taken for stored");
            }
            trial.load_all();
            faults.lift();
            (void)trial.close();
            trial.destroy();
            const std::size_t before = trial.errors().size();
            faults.fail(FileFault::on_change(refusal), 1, Failing::forever);
            if (trial.open()) trial.found("a store opens for writing on a read-only file system");
            if (trial.errors().size() == before || trial.errors().back() != Errc::read_only)
                trial.found("opening does not say read_only");
        });
    }
}

/// A directory that goes away beneath an open store and comes back, as a disk does whose cable is loose.
template <class Setup>
void run_vanished() {
    const QuickDir quick;
    FileFaults faults{(*quick).path().string()};
    run_trial<Setup>(std::string{Setup::name} + ", vanished", *quick, faults, [&](Trial<Setup>& trial) {
        const std::string place = *quick / "case";
        const std::string away = *quick / "away";
        trial.open();
        trial.save_many({"a", "b"}, 1);
        (void)trial.flush();
        std::filesystem::rename(place, away);
        for (int i = 2; i < 5; ++i) trial.save("a", i);
        (void)trial.flush();
        (void)trial.close();
        trial.destroy();
        if (trial.open()) trial.found("a store opens where no directory is");
        if (!says(trial, Errc::io, place)) trial.found("nobody says that the directory is gone");
        if (std::filesystem::exists(place)) trial.found("a directory was made that the user has to make");
        std::filesystem::rename(away, place);
    });
}

/// A disk that stays away: each call fails, and only a few of them try to open the database again.
template <class Setup>
void run_away() {
    const QuickDir quick;
    FileFaults faults{(*quick).path().string()};
    run_trial<Setup>(std::string{Setup::name} + ", away", *quick, faults, [&](Trial<Setup>& trial) {
        constexpr int calls = 1'000;
        trial.open();
        trial.save("a", 1);
        (void)trial.flush();
        const auto opened = [&] { return faults.count(FileCall::open_read) + faults.count(FileCall::open_write); };
        faults.fail(FileFault::on_anything(EIO), 1, Failing::forever);
        trial.save("a", 2);
        const auto before = opened();
        for (int i = 0; i < calls; ++i) (void)trial.store().backend().read("player:a");
        if (opened() - before >= calls) trial.found("every call tries to open the database");
        const auto then = opened();
        for (int i = 0; i < calls; ++i) {
            (void)trial.store().transaction([](auto& tx) -> Status {
                const auto loaded = tx.template load<joinly::test::Account>("nobody");
                return loaded ? Status{} : failure(loaded.error());
            });
        }
        if (opened() - then >= calls) trial.found("every transaction tries to open the database, though it could not load");
    });
}

/// No file can be opened any more: the message says why, in the system's words.
template <class Setup>
void run_too_many_files() {
    const QuickDir quick;
    FileFaults faults{(*quick).path().string()};
    for (const int refusal : {EMFILE, ENFILE}) {
        run_trial<Setup>(std::string{Setup::name} + ", too many open files", *quick, faults, [&](Trial<Setup>& trial) {
            trial.open();
            trial.save("a", 1);
            (void)trial.close();
            trial.destroy();
            faults.fail(FileFault::on_open(refusal), 1, Failing::forever);
            if (trial.open()) trial.found("a store opens without opening a file");
            if (!says(trial, Errc::io, std::generic_category().message(refusal)))
                trial.found("nobody says that too many files are open");
        });
    }
}

}  // namespace joinly::test
#endif
