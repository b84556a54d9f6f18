// Write-behind with a journal: what was acknowledged and not stored is there when the store is opened again. The journal's
// own tests are in journal.test.cpp, those that kill the process in tests/crash/, those that count its syncs in tests/fault/.

#include <joinly/backend/memory.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/temp_dir.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::absent;
using joinly::Batch;
using joinly::DefaultTraits;
using joinly::Drive;
using joinly::Errc;
using joinly::ManualTraits;
using joinly::MemoryBackend;
using Player = joinly::test::Account;
using joinly::Result;
using joinly::Sync;
using joinly::ValueForm;
using joinly::Version;
using joinly::WriteBehind;
using joinly::WriteBehindOptions;
using joinly::test::FailingBackend;
using joinly::test::TempDir;

constexpr auto player = [](std::string id, std::int32_t rating = 1000) { return joinly::test::account(std::move(id), rating); };

/// A database and a journal that outlive the stores which are opened on them.
template <class Traits = ManualTraits>
struct Place {
    using Store = joinly::Store<FailingBackend, WriteBehind, Traits>;

    [[nodiscard]] WriteBehindOptions options() const {
        WriteBehindOptions options;
        options.drive = Drive::caller;
        options.journal = {.path = dir / "journal", .segment_bytes = 64 << 10, .limit_bytes = 256 << 10};
        return options;
    }
    [[nodiscard]] Result<Store> try_open() const { return Store::open({.control = control}, options(), traits); }
    [[nodiscard]] Store open() const { return *try_open(); }

    /// A store that ends without having stored what `use` saved.
    template <class Use>
    void abandon(Use use) {
        {
            auto store = open();
            use(store);
            control->refuse_writes = Errc::io;
        }
        control->refuse_writes = std::nullopt;
    }

    TempDir dir;
    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
    Traits traits;
};

template <class Store>
std::int32_t rating(Store& store, std::string_view id) {
    auto loaded = store.template load<Player>(id);
    return loaded ? (*loaded)->skill_rating : -1;
}

TEST_CASE("what was acknowledged and not stored is there when the store is opened again", "[journal]") {
    Place<> place;
    Version version = absent;
    place.abandon([&](auto& store) {
        REQUIRE(store.save(player("ada", 1)));
        version = *store.save(player("ada", 2));
    });
    CHECK(!place.control->records.read("player:ada"));
    auto store = place.open();
    CHECK(rating(store, "ada") == 2);
    CHECK(store.template load<Player>("ada")->version() == version);
    CHECK(*store.template ids<Player>() == std::vector<std::string>{"ada"});
    REQUIRE(store.flush());
    CHECK(place.control->records.read("player:ada")->version == version);
}

TEST_CASE("erases, expiries and versions come back from the journal too", "[journal]") {
    Place<> place;
    {
        auto store = place.open();
        REQUIRE(store.save(player("gone", 1)));
        REQUIRE(store.flush());
    }
    Version version = absent;
    place.abandon([&](auto& store) {
        REQUIRE(store.template erase<Player>("gone"));
        version = *store.save(player("brief", 1), {.ttl = 1h});
    });
    auto store = place.open();
    CHECK(rating(store, "gone") == -1);
    CHECK(store.save(player("brief", 2), {.expect = version - 1}).error() == Errc::conflict);
    CHECK(rating(store, "brief") == 1);
    place.traits.clock.advance(1h);
    CHECK(rating(store, "brief") == -1);
    CHECK(*store.save(player("next", 1)) == version + 1);
}

TEST_CASE("what the backend stored without an answer is not taken for another writer's", "[journal][fault]") {
    Place<> place;
    {
        auto store = place.open();
        REQUIRE(store.save(player("ada", 1)));
        place.control->lose_answers = Errc::io;
    }
    place.control->lose_answers = std::nullopt;
    auto store = place.open();
    CHECK(store.stats().pending_entries == 0);
    REQUIRE(store.save(player("ada", 2)));
    CHECK(store.flush());
    CHECK(store.dead_letters().empty());
}

