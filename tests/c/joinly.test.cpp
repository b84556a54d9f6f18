// What joinly/c/joinly.h promises, by way of the shared library.

#include <tests/c/rig.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <joinly/c/joinly.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace joinly::test {
namespace {

constexpr const char* ada = R"({"username": "Ada", "skill_rating": 1200, "friends": ["bob"], "level": 3})";

TEST_CASE("the library has the interface that the header describes", "[c]") {
    CHECK(joinly_abi_version() == JOINLY_ABI_VERSION);
    CHECK(std::string_view{joinly_version()}.find('.') != std::string_view::npos);
    CHECK(std::string_view{joinly_code_name(JOINLY_OK)} == "ok");
    CHECK(std::string_view{joinly_code_name(JOINLY_CLOSED)} == "closed");
    CHECK(std::string_view{joinly_code_name(JOINLY_CANCELLED)} == "cancelled");
    CHECK(std::string_view{joinly_code_name(JOINLY_CANCELLED + 1)} == "unknown");
    CHECK(std::string_view{joinly_code_name(-1)} == "unknown");
    CHECK(sizeof(joinly_error) == 512);
}

TEST_CASE("bytes come back under every backend and policy", "[c]") {
    const TempDir dir;
    const auto backend = GENERATE(as<std::string>{}, "sqlite", "leveldb", "memory");
    const auto policy = GENERATE(as<std::string>{}, "none", "read_through", "write_through", "write_behind");
    INFO(backend << " " << policy);
    const std::string path = backend == "memory" ? "" : dir / "store";
    const std::string bytes{"\0\xff{", 3};
    {
        const CStore store = open_c(backend.c_str(), path, policy.c_str());
        CHECK(get(store, "key") == "not_found");
        CHECK(set(store, std::string_view{"a\0b", 3}, bytes) == JOINLY_OK);
        CHECK(get(store, std::string_view{"a\0b", 3}) == bytes);
        CHECK(set(store, "empty", "") == JOINLY_OK);
        CHECK(get(store, "empty").empty());
        CHECK(set(store, "player:ada", ada) == JOINLY_OK);
        CHECK(erase(store, "empty") == JOINLY_OK);
        CHECK(get(store, "empty") == "not_found");
        CHECK(keys_of(scan(store, "")) == std::vector<std::string>{std::string{"a\0b", 3}, "player:ada"});
        CHECK(joinly_flush(store.get(), 10'000, nullptr) == JOINLY_OK);
        CHECK(joinly_close(store.get(), 10'000, nullptr) == JOINLY_OK);
    }
    if (backend == "memory") return;
    const CStore store = open_c(backend.c_str(), path, policy.c_str());
    CHECK(get(store, std::string_view{"a\0b", 3}) == bytes);
    CHECK(get(store, "player:ada").find("\"friends\": [\"bob\"]") != std::string::npos);
}

TEST_CASE("an entity's JSON comes back to the letter, with its id", "[c]") {
    const CStore store = open_c("memory", "", "write_through");
    const auto saved = [&](std::string_view json) {
        CHECK(joinly_save_lobby(store.get(), "l\"1", 3, json.data(), json.size(), 0, nullptr, nullptr, nullptr) == JOINLY_OK);
        return get(store, "lobby:l\"1");
    };
    CHECK(saved(R"( {"lobby_id" : "l\"1", "x":[1.50]} )") == R"( {"lobby_id" : "l\"1", "x":[1.50]} )");
    CHECK(saved("{}") == R"({"lobby_id":"l\"1"})");
    CHECK(saved(R"({"state":"in_game"}  )") == R"({"state":"in_game","lobby_id":"l\"1"})");
    CHECK(saved(R"({"x": {"lobby_id": 1}} )") == R"({"x": {"lobby_id": 1},"lobby_id":"l\"1"})");
    for (const auto* const empty : {"null", R"("")"})
        CHECK(saved(R"( {"lobby_id" : )" + std::string{empty} + R"( , "x":[1.50]})") == R"( {"lobby_id" : "l\"1" , "x":[1.50]})");
    for (const auto* const last : {R"("l\"1")", R"("")"}) {
        CHECK(saved(R"({"lobby_id":"2", "x":"lobby_id", "lobby_id":)" + std::string{last} + '}') ==
              R"({"lobby_id":"l\"1", "x":"lobby_id", "lobby_id":"l\"1"})");
    }
}

TEST_CASE("an entity that C++ could not load is refused, with a reason", "[c]") {
    const CStore store = open_c("memory", "", "write_through");
    const auto refusal = [&](std::string_view key, std::string_view json) {
        joinly_error error{};
        CHECK(set(store, key, json, 0, nullptr, &error) == JOINLY_INVALID_ARGUMENT);
        CHECK(get(store, key) == "not_found");
        return std::string{error.message};
    };
    CHECK(refusal("player:ada", "not JSON").find("player:ada") == 0);
    CHECK(refusal("player:ada", R"({"skill_rating": "high"})").find("skill_rating") != std::string::npos);
    CHECK(refusal("player:ada", R"({"player_id": "bob"})").find("bob") != std::string::npos);
    CHECK(refusal("lobby:1", R"({"state": "asleep"})").find("asleep") != std::string::npos);
    CHECK(refusal("lobby:1", R"({"x": NaN})").find("lobby") != std::string::npos);
    CHECK(refusal("lobby:\xff", "{}").find("UTF-8") != std::string::npos);
    CHECK(refusal("match:1", "[]").find("match:1") == 0);
    CHECK(refusal("queue:1", "").find("queue:1") == 0);
}

