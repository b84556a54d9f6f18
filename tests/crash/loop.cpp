#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include <tests/crash/loop.hpp>
#include <tests/support/temp_dir.hpp>

namespace joinly::test {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds patience{60'000};  // a child that says nothing for so long hangs

// --- what children report: each message in one write, so that a kill leaves it whole or out ------------------------------

struct Message {
    enum Kind : std::uint64_t { ready, acknowledged, flushed, closed, failed };
    Kind kind = ready;
    std::uint64_t lane = 0;
    std::uint64_t number = 0;
    Version version = absent;
    Steady::time_point at = Steady::now();  // one clock for all processes
    char text[200] = {};
};

struct Verdict {
    bool opened = false;
    bool refused = false;  // as corrupt
    bool flushed = false;
    microseconds open_time{0};
    std::array<std::uint64_t, lane_count> last{};
    Version newest = absent;
    Faults faults;
    char text[400] = {};
};
static_assert(sizeof(Message) <= 512 && sizeof(Verdict) <= 4096, "larger than what a pipe takes at once");

template <class Report>
void send(int pipe, const Report& report) {
    if (::write(pipe, &report, sizeof report) != static_cast<ssize_t>(sizeof report)) ::_exit(98);
}

template <std::size_t size>
void copy_text(char (&to)[size], std::string_view text) {
    std::memcpy(to, text.data(), (std::min)(size - 1, text.size()));
}

/// A forked process that reports through a pipe.
class Child {
public:
    explicit Child(const std::function<void(int pipe)>& work) {
        int ends[2];
        if (::pipe(ends) != 0) throw std::runtime_error("pipe failed");
        std::fflush(nullptr);  // what is buffered must not be printed twice
        id_ = ::fork();
        if (id_ < 0) throw std::runtime_error("fork failed");
        if (id_ == 0) {
            ::close(ends[0]);
            work(ends[1]);
            ::_exit(0);  // nothing of the parent's is destroyed here
        }
        ::close(ends[1]);
        pipe_ = ends[0];
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        kill();
        ::close(pipe_);
    }

    void kill() {
        if (id_ == 0) return;
        ::kill(id_, SIGKILL);
        ::waitpid(id_, &status_, 0);
        id_ = 0;
    }
    /// After `kill`: whether it had come to an end of its own, and to a bad one.
    [[nodiscard]] bool crashed() const noexcept {
        return WIFSIGNALED(status_) ? WTERMSIG(status_) != SIGKILL : WEXITSTATUS(status_) != 0;
    }

