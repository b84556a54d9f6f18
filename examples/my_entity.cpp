// A game's own types in a store: described once, outside themselves, and as much at home as the library's.

#include <joinly/backend/memory.hpp>
#include <joinly/store.hpp>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dungeon {

enum class Rarity : std::uint8_t { common, rare, legendary };

struct Item {
    std::string name;
    Rarity rarity = Rarity::common;
    std::uint32_t amount = 1;
};

struct Hero {
    std::string hero_id;
    std::string owner;
    std::vector<Item> backpack;
    std::optional<Item> in_hand;
};

}  // namespace dungeon

template <>
struct joinly::Entity<dungeon::Rarity> {
    static constexpr void values(auto&& value) {
        value(dungeon::Rarity::common, "common");
        value(dungeon::Rarity::rare, "rare");
        value(dungeon::Rarity::legendary, "legendary");
    }
};

template <>
struct joinly::Entity<dungeon::Item> {  // stands inside others only: no kind, no id
    static constexpr void fields(auto& item, auto&& field) {
        field(1, "name", item.name);  // the numbers are what is stored: never give one to another field
        field(2, "rarity", item.rarity);
        field(3, "amount", item.amount);
    }
};

template <>
struct joinly::Entity<dungeon::Hero> {
    static constexpr std::string_view kind = "hero";
    static constexpr auto& id(auto& hero) { return hero.hero_id; }
    static constexpr void fields(auto& hero, auto&& field) {
        field(1, "hero_id", hero.hero_id);
        field(2, "owner", hero.owner);
        field(3, "backpack", hero.backpack);
        field(4, "in_hand", hero.in_hand);
    }
};
static_assert(joinly::entity<dungeon::Hero>);

namespace {

int fail(const joinly::Error& error) {
    std::fprintf(stderr, "my_entity: %s\n", std::string{error.message()}.c_str());
    return 1;
}

}  // namespace

int main() {
    using dungeon::Hero, dungeon::Item, dungeon::Rarity;

    auto store = joinly::open<joinly::MemoryBackend, joinly::WriteThrough>({});
    if (!store) return fail(store.error());

    const Hero hero{"hero_7", "player_456", {{"rope", Rarity::common, 2}, {"moon key", Rarity::legendary, 1}}, std::nullopt};
    if (auto saved = store->save(hero); !saved) return fail(saved.error());

    // Read, change and save, again if another writer came first.
    auto updated = store->update<Hero>("hero_7", [](Hero& found) {
        found.in_hand = found.backpack.back();
        found.backpack.pop_back();
    });
    if (!updated) return fail(updated.error());

    auto loaded = store->load<Hero>("hero_7");
    if (!loaded) return fail(loaded.error());
    const Hero& now = **loaded;
    std::printf("%s of %s: %zu in the backpack, %s in hand\n", now.hero_id.c_str(), now.owner.c_str(), now.backpack.size(),
                now.in_hand ? now.in_hand->name.c_str() : "nothing");
}
