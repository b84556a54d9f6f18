// The work whose instructions benchmarks/instructions.py has counted, by valgrind's callgrind, which repeats exactly where times
// do not. Each piece of work is done some hundred times uncounted and then a thousand times counted; what is counted goes into
// a dump of callgrind's that bears its name. `instructions --names` prints the names. Run without valgrind it counts nothing.
//
// Of the adapters and engines, names are those of benchmarks/backend.cpp; of the codec, those of benchmarks/codec.cpp.

#include <benchmarks/support/codec_samples.hpp>
#include <benchmarks/support/engines.hpp>
#include <benchmarks/support/handwritten_codec.hpp>
#include <joinly/cache/cache.hpp>
#include <joinly/policy/write_behind.hpp>

#include <valgrind/callgrind.h>

namespace {

using namespace joinly::bench;

constexpr std::size_t times = 1'000;
bool only_names = false;

/// `work(i)` for i from 0 to 999, counted; made by `prepare`, which is not counted.
template <class Prepare>
void count(const std::string& name, Prepare prepare) {
    if (only_names) {
        std::printf("%s\n", name.c_str());
        return;
    }
    auto work = prepare();
    for (std::size_t i = 0; i < times / 4; ++i) work(i);
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    for (std::size_t i = 0; i < times; ++i) work(i);
    CALLGRIND_DUMP_STATS_AT(name.c_str());
    CALLGRIND_STOP_INSTRUMENTATION;
}

/// What is asked for, made beforehand: another name each time, in the same order in each run.
template <class Name>
std::vector<std::string> requests(std::size_t of, Name name) {
    std::vector<std::string> made;
    for (std::size_t i = 0; i < times; ++i) made.push_back(name(i * 7919 % of));
    return made;
}

// --- the cache

constexpr std::size_t entries = 10'000;

std::string row_key(std::size_t number) { return "player:" + std::to_string(100'000 + number); }

void count_cache() {
    using Value = std::array<char, 200>;
    const auto filled_cache = [] {
        auto cache = std::make_shared<joinly::Cache<Value>>(joinly::CacheOptions{.capacity_entries = 2 * entries});
        for (std::size_t i = 0; i < entries; ++i) cache->set(row_key(i), Value{});
        return cache;
    };
    count("hit/visit", [&] {
        return [cache = filled_cache(), keys = requests(entries, row_key)](std::size_t i) {
            cache->visit(keys[i], [](const Value& value) { benchmark::DoNotOptimize(value[0]); });
        };
    });
    count("hit/get", [&] {
        return [cache = filled_cache(), keys = requests(entries, row_key)](std::size_t i) {
            benchmark::DoNotOptimize(cache->get(keys[i]));
        };
    });
}

// --- the store over a backend in memory

constexpr std::size_t players = 5'000;  // all of which the caches hold

template <class Policy>
auto open_store(typename Policy::Options options = {}) {
    using Store = joinly::Store<joinly::MemoryBackend, Policy>;
    auto store = std::make_shared<Store>(must(Store::open({}, options)));
    save_all(*store, players, player);
    return store;
}

/// Nothing is flushed while it is counted: who does that is a thread of its own.
joinly::WriteBehindOptions behind_options(const std::string& journal) {
    joinly::WriteBehindOptions options;
    options.max_delay = std::chrono::hours{1};
    options.drive = joinly::Drive::caller;
    options.journal.path = journal;
    return options;
}

void count_store() {
    count("load/hit", [] {
        return [store = open_store<joinly::WriteThrough>(), ids = requests(players, player_id)](std::size_t i) {
            benchmark::DoNotOptimize(must(store->load<joinly::Player>(ids[i])));
        };
    });
    count("save/write_behind_with_journal", [] {
        auto dir = std::make_shared<joinly::test::TempDir>();
        return [dir, store = open_store<joinly::WriteBehind>(behind_options(*dir / "journal")), ids = requests(players, player_id),
                made = player(0)](std::size_t i) mutable {
            made.player_id = ids[i];
            must(store->save(made));
        };
    });
    count("update/lobby", [] {
        auto store = open_store<joinly::WriteBehind>(behind_options(""));
        must(store->save(sample_lobby()));
        return [store](std::size_t i) {
            must(store->update<joinly::Lobby>("lobby_123", [&](joinly::Lobby& lobby) { lobby.rating = static_cast<int>(i); }));
        };
    });
}

// --- the codec

struct Ours {
    template <class T>
    static void encode(const T& object, std::string& out) {
        must(joinly::Binary::encode(object, out));
    }
    template <class T>
    static void decode(std::string_view bytes, T& object) {
        must(joinly::Binary::decode(bytes, object));
    }
};
struct Handwritten {
    template <class T>
    static void encode(const T& object, std::string& out) {
        handwritten::encode(object, out);
    }
    template <class T>
    static void decode(std::string_view bytes, T& object) {
        if (!handwritten::decode(bytes, object)) std::exit(1);
    }
};

template <class Codec, class T>
void count_codec(const std::string& what, const T& object) {
    count("encode/" + what, [&] {
        return [&, bytes = std::string{}](std::size_t) mutable {
            bytes.clear();
            Codec::encode(object, bytes);
            benchmark::DoNotOptimize(bytes.data());
        };
    });
    count("decode/" + what, [&] {
        std::string bytes;
        Codec::encode(object, bytes);
        return [bytes](std::size_t) {
            T decoded;
            Codec::decode(bytes, decoded);
            benchmark::DoNotOptimize(&decoded);
        };
    });
}

void count_codecs() {
    count_codec<Ours>("player/binary", sample_player());
    count_codec<Handwritten>("player/handwritten", sample_player());
    count_codec<Ours>("lobby/binary", sample_lobby());
    count_codec<Handwritten>("lobby/handwritten", sample_lobby());
    count_codec<Ours>("roster/binary", sample_roster());
    count_codec<Handwritten>("roster/handwritten", sample_roster());
}

// --- the adapters, and the engines by themselves

constexpr std::size_t rows = 10'000;

template <class Engine>
void count_engine() {
    const auto filled_engine = [] {
        auto engine = std::make_shared<Engine>();
        std::vector<Row> all(rows);
        for (std::size_t number = 0; number < rows; ++number) all[number] = {row_key(number), std::string(200, 'v')};
        engine->put(all);
        return engine;
    };
    const std::string on = Engine::name();
    count("get/" + on, [&] {
        return [engine = filled_engine(), keys = requests(rows, row_key)](std::size_t i) {
            if (!engine->get(keys[i])) std::exit(1);
        };
    });
    count("get_absent/" + on, [&] {
        const auto absent_key = [](std::size_t number) { return row_key(number) + '0'; };
        return [engine = filled_engine(), keys = requests(rows, absent_key)](std::size_t i) {
            if (engine->get(keys[i])) std::exit(1);
        };
    });
    count("put/" + on, [&] {
        return [engine = filled_engine(), keys = requests(rows, row_key), value = std::string(200, 'w'),
                row = std::vector<Row>(1)](std::size_t i) mutable {
            row[0].key = keys[i];
            row[0].value = value;
            engine->put(row);
        };
    });
    // Of a hundred rows or more, what is counted is for each row.
    count("put_100/" + on, [&] {
        return [engine = filled_engine(), keys = requests(rows, row_key), value = std::string(200, 'w'),
                batch = std::vector<Row>(100)](std::size_t i) mutable {
            batch[i % 100].key = keys[i];
            batch[i % 100].value = value;
            if (i % 100 == 99) engine->put(batch);
        };
    });
    count("scan_100/" + on, [&] {
        return [engine = filled_engine(), keys = requests(rows - 100, row_key)](std::size_t i) {
            if (i % 100 == 0) benchmark::DoNotOptimize(engine->scan(keys[i], 100));
        };
    });
}

template <class... Engine>
void count_engines() {
    (count_engine<Engine>(), ...);
}

}  // namespace

int main(int argc, char** argv) {
    only_names = argc > 1 && argv[1] == std::string_view{"--names"};
    count_cache();
    count_store();
    count_codecs();
    count_engines<Adapter<OnSqlite>, RawSqlite<true>, RawSqlite<false>, Adapter<OnLevelDb>, RawLevelDb<true>, RawLevelDb<false>>();
}
