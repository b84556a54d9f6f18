#include <joinly/codec/json.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/latch.hpp>
#include <tests/support/temp_dir.hpp>
#include <tests/support/write_behind_rig.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using joinly::absent;
using joinly::Batch;
using joinly::Binary;
using joinly::Drive;
using joinly::Errc;
using joinly::Loaded;
using joinly::ManualTraits;
using Player = joinly::test::Account;
using joinly::Version;
using joinly::WriteBehind;
using joinly::WriteBehindOptions;
using joinly::test::FailingBackend;
using joinly::test::Latch;
using joinly::test::TempDir;
constexpr auto player = [](std::string id, std::int32_t rating = 1000) { return joinly::test::account(std::move(id), rating); };
using Rig = joinly::test::WriteBehindRig;

TEST_CASE("a save returns before the backend has it, and a flush takes it there", "[write_behind]") {
    Rig rig;
    REQUIRE(rig.store.save(player("ada", 5)));
    CHECK(rig.stored_rating("ada") == -1);
    CHECK(rig.rating("ada") == 5);
    CHECK(rig.store.stats().pending_entries == 1);
    REQUIRE(rig.store.flush());
    CHECK(rig.stored_rating("ada") == 5);
    CHECK(rig.store.stats().pending_entries == 0);
}

TEST_CASE("a flush stores the version that the save returned", "[write_behind]") {
    Rig rig;
    const auto first = rig.store.save(player("ada", 1));
    const auto second = rig.store.save(player("bob", 2));
    REQUIRE(rig.store.flush());
    CHECK(rig.control->records.read("player:ada")->version == *first);
    CHECK(rig.control->records.read("player:bob")->version == *second);
    CHECK(*rig.control->records.last_version() == *second);
}

TEST_CASE("writes to one key coalesce into one", "[write_behind]") {
    Rig rig;
    std::size_t changes = 0;
    rig.control->before_write = [&](const Batch& batch) { changes += batch.changes.size(); };
    for (int i = 0; i < 100; ++i) REQUIRE(rig.store.save(player("ada", i)));
    REQUIRE(rig.store.flush());
    CHECK(rig.control->writes == 1);
    CHECK(changes == 1);
    CHECK(rig.stored_rating("ada") == 99);
}

TEST_CASE("a flush is due by age, counted from the first write to a key", "[write_behind]") {
    Rig rig{{.max_delay = 100ms, .drive = Drive::caller}};
    rig.traits.clock.advance(1h);  // so that no time is taken for one that was not asked for, which is 0
    for (int i = 0; i < 9; ++i) {
        REQUIRE(rig.store.save(player("hot", i)));  // a hot key is not put off by being written again
        rig.traits.clock.advance(11ms);
        REQUIRE(rig.store.pump());
    }
    CHECK(rig.stored_rating("hot") == -1);
    rig.traits.clock.advance(1ms);
    REQUIRE(rig.store.pump());
    CHECK(rig.stored_rating("hot") == 8);
}

TEST_CASE("a flush is due by count", "[write_behind]") {
    Rig rig{{.max_delay = 1h, .flush_entries = 3, .drive = Drive::caller}};
    REQUIRE(rig.store.save(player("a")));
    REQUIRE(rig.store.save(player("b")));
    REQUIRE(rig.store.pump());
    CHECK(rig.control->writes == 0);
    REQUIRE(rig.store.save(player("c")));
    REQUIRE(rig.store.pump());
    CHECK(rig.control->writes == 1);
}

TEST_CASE("pump does nothing while nothing is pending", "[write_behind]") {
    Rig rig;
    rig.traits.clock.advance(1h);
    CHECK(rig.store.pump());
    CHECK(rig.control->writes == 0);
}

TEST_CASE("the store's own thread flushes by itself, by age and by count", "[write_behind]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    Latch flushed;
    control->after_write = [&](const Batch&) { flushed.open(); };
    SECTION("by age") {
        auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.max_delay = 1ms});
        REQUIRE(store.save(player("ada")));
        flushed.wait();
    }
    SECTION("by count") {
        auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.max_delay = 1h, .flush_entries = 2});
        REQUIRE(store.save(player("ada")));
        REQUIRE(store.save(player("bob")));
        flushed.wait();
    }
    CHECK(control->records.read("player:ada"));
}

