// expect: joinly: the description has no kind: add
#include <joinly/backend/memory.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

namespace game {
struct Guild {
    std::string guild_id;
};
}  // namespace game

template <>
struct joinly::Entity<game::Guild> {
    static constexpr auto& id(auto& guild) { return guild.guild_id; }
    static constexpr void fields(auto& guild, auto&& field) { field(1, "guild_id", guild.guild_id); }
};

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::WriteBehind>({});
    return store->save(game::Guild{"owls"}) && store->load<game::Guild>("owls") &&
                   store->update<game::Guild>("owls", [](game::Guild&) {}) && store->erase<game::Guild>("owls") &&
                   store->ids<game::Guild>()
               ? 0
               : 1;
}
