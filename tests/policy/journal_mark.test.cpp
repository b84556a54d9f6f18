// A journal tells its own flushes from what others have written to its database, by the mark that each of them leaves there:
// what it has acknowledged is neither taken for stored nor written over what the other one wrote. On SQLite and LevelDB, with
// processes, in journal_mark_durable.test.cpp.

#include <joinly/backend/memory.hpp>
#include <joinly/policy/journal.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/temp_dir.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace game {

template <bool has_index>
struct Guild {
    std::string guild_id = {};
    std::string name = {};
};

}  // namespace game

template <bool has_index>
struct joinly::Entity<game::Guild<has_index>> {
    static constexpr std::string_view kind = "guild";
    static constexpr auto& id(auto& guild) { return guild.guild_id; }
    static constexpr void fields(auto& guild, auto&& field) {
        field(1, "guild_id", guild.guild_id);
        if constexpr (has_index) {
            field(2, "name", guild.name, joinly::indexed);
        } else {
            field(2, "name", guild.name);
        }
    }
};

namespace {

using joinly::absent;
using joinly::Batch;
using joinly::Drive;
using joinly::Errc;
using joinly::Journal;
using joinly::ManualTraits;
using joinly::MemoryBackend;
using Player = joinly::test::Account;
using joinly::Version;
using joinly::WriteBehind;
using joinly::WriteBehindOptions;
using joinly::test::FailingBackend;
using joinly::test::TempDir;
using Keys = std::vector<std::string>;

constexpr auto player = [](std::string id, std::int32_t rating = 1000) { return joinly::test::account(std::move(id), rating); };

/// Whether a batch is nothing but a journal's mark.
bool is_mark(const Batch& batch) {
    return batch.changes.size() == 1 && batch.changes[0].key.starts_with(std::string_view{"\0w", 2});
}

/// A database and a journal that outlive the stores which are opened on them.
struct Place {
    using Store = joinly::Store<FailingBackend, WriteBehind, ManualTraits>;

    [[nodiscard]] WriteBehindOptions options() const {
        WriteBehindOptions options;
        options.drive = Drive::caller;
        options.journal = {.path = dir / "journal", .segment_bytes = 64 << 10, .limit_bytes = 256 << 10};
        return options;
    }
    [[nodiscard]] joinly::Result<Store> try_open() const { return Store::open({.control = control}, options(), {}); }
    [[nodiscard]] Store open() const { return *try_open(); }

    /// A store that crashes after `use`.
    void crash(const std::function<void(Store&)>& use) const {
        {
            auto store = open();
            use(store);
            control->refuse_writes = Errc::io;
        }
        control->refuse_writes = std::nullopt;
    }

    /// So many batches of somebody who knows nothing of the journal.
    void let_another_write(int batches, const std::string& key = "stranger:1") const {
        for (int i = 0; i < batches; ++i) REQUIRE(control->records.write(Batch{}.put(key, "his")));
    }

    [[nodiscard]] Version last() const { return *control->records.last_version(); }
    [[nodiscard]] std::uint64_t journal_id() const { return (*Journal::open(options().journal))->id(); }
    void remove_lock() const { std::filesystem::remove(dir / "journal/lock"); }