TEST_CASE("dead letters are kept in the journal, over restarts, until they are retried as what may overwrite",
          "[journal][dead_letter]") {
    Place<> place;
    {
        auto store = place.open();
        place.control->refuse_writes = Errc::invalid_argument;
        REQUIRE(store.save(player("ada", 1)));
        CHECK(!store.flush());
        place.control->refuse_writes = std::nullopt;
        REQUIRE(store.save(player("bob", 2)));
        REQUIRE(store.flush());
    }
    Version retried = absent;
    {
        auto store = place.open();
        CHECK(rating(store, "ada") == -1);
        const auto letters = store.dead_letters();
        REQUIRE(letters.size() == 1);
        CHECK(letters[0].keys == std::vector<std::string>{"player:ada"});
        CHECK(letters[0].reason == "the test refuses writes");
        CHECK(store.retry_dead_letter(letters[0].id).error() == Errc::conflict);
        CHECK(rating(store, "ada") == -1);
        retried = *store.retry_dead_letter(letters[0].id, {.overwrite = true});
    }
    auto store = place.open();
    CHECK(store.dead_letters().empty());
    CHECK(rating(store, "ada") == 1);
    CHECK(place.control->records.read("player:ada")->version == retried);
}

TEST_CASE("a batch that was set aside last is not tried again by opening, and its version not given again",
          "[journal][dead_letter]") {
    Place<> place;
    Version version = absent;
    {
        auto store = place.open();
        place.control->refuse_writes = Errc::invalid_argument;
        version = *store.save(player("ada", 1));
        CHECK(!store.flush());
        place.control->refuse_writes = std::nullopt;
    }
    auto store = place.open();
    CHECK(store.stats().pending_entries == 0);
    CHECK(rating(store, "ada") == -1);
    CHECK(*store.save(player("bob", 2)) == version + 1);
    CHECK(store.flush());
}

TEST_CASE("what an earlier run acknowledged is retried only as what may overwrite: nobody knows its conditions",
          "[journal][dead_letter]") {
    Place<> place;
    place.abandon([&](auto& store) { REQUIRE(store.save(player("ada", 1))); });
    auto store = place.open();
    place.control->refuse_writes = Errc::invalid_argument;
    CHECK(!store.flush());
    place.control->refuse_writes = std::nullopt;
    const Version id = store.dead_letters().at(0).id;
    CHECK(store.retry_dead_letter(id).error() == Errc::conflict);
    CHECK(store.retry_dead_letter(id, {.overwrite = true}));
    CHECK(rating(store, "ada") == 1);
}

TEST_CASE("a dead letter of a kind with indexes can be retried after a restart though dead letters fill the limit",
          "[journal][dead_letter][index]") {
    Place<> place;
    {
        auto store = place.open();
        place.control->refuse_writes = Errc::corrupt;
        REQUIRE(store.save(joinly::Lobby{.lobby_id = "north"}));
        CHECK(!store.flush());
        place.control->refuse_writes = std::nullopt;
    }
    WriteBehindOptions options = place.options();
    options.pending_limit_entries = 1;
    auto store = *decltype(place)::Store::open({.control = place.control}, options, place.traits);
    CHECK(store.save(player("ada")).error() == Errc::full);
    for (const auto& letter : store.dead_letters()) CHECK(store.retry_dead_letter(letter.id, {.overwrite = true}));
    REQUIRE(store.flush());
    CHECK(store.load<joinly::Lobby>("north"));
}

TEST_CASE("a dead letter that was dropped stays settled: neither tried again nor missed by opening", "[journal][dead_letter]") {
    Place<> place;
    Version version = absent;
    {
        auto store = place.open();
        place.control->refuse_writes = Errc::invalid_argument;
        version = *store.save(player("ada", 1));
        CHECK(!store.flush());
        REQUIRE(store.drop_dead_letter(version));
        place.control->refuse_writes = std::nullopt;
    }
    place.abandon([&](auto& store) {
        CHECK(store.dead_letters().empty());
        CHECK(*store.save(player("bob", 2)) == version + 1);
    });
    auto store = place.open();
    CHECK(rating(store, "ada") == -1);
    CHECK(rating(store, "bob") == 2);
    CHECK(store.flush());
}