/// Binary, but it notes the threads that encode.
struct NotingCodec {
    static constexpr auto form = Binary::form;

    template <class T>
    [[nodiscard]] static joinly::Status encode(const T& object, std::string& out) {
        const std::scoped_lock lock{mutex};
        encoders.push_back(std::this_thread::get_id());
        return Binary::encode(object, out);
    }
    template <class T>
    [[nodiscard]] static joinly::Status decode(std::string_view bytes, T& object) {
        return Binary::decode(bytes, object);
    }

    inline static std::mutex mutex;  // guards encoders
    inline static std::vector<std::thread::id> encoders;
};
struct MeasuringCodec : NotingCodec {
    template <class T>
    [[nodiscard]] static joinly::Result<std::size_t> measure(const T& object) {
        return Binary::measure(object);
    }
};
static_assert(joinly::measuring_codec_for<MeasuringCodec, Player> && !joinly::measuring_codec_for<NotingCodec, Player>);

template <class TheCodec>
struct TraitsWith : joinly::DefaultTraits {
    using Codec = TheCodec;
};

/// Saves something, and waits until the store's own thread has stored it. Whether each encoding, in their order, was in the saver.
template <class Codec>
std::vector<bool> encoded_in_saver(const joinly::JournalOptions& journal = {}) {
    NotingCodec::encoders.clear();
    using Store = joinly::Store<FailingBackend, WriteBehind, TraitsWith<Codec>>;
    auto store = *Store::open({}, {.max_delay = 0ms, .journal = journal});
    const auto version = store.save(player("ada", 5));
    REQUIRE(version);
    REQUIRE(store.wait(*version, 60s));
    const std::scoped_lock lock{NotingCodec::mutex};
    std::vector<bool> in_saver;
    for (const auto encoder : NotingCodec::encoders) in_saver.push_back(encoder == std::this_thread::get_id());
    return in_saver;
}

TEST_CASE("what a codec can measure is encoded on the thread that flushes, and not in the saver", "[write_behind]") {
    CHECK(encoded_in_saver<MeasuringCodec>() == std::vector{false});
}

TEST_CASE("what a codec cannot measure is encoded in the saver first, and once more on the thread that flushes", "[write_behind]") {
    CHECK(encoded_in_saver<NotingCodec>() == std::vector{true, false});
}

TEST_CASE("with a journal the saver encodes for it, and the thread that flushes for the backend", "[write_behind][journal]") {
    const TempDir dir;
    CHECK(encoded_in_saver<MeasuringCodec>({.path = dir / "journal", .segment_bytes = 64 << 10}) == std::vector{true, false});
}

TEST_CASE("what is pending is read even when the cache has evicted it", "[write_behind]") {
    Rig rig{{.capacity_entries = 1, .drive = Drive::caller}};
    REQUIRE(rig.store.save(player("ada", 1)));
    REQUIRE(rig.store.save(player("bob", 2)));
    REQUIRE(rig.store.save(player("eve", 3)));
    CHECK(rig.rating("ada") == 1);
    CHECK(rig.rating("bob") == 2);
    CHECK(rig.control->reads == 0);
}

TEST_CASE("a pending erase hides what the backend still has", "[write_behind]") {
    Rig rig{{.capacity_entries = 1, .drive = Drive::caller}};
    REQUIRE(rig.store.save(player("ada", 1)));
    REQUIRE(rig.store.flush());
    REQUIRE(rig.store.erase<Player>("ada"));
    REQUIRE(rig.store.save(player("bob", 2)));
    CHECK(rig.rating("ada") == -1);
    CHECK(*rig.store.ids<Player>() == std::vector{"bob"s});
    CHECK(rig.stored_rating("ada") == 1);
    REQUIRE(rig.store.flush());
    CHECK(rig.stored_rating("ada") == -1);
}