    TempDir dir;
    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
};

std::int32_t rating(Place::Store& store, std::string_view id) {
    auto loaded = store.load<Player>(id);
    return loaded ? (*loaded)->skill_rating : -1;
}

void save_and_flush(Place::Store& store) {
    REQUIRE(store.save(player("ada", 1)));
    REQUIRE(store.flush());
}

TEST_CASE("what was acknowledged before another writer came is a dead letter after the crash, and his data stays",
          "[journal][stranger]") {
    const int batches = GENERATE(1, 2, 3, 10);
    const bool flushed_before = GENERATE(true, false);
    CAPTURE(batches, flushed_before);
    const Place place;
    place.crash([&](auto& store) {
        if (flushed_before) save_and_flush(store);
        REQUIRE(store.save(player("ada", 2)));
        REQUIRE(store.save(player("bob", 3)));
    });
    place.let_another_write(batches);
    {
        auto store = place.open();
        CHECK(rating(store, "ada") == (flushed_before ? 1 : -1));
        CHECK(rating(store, "bob") == -1);
        CHECK(*store.get("stranger:1") == "his");
        REQUIRE(store.dead_letters().size() == 1);
        const auto letter = store.dead_letters()[0];
        CHECK(letter.keys == Keys{"player:ada", "player:bob"});
        CHECK(letter.code == Errc::conflict);
        CHECK(letter.reason.find("another writer") != std::string::npos);
        CHECK(store.retry_dead_letter(letter.id).error() == Errc::conflict);
        const auto saved = store.save(player("eve", 4));
        REQUIRE(saved);
        CHECK(*saved > letter.id);  // no version is given twice
    }
    auto store = place.open();
    REQUIRE(store.dead_letters().size() == 1);
    CHECK(rating(store, "eve") == 4);
    REQUIRE(store.retry_dead_letter(store.dead_letters()[0].id, {.overwrite = true}));
    CHECK(store.flush());
    CHECK(store.dead_letters().empty());
    CHECK(rating(store, "ada") == 2);
    CHECK(rating(store, "bob") == 3);
}

TEST_CASE("without another writer nothing becomes a dead letter, and opening writes nothing", "[journal][stranger]") {
    const Place place;
    for (int i = 0; i < 20; ++i) {
        place.crash([&](auto& store) {
            CHECK(store.dead_letters().empty());
            REQUIRE(store.save(player("ada", i)));
            if (i % 3 == 0) REQUIRE(store.flush());
            if (i % 2 == 0) REQUIRE(store.save(player("bob", i)));
        });
        const auto writes = place.control->writes.load();
        auto store = place.open();
        CHECK(place.control->writes == writes);
        CHECK(store.dead_letters().empty());
        CHECK(rating(store, "ada") == i);
    }
}

TEST_CASE("another writer between two orderly runs leaves no dead letter, and what follows him is known as the journal's own",
          "[journal][stranger]") {
    const Place place;
    {
        auto store = place.open();
        save_and_flush(store);
    }
    place.let_another_write(3, "player:ada");
    place.crash([](auto& store) {
        CHECK(store.dead_letters().empty());
        REQUIRE(store.save(player("bob", 2)));
    });
    auto store = place.open();
    CHECK(store.dead_letters().empty());
    CHECK(rating(store, "bob") == 2);
}

TEST_CASE("a new journal beside an old database knows another writer before its first flush", "[journal][stranger]") {
    const Place place;
    place.let_another_write(2);
    place.crash([](auto& store) { REQUIRE(store.save(player("ada", 1))); });
    SECTION("who came") {
        place.let_another_write(5);
        CHECK(place.open().dead_letters().size() == 1);
    }
    SECTION("who did not come") {
        auto store = place.open();
        CHECK(store.dead_letters().empty());
        CHECK(rating(store, "ada") == 1);
    }
}

TEST_CASE("opening behind another writer that fails half way is made up for by the next one", "[journal][stranger][fault]") {
    const Place place;
    place.crash([](auto& store) {
        save_and_flush(store);
        REQUIRE(store.save(player("bob", 2)));
    });
    place.let_another_write(4);
    SECTION("the mark could not be written") { place.control->refuse_writes = Errc::io; }
    SECTION("the mark was written and the answer lost") { place.control->lose_answers = Errc::io; }
    CHECK(place.try_open().error() == Errc::io);
    place.control->refuse_writes = std::nullopt;
    place.control->lose_answers = std::nullopt;
    for (int i = 0; i < 2; ++i) {
        auto store = place.open();
        REQUIRE(store.dead_letters().size() == 1);
        CHECK(store.dead_letters()[0].keys == Keys{"player:bob"});
        CHECK(rating(store, "bob") == -1);
    }
    place.crash([](auto& store) { REQUIRE(store.save(player("eve", 3))); });
    auto store = place.open();
    CHECK(store.dead_letters().size() == 1);
    CHECK(rating(store, "eve") == 3);
}

TEST_CASE("another writer who commits whenever the mark is written is put up with ten times", "[journal][stranger]") {
    const int commits = GENERATE(1, 10, 11);
    const Place place;
    place.crash([](auto& store) { REQUIRE(store.save(player("ada", 1))); });
    place.let_another_write(1);
    int left = commits;
    place.control->before_write = [&](const Batch& batch) {
        if (is_mark(batch) && left > 0) place.let_another_write(1, "stranger:" + std::to_string(left--));
    };
    const auto writes = place.control->writes.load();
    {
        const auto opened = place.try_open();
        REQUIRE(opened.has_value() == (commits <= 10));
        if (!opened) CHECK(opened.error() == Errc::conflict);
        CHECK(place.control->writes - writes == (commits == 1 ? 2 : 11));
    }
    auto store = place.open();
    REQUIRE(store.dead_letters().size() == 1);
    CHECK(store.dead_letters()[0].keys == Keys{"player:ada"});
    CHECK(store.get("stranger:1").has_value());
    CHECK(store.save(player("eve", 2)));
}

TEST_CASE("another writer who comes a second time makes a second dead letter", "[journal][stranger]") {
    const Place place;
    for (const char* const id : {"ada", "bob"}) {
        place.crash([&](auto& store) { REQUIRE(store.save(player(id, 1))); });
        place.let_another_write(7);
    }
    auto store = place.open();
    REQUIRE(store.dead_letters().size() == 2);
    CHECK(store.dead_letters()[0].keys == Keys{"player:ada"});
    CHECK(store.dead_letters()[1].keys == Keys{"player:bob"});
}

TEST_CASE("a dead letter of before, kept or dropped, is not made again by another writer", "[journal][stranger][dead_letter]") {
    const bool dropped = GENERATE(true, false);
    const Place place;
    {
        auto store = place.open();
        save_and_flush(store);
        place.control->refuse_writes = Errc::invalid_argument;
        const Version refused = *store.save(player("bad", 2));
        CHECK(!store.flush());
        if (dropped) REQUIRE(store.drop_dead_letter(refused));
        place.control->refuse_writes = std::nullopt;
    }
    CHECK(place.open().dead_letters().size() == (dropped ? 0 : 1));
    place.let_another_write(5);
    CHECK(place.open().dead_letters().size() == (dropped ? 0 : 1));
}

// --- answers that were lost

TEST_CASE("a dead letter that is retried lists no index that another writer's records lack",
          "[journal][stranger][dead_letter][index]") {
    using Guild = game::Guild<true>;
    const Place place;
    place.crash([](auto& store) { REQUIRE(store.save(Guild{"a", "same"})); });
    {
        auto older = *joinly::Store<FailingBackend, joinly::NoCache, ManualTraits>::open({.control = place.control}, {}, {});
        REQUIRE(older.save(game::Guild<false>{"b", "same"}));
    }
    auto store = place.open();
    REQUIRE(store.dead_letters().size() == 1);
    REQUIRE(store.retry_dead_letter(store.dead_letters()[0].id, {.overwrite = true}));
    const auto by_name = joinly::where(&Guild::name).equals("same");
    CHECK(store.find_ids<Guild>(by_name).error() == Errc::incompatible);
    REQUIRE(store.rebuild_indexes<Guild>());
    CHECK(store.find_ids<Guild>(by_name)->ids == Keys{"a", "b"});
}

TEST_CASE("another writer's commit with the version of a flush that failed is not taken for that flush",
          "[journal][stranger][fault]") {
    const Place place;
    auto store = place.open();
    REQUIRE(store.save(player("ada", 1)));
    place.control->before_write = [&](const Batch&) {
        place.control->before_write = nullptr;
        place.let_another_write(1);
        place.control->refuse_writes = Errc::io;
    };
    CHECK(store.flush().error() == Errc::io);
    place.control->refuse_writes = std::nullopt;
    CHECK(store.flush().error() == Errc::conflict);
    REQUIRE(store.dead_letters().size() == 1);
    CHECK(store.dead_letters()[0].keys == Keys{"player:ada"});
    CHECK(rating(store, "ada") == -1);
}

TEST_CASE("a flush whose answer was lost is known again though another writer came after it", "[journal][stranger][fault]") {
    const Place place;
    auto store = place.open();
    REQUIRE(store.save(player("ada", 1)));
    place.control->after_write = [&](const Batch&) {
        place.control->after_write = nullptr;
        place.let_another_write(3);
    };
    place.control->lose_answers = Errc::io;
    CHECK(store.flush().error() == Errc::io);
    place.control->lose_answers = std::nullopt;
    CHECK(store.flush());
    CHECK(store.dead_letters().empty());
    CHECK(rating(store, "ada") == 1);
}

// --- another writer beside a store that is open

TEST_CASE("a store that has given way to another writer does not take its own flushes for his when it is opened again",
          "[journal][stranger]") {
    const bool flushed_after = GENERATE(true, false);
    const Place place;
    place.crash([&](auto& store) {
        save_and_flush(store);
        place.let_another_write(2);
        REQUIRE(store.save(player("bob", 2)));
        CHECK(store.flush().error() == Errc::conflict);
        REQUIRE(store.save(player("eve", 3)));
        if (flushed_after) REQUIRE(store.flush());
    });
    auto store = place.open();
    REQUIRE(store.dead_letters().size() == 1);
    CHECK(store.dead_letters()[0].keys == Keys{"player:bob"});
    CHECK(rating(store, "eve") == 3);
}

TEST_CASE("after another writer saves are busy until the journal has marked the database", "[journal][stranger][fault]") {
    const auto drive = GENERATE(Drive::caller, Drive::thread);
    const bool by_flush = GENERATE(true, false);  // or by the store's thread, or by pump
    const Place place;
    auto options = place.options();
    options.drive = drive;
    options.longest_backoff = std::chrono::milliseconds{1};
    auto store = *joinly::Store<FailingBackend, WriteBehind>::open({.control = place.control}, options);
    REQUIRE(store.save(player("ada", 1)));
    REQUIRE(store.flush());
    place.let_another_write(2);
    place.control->refuse_if = [](const Batch& batch) { return is_mark(batch) ? std::optional{Errc::io} : std::nullopt; };
    REQUIRE(store.save(player("bob", 2)));
    CHECK(!store.flush());
    CHECK(store.save(player("eve", 3)).error() == Errc::busy);
    CHECK(store.flush(std::chrono::milliseconds{5}).error() == Errc::timed_out);
    CHECK(store.dead_letters().size() == 1);
    place.control->refuse_if = nullptr;
    if (by_flush) CHECK(store.flush(std::chrono::hours{1}));
    for (auto saved = store.save(player("eve", 3)); !saved; saved = store.save(player("eve", 3))) {
        REQUIRE(!by_flush);
        REQUIRE(saved.error() == Errc::busy);
        if (drive == Drive::caller) static_cast<void>(store.pump());
    }
    CHECK(store.flush());
}

TEST_CASE("a flush and a close that time is up for say that the mark is missing, where nothing else is",
          "[journal][stranger][fault]") {
    const bool is_new = GENERATE(true, false);  // or meets another writer later
    const Place place;
    place.let_another_write(1);
    const auto refuse_marks = [&] {
        place.control->refuse_if = [](const Batch& batch) { return is_mark(batch) ? std::optional{Errc::io} : std::nullopt; };
    };
    if (is_new) refuse_marks();
    auto store = place.open();
    if (!is_new) {
        REQUIRE(store.save(player("ada", 1)));
        place.let_another_write(1);
        refuse_marks();
        CHECK(!store.flush());
    }
    const auto says_what_is_missing = [](const joinly::Status& status) {
        REQUIRE(status.error() == Errc::timed_out);
        const std::string text{status.error().message()};
        CAPTURE(text);
        CHECK(text.find("pending") == std::string::npos);
        CHECK(text.find("mark the database") != std::string::npos);
        CHECK(text.find("the test refuses this batch") != std::string::npos);
    };
    says_what_is_missing(store.flush(std::chrono::milliseconds{5}));
    says_what_is_missing(store.close(std::chrono::milliseconds{5}).status);
    place.control->refuse_if = nullptr;
}

// --- a new journal beside a database that takes no writes

TEST_CASE("a new journal opens beside a database that takes no writes, and saves are busy until it has marked it",
          "[journal][stranger][fault]") {
    const auto drive = GENERATE(Drive::caller, Drive::thread);
    const bool by_flush = GENERATE(true, false);  // or by the store's thread, or by pump
    const auto code = GENERATE(Errc::busy, Errc::io, Errc::full);
    const Place place;
    place.let_another_write(2);
    auto options = place.options();
    options.drive = drive;
    options.longest_backoff = std::chrono::milliseconds{1};
    place.control->refuse_writes = code;
    auto store = *joinly::Store<FailingBackend, WriteBehind>::open({.control = place.control}, options);
    CHECK(*store.get("stranger:1") == "his");
    const auto refused = store.save(player("ada", 1));
    CHECK(refused.error() == Errc::busy);
    CHECK(refused.error().message().find("mark the database") != std::string::npos);
    CHECK(store.flush().error() == code);
    CHECK(!store.health().last_error.empty());
    place.let_another_write(1);
    place.control->refuse_writes = std::nullopt;
    if (by_flush) CHECK(store.flush());
    for (auto saved = store.save(player("ada", 1)); !saved; saved = store.save(player("ada", 1))) {
        REQUIRE(!by_flush);
        REQUIRE(saved.error() == Errc::busy);
        if (drive == Drive::caller) static_cast<void>(store.pump());
    }
    CHECK(store.close());
    CHECK(store.dead_letters().empty());
}

TEST_CASE("what a journal takes once it has marked its database late is told from another writer's", "[journal][stranger][fault]") {
    const bool another_came = GENERATE(true, false);
    const Place place;
    place.let_another_write(2);
    place.control->refuse_writes = Errc::busy;
    {
        auto store = place.open();
        CHECK(store.close().error() == Errc::busy);
    }
    CHECK(place.journal_id() == 0);
    place.let_another_write(1);
    {
        auto store = place.open();
        place.control->refuse_writes = std::nullopt;
        CHECK(store.flush());
        REQUIRE(store.save(player("ada", 1)));
        place.control->refuse_writes = Errc::io;  // it crashes
    }
    place.control->refuse_writes = std::nullopt;
    CHECK(place.journal_id() != 0);
    if (another_came) place.let_another_write(2);
    auto store = place.open();
    CHECK(store.dead_letters().size() == (another_came ? 1 : 0));
    CHECK(rating(store, "ada") == (another_came ? -1 : 1));
}

TEST_CASE("a new journal does not open beside a database that will never take its mark", "[journal][stranger][fault]") {
    const Place place;
    place.let_another_write(2);
    place.control->refuse_writes = Errc::read_only;
    CHECK(place.try_open().error() == Errc::read_only);
}

// --- which database, which journal

TEST_CASE("a journal under another database loses nothing and changes nothing there", "[journal][stranger]") {
    Place place;
    place.crash([](auto& store) {
        save_and_flush(store);
        REQUIRE(store.save(player("ada", 2)));
    });
    place.control = std::make_shared<FailingBackend::Control>();
    place.let_another_write(GENERATE(1, 2, 50), "player:ada");
    auto store = place.open();
    REQUIRE(store.dead_letters().size() == 1);
    CHECK(store.dead_letters()[0].keys == Keys{"player:ada"});
    CHECK(place.control->records.read("player:ada")->value == "his");
}

TEST_CASE("two journals that take turns on one database are strangers to each other", "[journal][stranger]") {
    Place place;
    const auto open = [&](const std::string& journal) {
        auto options = place.options();
        options.journal.path = place.dir / journal;
        return *Place::Store::open({.control = place.control}, options, {});
    };
    for (int i = 0; i < 3; ++i) {
        for (const char* const journal : {"a", "b"}) {
            auto store = open(journal);
            CHECK(store.dead_letters().empty());
            REQUIRE(store.save(player(journal, i)));
        }
    }
}

TEST_CASE("a journal of an older library is replayed by versions, and gets its id with the first flush", "[journal][stranger]") {
    const Place place;
    place.let_another_write(2);
    {
        const auto journal = *Journal::open(place.options().journal, 2);
        joinly::JournalPayload payload;
        const auto encode = [](std::string& out) { return joinly::Binary::encode(player("ada", 1), out); };
        REQUIRE(payload.put("player:ada", {}, joinly::Binary::form, encode));
        REQUIRE(journal->append(3, payload.bytes()));
        REQUIRE(journal->append(4, payload.bytes()));
    }
    CHECK(place.journal_id() == 0);
    SECTION("nobody else has come") {
        for (int i = 0; i < 2; ++i) {
            place.crash([&](auto& store) {
                CHECK(store.dead_letters().empty());
                CHECK(rating(store, "ada") == 1);
                REQUIRE(store.save(player("bob", i)));
            });
            CHECK(place.journal_id() == 0);
        }
        place.crash([](auto& store) {
            CHECK(rating(store, "bob") == 1);
            REQUIRE(store.flush());
            REQUIRE(store.save(player("eve", 3)));
        });
        CHECK(place.journal_id() != 0);
        SECTION("and does not come") {
            auto store = place.open();
            CHECK(store.dead_letters().empty());
            CHECK(rating(store, "eve") == 3);
        }
        SECTION("but then comes") {
            place.let_another_write(5);
            auto store = place.open();
            REQUIRE(store.dead_letters().size() == 1);
            CHECK(store.dead_letters()[0].keys == Keys{"player:eve"});
        }
    }
    SECTION("another one came before it was opened, and nobody knows") {
        place.let_another_write(2);
        auto store = place.open();
        CHECK(store.dead_letters().empty());
        CHECK(rating(store, "ada") == -1);
    }
}

TEST_CASE("a journal whose lock was removed still knows its id by its segments", "[journal][stranger]") {
    const Place place;
    place.crash([](auto& store) {
        save_and_flush(store);
        REQUIRE(store.save(player("bob", 2)));
    });
    place.remove_lock();
    place.let_another_write(3);
    CHECK(place.open().dead_letters().size() == 1);
    CHECK(place.journal_id() != 0);
}

TEST_CASE("a journal that was salvaged still knows its id", "[journal][stranger]") {
    const Place place;
    place.crash([](auto& store) {
        save_and_flush(store);
        REQUIRE(store.save(player("bob", 2)));
        REQUIRE(store.save(player("eve", 3)));
    });
    const auto segment = place.dir / "journal/0000000001.segment";
    {
        std::FILE* const file = std::fopen(segment.c_str(), "r+b");
        std::fseek(file, 64 + 40, SEEK_SET);  // in the first frame
        std::fputs("damage", file);
        std::fclose(file);
    }
    REQUIRE(joinly::salvage_journal(place.dir / "journal"));
    place.remove_lock();
    place.let_another_write(9);
    auto store = place.open();
    REQUIRE(store.dead_letters().size() == 1);
    CHECK(store.dead_letters()[0].keys == Keys{"player:bob", "player:eve"});
}

TEST_CASE("the mark is nobody's record", "[journal][stranger]") {
    const Place place;
    auto store = place.open();
    save_and_flush(store);
    CHECK(*store.keys() == Keys{"player:ada"});
    CHECK(*store.count<Player>() == 1);
    CHECK(store.get(std::string{"\0w", 2}).error() == Errc::invalid_argument);
}

TEST_CASE("a store in memory marks nothing", "[journal][stranger]") {
    const TempDir dir;
    WriteBehindOptions options;
    options.journal = {.path = dir / "journal"};
    for (int i = 0; i < 2; ++i) {
        auto store = *joinly::open<MemoryBackend, WriteBehind>({}, options);
        REQUIRE(store.save(player("ada", i)));
        REQUIRE(store.flush());
        int records = 0;
        REQUIRE(store.backend().scan({}, [&](std::string_view, const joinly::RecordView&) { return ++records > 0; }));
        CHECK(records == 1);
    }
    CHECK((*Journal::open(options.journal))->id() == 0);
}

TEST_CASE("a mark of a newer library is incompatible, and told by its bytes", "[journal]") {
    const TempDir dir;
    const auto control = std::make_shared<FailingBackend::Control>();
    WriteBehindOptions options{.drive = Drive::caller};
    options.journal.path = dir / "journal";
    {
        auto store = joinly::open<FailingBackend, WriteBehind>({.control = control}, options);
        REQUIRE(store);
        REQUIRE(store->put("key", "value"));
        REQUIRE(store->flush());
    }
    joinly::Batch newer;
    const joinly::KeyRange marks = joinly::KeyRange::prefix(std::string{joinly::detail::journal_mark_prefix});
    REQUIRE(control->records.scan(marks, [&](std::string_view key, const joinly::RecordView&) {
        newer.put(std::string{key}, "\2");
        return true;
    }));
    REQUIRE(newer.changes.size() == 1);
    REQUIRE(control->records.write(newer));
    const auto store = joinly::open<FailingBackend, WriteBehind>({.control = control}, options);
    REQUIRE(store.error() == Errc::incompatible);
    CHECK_THAT(std::string{store.error().message()}, Catch::Contains("'\\x02'"));
}

}  // namespace