TEST_CASE("under the binary codec what is described comes back, and what is not is refused", "[c]") {
    const CStore store = open_c("memory", "", GENERATE("none", "write_through", "write_behind"), {{"codec", "binary"}});
    CHECK(set(store, "player:ada", R"({"username":"Ada","skill_rating":7})") == JOINLY_OK);
    CHECK(get(store, "player:ada") == R"({"player_id":"ada","username":"Ada","skill_rating":7,"created_at":0.0,"attributes":{}})");
    joinly_error error{};
    CHECK(set(store, "player:bob", ada, 0, nullptr, &error) == JOINLY_INVALID_ARGUMENT);
    CHECK(std::string{error.message}.find("codec=json") != std::string::npos);
    CHECK(joinly_close(store.get(), -1, nullptr) == JOINLY_OK);
}

TEST_CASE("compare-and-set tells who came first", "[c]") {
    const CStore store = open_c("memory", "", GENERATE("none", "write_through", "write_behind"));
    const auto key = GENERATE(as<std::string>{}, "raw", "player:ada");
    const joinly_record_version none = 0;
    CHECK(set(store, key, "{}", 0, &none) == JOINLY_OK);
    CHECK(set(store, key, "{}", 0, &none) == JOINLY_CONFLICT);
    const joinly_record_version first = version_of(store, key);
    CHECK(first != 0);
    CHECK(set(store, key, R"({"username":"A"})", 0, &first) == JOINLY_OK);
    CHECK(set(store, key, "{}", 0, &first) == JOINLY_CONFLICT);
    CHECK(erase(store, key, &first) == JOINLY_CONFLICT);
    const joinly_record_version second = version_of(store, key);
    CHECK(erase(store, key, &second) == JOINLY_OK);
    CHECK(get(store, key) == "not_found");
}

TEST_CASE("a write tells the version that the record then has", "[c]") {
    const CStore store = open_c("memory", "", GENERATE("none", "write_through", "write_behind"));
    joinly_record_version version = 0;
    joinly_record_version before = 0;
    const auto is_new = [&](joinly_code code, std::string_view key) {
        CHECK(code == JOINLY_OK);
        CHECK(version > before);
        CHECK(version == version_of(store, key));
        before = version;
    };
    is_new(joinly_set(store.get(), "raw", 3, "v", 1, 0, nullptr, &version, nullptr), "raw");
    is_new(joinly_set(store.get(), "raw", 3, "w", 1, 0, &before, &version, nullptr), "raw");
    is_new(joinly_save_lobby(store.get(), "1", 1, "{}", 2, 0, nullptr, &version, nullptr), "lobby:1");
    is_new(joinly_save_player(store.get(), "ada", 3, "{}", 2, 0, nullptr, &version, nullptr), "player:ada");
    CHECK(joinly_set(store.get(), "raw", 3, "x", 1, 0, &before, &version, nullptr) == JOINLY_CONFLICT);
    CHECK(version == before);  // left alone
}

TEST_CASE("lobbies and players go by their ids", "[c]") {
    const CStore store = open_c("memory", "", GENERATE("none", "write_through", "write_behind"));
    for (const char* key : {"lobby:1", "player:1", "lobby:2", "player:2"}) CHECK(set(store, key, "{}") == JOINLY_OK);
    joinly_record_version wrong = 1'000;
    CHECK(joinly_delete_player(store.get(), "1", 1, &wrong, nullptr) == JOINLY_CONFLICT);
    CHECK(joinly_delete_player(store.get(), "1", 1, nullptr, nullptr) == JOINLY_OK);
    CHECK(joinly_delete_lobby(store.get(), "2", 1, nullptr, nullptr) == JOINLY_OK);
    CHECK(joinly_delete_player(store.get(), "nobody", 6, nullptr, nullptr) == JOINLY_OK);
    CHECK(joinly_load_player(store.get(), "1", 1, nullptr, 0, nullptr, nullptr) == -JOINLY_NOT_FOUND);
    CHECK(keys_of(scan(store, "")) == std::vector<std::string>{"lobby:1", "player:2"});
}

