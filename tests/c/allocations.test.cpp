// The C interface while every allocation fails in turn, alone or with all after it, with arguments sound and unsound: each call
// then throws nothing and answers `full`, `io` where a thread cannot start for want of memory, or what it answers anyway.
// Allocations on the store's own threads are left out.

#include <tests/c/rig.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/fail_allocations.hpp>
#include <tests/support/temp_dir.hpp>

#include <joinly/c/joinly.h>

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

namespace joinly::test {
namespace {

/// What a key, an id, a value or, as the bytes end with a NUL, a text can be.
struct Argument {
    const char* data;
    std::size_t size;
};

// A key, an id and a player, each of them sound and too long for a short string.
constexpr std::string_view sound = R"({"username": "a name that does not fit into a short string", "skill_rating": 1200})";
constexpr std::string_view raw_key = "a key that does not fit into a short string";
const std::string too_long(2'000, 'k');
const Argument arguments[] = {
    {sound.data(), sound.size()}, {nullptr, 0}, {nullptr, 5}, {too_long.data(), too_long.size()}, {"k", std::size_t{1} << 40U},
};

/// What the calls find there.
struct Bench {
    explicit Bench(const char* backend, const char* policy) : is_in_memory{std::string_view{backend} == "memory"} {
        store = is_in_memory ? open_c(backend, "", policy) : open_c(backend, path, policy, {{"sync", "process_crash"}});
        joinly_cache* made = nullptr;
        REQUIRE(joinly_cache_new(10, &made, nullptr) == JOINLY_OK);
        cache.reset(made);
        for (const char* key : {"player:a player whose id does not fit into a short string", "player:b", "lobby:c"})
            REQUIRE(set(store, key, "{}") == JOINLY_OK);
    }
    TempDir dir;
    std::string other_path = dir / "other";
    std::string path = dir / "db";
    bool is_in_memory;
    CStore store;
    CCache cache;
    joinly_error error{};
};

/// Of an answer that is a size or a code with a minus before it.
joinly_code code_of(std::int64_t answer) { return answer < 0 ? static_cast<joinly_code>(-answer) : JOINLY_OK; }

joinly_code list(const Bench& bench, const Argument& given, decltype(joinly_list_players)& list_ids) {
    joinly_page* page = nullptr;
    const joinly_code code = list_ids(bench.store.get(), given.data, given.size, 10, &page, nullptr);
    const CPage owner{page};
    return code;
}

joinly_code scan_behind(Bench& bench, const Argument& prefix, const Argument& after) {
    joinly_page* page = nullptr;
    const joinly_code code =
        joinly_scan(bench.store.get(), prefix.data, prefix.size, after.data, after.size, 10, JOINLY_VALUES, &page, &bench.error);
    const CPage owner{page};
    return code;
}

joinly_code open_and_free(Bench& bench, const char* backend, const char* path, const char* policy, const Argument& value) {
    const std::unique_ptr<joinly_options, Free> options{joinly_options_new()};
    if (options == nullptr) return JOINLY_FULL;
    joinly_store* made = nullptr;
    if (const joinly_code code = joinly_open(backend, path, policy, options.get(), &made, &bench.error)) return code;
    const CStore store{made};
    if (const joinly_code code = joinly_set(made, "k", 1, value.data, value.size, 0, nullptr, nullptr, &bench.error)) return code;
    return joinly_close(made, 1'000, &bench.error);
}

joinly_code set_option(Bench& bench, const char* name, const char* value) {
    const std::unique_ptr<joinly_options, Free> options{joinly_options_new()};
    return options == nullptr ? JOINLY_FULL : joinly_options_set(options.get(), name, value, &bench.error);
}

joinly_code read(Bench& bench, const Argument& key) {
    joinly_reader* made = nullptr;
    if (const joinly_code code = joinly_reader_new(bench.store.get(), &made, &bench.error)) return code;
    const std::unique_ptr<joinly_reader, Free> reader{made};
    (void)joinly_reader_get(made, key.data, key.size);
    return code_of(joinly_reader_outcome(made, nullptr, &bench.error));
}

/// A transaction that is to the end of `work(joinly_transaction*)`, and committed.
template <class Work>
joinly_code transact(Bench& bench, Work work) {
    joinly_transaction* made = nullptr;
    if (const joinly_code code = joinly_begin(bench.store.get(), &made, &bench.error)) return code;
    const CTransaction owner{made};
    if (const joinly_code code = work(made)) return code;
    return joinly_commit(made, nullptr, &bench.error);
}

struct NamedCall {
    const char* name;
    joinly_code (*call)(Bench& bench, const Argument& given);
    bool leaves_files = false;  ///< where it gets no memory to remove them: the next call does
};

// Every function that takes bytes or a text, and those that work with what it has taken.
const NamedCall store_calls[] = {
    {"set, key",
     [](Bench& b, const Argument& a) {
         return joinly_set(b.store.get(), a.data, a.size, sound.data(), sound.size(), 0, nullptr, nullptr, &b.error);
     }},
    {"set, value",
     [](Bench& b, const Argument& a) {
         return joinly_set(b.store.get(), raw_key.data(), raw_key.size(), a.data, a.size, 0, nullptr, nullptr, &b.error);
     }},
    {"get",
     [](Bench& b, const Argument& a) { return code_of(joinly_get(b.store.get(), a.data, a.size, nullptr, 0, nullptr, &b.error)); }},
    {"exists", [](Bench& b, const Argument& a) { return joinly_exists(b.store.get(), a.data, a.size, nullptr, &b.error); }},
    {"touch", [](Bench& b, const Argument& a) { return joinly_touch(b.store.get(), a.data, a.size, 3'600'000, &b.error); }},
    {"reader", read},
    {"delete", [](Bench& b, const Argument& a) { return joinly_delete(b.store.get(), a.data, a.size, nullptr, &b.error); }},
    {"save_lobby, id",
     [](Bench& b, const Argument& a) {
         return joinly_save_lobby(b.store.get(), a.data, a.size, "{}", 2, 0, nullptr, nullptr, &b.error);
     }},
    {"save_lobby, json",
     [](Bench& b, const Argument& a) {
         return joinly_save_lobby(b.store.get(), "1", 1, a.data, a.size, 0, nullptr, nullptr, &b.error);
     }},
    {"load_lobby",
     [](Bench& b, const Argument& a) {
         return code_of(joinly_load_lobby(b.store.get(), a.data, a.size, nullptr, 0, nullptr, &b.error));
     }},
    {"delete_lobby",
     [](Bench& b, const Argument& a) { return joinly_delete_lobby(b.store.get(), a.data, a.size, nullptr, &b.error); }},
    {"save_player, id",
     [](Bench& b, const Argument& a) {
         return joinly_save_player(b.store.get(), a.data, a.size, sound.data(), sound.size(), 0, nullptr, nullptr, &b.error);
     }},
    {"save_player, json",
     [](Bench& b, const Argument& a) {
         return joinly_save_player(b.store.get(), "1", 1, a.data, a.size, 0, nullptr, nullptr, &b.error);
     }},
    {"load_player",
     [](Bench& b, const Argument& a) {
         return code_of(joinly_load_player(b.store.get(), a.data, a.size, nullptr, 0, nullptr, &b.error));
     }},
    {"delete_player",
     [](Bench& b, const Argument& a) { return joinly_delete_player(b.store.get(), a.data, a.size, nullptr, &b.error); }},
    {"scan, prefix",
     [](Bench& b, const Argument& a) {
         return scan_behind(b, a, {nullptr, 0});
     }},
    {"scan, after",
     [](Bench& b, const Argument& a) {
         return scan_behind(b, {nullptr, 0}, a);
     }},
    {"list_lobbies", [](Bench& b, const Argument& a) { return list(b, a, joinly_list_lobbies); }},
    {"list_players", [](Bench& b, const Argument& a) { return list(b, a, joinly_list_players); }},
    {"transaction_set, key",
     [](Bench& b, const Argument& a) {
         return transact(b, [&](auto* t) {
             return joinly_transaction_set(t, a.data, a.size, sound.data(), sound.size(), 0, nullptr, &b.error);
         });
     }},
    {"transaction_set, value",
     [](Bench& b, const Argument& a) {
         return transact(b,
                         [&](auto* t) { return joinly_transaction_set(t, "player:b", 8, a.data, a.size, 0, nullptr, &b.error); });
     }},
    {"transaction_get",
     [](Bench& b, const Argument& a) {
         return transact(b, [&](auto* t) {
             const auto code = code_of(joinly_transaction_get(t, a.data, a.size, nullptr, 0, nullptr, &b.error));
             return code == JOINLY_NOT_FOUND ? JOINLY_OK : code;
         });
     }},
    {"transaction_scan",
     [](Bench& b, const Argument& a) {
         return transact(b, [&](auto* t) {
             joinly_page* page = nullptr;
             const joinly_code code = joinly_transaction_scan(t, "player:", 7, a.data, a.size, 10, &page, &b.error);
             const CPage owner{page};
             return code;
         });
     }},
    {"transaction_delete",
     [](Bench& b, const Argument& a) {
         return transact(b, [&](auto* t) { return joinly_transaction_delete(t, a.data, a.size, nullptr, &b.error); });
     }},
    {"sweep", [](Bench& b, const Argument&) { return joinly_sweep(b.store.get(), 1'000, nullptr, &b.error); }},
    {"flush", [](Bench& b, const Argument&) { return joinly_flush(b.store.get(), -1, &b.error); }},
    {"stats", [](Bench& b, const Argument&) { return code_of(joinly_stats(b.store.get(), nullptr, 0, &b.error)); }},
    {"metrics", [](Bench& b, const Argument& a) { return code_of(joinly_metrics(b.store.get(), a.data, nullptr, 0, &b.error)); }},
    {"verify", [](Bench& b, const Argument&) { return code_of(joinly_verify(b.store.get(), 1, nullptr, 0, &b.error)); }},
    {"dump",
     [](Bench& b, const Argument& a) {
         if (a.size > too_long.size()) return joinly_code{JOINLY_OK};  // it would make a file
         if (a.data != sound.data()) return joinly_dump(b.store.get(), a.data, nullptr, &b.error);
         std::remove(b.other_path.c_str());
         return joinly_dump(b.store.get(), b.other_path.c_str(), nullptr, &b.error);
     },
     true},
    {"load_dump",
     [](Bench& b, const Argument& a) {
         if (a.data != sound.data()) return joinly_load_dump(b.store.get(), a.data, JOINLY_SKIP, nullptr, nullptr, &b.error);
         return joinly_load_dump(b.store.get(), b.other_path.c_str(), JOINLY_OVERWRITE, nullptr, nullptr, &b.error);
     }},
    {"migrate, backend",
     [](Bench& b, const Argument& a) { return joinly_migrate(b.store.get(), a.data, "x", nullptr, nullptr, nullptr, &b.error); }},
    {"backup, of the memory",
     [](Bench& b, const Argument& a) {
         return b.is_in_memory ? code_of(joinly_backup(b.store.get(), a.data, 0, nullptr, 0, &b.error)) : JOINLY_OK;
     }},
    {"backup_named, of the memory",
     [](Bench& b, const Argument& a) {
         return b.is_in_memory ? code_of(joinly_backup_named(b.store.get(), "x", a.data, 0, nullptr, 0, &b.error)) : JOINLY_OK;
     }},
};

const NamedCall other_calls[] = {
    {"options_set, name", [](Bench& b, const Argument& a) { return set_option(b, a.data, "json"); }},
    {"options_set, value", [](Bench& b, const Argument& a) { return set_option(b, "journal", a.data); }},
    {"options_set, codec", [](Bench& b, const Argument& a) { return set_option(b, "codec", a.data); }},
    {"open, backend", [](Bench& b, const Argument& a) { return open_and_free(b, a.data, "x", "none", a); }},
    {"open, path", [](Bench& b, const Argument& a) { return open_and_free(b, "memory", a.data, "none", a); }},
    {"open, policy", [](Bench& b, const Argument& a) { return open_and_free(b, "memory", "", a.data, a); }},
    {"open write_behind", [](Bench& b, const Argument& a) { return open_and_free(b, "memory", "", "write_behind", a); }},
    {"open sqlite", [](Bench& b, const Argument& a) { return open_and_free(b, "sqlite", b.path.c_str(), "none", a); }},
    {"restore, backend", [](Bench& b, const Argument& a) { return joinly_restore(a.data, "x", "y", nullptr, &b.error); }},
    {"restore, backup",
     [](Bench& b, const Argument& a) { return joinly_restore("sqlite", a.data, b.other_path.c_str(), nullptr, &b.error); }},
    {"repair, backend", [](Bench& b, const Argument& a) { return joinly_repair(a.data, "x", &b.error); }},
    {"salvage, path",
     [](Bench& b, const Argument& a) {
         return code_of(joinly_salvage("sqlite", a.data, b.other_path.c_str(), nullptr, 0, &b.error));
     },
     true},
    {"cache_set, key",
     [](Bench& b, const Argument& a) {
         return joinly_cache_set(b.cache.get(), a.data, a.size, sound.data(), sound.size(), 0, &b.error);
     }},
    {"cache_set, value",
     [](Bench& b, const Argument& a) {
         return joinly_cache_set(b.cache.get(), raw_key.data(), raw_key.size(), a.data, a.size, 0, &b.error);
     }},
    {"cache_get",
     [](Bench& b, const Argument& a) { return code_of(joinly_cache_get(b.cache.get(), a.data, a.size, nullptr, 0, &b.error)); }},
    {"cache_delete",
     [](Bench& b, const Argument& a) {
         const joinly_code code = joinly_cache_delete(b.cache.get(), a.data, a.size, &b.error);
         return code == JOINLY_NOT_FOUND ? JOINLY_OK : code;
     }},
    {"cache_new, cache_stats, cache_clear",
     [](Bench& b, const Argument&) {
         joinly_cache* made = nullptr;
         if (const joinly_code code = joinly_cache_new(10, &made, &b.error)) return code;
         const CCache owner{made};
         if (const joinly_code code = code_of(joinly_cache_stats(made, nullptr, 0, &b.error))) return code;
         return joinly_cache_clear(made, &b.error);
     }},
};

/// Calls it until no allocation is left to fail. `left_then`: as with_failing_allocation has it.
void fail_every_allocation(Bench& bench, const NamedCall& named, const Argument& given, int left_then) {
    const joinly_code expected = named.call(bench, given);
    bool failed = true;
    for (int n = 0; failed; ++n) {
        bool threw = false;
        joinly_code code = -1;
        const auto call = [&] {
            try {
                code = named.call(bench, given);
            } catch (...) {
                threw = true;
            }
        };
        failed = with_failing_allocation(n, call, left_then);
        if (named.leaves_files) (void)named.call(bench, given);
        const bool is_right = code == expected || (failed && (code == JOINLY_FULL || code == JOINLY_IO));
        if (!threw && is_right) continue;
        INFO(named.name << ", argument " << &given - arguments << ", allocation " << n << ": "
                        << (threw ? "thrown" : bench.error.message));
        CHECK_FALSE(threw);
        CHECK(code == expected);
    }
}

template <std::size_t count>
void fail_every_allocation(Bench& bench, const NamedCall (&calls)[count]) {
    ::alarm(240);  // a deadlock ends the program
    for (const NamedCall& named : calls) {
        for (const Argument& given : arguments) {
            fail_every_allocation(bench, named, given, no_allocation_fails);
            fail_every_allocation(bench, named, given, every_allocation_fails);
        }
    }
    ::alarm(0);
}

TEST_CASE("an allocation that fails within a store's call is a code and not an exception", "[c][allocations]") {
    const auto [backend, policy] = GENERATE(table<const char*, const char*>(
        {{"memory", "none"}, {"memory", "write_through"}, {"memory", "write_behind"}, {"sqlite", "write_through"}}));
    Bench bench{backend, policy};
    fail_every_allocation(bench, store_calls);
    CHECK(set(bench.store, raw_key, "still there") == JOINLY_OK);
    CHECK(get(bench.store, raw_key) == "still there");
    CHECK(joinly_close(bench.store.get(), 1'000, nullptr) == JOINLY_OK);
}

TEST_CASE("an allocation that fails while a store is opened, restored or a cache is used is a code", "[c][allocations]") {
    Bench bench{"memory", "none"};
    fail_every_allocation(bench, other_calls);
    CHECK(get(open_c("sqlite", bench.path, "none"), "k").size() == too_long.size());
}

}  // namespace
}  // namespace joinly::test