    /// Waits for the next report; nullopt when there is none until then, or when the child is at its end.
    template <class Report>
    [[nodiscard]] std::optional<Report> next(Steady::time_point until) {
        Report report;
        std::size_t have = 0;
        while (have < sizeof report) {
            if (have == 0) {
                const auto left = std::chrono::ceil<milliseconds>(until - Steady::now());
                pollfd waiting{pipe_, POLLIN, 0};
                if (::poll(&waiting, 1, static_cast<int>((std::max)(left, milliseconds{0}).count())) <= 0) return std::nullopt;
            }
            const ssize_t got = ::read(pipe_, reinterpret_cast<char*>(&report) + have, sizeof report - have);
            if (got <= 0) {
                ended_ = true;
                return std::nullopt;
            }
            have += static_cast<std::size_t>(got);
        }
        return report;
    }
    [[nodiscard]] bool ended() const noexcept { return ended_; }

private:
    pid_t id_ = 0;
    int status_ = 0;
    int pipe_ = -1;
    bool ended_ = false;
};

// --- children ------------------------------------------------------------------------------------------------------------

struct Database {
    std::string directory;
    State state;
    std::array<std::uint64_t, lane_count> next;  // the numbers go on for ever
    Version newest = absent;
    bool state_is_stored = true;  // in the backend, journal aside, and as durably as it takes
};

struct WriterPlan {
    Setup setup;
    Workload workload;
    std::uint64_t batches_per_lane = ~std::uint64_t{0};  // then it closes and ends
};

void write_lane(Subject& subject, const WriterPlan& plan, std::size_t lane, std::uint64_t number, int pipe) {
    Dice dice{number ^ lane};
    for (std::uint64_t left = plan.batches_per_lane; left > 0; --left, ++number) {
        const auto written = subject.write(plan.workload.changes(lane, number));
        Message message{written ? Message::acknowledged : Message::failed, lane, number, written.value_or(absent)};
        if (!written) copy_text(message.text, written.error().message());
        send(pipe, message);
        if (!written) return;
        if (const Status swept = dice.percent(3) ? subject.sweep() : Status{}; !swept) {
            message.kind = Message::failed;
            copy_text(message.text, "sweep: " + std::string{swept.error().message()});
            return send(pipe, message);
        }
        if (plan.setup.policy != Policy::write_behind || !dice.percent(3)) continue;
        const auto flushed = subject.flush();
        message.kind = flushed ? Message::flushed : Message::failed;
        message.at = Steady::now();
        if (!flushed) copy_text(message.text, "flush: " + std::string{flushed.error().message()});
        send(pipe, message);
    }
}

void run_writer(const WriterPlan& plan, const Database& database, int pipe) {
    auto subject = open_subject(plan.setup, database.directory);
    Message message;
    if (!subject) {
        message.kind = Message::failed;
        copy_text(message.text, "open: " + std::string{subject.error().message()});
        return send(pipe, message);
    }
    send(pipe, message);
    std::vector<std::thread> lanes;
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
        lanes.emplace_back([&, lane] { write_lane(**subject, plan, lane, database.next[lane], pipe); });
    }
    for (std::thread& lane : lanes) lane.join();
    const auto closed = (*subject)->close();
    message.kind = closed ? Message::closed : Message::failed;
    if (!closed) copy_text(message.text, "close: " + std::string{closed.error().message()});
    send(pipe, message);
}

/// The same key by key as by a scan.
void check_loads(Subject& subject, const std::vector<Found>& found, Verdict& verdict) {
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
        for (std::size_t key = 0; key < keys_per_lane; ++key) {
            const std::string name = Workload::key_of(lane, key);
            const auto scanned = std::find_if(found.begin(), found.end(), [&](const Found& one) { return one.key == name; });
            const auto loaded = subject.load(name);
            const bool same = scanned == found.end()
                                  ? !loaded && loaded.error() == Errc::not_found
                                  : loaded && loaded->value == scanned->value && loaded->version == scanned->version;
            if (same) continue;
            if (verdict.faults.sum() == 0) copy_text(verdict.text, name + ": a scan and a load do not find the same");
            ++verdict.faults.corrupt;
        }
    }
}

struct CheckPlan {
    Setup setup;
    Workload workload;
    bool close = false;
};

void run_check(const CheckPlan& plan, const Database& database, const Round& round, int pipe) {
    Verdict verdict;
    const auto began = Steady::now();
    auto subject = open_subject(plan.setup, database.directory);
    verdict.open_time = std::chrono::duration_cast<microseconds>(Steady::now() - began);
    verdict.opened = subject.has_value();
    if (!subject) {
        verdict.refused = subject.error() == Errc::corrupt || subject.error() == Errc::incompatible;
        copy_text(verdict.text, "open: " + std::string{subject.error().message()});
        return send(pipe, verdict);
    }
    const auto found = (*subject)->scan();
    const auto last_version = (*subject)->last_version();
    if (!found || !last_version) {
        ++verdict.faults.corrupt;
        copy_text(verdict.text, found ? last_version.error().message() : found.error().message());
        return send(pipe, verdict);
    }
    Check check{plan.workload, database.state, round};
    // The backend need not know yet what a journal has brought back.
    check.run(*found, plan.setup.journal ? (std::numeric_limits<Version>::max)() : *last_version);
    verdict.faults = check.faults();
    verdict.newest = check.newest();
    for (std::size_t lane = 0; lane < lane_count; ++lane) verdict.last[lane] = check.last(lane);
    copy_text(verdict.text, check.first_fault());
    check_loads(**subject, *found, verdict);
    if (plan.close) verdict.flushed = (*subject)->close().has_value();
    send(pipe, verdict);
    if (!plan.close) ::_exit(0);  // as abruptly as a kill, with whatever is pending
}

// --- the loop --------------------------------------------------------------------------------------------------------------

class Loop {
public:
    Loop(const Setup& setup, const LoopOptions& options, Disaster& disaster)
        : setup_{setup}, options_{options}, disaster_{disaster}, workload_{options.seed}, dice_{options.seed} {}

