// Queries: the range of index entries that each comes to, over entries as backends have them, against the objects themselves.
#include <joinly/core/index_entry.hpp>
#include <joinly/core/key.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/index/query.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/indexed_entities.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace joinly;
using namespace joinly::test;
using game::Guild;
using game::Region;
using Ids = std::vector<std::string>;

/// A page, as a store gives it.
struct Page {
    Ids ids;
    std::string cursor;
};

/// The entries of some objects, and what a store does with a plan.
class Entries {
public:
    template <class T>
    void add(const T& object) {
        const std::string key = *key_of(object);
        std::string packed;
        REQUIRE(detail::index_terms(object, packed));
        for (std::string_view rest = packed; const auto term = take_index_term(rest);) {
            IndexEntry entry = index_entry(key, *term);
            entries_[std::move(entry.key)] = std::move(entry.value);
        }
    }
    template <class T>
    void remove(const T& object) {
        const std::string key = *key_of(object);
        std::string packed;
        REQUIRE(detail::index_terms(object, packed));
        for (std::string_view rest = packed; const auto term = take_index_term(rest);) entries_.erase(index_entry(key, *term).key);
    }

    template <class Asked>
    [[nodiscard]] Page page(const Asked& asked) const {
        const auto plan = joinly::plan(asked);
        REQUIRE(plan);
        std::vector<std::pair<std::string, std::string>> met;  // entry, id
        for (const auto& [key, value] : entries_) {
            if (!plan->range.contains(key)) continue;
            const std::string record_key = *indexed_record_key(key, value);
            met.emplace_back(key, record_key.substr(record_key.find(':') + 1));
        }
        if (plan->range.direction == Direction::backward) std::reverse(met.begin(), met.end());
        Page page;
        for (const auto& [entry_key, id] : met) {
            if (page.ids.size() == plan->limit) {
                page.cursor = make_cursor(*plan, last(page, met));
                break;
            }
            page.ids.push_back(id);
        }
        return page;
    }
    template <class Asked>
    [[nodiscard]] Ids ids(const Asked& asked) const {
        return page(asked).ids;
    }

private:
    static const std::string& last(const Page& page, const std::vector<std::pair<std::string, std::string>>& met) {
        return met[page.ids.size() - 1].first;
    }
    std::map<std::string, std::string> entries_;
};

Entries five_guilds() {
    Entries entries;
    entries.add(guild("a", 1200, Region::eu));
    entries.add(guild("b", -5, Region::us));
    entries.add(guild("c", 1200, Region::us));
    entries.add(guild("d", 900, Region::eu));
    entries.add(guild("e", 2000, Region::unknown));
    return entries;
}

const auto by_trophies = where(&Guild::trophies);

template <class Asked>
std::string refusal(const Asked& asked) {
    const auto refused = plan(asked);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::invalid_argument);
    return std::string{refused.error().message()};
}

}  // namespace

TEST_CASE("a query without bounds is for everything, in the order of the field and then of the ids", "[index]") {
    const Entries entries = five_guilds();
    CHECK(entries.ids(by_trophies) == Ids{"b", "d", "a", "c", "e"});
    CHECK(entries.ids(by_trophies.ascending()) == Ids{"b", "d", "a", "c", "e"});
    CHECK(entries.ids(by_trophies.descending()) == Ids{"e", "c", "a", "d", "b"});
}

TEST_CASE("bounds are included or not, as they say", "[index]") {
    const Entries entries = five_guilds();
    CHECK(entries.ids(by_trophies.equals(1200)) == Ids{"a", "c"});
    CHECK(entries.ids(by_trophies.between(900, 1200)) == Ids{"d", "a", "c"});
    CHECK(entries.ids(by_trophies.at_least(1200)) == Ids{"a", "c", "e"});
    CHECK(entries.ids(by_trophies.greater_than(1200)) == Ids{"e"});
    CHECK(entries.ids(by_trophies.at_most(900)) == Ids{"b", "d"});
    CHECK(entries.ids(by_trophies.less_than(900)) == Ids{"b"});
    CHECK(entries.ids(by_trophies.greater_than(-5).less_than(1200)) == Ids{"d"});
    CHECK(entries.ids(by_trophies.at_most(1200).at_least(0).descending()) == Ids{"c", "a", "d"});
}

