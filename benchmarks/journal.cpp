// What an acknowledged save costs that survives the process: write-behind with its journal, beside what others do for that. That it
// does survive is kills.cpp's.

#include <benchmarks/support/engines.hpp>
#include <joinly/detail/crc32c.hpp>
#include <joinly/policy/write_behind.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace joinly::bench;

constexpr std::size_t players = 10'000;

/// 200 bytes when encoded, most of them in one attribute, so that copying a player is not what is measured.
joinly::Player small_player(std::size_t number) {
    joinly::Player made = player(number);
    made.attributes = {{"loadout", std::string(120, 'l')}};
    return made;
}

/// Made beforehand: a game has its players in memory.
const std::vector<joinly::Player>& all_players() {
    static const auto made = [] {
        std::vector<joinly::Player> all;
        for (std::size_t number = 0; number < players; ++number) all.push_back(small_player(number));
        return all;
    }();
    return made;
}

using Behind = joinly::Store<joinly::MemoryBackend, joinly::WriteBehind>;

/// Flushes when the benchmark is over: what the worker does then is another benchmark's.
Behind open_behind(const std::string& journal) {
    joinly::WriteBehindOptions options;
    options.max_delay = std::chrono::hours{1};
    options.flush_entries = options.pending_limit_entries = 10 * players;
    options.flush_bytes = options.pending_limit_bytes = std::size_t{1} << 40;
    options.journal.path = journal;
    options.journal.limit_bytes = std::size_t{8} << 30;
    return must(Behind::open({}, options));
}

/// An iteration saves each player once, in an order that the cache does not foresee, in a store that has them all.
template <class Save>
void save_each(benchmark::State& state, Save&& save) {
    Random random;
    for (auto _ : state) {
        for (std::size_t i = 0; i < 1'000; ++i) save(all_players()[random.below(players)]);
    }
    state.SetItemsProcessed(state.iterations() * 1'000);
}

void write_behind(benchmark::State& state, bool with_journal) {
    const joinly::test::TempDir dir;
    auto store = open_behind(with_journal ? dir / "journal" : "");
    for (const auto& one : all_players()) must(store.save(one));
    save_each(state, [&](const joinly::Player& one) { must(store.save(one)); });
}

/// The floor: the bytes and their checksum, kept nowhere.
void encode_and_checksum(benchmark::State& state) {
    std::string bytes;
    save_each(state, [&](const joinly::Player& one) {
        bytes.clear();
        must(joinly::Binary::encode(one, bytes));
        benchmark::DoNotOptimize(joinly::detail::crc32c(bytes));
    });
}

void write_each(benchmark::State& state) {
    const joinly::test::TempDir dir;
    const int file = ::open((dir / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    std::string bytes;
    save_each(state, [&](const joinly::Player& one) {
        bytes.clear();
        must(joinly::Binary::encode(one, bytes));
        if (::write(file, bytes.data(), bytes.size()) < 0) std::exit(1);
    });
    ::close(file);
}

/// What benchmarks/backend.cpp calls sqlite/raw: a prepared upsert for each save, outside of transactions.
void sqlite_autocommit(benchmark::State& state) {
    RawSqlite<false> engine;
    std::vector<Row> row(1);
    const auto save = [&](const joinly::Player& one) {
        row[0].key = one.player_id;
        row[0].value.clear();
        must(joinly::Binary::encode(one, row[0].value));
        engine.put(row);
    };
    for (const auto& one : all_players()) save(one);
    save_each(state, save);
}

}  // namespace

int main(int argc, char** argv) {
    add("save/encode_and_checksum", encode_and_checksum);
    add("save/write_behind", [](benchmark::State& state) { write_behind(state, false); });
    add("save/write_behind_with_journal", [](benchmark::State& state) { write_behind(state, true); });
    add("save/write_each", write_each);
    add("save/sqlite_autocommit", sqlite_autocommit);
    return run_all(argc, argv);
}