    Tally run() {
        Database lasting = make_database("lasting");
        while (tally_.rounds < options_.rounds && tally_.faults.sum() + tally_.errors == 0) {
            ++tally_.rounds;
            if (dice_.percent(10)) {
                Database fresh = make_database("fresh");
                play_round(fresh, milliseconds{dice_.below(20)});
                remove(fresh);
            } else {
                play_round(lasting, std::nullopt);
            }
        }
        const char* const keep = std::getenv("JOINLY_KEEP");
        if (over() && keep != nullptr) keep_files(keep);
        return tally_;
    }

private:
    /// What the first fault was found in, for whoever looks into it.
    void keep_files(const std::string& where) const {
        using std::filesystem::copy_options;
        const std::string to = where + "/" + dir_.path().filename().string();
        std::filesystem::create_directories(to);
        std::filesystem::copy(dir_.path(), to, copy_options::recursive);
        std::fprintf(stderr, "kept in %s\n", to.c_str());
    }

    Database make_database(const std::string& name) {
        Database database{dir_ / name, {}, {}, absent, true};
        std::filesystem::create_directory(database.directory);
        database.next.fill(1);
        return database;
    }
    void remove(const Database& database) {
        std::filesystem::remove_all(database.directory);
        disaster_.forget(database.directory);
    }
    /// After it was refused. Its numbers are never used again.
    void renew(Database& database, const Round& round) {
        ++tally_.refused;
        remove(database);
        std::filesystem::create_directory(database.directory);
        database.state = {};
        for (std::size_t lane = 0; lane < lane_count; ++lane) {
            database.next[lane] = round[lane].first + round[lane].versions.size() + 1;
        }
        database.newest = absent;
        database.state_is_stored = true;
    }

    // --- one round ---------------------------------------------------------------------------------------------------------

    void play_round(Database& database, std::optional<milliseconds> kill_after) {
        if (options_.vary_sync) setup_.sync = dice_.percent(70) ? Sync::process_crash : Sync::power_loss;
        WriterPlan plan{setup_, workload_};
        const bool ends_durable = !disaster_.cuts_power() || keeps_all(true) || keeps_flushed(true);
        if (!kill_after && ends_durable && dice_.percent(8)) return play_orderly(database, plan, dice_.below(40));
        if (!kill_after && options_.lives_for.count() > 0) {
            kill_after = options_.lives_for + milliseconds{dice_.below(static_cast<std::uint64_t>(options_.lives_for.count()) / 2)};
        }
        if (!kill_after && dice_.percent(40)) kill_after = milliseconds{dice_.below(40)};

        Round round = begin(database);
        killed_at_ = Steady::time_point::max();
        {
            Child writer{[&](int pipe) {
                disaster_.enter(database.directory);
                run_writer(plan, database, pipe);
            }};
            if (kill_after) {
                listen(writer, round, Steady::now() + *kill_after, ~std::uint64_t{0});
            } else {
                listen(writer, round, Steady::now() + patience, 1 + dice_.below(150));
                listen(writer, round, Steady::now() + milliseconds{dice_.below(3)}, ~std::uint64_t{0});
            }
            kill(writer);
            listen(writer, round, Steady::now() + patience, ~std::uint64_t{0});
        }
        // Without its power the machine forgets; what a crash of the process alone leaves is sealed by further writes first.
        const bool cut = disaster_.cuts_power() && !(keeps_all(true) && dice_.percent(25));
        if (cut) cut_power(database);
        promise(round, cut);
        settle(database, round);
        if (disaster_.cuts_power() && !cut && !over()) play_orderly(database, plan, 1);
    }

    /// A writer that ends by itself: all that it was told of is there.
    void play_orderly(Database& database, WriterPlan plan, std::uint64_t batches) {
        plan.batches_per_lane = batches;
        Round round = begin(database);
        {
            Child writer{[&](int pipe) {
                disaster_.enter(database.directory);
                run_writer(plan, database, pipe);
            }};
            listen(writer, round, Steady::now() + patience, ~std::uint64_t{0});
            if (!closed_ && tally_.errors == 0) error("a writer did not come to its end");
            end(writer);
        }
        for (LaneRound& lane : round) lane.promised = lane.versions.size();
        settle(database, round);
    }

    Round begin(Database& database) {
        closed_ = false;
        Round round;
        for (std::size_t lane = 0; lane < lane_count; ++lane) round[lane].first = database.next[lane];
        floor_ = database.newest;
        acknowledged_at_ = {};
        return round;
    }

    void kill(Child& child) {
        killed_at_ = Steady::now();
        end(child);
        ++tally_.kills;
    }
    void end(Child& child) {
        child.kill();
        if (child.crashed()) error("a process came to an end of its own, by a signal or with an exit code");
    }
    void cut_power(const Database& database) {
        disaster_.strike(database.directory, dice_);
        ++tally_.cuts;
    }