TEST_CASE("bounds that contradict each other find nothing, and are no error", "[index]") {
    const Entries entries = five_guilds();
    CHECK(entries.ids(by_trophies.between(1200, 900)).empty());
    CHECK(entries.ids(by_trophies.between(1200, 900).descending()).empty());
    CHECK(entries.ids(by_trophies.greater_than(1200).less_than(1200)).empty());
    const auto none = plan(by_trophies.between(2, 1));
    REQUIRE(none);
    CHECK(none->range.begin == none->range.end);
}

TEST_CASE("of two lower bounds, or upper ones, the narrower holds", "[index]") {
    const Entries entries = five_guilds();
    CHECK(entries.ids(by_trophies.at_least(1000).at_least(0)) == Ids{"a", "c", "e"});
    CHECK(entries.ids(by_trophies.at_most(0).at_most(1000)) == Ids{"b"});
}

TEST_CASE("a limit of none finds nothing and has no next page", "[index]") {
    const Page page = five_guilds().page(by_trophies.limit(0));
    CHECK(page.ids.empty());
    CHECK(page.cursor.empty());
}

TEST_CASE("a bound beyond what the field can have is above or below all, and not cut down", "[index]") {
    Entries entries;
    game::Guild one = guild("one", 1);
    one.members = 65'535;
    entries.add(one);
    const auto members = where(&Guild::members);
    CHECK(entries.ids(members.at_least(-1)) == Ids{"one"});
    CHECK(entries.ids(members.at_most(-1)).empty());
    CHECK(entries.ids(members.equals(-1)).empty());
    CHECK(entries.ids(members.at_most(1'000'000)) == Ids{"one"});
    CHECK(entries.ids(members.at_least(1'000'000)).empty());
    constexpr std::uint64_t huge = (std::numeric_limits<std::uint64_t>::max)();
    CHECK(entries.ids(by_trophies.at_most(huge)) == Ids{"one"});
    CHECK(entries.ids(by_trophies.at_least(huge)).empty());
    CHECK(entries.ids(by_trophies.less_than((std::numeric_limits<std::int64_t>::max)())) == Ids{"one"});
    CHECK(entries.ids(by_trophies.greater_than((std::numeric_limits<std::int64_t>::min)())) == Ids{"one"});
}

TEST_CASE("members of an index are bound in their order, equalities first", "[index]") {
    const Entries entries = five_guilds();
    const auto query = where(&Guild::region, &Guild::trophies);
    CHECK(entries.ids(query) == Ids{"e", "d", "a", "b", "c"});
    CHECK(entries.ids(query.equals(Region::eu)) == Ids{"d", "a"});
    CHECK(entries.ids(query.equals(Region::us).at_least(0)) == Ids{"c"});
    CHECK(entries.ids(query.equals(Region::eu).equals(900)) == Ids{"d"});
    CHECK(entries.ids(query.equals(Region::eu).descending()) == Ids{"a", "d"});
    CHECK(entries.ids(query.at_least(Region::eu)) == Ids{"d", "a", "b", "c"});
    CHECK(entries.ids(query.less_than(Region::eu)) == Ids{"e"});
}

TEST_CASE("a value that the first member cannot have leaves nothing, whatever comes after", "[index]") {
    Entries entries;
    game::Plain plain{"ada", 5, 2};
    entries.add(plain);
    const auto query = where(&game::Plain::level, &game::Plain::score);
    CHECK(entries.ids(query.equals(2).at_least(0)) == Ids{"ada"});
    CHECK(entries.ids(query.equals((std::numeric_limits<std::uint64_t>::max)()).at_least(0)).empty());
}

