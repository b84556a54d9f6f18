// What secondary indexes cost and save: a query against the size of the table, a save against one without indexes. Beside the
// saves, the same writes and reads by the engines' own interfaces (raw_plain, raw_two_indexes): no save can cost less.
//
// goals.toml tells what was tried.

#include <benchmarks/support/index_floors.hpp>
#include <benchmarks/support/subjects.hpp>
#include <joinly/index/query.hpp>

#include <span>

namespace game {

/// The same fields twice: without an index, and with two.
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

/// What is saved, beside what is stored: another record, or the same one with other fields changed than indexed ones, with one of
/// the two indexed ones changed, or with both.
enum class Saved { anew, same_terms, one_term_changed, both_terms_changed };

/// By name; the last one has each of them in a quarter of the saves.
constexpr Saved all_ways[]{Saved::anew, Saved::same_terms, Saved::one_term_changed, Saved::both_terms_changed};
const std::pair<const char*, std::span<const Saved>> ways[]{{"anew", std::span{all_ways}.subspan(0, 1)},
                                                            {"same_terms", std::span{all_ways}.subspan(1, 1)},
                                                            {"one_term_changed", std::span{all_ways}.subspan(2, 1)},
                                                            {"both_terms_changed", std::span{all_ways}.subspan(3, 1)},
                                                            {"mixed", all_ways}};

/// How often a fighter and each indexed field of his have been changed.
struct Rounds {
    std::size_t saves = 0;
    std::size_t rating = 0;
    std::size_t level = 0;
};

template <class T>
T fighter(std::size_t number, const Rounds& rounds) {
    T made;
    made.id = "fighter_" + std::to_string(number * 7919 % 100'003) + '_' + std::to_string(number);
    made.name = "User of the number " + std::to_string(number) + ", the version " + std::to_string(rounds.saves % 10);
    made.rating = static_cast<std::int32_t>((number + rounds.rating) * 7919 % 1'000'003);
    made.level = static_cast<std::int32_t>((number + rounds.level) * 104'729 % 1'000'003);
    made.attributes = player(number).attributes;
    return made;
}

/// Fighters of whom some are saved, and how they come to be.
class Roster {
public:
    static constexpr std::size_t base = 100'000;

    struct Chosen {
        std::size_t number;
        bool is_new;
        Rounds before;
        Rounds now;
    };
    Chosen choose(Saved how) {
        if (how == Saved::anew) return {next_++, true, {}, {}};
        const std::size_t number = random_.below(base);
        Rounds& now = rounds_[number];
        const Rounds before = now;
        ++now.saves;
        if (how != Saved::same_terms) ++now.rating;
        if (how == Saved::both_terms_changed) ++now.level;
        return {number, false, before, now};
    }

private:
    Random random_;
    std::size_t next_ = base;
    std::vector<Rounds> rounds_ = std::vector<Rounds>(base);
};

constexpr std::size_t batch = 100;

template <class Subject>
struct OpenRosterStore : OpenStore<Subject> {
    Roster roster;
};

/// A hundred in a batch, in a table of a hundred thousand. Repetitions and ways share the table.
template <class Subject, class T>
void save(benchmark::State& state, std::span<const Saved> hows) {
    struct Opened : OpenRosterStore<Subject> {};  // one for each T
    auto& opened = filled<Opened>(Roster::base, [](auto& fresh, std::size_t count) {
        save_all(fresh.store, count, [](std::size_t n) { return fighter<T>(n, {}); });
    });
    std::vector<T> entities(batch);
    for (auto _ : state) {
        state.PauseTiming();
        for (std::size_t at = 0; at < batch; ++at) {
            const auto chosen = opened.roster.choose(hows[at % hows.size()]);
            entities[at] = fighter<T>(chosen.number, chosen.now);
        }
        state.ResumeTiming();
        must(opened.store.save_many(entities));
    }
}

/// What `save` saves, as bytes: as many as they are there, and others than before.
void write(RawSave& save, bool indexed, const Roster::Chosen& chosen) {
    const auto terms = [&](const Rounds& rounds) {
        std::string packed;
        if (indexed) must(joinly::detail::index_terms(fighter<game::Indexed>(chosen.number, rounds), packed));
        return packed;
    };
    save.key = "indexed:" + fighter<game::Indexed>(chosen.number, chosen.now).id;
    save.value.assign(200, static_cast<char>('a' + chosen.now.saves % 26));
    save.terms_before = chosen.is_new ? std::string{} : terms(chosen.before);
    save.terms = terms(chosen.now);
}

template <class Raw>
struct OpenRaw {
    Raw raw;
    Roster roster;
};

/// As `save`, without a store.
template <class Raw>
void save_raw(benchmark::State& state, std::span<const Saved> hows, bool indexed) {
    auto& opened = filled<OpenRaw<Raw>>(Roster::base + (indexed ? 1 : 0), [indexed](auto& fresh, std::size_t) {
        std::vector<RawSave> saves(1000);
        for (std::size_t number = 0; number < Roster::base; ++number) {
            write(saves[number % saves.size()], indexed, {number, true, {}, {}});
            if ((number + 1) % saves.size() == 0) fresh.raw.save(saves);
        }
    });
    std::vector<RawSave> saves(batch);
    for (auto _ : state) {
        state.PauseTiming();
        for (std::size_t at = 0; at < batch; ++at) write(saves[at], indexed, opened.roster.choose(hows[at % hows.size()]));
        state.ResumeTiming();
        opened.raw.save(saves);
    }
}

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