    /// Takes messages until that time, or so many acknowledgements, or the writer's end.
    void listen(Child& writer, Round& round, Steady::time_point until, std::uint64_t batches) {
        while (batches > 0 && !writer.ended()) {
            const auto message = writer.next<Message>(until);
            if (!message) return;
            if (message->kind == Message::acknowledged) --batches;
            take(*message, round);
        }
    }

    void take(const Message& message, Round& round) {
        LaneRound& lane = round[message.lane];
        switch (message.kind) {
            case Message::ready: break;
            case Message::closed: closed_ = true; break;
            case Message::failed: error(message.text); break;
            case Message::flushed: lane.promised = message.number - lane.first + 1; break;
            case Message::acknowledged:
                if (message.version <= (lane.versions.empty() ? floor_ : lane.versions.back())) {
                    fault("a write got version " + std::to_string(message.version) + ", which was given before");
                    ++tally_.faults.versions;
                }
                lane.versions.push_back(message.version);
                acknowledged_at_[message.lane].push_back(message.at);
                ++tally_.batches;
                tally_.writes += workload_.steps(message.lane, message.number).size();
        }
    }

    // --- what was promised ---------------------------------------------------------------------------------------------------

    /// Whether everything acknowledged is there after a crash, of the machine or only of the process.
    [[nodiscard]] bool keeps_all(bool power_cut) const {
        if (setup_.journal) return !power_cut || setup_.journal_sync == Sync::power_loss;
        return setup_.policy != Policy::write_behind && keeps_flushed(power_cut);
    }
    [[nodiscard]] bool keeps_flushed(bool power_cut) const {
        return !power_cut || (setup_.engine != Engine::memory && setup_.sync == Sync::power_loss);
    }

    void promise(Round& round, bool power_cut) const {
        constexpr milliseconds lateness{250};  // of a thread on a busy machine
        for (std::size_t lane = 0; lane < lane_count; ++lane) {
            if (!keeps_flushed(power_cut)) round[lane].promised = 0;
            if (keeps_all(power_cut)) round[lane].promised = round[lane].versions.size();
            if (power_cut && setup_.journal && setup_.journal_sync_interval.count() > 0) {
                const auto& times = acknowledged_at_[lane];
                const auto old = std::upper_bound(times.begin(), times.end(), killed_at_ - setup_.journal_sync_interval - lateness);
                round[lane].promised = (std::max)(round[lane].promised, static_cast<std::uint64_t>(old - times.begin()));
            }
        }
    }

    // --- what there is -------------------------------------------------------------------------------------------------------

    /// Reopens and checks, and takes what is there as the state from which the next round goes on.
    void settle(Database& database, Round& round) {
        if (over()) return;
        if (setup_.journal && setup_.engine != Engine::memory && database.state_is_stored && dice_.percent(30)) {
            check_backend_alone(database, round);
        }
        for (int again = 0; again < 2 && dice_.percent(15); ++again) kill_during_recovery(database, round);
        const auto verdict = check(database, round, {setup_, workload_, dice_.percent(50)});
        if (!verdict) return;
        if (verdict->refused) return renew(database, round);
        for (std::size_t lane = 0; lane < lane_count; ++lane) {
            const LaneRound& done = round[lane];
            const std::uint64_t kept = verdict->last[lane] < done.first ? 0 : verdict->last[lane] - done.first + 1;
            for (std::uint64_t i = 0; i < kept; ++i) {
                database.state[lane].apply(workload_, lane, done.first + i, i < done.versions.size() ? done.versions[i] : absent);
            }
            if (kept < done.versions.size()) tally_.forgotten += done.versions.size() - kept;
            database.next[lane] = done.first + done.versions.size() + 1;  // not the number that may have been begun
        }
        database.newest = verdict->newest;
        database.state_is_stored = verdict->flushed && keeps_flushed(disaster_.cuts_power());
    }

    /// With a journal beside it the backend holds a prefix like that of write-behind without one.
    void check_backend_alone(const Database& database, const Round& round) {
        Setup alone = setup_;
        alone.journal = false;
        alone.policy = Policy::no_cache;
        Round prefix = round;
        for (LaneRound& lane : prefix) lane.promised = 0;
        (void)check(database, prefix, {alone, workload_, false});  // refused here, refused again below
    }

