// What secondary indexes cost and save: a query against the size of the table, a save against one without indexes. Beside the
// saves, the same writes and reads by the engines' own interfaces (raw_plain, raw_two_indexes): no save can cost less.
//
// Dead ends, measured on LevelDB with raw batches of a hundred: the keys of a batch in their order, or its reads in theirs, change
// nothing (a memtable of 64 MiB holds some hundred thousand keys, so that neighbours in a batch share no cache line).

#include <benchmarks/support/index_floors.hpp>
#include <benchmarks/support/subjects.hpp>
#include <joinly/index/query.hpp>

namespace game {

/// The same fields three times: without an index, with two, and with the values of both changed.
struct Plain {
    std::string id;
    std::string name;
    std::int32_t rating = 0;
    std::int32_t level = 0;
    std::map<std::string, std::string> attributes = {};
};
struct Indexed : Plain {};

}  // namespace game

template <>
struct joinly::Entity<game::Plain> {
    static constexpr std::string_view kind = "plain";
    static constexpr auto& id(auto& plain) { return plain.id; }
    static constexpr void fields(auto& plain, auto&& field) {
        field(1, "id", plain.id);
        field(2, "name", plain.name);
        field(3, "rating", plain.rating);
        field(4, "level", plain.level);
        field(5, "attributes", plain.attributes);
    }
};

template <>
struct joinly::Entity<game::Indexed> {
    static constexpr std::string_view kind = "indexed";
    static constexpr auto& id(auto& indexed) { return indexed.id; }
    static constexpr void fields(auto& one, auto&& field) {
        field(1, "id", one.id);
        field(2, "name", one.name);
        field(3, "rating", one.rating, indexed);
        field(4, "level", one.level, indexed);
        field(5, "attributes", one.attributes);
    }
};