TEST_CASE("a record expires, and can be given another time", "[c]") {
    const CStore store = open_c("memory", "", "write_through");
    const auto key = GENERATE(as<std::string>{}, "raw", "lobby:1");
    constexpr std::int64_t hour = 3'600'000;
    joinly_info info{};
    CHECK(set(store, key, "{}") == JOINLY_OK);
    CHECK(joinly_exists(store.get(), key.data(), key.size(), &info, nullptr) == JOINLY_OK);
    CHECK(info.expires_at == std::numeric_limits<std::int64_t>::max());
    CHECK(joinly_touch(store.get(), key.data(), key.size(), hour, nullptr) == JOINLY_OK);
    CHECK(joinly_exists(store.get(), key.data(), key.size(), &info, nullptr) == JOINLY_OK);
    CHECK(info.expires_at > 1'700'000'000'000);
    CHECK(info.expires_at < std::numeric_limits<std::int64_t>::max());
    CHECK(joinly_touch(store.get(), key.data(), key.size(), 1, nullptr) == JOINLY_OK);
    while (joinly_exists(store.get(), key.data(), key.size(), nullptr, nullptr) == JOINLY_OK) std::this_thread::yield();
    CHECK(get(store, key) == "not_found");
    CHECK(joinly_touch(store.get(), key.data(), key.size(), hour, nullptr) == JOINLY_NOT_FOUND);
    std::uint64_t erased = 0;
    CHECK(joinly_sweep(store.get(), 10'000, &erased, nullptr) == JOINLY_OK);
    CHECK(erased == 1);
    CHECK(set(store, key, "{}", -1) == JOINLY_INVALID_ARGUMENT);
    CHECK(set(store, key, "{}", std::numeric_limits<std::int64_t>::max()) == JOINLY_OK);
}

TEST_CASE("a listing goes page by page, in order, pending writes included", "[c]") {
    const TempDir dir;
    const CStore store = open_c("sqlite", dir / "a.db", GENERATE("none", "write_behind"));
    for (const char* key : {"player:c", "player:a", "lobby:x", "player:b", "zzz"}) CHECK(set(store, key, "{}") == JOINLY_OK);
    using Keys = std::vector<std::string>;
    CHECK(keys_of(scan(store, "player:")) == Keys{"player:a", "player:b", "player:c"});
    CHECK(keys_of(scan(store, "player:", {}, 2)) == Keys{"player:a", "player:b"});
    CHECK(keys_of(scan(store, "player:", "player:b", 2)) == Keys{"player:c"});
    CHECK(keys_of(scan(store, "", {}, 0)).empty());
    CHECK(keys_of(scan(store, "", "player:b")) == Keys{"player:c", "zzz"});

    joinly_page* page = nullptr;
    CHECK(joinly_list_players(store.get(), "a", 1, 10, &page, nullptr) == JOINLY_OK);
    CHECK(keys_of(CPage{page}) == Keys{"b", "c"});
    CHECK(joinly_list_lobbies(store.get(), nullptr, 0, 10, &page, nullptr) == JOINLY_OK);
    CHECK(keys_of(CPage{page}) == Keys{"x"});

    const CPage values = scan(store, "lobby:", {}, 10, JOINLY_VALUES);
    std::size_t size = 0;
    CHECK(std::string{joinly_page_value(values.get(), 0, &size)} == R"({"lobby_id":"x"})");
    CHECK(size == 16);
    CHECK(joinly_page_value(values.get(), 1, &size) == nullptr);
    CHECK(joinly_page_key(values.get(), std::numeric_limits<std::size_t>::max(), nullptr) == nullptr);
}

TEST_CASE("a transaction is made whole or not at all", "[c]") {
    const TempDir dir;
    const auto policy = GENERATE("none", "read_through", "write_through", "write_behind");
    const CStore store = open_c("sqlite", dir / "a.db", policy, {{"sync", "process_crash"}});
    CHECK(set(store, "lobby:1", R"({"players":["ada"]})") == JOINLY_OK);
    CHECK(set(store, "score", "1") == JOINLY_OK);

    SECTION("its writes are seen by itself at once, by others after the commit") {
        const CTransaction transaction = begin(store);
        CHECK(set(transaction, "score", "2") == JOINLY_OK);
        CHECK(set(transaction, "player:ada", "{}") == JOINLY_OK);
        CHECK(joinly_transaction_delete(transaction.get(), "lobby:1", 7, nullptr, nullptr) == JOINLY_OK);
        CHECK(get(transaction, "score") == "2");
        CHECK(get(transaction, "player:ada") == R"({"player_id":"ada"})");
        CHECK(get(transaction, "lobby:1") == "not_found");
        joinly_page* page = nullptr;
        CHECK(joinly_transaction_scan(transaction.get(), "", 0, "", 0, 10, &page, nullptr) == JOINLY_OK);
        CHECK(keys_of(CPage{page}) == std::vector<std::string>{"player:ada", "score"});
        CHECK(get(store, "score") == "1");
        joinly_record_version version = 0;
        CHECK(joinly_commit(transaction.get(), &version, nullptr) == JOINLY_OK);
        CHECK(get(store, "score") == "2");
        CHECK(get(store, "lobby:1") == "not_found");
        CHECK(version_of(store, "player:ada") == version);
        CHECK(get(transaction, "score") == "closed");
        CHECK(joinly_commit(transaction.get(), nullptr, nullptr) == JOINLY_CLOSED);
    }
    SECTION("what it has read must not have changed") {
        const auto read = GENERATE(as<std::string>{}, "score", "lobby:1", "player:new");
        const CTransaction transaction = begin(store);
        (void)get(transaction, read);
        CHECK(set(transaction, "score", "2") == JOINLY_OK);
        CHECK(set(store, read, "{}") == JOINLY_OK);
        CHECK(joinly_commit(transaction.get(), nullptr, nullptr) == JOINLY_CONFLICT);
        CHECK(get(store, "score") != "2");
    }
    SECTION("nothing must have come to what it has listed") {
        const CTransaction transaction = begin(store);
        joinly_page* page = nullptr;
        CHECK(joinly_transaction_scan(transaction.get(), "player:", 7, "", 0, 10, &page, nullptr) == JOINLY_OK);
        CHECK(keys_of(CPage{page}).empty());
        CHECK(set(transaction, "score", "2") == JOINLY_OK);
        CHECK(set(store, "player:new", "{}") == JOINLY_OK);
        CHECK(joinly_commit(transaction.get(), nullptr, nullptr) == JOINLY_CONFLICT);
        CHECK(get(store, "score") == "1");
    }
    SECTION("one that is freed has never been") {
        CHECK(set(begin(store), "score", "2") == JOINLY_OK);
        CHECK(get(store, "score") == "1");
    }
    SECTION("expected versions are part of it") {
        const CTransaction transaction = begin(store);
        const joinly_record_version right = version_of(store, "score");
        const joinly_record_version wrong = right + 1000;
        CHECK(set(transaction, "score", "2", &wrong) == JOINLY_CONFLICT);
        CHECK(set(transaction, "lobby:1", "{}", &wrong) == JOINLY_CONFLICT);
        CHECK(set(transaction, "score", "2", &right) == JOINLY_OK);
        CHECK(joinly_commit(transaction.get(), nullptr, nullptr) == JOINLY_OK);
        CHECK(get(store, "score") == "2");
    }
}

TEST_CASE("a buffer that is too small is left alone, and the size told", "[c]") {
    const CStore store = open_c("memory", "", "write_through");
    CHECK(set(store, "key", "12345678") == JOINLY_OK);
    char buffer[9] = "????????";
    CHECK(joinly_get(store.get(), "key", 3, buffer, 7, nullptr, nullptr) == 8);
    CHECK(std::string{buffer} == "????????");
    CHECK(joinly_get(store.get(), "key", 3, nullptr, 0, nullptr, nullptr) == 8);
    CHECK(joinly_get(store.get(), "key", 3, buffer, 8, nullptr, nullptr) == 8);
    CHECK(std::string{buffer} == "12345678");
    CHECK(joinly_stats(store.get(), buffer, 2, nullptr) > 100);
}

TEST_CASE("a reader gives a value without a copy, until it is asked again", "[c]") {
    const CStore store = open_c("memory", "", GENERATE("none", "write_through", "write_behind"));
    CHECK(set(store, "player:ada", ada) == JOINLY_OK);
    CHECK(set(store, "raw", std::string_view{"a\0b", 3}) == JOINLY_OK);
    joinly_reader* made = nullptr;
    REQUIRE(joinly_reader_new(store.get(), &made, nullptr) == JOINLY_OK);
    const std::unique_ptr<joinly_reader, Free> reader{made};
    joinly_info info{};
    joinly_error error{};
    CHECK(joinly_reader_outcome(made, &info, &error) == -JOINLY_NOT_FOUND);
    const char* const value = joinly_reader_get(made, "player:ada", 10);
    REQUIRE(value != nullptr);
    CHECK(set(store, "player:ada", "{}") == JOINLY_OK);
    CHECK(std::string{value}.find("\"level\": 3") != std::string::npos);  // as it was
    CHECK(joinly_reader_outcome(made, &info, &error) == static_cast<std::int64_t>(std::strlen(value)));
    CHECK(info.version != 0);
    CHECK(joinly_reader_get(made, "raw", 3) != nullptr);
    CHECK(joinly_reader_outcome(made, nullptr, &error) == 3);
    CHECK(joinly_reader_get(made, "none", 4) == nullptr);
    CHECK(joinly_reader_outcome(made, nullptr, nullptr) == -JOINLY_NOT_FOUND);
    CHECK(joinly_reader_get(made, nullptr, 4) == nullptr);
    CHECK(joinly_reader_outcome(made, nullptr, nullptr) == -JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_reader_get(nullptr, "raw", 3) == nullptr);
    CHECK(joinly_reader_outcome(nullptr, nullptr, nullptr) == -JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_close(store.get(), -1, nullptr) == JOINLY_OK);
    CHECK(joinly_reader_get(made, "raw", 3) == nullptr);
    CHECK(joinly_reader_outcome(made, nullptr, &error) == -JOINLY_CLOSED);
    CHECK(joinly_reader_new(store.get(), &made, nullptr) == JOINLY_CLOSED);
    CHECK(joinly_reader_new(nullptr, nullptr, nullptr) == JOINLY_INVALID_ARGUMENT);
    joinly_reader_free(nullptr);
}

TEST_CASE("nonsense is an error and not a crash", "[c]") {
    const CStore store = open_c("memory", "", "write_through");
    joinly_error error{};
    joinly_page* page = nullptr;
    constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
    constexpr joinly_code nonsense = JOINLY_INVALID_ARGUMENT;
    char buffer[16];

    SECTION("arguments that are not there") {
        CHECK(joinly_set(nullptr, "k", 1, "v", 1, 0, nullptr, nullptr, &error) == nonsense);
        CHECK(std::string{error.message} == "this is no store");
        CHECK(joinly_set(store.get(), nullptr, 1, "v", 1, 0, nullptr, nullptr, &error) == nonsense);
        CHECK(joinly_set(store.get(), "k", 1, nullptr, 1, 0, nullptr, nullptr, &error) == nonsense);
        CHECK(joinly_get(store.get(), "k", 1, nullptr, 9, nullptr, nullptr) == -JOINLY_NOT_FOUND);
        CHECK(set(store, "k", "v") == JOINLY_OK);
        CHECK(joinly_get(store.get(), "k", 1, nullptr, 9, nullptr, nullptr) == -nonsense);
        CHECK(joinly_get(store.get(), "", 0, buffer, 9, nullptr, nullptr) == -nonsense);
        CHECK(joinly_load_player(store.get(), nullptr, 3, buffer, 9, nullptr, nullptr) == -nonsense);
        CHECK(joinly_load_player(store.get(), "", 0, buffer, 9, nullptr, nullptr) == -nonsense);
        CHECK(joinly_save_lobby(store.get(), "x", 1, nullptr, 5, 0, nullptr, nullptr, nullptr) == nonsense);
        CHECK(joinly_delete_lobby(nullptr, "x", 1, nullptr, nullptr) == nonsense);
        CHECK(joinly_scan(store.get(), nullptr, 5, nullptr, 0, 9, JOINLY_KEYS, &page, &error) == nonsense);
        CHECK(joinly_scan(store.get(), nullptr, 0, nullptr, 0, 9, JOINLY_KEYS, nullptr, &error) == nonsense);
        CHECK(joinly_scan(store.get(), nullptr, 0, nullptr, 0, 9, 7, &page, &error) == nonsense);
        CHECK(joinly_begin(store.get(), nullptr, nullptr) == nonsense);
        CHECK(joinly_begin(nullptr, nullptr, nullptr) == nonsense);
        CHECK(joinly_commit(nullptr, nullptr, nullptr) == nonsense);
        CHECK(joinly_open(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) == nonsense);
        CHECK(joinly_options_set(nullptr, "codec", "json", nullptr) == nonsense);
        CHECK(joinly_cache_new(3, nullptr, nullptr) == nonsense);
        CHECK(joinly_cache_get(nullptr, "k", 1, nullptr, 0, nullptr) == -nonsense);
        CHECK(joinly_page_count(nullptr) == 0);
        CHECK(joinly_page_key(nullptr, 0, nullptr) == nullptr);
        joinly_free(nullptr);
        joinly_options_free(nullptr);
        joinly_page_free(nullptr);
        joinly_transaction_free(nullptr);
        joinly_cache_free(nullptr);
    }
    SECTION("sizes that nothing has") {
        CHECK(joinly_set(store.get(), "k", huge, "v", 1, 0, nullptr, nullptr, &error) == nonsense);
        CHECK(joinly_set(store.get(), "k", 1, "v", huge, 0, nullptr, nullptr, &error) == nonsense);
        CHECK(std::string{error.message}.find("at most") != std::string::npos);
        CHECK(joinly_get(store.get(), "k", huge / 2, buffer, 16, nullptr, nullptr) == -nonsense);
        CHECK(joinly_load_lobby(store.get(), "k", huge, buffer, 16, nullptr, nullptr) == -nonsense);
        CHECK(joinly_delete(store.get(), "k", huge, nullptr, nullptr) == nonsense);
        CHECK(joinly_list_players(store.get(), "k", huge, 1, &page, nullptr) == nonsense);
        CHECK(joinly_scan(store.get(), "k", 1, "k", huge, 1, JOINLY_KEYS, &page, nullptr) == nonsense);
    }
    SECTION("handles of another kind") {
        joinly_cache* cache = nullptr;
        REQUIRE(joinly_cache_new(3, &cache, nullptr) == JOINLY_OK);
        const CCache owner{cache};
        void* const wrong = cache;
        CHECK(joinly_flush(static_cast<joinly_store*>(wrong), -1, nullptr) == nonsense);
        CHECK(joinly_commit(static_cast<joinly_transaction*>(wrong), nullptr, nullptr) == nonsense);
        CHECK(joinly_page_count(static_cast<joinly_page*>(wrong)) == 0);
        CHECK(joinly_options_set(static_cast<joinly_options*>(wrong), "codec", "json", nullptr) == nonsense);
        joinly_store* opened = nullptr;
        CHECK(joinly_open("memory", "", "none", static_cast<joinly_options*>(wrong), &opened, nullptr) == nonsense);
        CHECK(opened == nullptr);
        joinly_free(static_cast<joinly_store*>(wrong));  // it is not freed as what it is not
        CHECK(joinly_cache_set(cache, "k", 1, "v", 1, 0, nullptr) == JOINLY_OK);
    }
    SECTION("keys that are the library's own, or none at all") {
        CHECK(set(store, std::string_view{"\0d", 2}, "v") == nonsense);
        CHECK(set(store, "", "v") == nonsense);
        CHECK(set(store, "player:", "{}") == nonsense);
        CHECK(set(store, std::string(1025, 'k').insert(0, "lobby:"), "{}") == nonsense);
    }
}

TEST_CASE("options say what is wrong with them", "[c]") {
    const std::unique_ptr<joinly_options, Free> options{joinly_options_new()};
    joinly_error error{};
    const auto refusal = [&](const char* name, const char* value) {
        CHECK(joinly_options_set(options.get(), name, value, &error) == JOINLY_INVALID_ARGUMENT);
        return std::string{error.message};
    };
    CHECK(refusal("colour", "red") == "there is no option 'colour'");
    CHECK(refusal("codec", "xml") == "codec cannot be 'xml'");
    CHECK(refusal("capacity_entries", "-1") == "capacity_entries cannot be '-1'");
    CHECK(refusal("capacity_entries", "1e3").find("cannot be") != std::string::npos);
    CHECK(refusal("busy_timeout", "99999999999").find("cannot be") != std::string::npos);
    CHECK(refusal("read_only", "yes").find("cannot be") != std::string::npos);

    CHECK(joinly_options_set(options.get(), "journal", "/tmp/x", &error) == JOINLY_OK);
    CHECK(error.code == JOINLY_OK);
    CHECK(std::string{error.message}.empty());
    joinly_store* store = nullptr;
    CHECK(joinly_open("sqlite", "x.db", "write_through", options.get(), &store, &error) == JOINLY_INVALID_ARGUMENT);
    CHECK(std::string{error.message} == "write_through has no option 'journal'");
    CHECK(joinly_open("memory", "", "write_behind", options.get(), &store, &error) == JOINLY_INVALID_ARGUMENT);
    CHECK(std::string{error.message} == "memory has no option 'journal'");
    CHECK(joinly_open("redis", "x", "none", nullptr, &store, &error) == JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_open("sqlite leveldb", "x", "none", nullptr, &store, &error) == JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_open("sqlite", "", "none", nullptr, &store, &error) == JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_open("memory", "x", "none", nullptr, &store, &error) == JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_open("memory", "", "sometimes", nullptr, &store, &error) == JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_open("sqlite", "/no/such/dir/x.db", "none", nullptr, &store, &error) == JOINLY_IO);
    CHECK(std::string{error.message}.find("/no/such/dir") != std::string::npos);
    CHECK(store == nullptr);
}

TEST_CASE("a message is cut off at a whole character", "[c]") {
    const std::string path = "/none/" + std::string(2000, 'x').replace(480, 40, 40, '\xc3');
    joinly_error error{};
    joinly_store* store = nullptr;
    CHECK(joinly_open("sqlite", path.c_str(), "none", nullptr, &store, &error) != JOINLY_OK);
    CHECK(std::strlen(error.message) < sizeof error.message);
    CHECK(std::strlen(error.message) > 400);
}

TEST_CASE("a closed store answers closed, and its files are let go of", "[c]") {
    const TempDir dir;
    const std::string path = dir / "store";
    const CStore store = open_c("leveldb", path, "write_behind");
    CHECK(set(store, "k", "v") == JOINLY_OK);
    {
        const CTransaction transaction = begin(store);
        CHECK(joinly_close(store.get(), 10'000, nullptr) == JOINLY_OK);
        CHECK(set(transaction, "k", "w") == JOINLY_CLOSED);
        CHECK(joinly_commit(transaction.get(), nullptr, nullptr) == JOINLY_CLOSED);
    }
    CHECK(joinly_close(store.get(), -1, nullptr) == JOINLY_OK);
    CHECK(get(store, "k") == "closed");
    CHECK(set(store, "k", "v") == JOINLY_CLOSED);
    CHECK(joinly_flush(store.get(), -1, nullptr) == JOINLY_CLOSED);
    CHECK(joinly_stats(store.get(), nullptr, 0, nullptr) == -JOINLY_CLOSED);
    CHECK(begin(store) == nullptr);
    const CStore again = open_c("leveldb", path, "none");  // one can have it open at a time
    CHECK(get(again, "k") == "v");
}

TEST_CASE("a transaction that was committed keeps no files, and one that was refused neither", "[c]") {
    const TempDir dir;
    const std::string path = dir / "store";
    const bool is_refused = GENERATE(false, true);
    const CStore store = open_c("leveldb", path, "write_behind");
    CHECK(set(store, "k", "v") == JOINLY_OK);
    const CTransaction transaction = begin(store);
    CHECK(get(transaction, "k") == "v");
    CHECK(set(transaction, "k", "w") == JOINLY_OK);
    if (is_refused) CHECK(set(store, "k", "x") == JOINLY_OK);
    CHECK(joinly_commit(transaction.get(), nullptr, nullptr) == (is_refused ? JOINLY_CONFLICT : JOINLY_OK));
    CHECK(joinly_close(store.get(), 10'000, nullptr) == JOINLY_OK);
    CHECK(get(open_c("leveldb", path, "none"), "k") == (is_refused ? "x" : "w"));  // one can have it open at a time
    CHECK(get(transaction, "k") == "closed");
}

TEST_CASE("a reader that outlives its store answers closed, and holds up nobody", "[c]") {
    const TempDir dir;
    CStore store = open_c("leveldb", dir / "store", "write_behind");
    CHECK(set(store, "k", "v") == JOINLY_OK);
    joinly_reader* made = nullptr;
    REQUIRE(joinly_reader_new(store.get(), &made, nullptr) == JOINLY_OK);
    const std::unique_ptr<joinly_reader, Free> reader{made};
    const char* const value = joinly_reader_get(made, "k", 1);
    REQUIRE(value != nullptr);
    store.reset();
    CHECK(std::string{value} == "v");
    CHECK(get(open_c("leveldb", dir / "store", "none"), "k") == "v");
    CHECK(joinly_reader_get(made, "k", 1) == nullptr);
    CHECK(joinly_reader_outcome(made, nullptr, nullptr) == -JOINLY_CLOSED);
}

TEST_CASE("threads may use a store, and one of them may close it", "[c][threads]") {
    const TempDir dir;
    const auto policy = GENERATE("read_through", "write_through", "write_behind");
    const CStore store = open_c("sqlite", dir / "a.db", policy, {{"sync", "process_crash"}});
    CHECK(set(store, "lobby:1", "{}") == JOINLY_OK);
    std::atomic<int> begun{0};
    std::atomic<int> surprises{0};
    const auto is_expected = [](joinly_code code) { return code == JOINLY_OK || code == JOINLY_CLOSED || code == JOINLY_CONFLICT; };
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) {
        threads.emplace_back([&, number] {
            const std::string key = "player:" + std::to_string(number);
            for (int round = 0;; ++round) {
                const joinly_code saved = set(store, key, "{}");
                const std::string lobby = get(store, "lobby:1");
                const CTransaction transaction = begin(store);
                joinly_code moved = JOINLY_CLOSED;
                if (transaction) {
                    (void)get(transaction, "lobby:1");
                    (void)set(transaction, "lobby:1", "{}");
                    moved = joinly_commit(transaction.get(), nullptr, nullptr);
                }
                if (!is_expected(saved) || !is_expected(moved) || (lobby.front() != '{' && lobby != "closed")) ++surprises;
                if (round == 10) ++begun;
                if (saved == JOINLY_CLOSED) return;
            }
        });
    }
    while (begun < 4) std::this_thread::yield();
    CHECK(joinly_close(store.get(), 30'000, nullptr) == JOINLY_OK);
    for (auto& thread : threads) thread.join();
    CHECK(surprises == 0);
    CHECK(get(open_c("sqlite", dir / "a.db", "none"), "player:3") == R"({"player_id":"3"})");
}

TEST_CASE("statistics are JSON, and tell what was done", "[c]") {
    const TempDir dir;
    const CStore store = open_c("sqlite", dir / "a.db", "write_through");
    CHECK(set(store, "player:ada", "{}") == JOINLY_OK);
    CHECK(get(store, "player:ada") != "");
    CHECK(get(store, "player:bob") == "not_found");
    std::string text(4096, ' ');
    text.resize(static_cast<std::size_t>(joinly_stats(store.get(), text.data(), text.size(), nullptr)));
    CHECK(text.find(R"({"backend":"sqlite","policy":"write_through","codec":"json","cache":{"hits":1,)") == 0);
    CHECK(text.find(R"("hit_rate":)") != std::string::npos);
    CHECK(text.find(R"("max_size":10000)") != std::string::npos);
    CHECK(text.find(R"("pending_entries":0)") != std::string::npos);
    CHECK(text.find(R"("size_by_part":{"database":)") != std::string::npos);
    CHECK(text.find(R"("operations":{"load":)") != std::string::npos);
    CHECK(text.find(R"("save":1})") != std::string::npos);
    CHECK(text.find(R"("errors":{"not_found":1})") != std::string::npos);
    CHECK(text.back() == '}');

    std::string page(16'384, ' ');
    page.resize(static_cast<std::size_t>(joinly_metrics(store.get(), "pl\"ayers", page.data(), page.size(), nullptr)));
    CHECK(page.find("# TYPE joinly_operations_total counter\n") != std::string::npos);
    CHECK(page.find(R"(joinly_operations_total{store="pl\"ayers",operation="save"} 1)") != std::string::npos);
    CHECK(page.back() == '\n');
    CHECK(joinly_metrics(store.get(), nullptr, page.data(), page.size(), nullptr) == -JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_metrics(nullptr, "players", page.data(), page.size(), nullptr) == -JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_close(store.get(), -1, nullptr) == JOINLY_OK);
    CHECK(joinly_metrics(store.get(), "players", nullptr, 0, nullptr) == -JOINLY_CLOSED);
}

TEST_CASE("statistics tell of flushes and how long they took", "[c]") {
    const CStore store = open_c("memory", "", "write_behind", {{"max_delay", "3600000"}});
    const auto stats = [&] {
        std::string text(4096, ' ');
        text.resize(static_cast<std::size_t>(joinly_stats(store.get(), text.data(), text.size(), nullptr)));
        return text;
    };
    CHECK(stats().find(R"("flushes":0,"flushed_entries":0,"flush_total_ms":0.0,)") != std::string::npos);
    CHECK(stats().find(R"("since_flush_ms":null)") != std::string::npos);
    for (const char* key : {"a", "b", "c"}) CHECK(set(store, key, "v") == JOINLY_OK);
    CHECK(joinly_flush(store.get(), 10'000, nullptr) == JOINLY_OK);
    CHECK(stats().find(R"("flushes":1,"flushed_entries":3,)") != std::string::npos);
    CHECK(stats().find(R"("flush_total_ms":0.0,)") == std::string::npos);
    CHECK(stats().find(R"("since_flush_ms":null)") == std::string::npos);
}

TEST_CASE("a backup brings back what was there, and keeps what has been there since", "[c]") {
    const TempDir dir;
    const auto backend = GENERATE(as<std::string>{}, "sqlite", "leveldb");
    joinly_error error{};
    std::string backup(4096, '\0');
    {
        const CStore store = open_c(backend.c_str(), dir / "a", "write_behind");
        CHECK(set(store, "player:ada", ada) == JOINLY_OK);
        for (int i = 0; i < 3; ++i) {
            const std::int64_t size =
                joinly_backup(store.get(), (dir / "backups").c_str(), 2, backup.data(), backup.size(), &error);
            CHECK(std::string{error.message}.empty());
            REQUIRE(size > 0);
            backup.resize(static_cast<std::size_t>(size));
        }
        CHECK(set(store, "player:bob", "{}") == JOINLY_OK);
        CHECK(joinly_restore(backend.c_str(), backup.c_str(), (dir / "a").c_str(), nullptr, &error) == JOINLY_BUSY);
    }
    CHECK(joinly_restore(backend.c_str(), backup.c_str(), (dir / "a").c_str(), nullptr, &error) == JOINLY_OK);
    const CStore store = open_c(backend.c_str(), dir / "a", "none");
    CHECK(get(store, "player:ada").find("\"level\": 3") != std::string::npos);
    CHECK(get(store, "player:bob") == "not_found");
    int backups = 0;
    int kept_aside = 0;
    for (const auto& entry : std::filesystem::directory_iterator{dir / "backups"}) backups += entry.is_directory() ? 1 : 0;
    for (const auto& entry : std::filesystem::directory_iterator{dir.path()})
        kept_aside += entry.path().filename().string().find("a.restore-") == 0 ? 1 : 0;
    CHECK(backups == 2);
    CHECK(kept_aside == 1);
}

TEST_CASE("stores that share a directory keep the backups of the others by names of their own", "[c]") {
    const TempDir dir;
    const std::string directory = dir / "backups";
    int of_players = 0;
    for (const char* const name : {"players", "lobbies", "players"}) {
        const CStore store = open_c("sqlite", dir / name, "none");
        joinly_error error{};
        std::string backup(4096, '\0');
        const std::int64_t size =
            joinly_backup_named(store.get(), directory.c_str(), name, 1, backup.data(), backup.size(), &error);
        CHECK(std::string{error.message}.empty());
        REQUIRE(size > 0);
        CHECK(backup.find(directory + '/' + name + '-') == 0);
    }
    int all = 0;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        ++all;
        of_players += entry.path().filename().string().find("players-") == 0 ? 1 : 0;
    }
    CHECK(all == 2);
    CHECK(of_players == 1);
}

TEST_CASE("a restore puts the journal of what was there aside as well", "[c]") {
    const TempDir dir;
    const std::string journal = dir / "journal";
    const std::string backend = GENERATE("sqlite", "leveldb");
    std::string backup(4096, '\0');
    {
        const CStore store = open_c(backend.c_str(), dir / "db", "write_behind", {{"journal", journal}});
        CHECK(set(store, "k", "1") == JOINLY_OK);
        const std::int64_t size = joinly_backup(store.get(), (dir / "backups").c_str(), 0, backup.data(), backup.size(), nullptr);
        REQUIRE(size > 0);
        backup.resize(static_cast<std::size_t>(size));
        CHECK(set(store, "k", "2") == JOINLY_OK);
        CHECK(joinly_close(store.get(), 10'000, nullptr) == JOINLY_OK);
    }
    REQUIRE(std::filesystem::exists(journal));
    const std::unique_ptr<joinly_options, Free> options{joinly_options_new()};
    CHECK(joinly_options_set(options.get(), "journal", journal.c_str(), nullptr) == JOINLY_OK);
    joinly_error error{};
    CHECK(joinly_restore(backend.c_str(), backup.c_str(), (dir / "db").c_str(), options.get(), &error) == JOINLY_OK);
    CHECK(std::string{error.message}.empty());
    CHECK_FALSE(std::filesystem::exists(journal));
    int aside = 0;
    for (const auto& entry : std::filesystem::directory_iterator{dir.path()}) {
        if (entry.path().filename().string().find("db.restore-") == 0 && std::filesystem::exists(entry.path() / "journal")) ++aside;
    }
    CHECK(aside == 1);
    CHECK(get(open_c(backend.c_str(), dir / "db", "write_behind", {{"journal", journal}}), "k") == "1");
}

TEST_CASE("what cannot be backed up or restored is told", "[c]") {
    const TempDir dir;
    const CStore memory = open_c("memory", "", "none");
    CHECK(joinly_backup(memory.get(), (dir / "b").c_str(), 0, nullptr, 0, nullptr) == -JOINLY_UNSUPPORTED);
    CHECK(joinly_backup(memory.get(), nullptr, 0, nullptr, 0, nullptr) == -JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_backup(memory.get(), "b", 0, nullptr, 9, nullptr) == -JOINLY_INVALID_ARGUMENT);
    const CStore store = open_c("sqlite", dir / "db", "none");
    CHECK(joinly_backup_named(store.get(), "b", nullptr, 0, nullptr, 0, nullptr) == -JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_backup_named(store.get(), "b", "No Name", 0, nullptr, 0, nullptr) == -JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_restore("sqlite", (dir / "none").c_str(), (dir / "a").c_str(), nullptr, nullptr) == JOINLY_NOT_FOUND);
    CHECK(joinly_restore("memory", "b", "a", nullptr, nullptr) == JOINLY_UNSUPPORTED);
    CHECK(joinly_restore(nullptr, "b", "a", nullptr, nullptr) == JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_restore("sqlite", nullptr, "a", nullptr, nullptr) == JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_restore("sqlite", "b", nullptr, nullptr, nullptr) == JOINLY_INVALID_ARGUMENT);
}

TEST_CASE("the cache lets the least recently used entry go, and what has expired", "[c]") {
    joinly_cache* made = nullptr;
    REQUIRE(joinly_cache_new(2, &made, nullptr) == JOINLY_OK);
    const CCache cache{made};
    const auto put = [&](std::string_view key, std::int64_t ttl_ms) {
        return joinly_cache_set(made, key.data(), key.size(), key.data(), key.size(), ttl_ms, nullptr);
    };
    const auto has = [&](std::string_view key) {
        char buffer[8];
        return joinly_cache_get(made, key.data(), key.size(), buffer, sizeof buffer, nullptr) > 0 &&
               std::string_view{buffer, key.size()} == key;
    };
    CHECK(put("a", 0) == JOINLY_OK);
    CHECK(put("b", 3'600'000) == JOINLY_OK);
    CHECK(has("a"));
    CHECK(put("c", 0) == JOINLY_OK);
    CHECK(has("a"));
    CHECK_FALSE(has("b"));
    CHECK(put("c", 1) == JOINLY_OK);
    while (has("c")) std::this_thread::yield();
    CHECK(put("c", -1) == JOINLY_INVALID_ARGUMENT);
    CHECK(joinly_cache_delete(made, "a", 1, nullptr) == JOINLY_OK);
    CHECK(joinly_cache_delete(made, "a", 1, nullptr) == JOINLY_NOT_FOUND);
    std::string text(512, ' ');
    text.resize(static_cast<std::size_t>(joinly_cache_stats(made, text.data(), text.size(), nullptr)));
    CHECK(text.find(R"({"hits":)") == 0);
    CHECK(text.find(R"("max_size":2,)") != std::string::npos);
    CHECK(text.find(R"("evictions":1,)") != std::string::npos);
    CHECK(put("d", 0) == JOINLY_OK);
    CHECK(has("d"));
    CHECK(joinly_cache_clear(made, nullptr) == JOINLY_OK);
    CHECK_FALSE(has("d"));
    text.resize(512);
    text.resize(static_cast<std::size_t>(joinly_cache_stats(made, text.data(), text.size(), nullptr)));
    CHECK(text.find(R"("size":0,)") != std::string::npos);
}

TEST_CASE("a cache of no entries takes everything and keeps nothing", "[c]") {
    joinly_cache* made = nullptr;
    REQUIRE(joinly_cache_new(0, &made, nullptr) == JOINLY_OK);
    const CCache cache{made};
    CHECK(joinly_cache_set(made, "a", 1, "v", 1, 0, nullptr) == JOINLY_OK);
    CHECK(joinly_cache_get(made, "a", 1, nullptr, 0, nullptr) == -JOINLY_NOT_FOUND);
    CHECK(joinly_cache_delete(made, "a", 1, nullptr) == JOINLY_NOT_FOUND);
}

}  // namespace
}  // namespace joinly::test