TEST_CASE("strings are found by prefix, byte for byte", "[index]") {
    Entries entries;
    const std::vector<std::string> names{"",       "Owl", "Owls of Eu", "owl", std::string("Ow\0", 3), std::string("Ow\0l", 4),
                                         "Ow\xff", "Ox",  "O"};
    for (const std::string& name : names) {
        Guild named = guild("<" + name + ">");
        named.name = name;
        entries.add(named);
    }
    const auto query = where(&Guild::name);
    for (const std::string& prefix : {std::string{}, std::string{"O"}, std::string{"Ow"}, std::string("Ow\0", 3),
                                      std::string{"Ow\xff"}, std::string{"Owls of Europe"}, std::string{"\xff"}}) {
        Ids expected;
        for (const std::string& name : names) {
            if (std::string_view{name}.starts_with(prefix)) expected.push_back("<" + name + ">");
        }
        Ids found = entries.ids(query.starts_with(prefix));
        std::sort(expected.begin(), expected.end());
        std::sort(found.begin(), found.end());
        CHECK(found == expected);
    }
    CHECK(entries.ids(query.starts_with("Owl").descending()) == Ids{"<Owls of Eu>", "<Owl>"});
    CHECK(entries.ids(query.equals("Owl")) == Ids{"<Owl>"});
    CHECK(entries.ids(query.between("Owl", "Ox")) == Ids{"<Owl>", "<Owls of Eu>", "<Ow\xff>", "<Ox>"});
    CHECK(entries.ids(query.equals(std::string(5000, 'x'))).empty());  // longer than any that is saved
}

TEST_CASE("an absent value is first, is in no range and prefix, and is found by nullopt", "[index]") {
    Entries entries;
    entries.add(guild("unranked"));
    Guild last = guild("last");
    last.rank = -3;
    last.motto = "";
    entries.add(last);
    const auto rank = where(&Guild::rank);
    CHECK(entries.ids(rank) == Ids{"unranked", "last"});
    CHECK(entries.ids(rank.descending()) == Ids{"last", "unranked"});
    CHECK(entries.ids(rank.equals(std::nullopt)) == Ids{"unranked"});
    CHECK(entries.ids(rank.equals(-3)) == Ids{"last"});
    CHECK(entries.ids(rank.equals(std::optional<std::int32_t>{-3})) == Ids{"last"});
    CHECK(entries.ids(rank.at_most(5)) == Ids{"last"});
    CHECK(entries.ids(rank.less_than(5)) == Ids{"last"});
    CHECK(entries.ids(rank.at_least((std::numeric_limits<std::int64_t>::min)())) == Ids{"last"});
    CHECK(entries.ids(where(&Guild::motto).starts_with("")) == Ids{"last"});
    CHECK(entries.ids(where(&Guild::is_open, &Guild::motto, &Guild::name).equals(true).equals(std::nullopt).starts_with("")) ==
          Ids{"unranked"});
}

TEST_CASE("numbers with a point are found from infinity to infinity", "[index]") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    Entries entries;
    for (const auto& [id, rate] :
         std::map<std::string, double>{{"low", -infinity}, {"zero", -0.0}, {"half", 0.5}, {"top", infinity}}) {
        Guild rated = guild(id);
        rated.win_rate = rate;
        entries.add(rated);
    }
    const auto query = where(&Guild::win_rate);
    CHECK(entries.ids(query) == Ids{"low", "zero", "half", "top"});
    CHECK(entries.ids(query.equals(0)) == Ids{"zero"});
    CHECK(entries.ids(query.between(-infinity, 0)) == Ids{"low", "zero"});
    CHECK(entries.ids(query.greater_than(0.5)) == Ids{"top"});
}

