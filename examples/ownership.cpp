// A player whom two servers both believe to be theirs, and the ticket that is over when nobody has used it: leases and expiry.
// The clock is one that the program turns, so that a minute of waiting takes no time.

#include <joinly/backend/memory.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/lease.hpp>
#include <joinly/store.hpp>

#include <chrono>
#include <cstdio>
#include <string>

namespace {

using namespace std::chrono_literals;

int fail(const joinly::Error& error) {
    std::fprintf(stderr, "ownership: %s\n", std::string{error.message()}.c_str());
    return 1;
}

}  // namespace

int main() {
    joinly::ManualTraits traits;
    auto store = joinly::open<joinly::MemoryBackend, joinly::WriteThrough, joinly::ManualTraits>({}, {}, traits);
    if (!store) return fail(store.error());

    joinly::Player ada{.player_id = "ada", .skill_rating = 1500};
    const auto first = joinly::acquire_lease(*store, "player:ada", "server-1", 30s);
    if (!first) return fail(first.error());
    if (auto saved = joinly::save_fenced(*store, *first, ada); !saved) return fail(saved.error());
    const auto refused = joinly::acquire_lease(*store, "player:ada", "server-2", 30s);
    std::printf("server-2 asks for ada: %s\n", refused ? "hers" : std::string{refused.error().message()}.c_str());

    // server-1 hangs for longer than its lease lasts, and does not know it when it wakes up.
    traits.clock.advance(31s);
    const auto second = joinly::acquire_lease(*store, "player:ada", "server-2", 30s);
    if (!second) return fail(second.error());
    std::printf("server-2 has her now, with a %s token\n", second->token > first->token ? "greater" : "smaller");
    ada.skill_rating = 0;
    const auto stale = joinly::save_fenced(*store, *first, ada);
    std::printf("server-1 saves what it knows of her: %s\n",
                stale ? "saved" : std::string{to_string(stale.error().code())}.c_str());

    bool is_as_told = !refused && refused.error() == joinly::Errc::busy && second->token > first->token;
    is_as_told = is_as_told && !stale && stale.error() == joinly::Errc::conflict;

    // What has a time to live is absent from that moment on, and erased by a sweep, which says so once.
    if (auto saved = store->save(joinly::Player{.player_id = "guest"}, {.ttl = 60s}); !saved) return fail(saved.error());
    traits.clock.advance(45s);
    if (auto touched = store->touch<joinly::Player>("guest", 60s); !touched) return fail(touched.error());
    traits.clock.advance(45s);
    const bool is_there = store->load<joinly::Player>("guest").has_value();
    std::printf("the guest played on, and %s\n", is_there ? "is still there" : "is gone");
    traits.clock.advance(15s);
    const bool is_gone = !store->load<joinly::Player>("guest");
    std::printf("a minute after that he %s\n", is_gone ? "is gone" : "is still there");
    const auto swept =
        store->sweep(2ms, [](const joinly::ExpiredEntity& gone) { std::printf("%s was swept\n", gone.key.c_str()); });
    if (!swept) return fail(swept.error());
    return is_as_told && is_there && is_gone && swept->erased == 2 ? 0 : 1;
}