TEST_CASE("dead letters that were dropped are forgotten once the backend has newer batches", "[journal][dead_letter]") {
    Place<> place;
    {
        auto store = place.open();
        for (int i = 0; i < 100; ++i) {
            place.control->refuse_writes = Errc::invalid_argument;
            const Version refused = *store.save(player("ada", i));
            CHECK(!store.flush());
            REQUIRE(store.drop_dead_letter(refused));
            place.control->refuse_writes = std::nullopt;
            REQUIRE(store.save(player("bob", i)));
            REQUIRE(store.flush());
        }
    }
    const auto journal = joinly::Journal::open(place.options().journal);
    REQUIRE(journal);
    CHECK((*journal)->dead_letters()->size() <= 4);  // the newest, since the list was last written as a whole
}

TEST_CASE("a retry that the journal cannot note has been made all the same, and is not made again over what came since",
          "[journal][dead_letter][fault]") {
    Place<> place;
    const std::string list = place.options().journal.path + "/dead_letters";
    {
        auto store = place.open();
        place.control->refuse_writes = Errc::invalid_argument;
        const Version id = *store.save(player("ada", 1));
        CHECK(!store.flush());
        place.control->refuse_writes = std::nullopt;
        std::filesystem::remove(list);  // so that no list is added to, nor replaced
        std::filesystem::create_directories(list + ".tmp/in_the_way");

        const auto retried = store.retry_dead_letter(id);
        REQUIRE(retried);
        CHECK(*retried > id);
        CHECK(rating(store, "ada") == 1);
        REQUIRE(store.dead_letters().size() == 1);
        CHECK(store.retry_dead_letter(id).error() == Errc::conflict);
        REQUIRE(store.save(player("ada", 2)));
        CHECK(store.retry_dead_letter(id).error() == Errc::conflict);
        CHECK(rating(store, "ada") == 2);

        std::filesystem::remove_all(list + ".tmp");
        CHECK(store.drop_dead_letter(id));
        CHECK(store.flush());
    }
    CHECK(place.open().dead_letters().empty());
}

TEST_CASE("two stores cannot share a journal", "[journal]") {
    Place<> place;
    auto store = place.open();
    const auto second = place.try_open();
    REQUIRE(!second);
    CHECK(second.error() == Errc::busy);
}

TEST_CASE("an older copy of the database under a newer journal is refused", "[journal][fault]") {
    Place<> place;
    {
        auto store = place.open();
        REQUIRE(store.save(player("ada", 1)));
        REQUIRE(store.flush());
    }
    place.abandon([](auto& store) {
        REQUIRE(store.save(player("bob", 1)));
        REQUIRE(store.flush());  // and the first segment is not needed any more
        REQUIRE(store.save(player("eve", 1)));
    });
    place.control = std::make_shared<FailingBackend::Control>();
    CHECK(place.try_open().error() == Errc::corrupt);
}