TEST_CASE("compare-and-set is decided against what is pending, cached and stored", "[write_behind]") {
    Rig rig{{.capacity_entries = 0, .drive = Drive::caller}};
    const auto first = rig.store.save(player("ada", 1));
    const auto second = rig.store.save(player("ada", 2), {.expect = *first});
    REQUIRE(second);
    CHECK(rig.store.save(player("ada", 3), {.expect = *first}).error() == Errc::conflict);
    REQUIRE(rig.store.flush());
    CHECK(rig.store.save(player("ada", 3), {.expect = *first}).error() == Errc::conflict);
    CHECK(rig.store.save(player("ada", 3), {.expect = absent}).error() == Errc::conflict);
    CHECK(rig.store.save(player("ada", 3), {.expect = *second}));
    REQUIRE(rig.store.erase<Player>("ada"));
    CHECK(rig.store.save(player("ada", 4), {.expect = *second}).error() == Errc::conflict);
    CHECK(rig.store.save(player("ada", 4), {.expect = absent}));
}

TEST_CASE("a save whose expectation is looked up while a flush ends is decided on the newest state", "[write_behind][race]") {
    Rig rig{{.capacity_entries = 0, .drive = Drive::caller}};
    const auto first = rig.store.save(player("ada", 1));
    REQUIRE(rig.store.flush());
    bool once = false;
    rig.control->after_read = [&](std::string_view) {  // the backend has answered with the first version: now it changes
        if (once) return;
        once = true;
        REQUIRE(rig.store.save(player("ada", 2)));
        REQUIRE(rig.store.flush());
    };
    CHECK(rig.store.save(player("ada", 3), {.expect = *first}).error() == Errc::conflict);
    CHECK(rig.rating("ada") == 2);
}

TEST_CASE("a save with an expectation asks the backend once, however quickly flushes end meanwhile", "[write_behind][race]") {
    Rig rig{{.capacity_entries = 0, .drive = Drive::caller}};
    const auto first = rig.store.save(player("ada", 1));
    REQUIRE(rig.store.flush());
    const auto reads = rig.control->reads.load();
    int flushes = 100;
    rig.control->after_read = [&](std::string_view) {
        if (flushes-- <= 0) return;
        REQUIRE(rig.store.save(player("bob", 2)));
        REQUIRE(rig.store.flush());
    };
    CHECK(rig.store.save(player("ada", 3), {.expect = *first}));
    CHECK(rig.control->reads == reads + 1);
    CHECK(rig.store.save(player("eve", 4), {.expect = absent}));
    CHECK(rig.control->reads == reads + 2);
}

TEST_CASE("a save whose key is written and erased while it is looked up is decided on that", "[write_behind][race]") {
    Rig rig{{.capacity_entries = 0, .drive = Drive::caller}};
    bool erases = true;
    rig.control->before_read = [&](std::string_view) {
        if (!erases) return;
        REQUIRE(rig.store.save(player("ada", 1)));
        REQUIRE(rig.store.flush());
    };
    rig.control->after_read = [&](std::string_view) {
        if (!std::exchange(erases, false)) return;
        REQUIRE(rig.store.erase<Player>("ada"));
        REQUIRE(rig.store.flush());
    };
    CHECK(rig.store.save(player("ada", 2), {.expect = absent}));
    CHECK(rig.rating("ada") == 2);
}

