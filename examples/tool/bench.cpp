// bench: what saves and loads take on this machine.
//
// The library as a game has it, a write-through store of players with an index, and beside it the bare engine with the same keys
// and bytes: no versions, checksums, expiry, index, cache or decoding there. Everything is fsynced on both sides. One thread; a
// workload ends after a few seconds even if there is more to do. Ratios of one run can be compared, rates of two runs hardly.

#include <joinly/store.hpp>

#include <algorithm>
#include <chrono>
#include <random>

#include "../common/text.hpp"
#include "any_backend.hpp"
#include "bare_engine.hpp"
#include "codecs.hpp"
#include "commands.hpp"
#include "interruption.hpp"
#include "json_line.hpp"
#include "work_directory.hpp"

namespace tool {
namespace {

constexpr std::size_t rows_at_once = 100;
constexpr std::uint64_t single_saves = 500;
constexpr std::chrono::seconds longest_workload{3};

using Clock = std::chrono::steady_clock;
using Store = joinly::Store<AnyBackend, joinly::WriteThrough, TraitsOf<Binary>>;

/// Rows a second. `work(i)` does what is to be done with the rows from `i` on, `at_once` of them; an interruption ends it.
template <class Work>
joinly::Result<double> measure(std::uint64_t rows, std::uint64_t at_once, Work work) {
    const auto start = Clock::now();
    std::uint64_t done = 0;
    while (done < rows && Clock::now() - start < longest_workload) {
        if (Interruption::requested()) return joinly::failure(joinly::Errc::timed_out, "interrupted");
        if (joinly::Status status = work(done); !status) return joinly::failure(status.error());
        done += at_once;
    }
    return static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - start).count();
}

struct Sample {
    std::vector<joinly::Player> players;
    std::vector<KeyAndValue> rows;  // the same, encoded
    std::vector<std::size_t> shuffled;
};

joinly::Result<Sample> make_sample(const BenchOptions& options) {
    Sample sample;
    std::mt19937_64 random{1};  // the same ones in every run
    for (std::uint64_t i = 0; i < options.records && !Interruption::requested(); ++i) {
        joinly::Player player{.player_id = "player_" + std::to_string(i),
                              .skill_rating = static_cast<std::int32_t>(random() % 3'000)};
        while (player.username.size() + 30 < options.value_bytes) player.username += static_cast<char>('a' + random() % 26);
        KeyAndValue row{"player:" + player.player_id, {}};
        if (auto encoded = encode_binary(player, row.value); !encoded) return joinly::failure(encoded.error());
        sample.players.push_back(std::move(player));
        sample.rows.push_back(std::move(row));
        sample.shuffled.push_back(i);
    }
    std::shuffle(sample.shuffled.begin(), sample.shuffled.end(), random);
    return sample;
}

struct Rates {
    joinly::Result<double> joinly_rate;
    joinly::Result<double> bare_rate;
};

/// The workloads, on one engine.
class Bench {
public:
    Bench(const Sample& sample, Store& store, BareEngine& bare) : sample_{sample}, store_{store}, bare_{bare} {}

    Rates save_singly() {
        const auto rows = (std::min)(single_saves, std::uint64_t{sample_.rows.size()});
        return {measure(rows, 1, [&](std::uint64_t i) { return status_of(store_.save(sample_.players[i])); }),
                measure(rows, 1, [&](std::uint64_t i) {
                    return bare_.put({&sample_.rows[i], 1});
                })};
    }
    Rates save_together() {
        const auto part = [](const auto& all, std::uint64_t i) {
            return std::span{all}.subspan(i, (std::min)(rows_at_once, all.size() - static_cast<std::size_t>(i)));
        };
        return {over_all(rows_at_once, [&](std::uint64_t i) { return status_of(store_.save_many(part(sample_.players, i))); }),
                over_all(rows_at_once, [&](std::uint64_t i) { return bare_.put(part(sample_.rows, i)); })};
    }
    Rates load() {
        const auto at = [&](std::uint64_t i) { return sample_.shuffled[i]; };
        return {over_all(1,
                         [&](std::uint64_t i) {
                             return status_of(store_.template load<joinly::Player>(sample_.players[at(i)].player_id));
                         }),
                over_all(1, [&](std::uint64_t i) { return status_of(bare_.get(sample_.rows[at(i)].key)); })};
    }
    Rates read_all() {
        const auto rows = sample_.rows.size();
        return {measure(rows, rows,
                        [&](std::uint64_t) {
                            std::uint64_t ratings = 0;
                            return store_.template for_each<joinly::Player>(
                                [&](const auto& player) { ratings += static_cast<std::uint64_t>(player->skill_rating); });
                        }),
                measure(rows, rows, [&](std::uint64_t) { return status_of(bare_.read_all()); })};
    }

private:
    template <class T>
    static joinly::Status status_of(const joinly::Result<T>& result) {
        return result ? joinly::Status{} : joinly::failure(result.error());
    }
    template <class Work>
    joinly::Result<double> over_all(std::uint64_t at_once, Work work) {
        return measure(sample_.rows.size(), at_once, work);
    }

    const Sample& sample_;
    Store& store_;
    BareEngine& bare_;
};

std::string rate_text(double rate) { return common::grouped(static_cast<std::uint64_t>(rate)) + "/s"; }

joinly::Status print(std::string_view workload, EngineName engine, const Rates& rates, Console& console) {
    if (!rates.joinly_rate) return joinly::failure(rates.joinly_rate.error());
    if (!rates.bare_rate) return joinly::failure(rates.bare_rate.error());
    const double ratio = *rates.joinly_rate / *rates.bare_rate;
    if (console.json()) {
        JsonLine line;
        line.text("backend", name_of(engine)).text("workload", workload).number("joinly_per_second", *rates.joinly_rate);
        console.line(line.number("bare_per_second", *rates.bare_rate).number("ratio", ratio).str());
    } else {
        std::string row = "  " + std::string{workload};
        row.resize(28, ' ');
        console.line(row + common::right(rate_text(*rates.joinly_rate), 14) + common::right(rate_text(*rates.bare_rate), 14) +
                     common::right(common::fixed(ratio, 2), 8));
    }
    (void)console.flush();  // a line when it is known
    return {};
}

joinly::Status run_on(EngineName name, const std::string& directory, const Sample& sample, Console& console) {
    const std::string path = directory + '/' + std::string{name_of(name)};
    auto bare = name == EngineName::sqlite ? open_bare_sqlite(path + ".bare") : open_bare_leveldb(path + ".bare");
    if (!bare) return joinly::failure(bare.error());
    const auto open = [&]() -> joinly::Result<Store> {
        auto engine = open_engine({name, std::nullopt, false, path}, Access::create);
        if (!engine) return joinly::failure(engine.error());
        return Store::open({std::move(*engine)}, {.capacity_entries = sample.rows.size()});
    };
    auto store = open();
    if (!store) return joinly::failure(store.error());
    if (!console.json()) {
        console.line(std::string{name_of(name)} + std::string(22, ' ').substr(name_of(name).size()) + common::right("joinly", 20) +
                     common::right("bare engine", 14) + common::right("ratio", 8));
    }
    Bench saving{sample, *store, **bare};
    if (auto done = print("save, one by one", name, saving.save_singly(), console); !done) return done;
    if (auto done = print("save, 100 at once", name, saving.save_together(), console); !done) return done;
    {
        auto closing = std::move(*store);  // so that nothing is cached from here on
        if (auto closed = closing.close(); !closed) return closed;
    }
    store = open();
    if (!store) return joinly::failure(store.error());
    Bench loading{sample, *store, **bare};
    if (auto done = print("read all, in order", name, loading.read_all(), console); !done) return done;
    if (auto done = print("load, not cached", name, loading.load(), console); !done) return done;
    return print("load, cached", name, loading.load(), console);
}

}  // namespace

Exit bench(const BenchOptions& options, Console& console) {
    const auto is_asked_for = [&](EngineName engine) { return options.backend.empty() || options.backend == name_of(engine); };
    if (!is_asked_for(EngineName::sqlite) && !is_asked_for(EngineName::leveldb))
        return console.give_up(
            {joinly::Errc::invalid_argument, "there is no backend '" + options.backend + "'; there are sqlite and leveldb"});
    const Interruption interruption;
    joinly::Status done;
    {
        const WorkDirectory directory{options.directory};
        if (directory.path().empty())
            return console.give_up({joinly::Errc::io, "a directory for the work cannot be made in '" + options.directory + "'"});
        const auto sample = make_sample(options);
        if (!sample) return console.give_up(sample.error());
        for (const EngineName engine : {EngineName::sqlite, EngineName::leveldb}) {
            if (done && is_asked_for(engine)) done = run_on(engine, directory.path(), *sample, console);
        }
    }
    if (Interruption::requested()) {
        console.note("interrupted; nothing is left behind");
        return Exit::interrupted;
    }
    if (!done) return console.give_up(done.error());
    if (!console.json())
        console.line("Each save is fsynced; bare: the same keys and bytes by the engine's own interface, nothing else kept.");
    return Exit::done;
}

}  // namespace tool