namespace {

using namespace joinly::bench;

constexpr std::size_t results = 50;

template <class Subject>
auto& table(std::size_t size) {
    return filled<OpenStore<Subject>>(size, [](auto& opened, std::size_t count) { save_all(opened.store, count, player); }).store;
}

/// Fifty players from a rating upwards.
template <class Subject>
void find(benchmark::State& state, std::size_t size) {
    auto& store = table<Subject>(size);
    Random random;
    const auto highest = (std::min)(size * 7919, std::size_t{900'000});
    for (auto _ : state) {
        const auto from = static_cast<std::int32_t>(random.below(highest));
        const auto found = must(store.find(where(&joinly::Player::skill_rating).at_least(from).limit(results)));
        if (found.items.size() != results) return state.SkipWithError("not fifty results");
    }
}

/// As many players by their ids, scattered over the table: what is left when an index costs nothing.
template <class Subject>
void load(benchmark::State& state, std::size_t size) {
    auto& store = table<Subject>(size);
    Random random;
    std::vector<std::string> ids(results);
    for (auto _ : state) {
        for (std::string& id : ids) id = player_id(random.below(size));
        for (const auto& loaded : store.template load_many<joinly::Player>(ids)) {
            if (!loaded) return state.SkipWithError("a player is missing");
        }
    }
}

enum class Saved { anew, with_the_same_terms, with_both_terms_changed };

template <class T>
T fighter(std::size_t number, std::size_t round) {
    T made;
    made.id = "fighter_" + std::to_string(number * 7919 % 100'003) + '_' + std::to_string(number);
    made.name = "User of the number " + std::to_string(number);
    made.rating = static_cast<std::int32_t>((number + round) * 7919 % 1'000'003);
    made.level = static_cast<std::int32_t>((number + round) * 104'729 % 1'000'003);
    made.attributes = player(number).attributes;
    return made;
}

/// A hundred in a batch, in a table of a hundred thousand.
template <class Subject, class T>
void save(benchmark::State& state, Saved how) {
    constexpr std::size_t batch = 100;
    constexpr std::size_t base = 100'000;
    auto& opened = filled<OpenStore<Subject>>(
        base, [](auto& fresh, std::size_t count) { save_all(fresh.store, count, [](std::size_t n) { return fighter<T>(n, 0); }); });
    static std::size_t next = base;
    static std::vector<std::size_t> rounds(base);  // by number: repetitions and ways share the table
    Random random;
    std::vector<T> entities(batch);
    for (auto _ : state) {
        state.PauseTiming();
        for (T& entity : entities) {
            const std::size_t number = how == Saved::anew ? next++ : random.below(base);
            if (how == Saved::with_both_terms_changed) ++rounds[number];
            entity = fighter<T>(number, how == Saved::anew ? 0 : rounds[number]);
        }
        state.ResumeTiming();
        must(opened.store.save_many(entities));
    }
}

/// What `save` saves, as bytes.
void write(RawSave& save, bool indexed, std::size_t number, std::size_t before, std::size_t now) {
    const auto terms = [&](std::size_t round) {
        std::string packed;
        if (indexed) must(joinly::detail::index_terms(fighter<game::Indexed>(number, round), packed));
        return packed;
    };
    save.key = "indexed:" + fighter<game::Indexed>(number, now).id;
    save.value.assign(200, 'v');
    save.terms_before = terms(before);
    save.terms = terms(now);
}

constexpr std::size_t raw_base = 100'000;

template <class Raw>
struct OpenRaw {
    Raw raw;
    std::size_t next = raw_base;
    std::vector<std::size_t> rounds = std::vector<std::size_t>(raw_base);
};

/// As `save`, without a store.
template <class Raw>
void save_raw(benchmark::State& state, Saved how, bool indexed) {
    constexpr std::size_t batch = 100;
    auto& opened = filled<OpenRaw<Raw>>(raw_base + (indexed ? 1 : 0), [indexed](auto& fresh, std::size_t) {
        std::vector<RawSave> saves(1000);
        for (std::size_t number = 0; number < raw_base; ++number) {
            RawSave& save = saves[number % saves.size()];
            write(save, indexed, number, 0, 0);
            save.terms_before.clear();
            if ((number + 1) % saves.size() == 0) fresh.raw.save(saves);
        }
    });
    Random random;
    std::vector<RawSave> saves(batch);
    for (auto _ : state) {
        state.PauseTiming();
        for (RawSave& save : saves) {
            const bool is_new = how == Saved::anew;
            const std::size_t number = is_new ? opened.next++ : random.below(raw_base);
            const std::size_t before = is_new ? 0 : opened.rounds[number];
            if (how == Saved::with_both_terms_changed) ++opened.rounds[number];
            write(save, indexed, number, before, is_new ? 0 : opened.rounds[number]);
            if (is_new) save.terms_before.clear();
        }
        state.ResumeTiming();
        opened.raw.save(saves);
    }
}

constexpr std::pair<const char*, Saved> ways[]{
    {"anew", Saved::anew}, {"same_terms", Saved::with_the_same_terms}, {"changed_terms", Saved::with_both_terms_changed}};

template <class Raw>
void add_raw() {
    const std::string on = Raw::name;
    for (const auto& [name, how] : ways) {
        add("save_100/" + on + "/raw_plain/" + name, [how = how](auto& state) { save_raw<Raw>(state, how, false); });
        add("save_100/" + on + "/raw_two_indexes/" + name, [how = how](auto& state) { save_raw<Raw>(state, how, true); });
    }
}

template <class Subject>
void add_all() {
    const std::string on = Subject::name;
    for (const std::size_t size : table_sizes()) {
        add("find_50/" + on + '/' + std::to_string(size), [size](auto& state) { find<Subject>(state, size); });
        add("load_50/" + on + '/' + std::to_string(size), [size](auto& state) { load<Subject>(state, size); });
    }
    for (const auto& [name, how] : ways) {
        add("save_100/" + on + "/plain/" + name, [how = how](auto& state) { save<Subject, game::Plain>(state, how); });
        add("save_100/" + on + "/two_indexes/" + name, [how = how](auto& state) { save<Subject, game::Indexed>(state, how); });
    }
}

}  // namespace

int main(int argc, char** argv) {
    add_all<OnMemory>();
    add_all<OnSqlite>();
    add_all<OnLevelDb>();
    add_raw<RawIndexedSqlite>();
    add_raw<RawIndexedLevelDb>();
    return run_all(argc, argv);
}