    void kill_during_recovery(const Database& database, const Round& round) {
        {
            Child child{[&](int pipe) {
                disaster_.enter(database.directory);
                run_check({setup_, workload_, true}, database, round, pipe);
            }};
            (void)child.next<Verdict>(Steady::now() + microseconds{dice_.below(8'000)});
            kill(child);
            ++tally_.kills_during_recovery;
        }
        if (disaster_.cuts_power() && dice_.percent(60)) {
            cut_power(database);
            ++tally_.cuts_during_recovery;
        }
    }

    /// nullopt when the database is not usable.
    std::optional<Verdict> check(const Database& database, const Round& round, const CheckPlan& plan) {
        Child child{[&](int pipe) {
            disaster_.enter(database.directory);
            run_check(plan, database, round, pipe);
        }};
        const auto verdict = child.next<Verdict>(Steady::now() + patience);
        if (!verdict) {
            error(child.ended() ? "reopening ended the process" : "reopening hung");
            return std::nullopt;
        }
        (void)child.next<Verdict>(Steady::now() + patience);  // there is none: its end, which closing a store may take a while
        if (!child.ended()) error("closing hung");
        end(child);
        tally_.faults.add(verdict->faults);
        if (verdict->faults.sum() > 0) fault(verdict->text);
        tally_.slowest_open_us = (std::max)(tally_.slowest_open_us, static_cast<std::uint64_t>(verdict->open_time.count()));
        // A cut may leave a part of the first page of a database that was being made, which is refused, too.
        const bool holds_nothing =
            std::all_of(round.begin(), round.end(), [](const LaneRound& lane) { return lane.promised == 0; }) &&
            std::all_of(database.state.begin(), database.state.end(), [](const LaneState& lane) { return lane.last() == 0; });
        const bool may_refuse = options_.may_refuse || (disaster_.cuts_power() && holds_nothing);
        if (!verdict->opened && !(verdict->refused && may_refuse)) {
            error(verdict->text);
            return std::nullopt;
        }
        return verdict;
    }

    void fault(std::string_view text) {
        if (tally_.first_fault.empty()) tally_.first_fault = "round " + std::to_string(tally_.rounds) + ": " + std::string{text};
    }
    void error(std::string_view text) {
        ++tally_.errors;
        fault(text);
    }
    [[nodiscard]] bool over() const noexcept { return tally_.faults.sum() + tally_.errors > 0; }

    TempDir dir_;
    Setup setup_;
    LoopOptions options_;
    Disaster& disaster_;
    Workload workload_;
    Dice dice_;
    Tally tally_;

    bool closed_ = false;  // the writer of this round has closed its store
    Version floor_ = absent;
    Steady::time_point killed_at_;
    std::array<std::vector<Steady::time_point>, lane_count> acknowledged_at_;
};

struct Sum {
    ~Sum() {
        if (loops > 1) std::printf("in all: %s\n", to_string(tally).c_str());
    }
    Tally tally;
    unsigned loops = 0;
};

}  // namespace

Tally run_loop(const Setup& setup, const LoopOptions& options, Disaster& disaster) { return Loop{setup, options, disaster}.run(); }

void Tally::add(const Tally& other) {
    rounds += other.rounds;
    kills += other.kills;
    kills_during_recovery += other.kills_during_recovery;
    cuts += other.cuts;
    cuts_during_recovery += other.cuts_during_recovery;
    batches += other.batches;
    writes += other.writes;
    refused += other.refused;
    faults.add(other.faults);
    errors += other.errors;
    slowest_open_us = (std::max)(slowest_open_us, other.slowest_open_us);
    forgotten += other.forgotten;
    if (first_fault.empty()) first_fault = other.first_fault;
}

void add_to_sum(const Tally& tally) {
    static Sum sum;
    sum.tally.add(tally);
    ++sum.loops;
}

std::string to_string(const Tally& tally) {
    const auto counted = [](const char* name, std::uint64_t count) {
        return std::string{", "} + name + " " + std::to_string(count);
    };
    return "rounds " + std::to_string(tally.rounds) + counted("kills", tally.kills) +
           counted("during recovery", tally.kills_during_recovery) + counted("power cuts", tally.cuts) +
           counted("during recovery", tally.cuts_during_recovery) + counted("acknowledged batches", tally.batches) +
           counted("writes", tally.writes) + counted("lost", tally.faults.lost) + counted("torn", tally.faults.torn) +
           counted("holes", tally.faults.holes) + counted("resurrected", tally.faults.resurrected) +
           counted("corrupt", tally.faults.corrupt) + counted("wrong versions", tally.faults.versions) +
           counted("errors", tally.errors) + counted("forgotten, not promised", tally.forgotten) +
           counted("refused", tally.refused) + ", slowest opening " + std::to_string(tally.slowest_open_us / 1000) + " ms";
}

}  // namespace joinly::test