TEST_CASE("NaN as a bound is refused, naming the field", "[index]") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(refusal(where(&Guild::win_rate).equals(nan)) == "guild, field win_rate: NaN is no bound");
    CHECK(refusal(where(&Guild::win_rate).between(0, nan).descending()) == "guild, field win_rate: NaN is no bound");
    CHECK(refusal(where(&Guild::region, &Guild::win_rate).equals(Region::eu).less_than(nan)) ==
          "guild, field win_rate: NaN is no bound");
}

TEST_CASE("times are found by times of the same or coarser ticks", "[index]") {
    using namespace std::chrono;
    Entries entries;
    for (int day = 0; day < 4; ++day) {
        Guild founded = guild(std::to_string(day));
        founded.created_at = sys_days{days{day}};
        entries.add(founded);
    }
    const auto query = where<Guild>(&Guild::created_at);  // a member of the base class
    CHECK(entries.ids(query.less_than(sys_days{days{2}})) == Ids{"0", "1"});
    CHECK(entries.ids(query.at_least(sys_days{days{2}} + microseconds{1})) == Ids{"3"});
}

TEST_CASE("of a description that is not constexpr, a missing index is told when the query is planned", "[index]") {
    Entries entries;
    entries.add(game::Plain{"ada", 5, 2});
    CHECK(entries.ids(where(&game::Plain::score).equals(5)) == Ids{"ada"});
    CHECK(refusal(where(&game::Plain::level).equals(5)) == "plain: no index is declared over exactly these members in this order");
    CHECK_FALSE(plan(where(&game::Plain::score, &game::Plain::level)));
}

TEST_CASE("random queries find what a look at every object finds", "[index]") {
    std::mt19937 random{23};
    Entries entries;
    std::vector<Guild> guilds;
    for (int i = 0; i < 120; ++i) {
        guilds.push_back(guild(std::to_string(i), static_cast<std::int32_t>(random() % 9) - 4,
                               static_cast<Region>(static_cast<int>(random() % 3) - 1)));
        entries.add(guilds.back());
    }
    const auto order = [](const Guild& each) { return std::tuple{each.region, each.trophies, each.guild_id}; };
    std::sort(guilds.begin(), guilds.end(), [&](const Guild& left, const Guild& right) { return order(left) < order(right); });
    for (int i = 0; i < 500; ++i) {
        const auto region = static_cast<Region>(static_cast<int>(random() % 3) - 1);
        const int low = static_cast<int>(random() % 13) - 6;
        const int high = static_cast<int>(random() % 13) - 6;
        const bool is_low_in = random() % 2 != 0;
        const bool is_high_in = random() % 2 != 0;
        const bool is_backward = random() % 2 != 0;
        const std::size_t limit = random() % 30;
        Ids expected;
        for (const Guild& each : guilds) {
            const bool is_above = is_low_in ? each.trophies >= low : each.trophies > low;
            const bool is_below = is_high_in ? each.trophies <= high : each.trophies < high;
            if (each.region == region && is_above && is_below) expected.push_back(each.guild_id);
        }
        if (is_backward) std::reverse(expected.begin(), expected.end());
        if (expected.size() > limit) expected.resize(limit);
        const auto start = where(&Guild::region, &Guild::trophies).equals(region);
        const auto above = is_low_in ? start.at_least(low) : start.greater_than(low);
        const auto range = is_high_in ? above.at_most(high) : above.less_than(high);
        const Query<Guild> query = is_backward ? range.descending() : range.ascending();
        REQUIRE(entries.ids(query.limit(limit)) == expected);
    }
}

TEST_CASE("pages of any size, one after the other, are the whole answer", "[index][cursor]") {
    const Entries entries = five_guilds();
    for (const Query<Guild>& query :
         {by_trophies.ascending(), by_trophies.descending(), by_trophies.between(900, 2000).descending()}) {
        const Ids all = entries.ids(query);
        for (std::size_t size = 1; size <= 6; ++size) {
            Ids paged;
            Page page;
            do {
                page = entries.page(query.limit(size).after(page.cursor));
                CHECK(page.ids.size() <= size);
                paged.insert(paged.end(), page.ids.begin(), page.ids.end());
            } while (!page.cursor.empty());
            CHECK(paged == all);
        }
    }
}