TEST_CASE("a save with an expectation comes to an end though batches are set aside again and again", "[write_behind][race]") {
    Rig rig{{.capacity_entries = 0, .drive = Drive::caller}};
    const auto first = rig.store.save(player("ada", 1));
    REQUIRE(rig.store.flush());
    int refusals = GENERATE(1, 1'000);
    const bool ends_well = refusals == 1;
    rig.control->after_read = [&](std::string_view) {
        if (refusals-- <= 0) return;
        rig.control->refuse_writes = Errc::invalid_argument;
        REQUIRE(rig.store.save(player("bob", 2)));
        CHECK(!rig.store.flush());
        rig.control->refuse_writes = std::nullopt;
    };
    const auto saved = rig.store.save(player("ada", 3), {.expect = *first});
    CHECK(saved.has_value() == ends_well);
    if (!ends_well) CHECK(saved.error() == Errc::busy);
}

TEST_CASE("a write that arrives during a flush is not lost", "[write_behind][race]") {
    Rig rig;
    REQUIRE(rig.store.save(player("ada", 1)));
    rig.control->after_write = [&](const Batch&) {
        if (rig.rating("ada") == 1) REQUIRE(rig.store.save(player("ada", 2)));
    };
    REQUIRE(rig.store.flush());
    CHECK(rig.rating("ada") == 2);
    CHECK(rig.stored_rating("ada") == 1);
    REQUIRE(rig.store.flush());
    CHECK(rig.stored_rating("ada") == 2);
}

TEST_CASE("a flush returns only when all that was acknowledged before it is stored", "[write_behind][race]") {
    Rig rig;
    Latch storing;
    Latch go_on;
    rig.control->before_write = [&](const Batch&) {
        storing.open();
        go_on.wait();
    };
    REQUIRE(rig.store.save(player("ada", 1)));
    std::thread first{[&] { (void)rig.store.flush(); }};
    storing.wait();
    REQUIRE(rig.store.save(player("bob", 2)));
    std::thread opener{[&] { go_on.open(); }};
    const auto flushed = rig.store.flush();
    const auto stored = rig.stored_rating("bob");
    opener.join();
    first.join();
    CHECK(flushed);
    CHECK(stored == 2);
}

TEST_CASE("a failing backend loses nothing: writes stay readable and are stored later", "[write_behind][fault]") {
    Rig rig;
    rig.control->refuse_writes = Errc::io;
    REQUIRE(rig.store.save(player("ada", 1)));
    const auto flushed = rig.store.flush();
    REQUIRE(!flushed);
    CHECK(flushed.error() == Errc::io);
    CHECK(rig.rating("ada") == 1);
    CHECK(rig.store.stats().flush_failures == 1);
    CHECK(rig.store.stats().last_flush_error == "the test refuses writes");
    REQUIRE(rig.store.save(player("ada", 2)));
    rig.control->refuse_writes = std::nullopt;
    REQUIRE(rig.store.flush());
    CHECK(rig.stored_rating("ada") == 2);
    CHECK(rig.store.stats().last_flush_error.empty());
}

TEST_CASE("a failed flush is tried again, later each time up to a limit", "[write_behind][fault]") {
    Rig rig{{.max_delay = 0ms, .longest_backoff = 80ms, .drive = Drive::caller}};
    rig.control->refuse_writes = Errc::io;
    REQUIRE(rig.store.save(player("ada", 1)));
    for (const auto delay : {10ms, 20ms, 40ms, 80ms, 80ms}) {  // at random from the upper half of each
        const auto tries = rig.control->writes.load();
        CHECK(!rig.store.pump());
        CHECK(rig.control->writes == tries + 1);
        rig.traits.clock.advance(delay / 2 - 1ms);
        CHECK(rig.store.pump());  // not due yet
        CHECK(rig.control->writes == tries + 1);
        rig.traits.clock.advance(delay / 2 + 1ms);
    }
    rig.control->refuse_writes = std::nullopt;
    REQUIRE(rig.store.pump());
    CHECK(rig.stored_rating("ada") == 1);
}

TEST_CASE("after a failed flush batches still reach the backend in the order they were acknowledged", "[write_behind][fault]") {
    Rig rig;
    std::vector<Version> versions;
    rig.control->after_write = [&](const Batch& batch) { versions.push_back(batch.version); };
    rig.control->refuse_writes = Errc::io;
    const auto first = rig.store.save(player("ada", 1));
    CHECK(!rig.store.flush());
    const auto second = rig.store.save(player("bob", 2));
    rig.control->refuse_writes = std::nullopt;
    REQUIRE(rig.store.flush());
    CHECK(versions == std::vector{*first, *second});
}

TEST_CASE("a flush that was stored although its answer was lost is not taken for a conflict", "[write_behind][fault]") {
    Rig rig;
    REQUIRE(rig.store.save(player("ada", 1)));
    rig.control->lose_answers = Errc::io;
    CHECK(rig.store.flush().error() == Errc::io);
    rig.control->lose_answers = std::nullopt;
    REQUIRE(rig.store.flush());
    CHECK(rig.stored_rating("ada") == 1);
    CHECK(rig.store.stats().pending_entries == 0);
}

TEST_CASE("close reports what could not be stored, and can be tried again", "[write_behind][fault]") {
    Rig rig;
    rig.control->refuse_writes = Errc::io;
    REQUIRE(rig.store.save(player("ada", 1)));
    const auto closed = rig.store.close();
    REQUIRE(!closed);
    CHECK(closed.error() == Errc::io);
    CHECK(std::string{closed.error().message()} == "1 acknowledged writes could not be stored: the test refuses writes");
    rig.control->refuse_writes = std::nullopt;
    REQUIRE(rig.store.close());
    CHECK(rig.stored_rating("ada") == 1);
}

TEST_CASE("at its limit a store refuses to take more, and loses nothing", "[write_behind]") {
    Rig rig{{.pending_limit_entries = 2, .drive = Drive::caller}};
    REQUIRE(rig.store.save(player("a")));
    REQUIRE(rig.store.save(player("b")));
    const auto refused = rig.store.save(player("c"));
    REQUIRE(!refused);
    CHECK(refused.error() == Errc::full);
    CHECK(*rig.store.count<Player>() == 2);
    REQUIRE(rig.store.flush());
    CHECK(rig.store.save(player("c")));
}

TEST_CASE("at its limit a store still takes a write to a key that is pending already", "[write_behind]") {
    Rig rig{{.pending_limit_entries = 2, .drive = Drive::caller}};
    REQUIRE(rig.store.save(player("a", 1)));
    REQUIRE(rig.store.save(player("b", 1)));
    CHECK(rig.store.save(player("a", 2)));
    CHECK(rig.store.save_many(std::vector{player("a", 3), player("c", 3)}).error() == Errc::full);
    CHECK(rig.rating("a") == 2);
}

TEST_CASE("at its limit a store with a thread makes writers wait for room", "[write_behind]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteBehind>(
        {.control = control}, {.max_delay = 1h, .flush_entries = 2, .pending_limit_entries = 2, .full_timeout = 60s});
    for (int i = 0; i < 50; ++i) REQUIRE(store.save(player(std::to_string(i))));
    REQUIRE(store.flush());
    CHECK(*store.count<Player>() == 50);
}