TEST_CASE("a journal at its limit refuses writes until a flush has made room", "[journal]") {
    Place<> place;
    auto store = place.open();
    const std::string value(10'000, 'v');
    int taken = 0;
    Result<Version> put = Version{};
    while ((put = store.put("key", value))) ++taken;
    CHECK(put.error() == Errc::full);
    CHECK(taken >= 10);
    for (int i = 0; i < 1'000; ++i) {
        if (!store.put("key", value)) {
            REQUIRE(store.flush());
            REQUIRE(store.put("key", value));
        }
        REQUIRE(store.health().journal_bytes <= (512 << 10));
    }
}

TEST_CASE("a save that finds the journal full makes a flush due, though nobody waits and something is pending", "[journal]") {
    Place<> place;
    auto options = place.options();
    options.max_delay = 1h;
    auto store = *decltype(place)::Store::open({.control = place.control}, options, place.traits);
    const std::string value(10'000, 'v');
    while (store.put("key", value)) {
    }
    REQUIRE(store.pump());
    CHECK(store.put("key", value));
}

TEST_CASE("a journal's relative path stays the same place when the process changes its directory", "[journal]") {
    const joinly::test::TempDir dir, elsewhere;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(dir.path());
    {
        auto store = *joinly::open<FailingBackend, WriteBehind>({}, {.drive = Drive::caller, .journal = {.path = "journal"}});
        std::filesystem::current_path(elsewhere.path());
        CHECK(store.put("key", "value"));
        CHECK(store.flush());
        CHECK(store.put("key", "value"));
    }
    std::filesystem::current_path(before);
    CHECK(std::filesystem::exists(dir / "journal"));
    CHECK(std::filesystem::is_empty(elsewhere.path()));
}

struct JsonTraits : ManualTraits {
    using Codec = joinly::Json;
};

TEST_CASE("a journal's spare segment is replaced as soon as it is taken, though no flush is due", "[journal]") {
    const TempDir dir;
    const auto spares = [&] {
        const std::filesystem::directory_iterator files{dir / "journal"};
        return std::count_if(begin(files), end(files), [](const auto& file) { return file.path().extension() == ".spare"; });
    };
    const auto drive = GENERATE(Drive::caller, Drive::thread);
    WriteBehindOptions options{.max_delay = 1h, .drive = drive};
    options.journal = {.path = dir / "journal", .segment_bytes = 64 << 10, .limit_bytes = 1 << 20};
    auto store = *joinly::open<MemoryBackend, WriteBehind>({}, options);
    Player big = player("ada");
    big.username.assign(40'000, 'a');  // each has a segment of its own
    for (int i = 0; i < 3; ++i) {
        CHECK(spares() == 1);
        REQUIRE(store.save(big));
        const auto patience = std::chrono::steady_clock::now() + 20s;
        while (drive == Drive::thread && spares() == 0 && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
        if (drive == Drive::caller) CHECK(spares() == 0);
        if (drive == Drive::caller) CHECK(store.pump());
    }
    CHECK(spares() == 1);
    CHECK(store.stats().backend_writes == 0);
    CHECK(store.stats().pending_entries == 1);
}

TEST_CASE("text comes back from the journal as text", "[journal]") {
    Place<JsonTraits> place;
    place.abandon([](auto& store) { REQUIRE(store.save(player("ada", 1))); });
    auto store = place.open();
    CHECK(rating(store, "ada") == 1);
    std::optional<ValueForm> form;
    place.control->before_write = [&](const Batch& batch) { form = batch.changes.at(0).form; };
    REQUIRE(store.flush());
    CHECK(form == ValueForm::text);
}

// --- over memory: a small durable store of its own

auto open_memory(const TempDir& dir, std::size_t limit_bytes = 1 << 20) {
    WriteBehindOptions options;
    options.drive = Drive::caller;
    options.journal = {.path = dir / "journal", .segment_bytes = 64 << 10, .limit_bytes = limit_bytes};
    return joinly::open<MemoryBackend, WriteBehind>({}, options);
}

TEST_CASE("a memory backend with a journal keeps what was acknowledged, though the process dies", "[journal]") {
    TempDir dir;
    const pid_t child = ::fork();
    if (child == 0) {
        auto store = open_memory(dir);
        bool done = store.has_value();
        for (int i = 0; done && i < 100; ++i) {
            done = store->save(player("p" + std::to_string(i), i)).has_value();
            if (i == 50) done = done && store->flush();
        }
        ::_exit(done ? 0 : 1);  // neither closes nor destroys the store
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    auto store = *open_memory(dir);
    CHECK(*store.count<Player>() == 100);
    CHECK(rating(store, "p99") == 99);
    CHECK(*store.save(player("more")) == 101);
}

TEST_CASE("a store whose newest batch was set aside, and whose backend is older, opens, flushes and closes",
          "[journal][dead_letter]") {
    Place<> place;
    {
        auto store = place.open();
        REQUIRE(store.save(player("ada", 1)));
        REQUIRE(store.flush());
        place.control->refuse_writes = Errc::invalid_argument;
        REQUIRE(store.save(player("bob", 1)));
        CHECK(!store.flush());
        place.control->refuse_writes = std::nullopt;
    }
    place.control = std::make_shared<FailingBackend::Control>();  // the backend has lost what it did not fsync
    auto store = place.open();
    CHECK(rating(store, "ada") == 1);
    CHECK(store.flush().error() == Errc::invalid_argument);  // the newest batch is still set aside
    CHECK(store.stats().pending_entries == 0);
    CHECK(*store.save(player("eve", 1)) == 3);
    CHECK(store.flush());
}

TEST_CASE("a memory backend's journal stays bounded by what it holds, and loses nothing", "[journal]") {
    TempDir dir;
    {
        auto store = *open_memory(dir);
        REQUIRE(store.put("steady", "kept"));
        for (int round = 0; round < 300; ++round) {
            for (int key = 0; key < 10; ++key) {
                const auto put = store.put("k" + std::to_string(key), std::string(1'000, static_cast<char>('a' + round % 26)));
                REQUIRE(put);
            }
            REQUIRE(store.erase_key("k9"));
            REQUIRE(store.flush());
        }
        CHECK(store.health().journal_bytes < (2 << 20));
    }
    auto store = *open_memory(dir);
    CHECK(store.keys()->size() == 10);
    CHECK(*store.get("steady") == "kept");
    CHECK(*store.get("k0") == std::string(1'000, static_cast<char>('a' + 299 % 26)));
}

TEST_CASE("a full journal over memory makes room by a checkpoint", "[journal]") {
    TempDir dir;
    auto store = *open_memory(dir, 128 << 10);
    const std::string value(10'000, 'v');
    for (int i = 0; i < 200; ++i) {
        if (!store.put("key", value)) {
            REQUIRE(store.flush());
            REQUIRE(store.put("key", value));
        }
    }
    CHECK(*store.get("key") == value);
}

TEST_CASE("a journal over memory that is full of what has been stored makes room for a writer that waits", "[journal]") {
    TempDir dir;
    WriteBehindOptions options;
    options.journal = {.path = dir / "journal", .segment_bytes = 64 << 10, .limit_bytes = 256 << 10};
    auto store = *joinly::open<MemoryBackend, WriteBehind>({}, options);
    for (int i = 0; i < 4'000; ++i) {
        REQUIRE(store.put("k" + std::to_string(i % 4), std::string(200, 'x')));
        REQUIRE(store.flush());
    }
}

TEST_CASE("when the disk fails the journal, everything is flushed at once", "[journal][fault]") {
    const auto sync = GENERATE(Sync::power_loss, Sync::process_crash);
    Place<> place;
    auto options = place.options();
    options.drive = Drive::thread;
    options.max_delay = 1h;
    options.journal.sync = sync;
    if (sync == Sync::process_crash) options.journal.sync_interval = 1ms;
    auto store = *joinly::Store<FailingBackend, WriteBehind>::open({.control = place.control}, options);
    const auto first = store.save(player("ada", 1));
    REQUIRE(first);
    REQUIRE(store.flush());
    const auto segments = [&] {
        std::vector<std::filesystem::path> found;
        for (const auto& file : std::filesystem::directory_iterator{place.dir / "journal"}) {
            if (file.path().extension() == ".segment") found.push_back(file.path());
        }
        return found;
    };
    do {
        for (const auto& segment : segments()) std::filesystem::remove(segment);
        static_cast<void>(store.save(player("ada", 2)));
    } while (!segments().empty() && store.health().pending_entries != 0);  // the worker had met the fault first, and mended it
    CHECK((store.health().pending_entries == 0 || store.wait(*first + 1, 60s)));
    CHECK(store.save(player("ada", 3)));
}

TEST_CASE("a store goes on in a journal's directory that was made anew, and nobody shares it", "[journal][dead_letter][fault]") {
    Place<> place;
    {
        auto store = place.open();
        place.control->refuse_writes = Errc::invalid_argument;
        REQUIRE(store.save(player("refused")));
        CHECK(!store.flush());
        place.control->refuse_writes = std::nullopt;
        REQUIRE(store.save(player("ada", 1)));
        std::filesystem::remove_all(place.dir / "journal");
        std::filesystem::create_directory(place.dir / "journal");
        REQUIRE(store.pump());
        REQUIRE(store.flush());
        static_cast<void>(store.save(player("ada", 2)));  // may be the one that finds out
        REQUIRE(store.flush());
        REQUIRE(store.save(player("ada", 3)));
        CHECK(place.try_open().error() == Errc::busy);
        place.control->refuse_writes = Errc::io;
    }
    place.control->refuse_writes = std::nullopt;
    auto store = place.open();
    CHECK(rating(store, "ada") == 3);
    CHECK(store.dead_letters().size() == 1);
}

TEST_CASE("no save is acknowledged once one has found the journal's directory gone, however small it is", "[journal][fault]") {
    Place<> place;
    auto store = place.open();
    REQUIRE(store.save(player("ada", 1)));
    REQUIRE(store.pump());  // a spare is at hand
    std::filesystem::remove_all(place.dir / "journal");
    Player large = player("large");
    large.username.assign(80 << 10, 'l');  // more than a segment
    CHECK(store.save(large).error() == Errc::io);
    CHECK(store.save(player("ada", 2)).error() == Errc::io);
    CHECK(rating(store, "ada") == 1);
}

TEST_CASE("a batch can be set aside after the journal's directory was made anew", "[journal][dead_letter][fault]") {
    Place<> place;
    {
        auto store = place.open();
        REQUIRE(store.save(player("refused")));
        std::filesystem::remove_all(place.dir / "journal");
        std::filesystem::create_directory(place.dir / "journal");
        place.control->refuse_writes = Errc::invalid_argument;
        CHECK(!store.flush());
        place.control->refuse_writes = std::nullopt;
        CHECK(store.dead_letters().size() == 1);
        static_cast<void>(store.save(player("ada", 1)));
        REQUIRE(store.flush());
        REQUIRE(store.save(player("ada", 2)));
        place.control->refuse_writes = Errc::io;
    }
    place.control->refuse_writes = std::nullopt;
    auto store = place.open();
    CHECK(rating(store, "ada") == 2);
    CHECK(store.dead_letters().size() == 1);
}

TEST_CASE("a memory backend loses nothing when its journal's directory is made anew", "[journal][fault]") {
    TempDir dir;
    WriteBehindOptions options;
    options.drive = Drive::caller;
    options.journal = {.path = dir / "journal", .segment_bytes = 64 << 10};
    const bool was_opened_again = GENERATE(false, true);
    const auto save_ada = [](auto& store) {
        REQUIRE(store->save(player("ada", 1)));
        REQUIRE(store->flush());
    };
    if (was_opened_again) {
        auto store = joinly::open<MemoryBackend, WriteBehind>({}, options);
        save_ada(store);
    }
    {
        auto store = joinly::open<MemoryBackend, WriteBehind>({}, options);
        REQUIRE(store);
        if (!was_opened_again) save_ada(store);
        std::filesystem::remove_all(dir / "journal");
        std::filesystem::create_directory(dir / "journal");
        static_cast<void>(store->pump());
        static_cast<void>(store->flush());
        static_cast<void>(store->save(player("bob", 2)));  // may be the one that finds out
        REQUIRE(store->flush());
        REQUIRE(store->save(player("bob", 3)));
        CHECK(joinly::open<MemoryBackend, WriteBehind>({}, options).error() == Errc::busy);
    }
    auto store = joinly::open<MemoryBackend, WriteBehind>({}, options);
    REQUIRE(store);
    CHECK(rating(*store, "ada") == 1);
    CHECK(rating(*store, "bob") == 3);
}

}  // namespace