TEST_CASE("a page goes on after the last one's end, whatever was written in between", "[index][cursor]") {
    for (const bool is_backward : {false, true}) {
        Entries entries = five_guilds();
        const Query<Guild> query = is_backward ? by_trophies.descending() : by_trophies.ascending();
        const Page first = entries.page(query.limit(3));
        REQUIRE(first.ids == (is_backward ? Ids{"e", "c", "a"} : Ids{"b", "d", "a"}));
        entries.remove(guild("a", 1200, Region::eu));  // where the page ended
        entries.add(guild("aa", 1200));                // just behind
        entries.add(guild("before", is_backward ? 5000 : -5000));
        CHECK(entries.ids(query.limit(9).after(first.cursor)) == (is_backward ? Ids{"d", "b"} : Ids{"aa", "c", "e"}));
    }
}

TEST_CASE("a cursor is text that can stand in a URL", "[index][cursor]") {
    const Page page = five_guilds().page(by_trophies.limit(1));
    REQUIRE_FALSE(page.cursor.empty());
    for (const char c : page.cursor) CHECK(((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')));
}

TEST_CASE("a cursor of another query is refused", "[index][cursor]") {
    const Entries entries = five_guilds();
    const Query<Guild> query = by_trophies.between(-5, 2000);
    const std::string cursor = entries.page(query.limit(2)).cursor;
    REQUIRE(plan(query.limit(9).after(cursor)));  // the limit may differ
    CHECK(refusal(query.descending().after(cursor)) == "guild: the cursor is damaged, or belongs to another query than this one");
    refusal(by_trophies.after(cursor));
    refusal(by_trophies.between(-5, 2001).after(cursor));
    refusal(by_trophies.between(-4, 2000).after(cursor));
    refusal(by_trophies.at_least(-5).after(cursor));
    refusal(where(&Guild::rank).between(-5, 2000).after(cursor));
    refusal(where(&game::Plain::score).between(-5, 2000).after(cursor));
}

TEST_CASE("a damaged cursor is refused", "[index][cursor]") {
    const Query<Guild> query = by_trophies.ascending();
    const std::string cursor = five_guilds().page(query.limit(2)).cursor;
    for (std::size_t i = 0; i < cursor.size(); ++i) {
        for (const char c : std::string_view{"0189afAFgz -\0\xff", 14}) {
            std::string damaged = cursor;
            if (damaged[i] == c) continue;
            damaged[i] = c;
            REQUIRE_FALSE(plan(query.after(damaged)));
        }
        REQUIRE_FALSE(plan(query.after(cursor.substr(0, i + 1) + "0" + cursor.substr(i + 1))));
        if (i != 0) REQUIRE_FALSE(plan(query.after(cursor.substr(0, i))));
    }
    refusal(query.after("00000000"));
    refusal(query.after("x"));
}

TEST_CASE("a cursor that is made up stays within its query", "[index][cursor]") {
    const Query<Guild> query = by_trophies.between(0, 1000);
    const auto asked = plan(query);
    REQUIRE(asked);
    const std::string outside = make_cursor(*asked, plan(by_trophies.at_least(5000))->range.begin);
    CHECK_FALSE(plan(query.after(outside)));
}

TEST_CASE("a plan names the index it needs", "[index]") {
    CHECK(plan(by_trophies)->index == 4);
    CHECK(plan(where(&Guild::region, &Guild::trophies))->index == 1000);
    CHECK(plan(where(&Guild::is_open, &Guild::motto, &Guild::name).equals(false))->index == 1001);
    CHECK(plan(by_trophies.limit(7))->limit == 7);
    CHECK(plan(by_trophies)->range.begin == std::string_view("\0iguild:\0\4", 10));
}