TEST_CASE("a writer that waits for room makes a flush due", "[write_behind]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control},
                                                            {.max_delay = 1h, .pending_limit_entries = 10, .full_timeout = 60s});
    for (int i = 0; i < 11; ++i) REQUIRE(store.save(player(std::to_string(i))));
    CHECK(control->writes == 1);
}

TEST_CASE("a writer that waits for room in vain gets full", "[write_behind][fault]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    control->refuse_writes = Errc::io;
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control},
                                                            {.max_delay = 1ms, .pending_limit_entries = 1, .full_timeout = 5ms});
    REQUIRE(store.save(player("a")));
    CHECK(store.save(player("b")).error() == Errc::full);
    control->refuse_writes = std::nullopt;
}

TEST_CASE("a save that is refused at the limit makes a flush due, though nobody waits", "[write_behind]") {
    SECTION("for pump") {
        Rig rig{{.max_delay = 1h, .pending_limit_entries = 2, .drive = Drive::caller}};
        REQUIRE(rig.store.save(player("a")));
        REQUIRE(rig.store.save(player("b")));
        REQUIRE(rig.store.save(player("c")).error() == Errc::full);
        REQUIRE(rig.store.pump());
        CHECK(rig.control->writes == 1);
        CHECK(rig.store.save(player("c")));
    }
    SECTION("for the thread") {
        const auto control = std::make_shared<FailingBackend::Control>();
        auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control},
                                                                {.max_delay = 1h, .pending_limit_entries = 2, .full_timeout = 0ms});
        REQUIRE(store.save(player("a")));
        const auto second = store.save(player("b"));
        REQUIRE(store.save(player("c")).error() == Errc::full);
        CHECK(store.wait(*second, 5s));
    }
}

TEST_CASE("a scan sees one moment, though a flush ends while it runs", "[write_behind][race]") {
    Rig rig;
    REQUIRE(rig.store.save_many(std::vector{player("a", 1), player("b", 1), player("c", 1)}));
    REQUIRE(rig.store.flush());
    REQUIRE(rig.store.save_many(std::vector{player("a", 2), player("c", 2), player("d", 2)}));
    std::string seen;
    REQUIRE(rig.store.for_each<Player>([&](const Loaded<Player>& visited) {
        if (seen.empty()) {
            REQUIRE(rig.store.save_many(std::vector{player("a", 3), player("b", 3), player("c", 3), player("e", 3)}));
            REQUIRE(rig.store.flush());
        }
        seen += visited->player_id + std::to_string(visited->skill_rating) + ' ';
    }));
    CHECK(seen == "a2 b1 c2 d2 ");
}

TEST_CASE("a scan of expired records holds up no flush", "[write_behind][race]") {
    Rig rig;
    REQUIRE(rig.store.save_many(std::vector{player("a"), player("b")}, {.ttl = 1s}));
    REQUIRE(rig.store.save(player("z")));
    REQUIRE(rig.store.flush());
    rig.traits.clock.advance(1h);
    REQUIRE(rig.store.save(player("c")));
    std::string seen;
    REQUIRE(rig.store.for_each<Player>([&](const Loaded<Player>& visited) {
        REQUIRE(rig.store.flush());
        seen += visited->player_id;
    }));
    CHECK(seen == "cz");
}

TEST_CASE("a scan beside saves and flushes sees every batch whole", "[write_behind][race]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.max_delay = 0ms, .flush_entries = 1});
    std::atomic<bool> done{false};
    std::thread writer{[&] {
        for (int i = 1; i <= 300; ++i) (void)store.save_many(std::vector{player("a", i), player("m", i), player("z", i)});
        done = true;
    }};
    int torn = 0;
    while (!done) {
        std::vector<std::int32_t> seen;
        (void)store.for_each<Player>([&](const Loaded<Player>& visited) { seen.push_back(visited->skill_rating); });
        for (const auto rating : seen) torn += rating != seen.front();
    }
    writer.join();
    CHECK(torn == 0);
}

struct JsonTraits : ManualTraits {
    using Codec = joinly::Json;
};

TEST_CASE("what the codec refuses is refused by the save, not met by a later flush", "[write_behind]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteBehind, JsonTraits>({.control = control}, {.drive = Drive::caller});
    const auto refused = store.save(player("\xff is not UTF-8"));
    REQUIRE(!refused);
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(store.stats().pending_entries == 0);
    REQUIRE(store.save(player("ada")));
    CHECK(store.flush());
}

TEST_CASE("versions continue from what the backend has", "[write_behind]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    Version before = absent;
    {
        auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control});
        before = *store.save(player("ada"));
    }
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control});
    CHECK(*store.save(player("ada")) > before);
}

TEST_CASE("a store whose backend cannot tell its last version does not open", "[write_behind][fault]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    control->refuse_reads = Errc::io;
    CHECK(joinly::open<FailingBackend, WriteBehind>({.control = control}).error() == Errc::io);
}

TEST_CASE("closing a store beside a waiting writer and a failing backend ends, and so does destroying it",
          "[write_behind][fault]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    control->refuse_writes = Errc::io;
    std::optional store{*joinly::open<FailingBackend, WriteBehind>(
        {.control = control}, {.max_delay = 0ms, .pending_limit_entries = 1, .full_timeout = 1h})};
    REQUIRE(store->save(player("ada")));
    std::atomic<bool> refused = false;
    std::thread waiting{[&, &open = *store] { refused = open.save(player("bob")).error() == Errc::closed; }};
    while (control->writes < 3) std::this_thread::yield();  // the worker tries again and again
    CHECK(!store->close(0ms).status);                       // whoever destroys a store sees to it that nobody is in it any more
    waiting.join();
    CHECK(refused);
    store.reset();
    CHECK_FALSE(control->records.read("player:ada"));
}

}  // namespace
