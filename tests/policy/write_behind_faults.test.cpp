// What write-behind does when the backend refuses, is slow or has been written to by another: dead letters, barriers with a
// deadline, closing with a report, health.

#include <joinly/lease.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/latch.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/write_behind_rig.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::Batch;
using joinly::Drive;
using joinly::Errc;
using Player = joinly::test::Account;
using joinly::Version;
using joinly::WriteBehind;
using joinly::test::FailingBackend;
using joinly::test::Latch;
using joinly::test::setting;
constexpr auto player = [](std::string id, std::int32_t rating = 1000) { return joinly::test::account(std::move(id), rating); };
using Rig = joinly::test::WriteBehindRig;

/// Refuses, for good, every batch that writes one of these keys.
auto refuse_keys(std::vector<std::string> keys, Errc code = Errc::invalid_argument) {
    return [keys = std::move(keys), code](const Batch& batch) -> std::optional<Errc> {
        for (const auto& change : batch.changes) {
            if (std::find(keys.begin(), keys.end(), change.key) != keys.end()) return code;
        }
        return std::nullopt;
    };
}

auto refuse_player(std::vector<std::string> ids, Errc code = Errc::invalid_argument) {
    for (auto& id : ids) id.insert(0, "player:");
    return refuse_keys(std::move(ids), code);
}

/// Has what is pending refused for good, but only this once, and returns the letter's id.
Version set_aside(Rig& rig, std::vector<std::string> keys) {
    rig.control->refuse_if = refuse_keys(std::move(keys));
    CHECK(!rig.store.flush());
    rig.control->refuse_if = nullptr;
    REQUIRE(!rig.store.dead_letters().empty());
    return rig.store.dead_letters().back().id;
}

// --- dead letters

TEST_CASE("a batch that the backend will never take is set aside, and the rest flows on", "[write_behind][dead_letter]") {
    Rig rig;
    rig.control->refuse_if = refuse_player({"p13", "p20"});
    for (int i = 0; i < 32; ++i) REQUIRE(rig.store.save(player("p" + std::to_string(i), i)));
    CHECK(rig.store.flush().error() == Errc::invalid_argument);
    CHECK(rig.store.stats().pending_entries == 0);
    CHECK(*rig.store.count<Player>() == 30);
    CHECK(rig.stored_rating("p12") == 12);
    CHECK(rig.stored_rating("p31") == 31);
    const auto letters = rig.store.dead_letters();
    REQUIRE(letters.size() == 2);
    CHECK(letters[0].keys == std::vector<std::string>{"player:p13"});
    CHECK(letters[0].code == Errc::invalid_argument);
    CHECK(letters[0].reason == "the test refuses this batch");
    CHECK(letters[1].keys == std::vector<std::string>{"player:p20"});
    CHECK(rig.store.health().dead_letters == 2);
}

TEST_CASE("a set-aside write counts as not made: loads find what the backend has", "[write_behind][dead_letter]") {
    Rig rig;
    REQUIRE(rig.store.save(player("ada", 1)));
    REQUIRE(rig.store.flush());
    rig.control->refuse_if = refuse_player({"ada"}, Errc::corrupt);
    REQUIRE(rig.store.save(player("ada", 2)));
    CHECK(rig.rating("ada") == 2);
    CHECK(!rig.store.flush());
    CHECK(rig.rating("ada") == 1);
}

TEST_CASE("a write after the one that is set aside stays readable, and is tried", "[write_behind][dead_letter][race]") {
    Rig rig;
    rig.control->refuse_if = refuse_player({"ada"});
    rig.control->before_write = [&](const Batch& batch) {
        if (batch.changes.size() == 1 && batch.version == 1) (void)rig.store.save(player("ada", 2));
    };
    REQUIRE(rig.store.save(player("ada", 1)));
    CHECK(!rig.store.flush());
    CHECK(rig.rating("ada") == 2);
    rig.control->refuse_if = nullptr;
    REQUIRE(rig.store.flush());
    CHECK(rig.stored_rating("ada") == 2);
}

TEST_CASE("batches that wrote the same key are set aside together, and no others with them", "[write_behind][dead_letter]") {
    Rig rig;
    rig.control->refuse_if = refuse_player({"bad"});
    REQUIRE(rig.store.save(player("before", 1)));
    REQUIRE(rig.store.save_many(std::vector{player("shared", 1), player("bad", 1)}));
    REQUIRE(rig.store.save(player("between", 1)));  // between two batches that share a key: stored apart, they would be no prefix
    REQUIRE(rig.store.save_many(std::vector{player("shared", 2), player("other", 2)}));
    REQUIRE(rig.store.save(player("after", 1)));
    CHECK(!rig.store.flush());
    CHECK(*rig.store.ids<Player>() == std::vector<std::string>{"after", "before"});
    REQUIRE(rig.store.dead_letters().size() == 1);
    CHECK(rig.store.dead_letters()[0].keys.size() == 4);
}

TEST_CASE("a dead letter is written again by a retry, and gone then", "[write_behind][dead_letter]") {
    Rig rig;
    rig.control->refuse_if = refuse_player({"ada"});
    REQUIRE(rig.store.save(player("ada", 7)));
    CHECK(!rig.store.flush());
    const Version id = rig.store.dead_letters().at(0).id;
    rig.control->refuse_if = nullptr;
    const auto retried = rig.store.retry_dead_letter(id);
    REQUIRE(retried);
    CHECK(*retried > id);
    CHECK(rig.store.dead_letters().empty());
    CHECK(rig.rating("ada") == 7);
    REQUIRE(rig.store.flush());
    CHECK(rig.stored_rating("ada") == 7);
    CHECK(rig.store.retry_dead_letter(id).error() == Errc::not_found);
}

TEST_CASE("a dead letter is not written over what was saved since, unless it is to overwrite", "[write_behind][dead_letter]") {
    const bool is_stored = GENERATE(true, false);
    Rig rig;
    REQUIRE(rig.store.save_many(std::vector{player("ada", 7), player("bob", 7)}));
    const Version id = set_aside(rig, {"player:ada"});
    REQUIRE(rig.store.save(player("ada", 8)));
    if (is_stored) REQUIRE(rig.store.flush());

    const auto refused = rig.store.retry_dead_letter(id);
    CHECK(refused.error() == Errc::conflict);
    CHECK(refused.error().message().find("player:ada has been written since") != std::string::npos);
    CHECK(rig.rating("ada") == 8);
    CHECK(rig.rating("bob") == -1);
    CHECK(rig.store.dead_letters().size() == 1);

    CHECK(rig.store.retry_dead_letter(id, {.overwrite = true}));
    CHECK(rig.rating("ada") == 7);
    CHECK(rig.rating("bob") == 7);
    CHECK(rig.store.dead_letters().empty());
}

TEST_CASE("what was erased since its dead letter is not brought back by a retry", "[write_behind][dead_letter]") {
    Rig rig;
    REQUIRE(rig.store.save(player("ada", 7)));
    const Version id = set_aside(rig, {"player:ada"});
    REQUIRE(rig.store.save(player("ada", 8)));
    REQUIRE(rig.store.flush());
    REQUIRE(rig.store.erase<Player>("ada"));
    REQUIRE(rig.store.flush());
    CHECK(rig.store.retry_dead_letter(id).error() == Errc::conflict);
    CHECK(rig.rating("ada") == -1);
}

TEST_CASE("a write that was waiting behind the one that is set aside is not undone by a retry", "[write_behind][dead_letter]") {
    Rig rig;
    rig.control->before_write = [&](const Batch& batch) {
        if (batch.version == 1) (void)rig.store.save(player("ada", 2));
    };
    REQUIRE(rig.store.save(player("ada", 1)));
    const Version id = set_aside(rig, {"player:ada"});
    CHECK(rig.store.retry_dead_letter(id).error() == Errc::conflict);
    CHECK(rig.rating("ada") == 2);
}

TEST_CASE("an update that was set aside is made by a retry while its entity is as it was", "[write_behind][dead_letter]") {
    Rig rig;
    REQUIRE(rig.store.save(player("ada", 1)));
    REQUIRE(rig.store.flush());
    REQUIRE(rig.store.update<Player>("ada", [](Player& ada) { ++ada.skill_rating; }));
    const Version id = set_aside(rig, {"player:ada"});
    REQUIRE(rig.store.save(player("bob", 1)));
    CHECK(rig.store.retry_dead_letter(id));
    CHECK(rig.rating("ada") == 2);
}

TEST_CASE("what was saved on condition of something else is not written by a retry, unless it is to overwrite",
          "[write_behind][dead_letter]") {
    const bool reads_a_range = GENERATE(true, false);
    Rig rig;
    REQUIRE(rig.store.transaction([&](auto& tx) -> joinly::Status {
        if (reads_a_range) {
            if (auto ids = tx.template ids<Player>(); !ids) return joinly::failure(ids.error());
        } else {
            CHECK(tx.template load<Player>("bob").error() == Errc::not_found);
        }
        return tx.save(player("ada", 1));
    }));
    const Version id = set_aside(rig, {"player:ada"});
    CHECK(rig.store.retry_dead_letter(id).error() == Errc::conflict);
    CHECK(rig.store.dead_letters().size() == 1);
    CHECK(rig.store.retry_dead_letter(id, {.overwrite = true}));
    CHECK(rig.rating("ada") == 1);
}

TEST_CASE("an old owner's renewal comes to nothing as a dead letter, once another owner had the lease",
          "[write_behind][dead_letter][lease]") {
    const bool is_released = GENERATE(false, true);
    Rig rig;
    const auto old_lease = *joinly::acquire_lease(rig.store, "ada", "server-1", 10s);
    REQUIRE(joinly::renew_lease(rig.store, old_lease, 1h));
    const Version id = set_aside(rig, {"lease:ada"});
    rig.traits.clock.advance(1min);
    const auto lease = *joinly::acquire_lease(rig.store, "ada", "server-2", 10s);
    if (is_released) REQUIRE(joinly::release_lease(rig.store, lease));

    CHECK(rig.store.retry_dead_letter(id).error() == Errc::conflict);
    CHECK(joinly::save_fenced(rig.store, old_lease, player("ada", 1)).error() == Errc::conflict);
    CHECK(joinly::save_fenced(rig.store, lease, player("ada", 2)).has_value() == !is_released);
}

TEST_CASE("an old owner's write comes to nothing as a dead letter", "[write_behind][dead_letter][lease]") {
    Rig rig;
    const auto old_lease = *joinly::acquire_lease(rig.store, "ada", "server-1", 10s);
    REQUIRE(joinly::save_fenced(rig.store, old_lease, player("ada", 1)));
    const Version id = set_aside(rig, {"player:ada"});
    rig.traits.clock.advance(1min);
    REQUIRE(joinly::acquire_lease(rig.store, "ada", "server-2", 10s));
    CHECK(rig.store.retry_dead_letter(id).error() == Errc::conflict);
    CHECK(rig.rating("ada") == -1);
}

/// Binary, but the next object that is encoded waits for something else to happen first.
struct Interrupted {
    static constexpr joinly::ValueForm form = joinly::Binary::form;
    inline static std::function<void()> meanwhile;

    template <class T>
    [[nodiscard]] static joinly::Status encode(const T& object, std::string& out) {
        if (const auto happens = std::exchange(meanwhile, nullptr)) happens();
        return joinly::Binary::encode(object, out);
    }
    template <class T>
    [[nodiscard]] static joinly::Status decode(std::string_view bytes, T& object) {
        return joinly::Binary::decode(bytes, object);
    }
};
struct InterruptedTraits : joinly::ManualTraits {
    using Codec = Interrupted;
};

TEST_CASE("a dead letter that is dropped while it is retried is not written over what was saved since",
          "[write_behind][dead_letter][race]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteBehind, InterruptedTraits>({.control = control}, {.drive = Drive::caller});
    REQUIRE(store.save(player("ada", 1)));
    control->refuse_writes = Errc::invalid_argument;
    CHECK(!store.flush());
    control->refuse_writes = std::nullopt;
    const Version id = store.dead_letters().at(0).id;
    Interrupted::meanwhile = [&] {
        REQUIRE(store.drop_dead_letter(id));
        REQUIRE(store.save(player("ada", 2)));
    };
    CHECK(store.retry_dead_letter(id).error() == Errc::not_found);
    CHECK((*store.load<Player>("ada"))->skill_rating == 2);
}

TEST_CASE("the worker says what a backend has thrown, and does not take it for a full disk", "[write_behind][fault]") {
    Rig rig;
    rig.control->before_write = [](const Batch&) { throw std::runtime_error{"the engine has burst"}; };
    REQUIRE(rig.store.save(player("ada", 1)));
    const auto flushed = rig.store.flush();
    rig.control->before_write = nullptr;
    REQUIRE(!flushed);
    CHECK(flushed.error() == Errc::io);
    CHECK_THAT(rig.store.health().last_error, Catch::Contains("the engine has burst"));
}

TEST_CASE("a dead letter is forgotten when it is dropped", "[write_behind][dead_letter]") {
    Rig rig;
    rig.control->refuse_if = refuse_player({"ada"});
    REQUIRE(rig.store.save(player("ada", 7)));
    CHECK(!rig.store.flush());
    const Version id = rig.store.dead_letters().at(0).id;
    REQUIRE(rig.store.drop_dead_letter(id));
    CHECK(rig.store.dead_letters().empty());
    CHECK(rig.store.drop_dead_letter(id).error() == Errc::not_found);
}

TEST_CASE("dead letters count towards the limit, so that they cannot fill the memory", "[write_behind][dead_letter]") {
    Rig rig{{.pending_limit_entries = 2, .drive = Drive::caller}};
    rig.control->refuse_writes = Errc::corrupt;
    REQUIRE(rig.store.save(player("a")));
    REQUIRE(rig.store.save(player("b")));
    CHECK(!rig.store.flush());
    CHECK(rig.store.save(player("c")).error() == Errc::full);
    REQUIRE(rig.store.drop_dead_letter(rig.store.dead_letters().at(0).id));
    CHECK(rig.store.save(player("c")));
    rig.control->refuse_writes = std::nullopt;
}

TEST_CASE("the bytes of dead letters count towards the limit, too", "[write_behind][dead_letter]") {
    Rig rig{{.pending_limit_bytes = 1'000, .drive = Drive::caller}};
    rig.control->refuse_writes = Errc::corrupt;
    const std::string value(600, 'v');
    REQUIRE(rig.store.put("a", value));
    CHECK(!rig.store.flush());
    REQUIRE(rig.store.put("b", value));  // as any set that is larger than what is left, when nothing is pending
    CHECK(!rig.store.flush());
    const auto refused = rig.store.put("c", value);
    REQUIRE(refused.error() == Errc::full);
    CHECK_THAT(std::string{refused.error().message()}, Catch::Contains("2 of 1202 bytes are set aside"));
    REQUIRE(rig.store.drop_dead_letter(rig.store.dead_letters().at(0).id));
    CHECK(rig.store.put("c", value));
    rig.control->refuse_writes = std::nullopt;
}

TEST_CASE("a set of more writes than the limit is taken beside a dead letter when nothing is pending",
          "[write_behind][dead_letter]") {
    Rig rig{{.pending_limit_entries = 2, .drive = Drive::caller}};
    rig.control->refuse_writes = Errc::corrupt;
    REQUIRE(rig.store.save(player("a")));
    CHECK(!rig.store.flush());
    rig.control->refuse_writes = std::nullopt;
    const std::vector three{player("b", 1), player("c", 2), player("d", 3)};
    REQUIRE(rig.store.save_many(three));
    CHECK(rig.store.save(player("e")).error() == Errc::full);
    REQUIRE(rig.store.flush());
    CHECK(rig.stored_rating("d") == 3);
}

TEST_CASE("a dead letter can be retried though dead letters fill the limit", "[write_behind][dead_letter]") {
    Rig rig{{.pending_limit_entries = 1, .drive = Drive::caller}};
    rig.control->refuse_writes = Errc::corrupt;
    REQUIRE(rig.store.save(player("a", 1)));
    CHECK(!rig.store.flush());
    rig.control->refuse_writes = std::nullopt;
    REQUIRE(rig.store.retry_dead_letter(rig.store.dead_letters().at(0).id));
    REQUIRE(rig.store.flush());
    CHECK(rig.stored_rating("a") == 1);
}

TEST_CASE("close ends well once dead letters were retried or dropped", "[write_behind][dead_letter]") {
    Rig rig;
    rig.control->refuse_if = refuse_player({"bad"});
    REQUIRE(rig.store.save(player("bad")));
    CHECK(!rig.store.flush());
    REQUIRE(rig.store.drop_dead_letter(rig.store.dead_letters().at(0).id));
    CHECK(rig.store.close(1h).status);
}

TEST_CASE("once a refusal has passed, a flush is one transaction again", "[write_behind][dead_letter]") {
    Rig rig;
    int refusals = 3;
    rig.control->before_write = [&](const Batch&) {
        rig.control->refuse_writes = refusals-- > 0 ? std::optional{Errc::corrupt} : std::nullopt;
    };
    for (int i = 0; i < 64; ++i) REQUIRE(rig.store.put(std::to_string(i), "value"));
    REQUIRE(rig.store.flush());
    const auto writes = rig.control->writes.load();
    for (int i = 0; i < 64; ++i) REQUIRE(rig.store.put(std::to_string(i), "value"));
    REQUIRE(rig.store.flush());
    CHECK(rig.control->writes == writes + 1);
}

TEST_CASE("many refused batches cost tries in proportion to their number, and the others are stored",
          "[write_behind][dead_letter]") {
    const std::size_t one_in = GENERATE(1u, 2u, 32u, 600u);
    constexpr std::size_t count = 1'200;
    Rig rig;
    std::vector<std::string> bad;
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(rig.store.put(std::to_string(i), "value"));
        if (i % one_in == 0) bad.push_back(std::to_string(i));
    }
    std::size_t tried = 0;
    rig.control->before_write = [&](const Batch& batch) { tried += batch.changes.size(); };
    rig.control->refuse_if = refuse_keys(bad);
    CHECK(!rig.store.flush());
    CHECK(rig.store.dead_letters().size() == bad.size());
    CHECK(rig.store.keys()->size() == count - bad.size());
    CHECK(tried <= 8 * count);
}

TEST_CASE("what another writer has overtaken is set aside, and the store goes on from what he left",
          "[write_behind][dead_letter]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto first = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.drive = Drive::caller});
    auto second = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.drive = Drive::caller});
    REQUIRE(second.save(player("x")));
    REQUIRE(second.save(player("ada", 2)));
    for (int i = 0; i < 5; ++i) REQUIRE(first.save(player("ada", i)));
    REQUIRE(first.flush());
    CHECK(second.flush().error() == Errc::conflict);
    CHECK((*second.load<Player>("ada"))->skill_rating == 4);
    CHECK(second.load<Player>("x").error() == Errc::not_found);
    REQUIRE(second.dead_letters().size() == 1);
    CHECK(second.retry_dead_letter(second.dead_letters()[0].id).error() == Errc::conflict);  // what he wrote, nobody has noted
    const auto saved = second.save(player("bob", 3));
    REQUIRE(saved);
    CHECK(*saved > 5);  // no version is given twice
    REQUIRE(second.flush());
    CHECK((*second.load<Player>("bob")).version() == *saved);
}

TEST_CASE("another writer's commit is not taken for a flush that was tried before it, though it has the same version",
          "[write_behind][dead_letter]") {
    Rig rig;
    REQUIRE(rig.store.save(player("ada", 1)));
    rig.control->refuse_writes = GENERATE(Errc::busy, Errc::io);
    REQUIRE(!rig.store.flush());
    rig.control->refuse_writes = std::nullopt;
    const std::string key = GENERATE("player:ada", "something");
    REQUIRE(rig.control->records.write(Batch{}.put(key, "his")) == Version{1});
    CHECK(rig.store.flush().error() == Errc::conflict);
    CHECK(rig.store.dead_letters().size() == 1);
    CHECK(rig.control->records.read(key).value().value == "his");
}

TEST_CASE("a flush whose answer was lost is recognised by what it has saved and erased", "[write_behind][fault]") {
    Rig rig;
    for (const char* const id : {"ada", "bob", "cid"}) REQUIRE(rig.store.save(player(id)));
    REQUIRE(rig.store.flush());
    REQUIRE(rig.store.erase<Player>("ada"));
    if (GENERATE(false, true)) REQUIRE(rig.store.save(player("bob", 2)));
    rig.control->lose_answers = Errc::io;
    REQUIRE(!rig.store.flush());
    rig.control->lose_answers = std::nullopt;
    CHECK(rig.store.flush());
    CHECK(rig.store.dead_letters().empty());
}

TEST_CASE("a part of which nobody can tell what has become stays pending, whatever the backend answers next",
          "[write_behind][fault]") {
    Rig rig;
    const int saves = GENERATE(1, 2);
    for (int i = 0; i < saves; ++i) REQUIRE(rig.store.save(player(std::to_string(i), i)));
    rig.control->refuse_writes = Errc::io;
    REQUIRE(!rig.store.flush());
    const auto code = GENERATE(Errc::corrupt, Errc::incompatible);
    rig.control->refuse_writes = code;
    rig.control->refuse_reads = code;
    CHECK(rig.store.flush().error() == code);
    CHECK(rig.control->writes == 2);
    CHECK(rig.store.stats().pending_entries == static_cast<std::size_t>(saves));
    CHECK(rig.store.dead_letters().empty());
    rig.control->refuse_writes = std::nullopt;
    rig.control->refuse_reads = std::nullopt;
    REQUIRE(rig.store.flush());
    for (int i = 0; i < saves; ++i) CHECK(rig.stored_rating(std::to_string(i)) == i);
}

TEST_CASE("no batch is to blame, and set aside, while the backend answers nobody", "[write_behind][dead_letter]") {
    Rig rig;
    for (const char* const id : {"ada", "bob"}) REQUIRE(rig.store.save(player(id)));
    rig.control->refuse_writes = Errc::corrupt;
    rig.control->refuse_reads = Errc::corrupt;
    CHECK(rig.store.flush().error() == Errc::corrupt);
    CHECK(rig.store.dead_letters().empty());
    rig.control->refuse_reads = std::nullopt;
    CHECK(!rig.store.flush());
    CHECK(rig.store.dead_letters().size() == 2);
}

TEST_CASE("no version is given twice over a restart, though the newest was set aside and dropped", "[write_behind][dead_letter]") {
    const bool has_deadline = GENERATE(true, false);
    Rig rig;
    REQUIRE(rig.store.save(player("ada", 1)));
    REQUIRE(rig.store.flush());
    const auto given = rig.store.save(player("ada", 2));
    SECTION("the backend never takes it") { (void)set_aside(rig, {"player:ada"}); }
    SECTION("the backend takes nothing at that time") {
        rig.control->refuse_writes = Errc::invalid_argument;
        REQUIRE(!rig.store.flush());
        rig.control->refuse_writes = std::nullopt;
    }
    SECTION("another writer has overtaken it") {
        REQUIRE(rig.store.save(player("bob", 2)));
        REQUIRE(rig.control->records.write(Batch{}.put("something", "his")));
        REQUIRE(rig.store.flush().error() == Errc::conflict);
    }
    for (const auto& letter : rig.store.dead_letters()) REQUIRE(rig.store.drop_dead_letter(letter.id));
    REQUIRE((has_deadline ? rig.store.close(1h).status : rig.store.close()));
    auto again = *Rig::Store::open({.control = rig.control}, {.drive = Drive::caller}, rig.traits);
    CHECK(again.save(player("ada", 3)).value() > rig.control->records.last_version().value());
    CHECK(again.save(player("ada", 9), {.expect = *given}).error() == Errc::conflict);
}

// --- barriers with a deadline

TEST_CASE("a flush with a timeout returns in time beside a scan that has yet to begin", "[write_behind][fault]") {
    Rig rig;
    REQUIRE(rig.store.save(player("ada", 1)));
    Latch scans, go_on;
    rig.control->before_scan = [&] {
        scans.open();
        go_on.wait();
    };
    std::thread scanner{[&] { CHECK(rig.store.count<Player>() == 1); }};
    scans.wait();
    CHECK(rig.store.flush(5ms).error() == Errc::timed_out);
    go_on.open();
    scanner.join();
    CHECK(rig.store.flush(1h));
}

TEST_CASE("a flush with a timeout tries again until the backend takes it", "[write_behind][fault]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.max_delay = 1h, .longest_backoff = 1ms});
    control->refuse_writes = Errc::busy;
    control->before_write = [&](const Batch&) {
        if (control->writes == 4) control->refuse_writes = std::nullopt;
    };
    REQUIRE(store.save(player("ada", 1)));
    CHECK(store.flush(1h));
    CHECK(control->writes == 4);
}

TEST_CASE("a flush with a timeout gives up in time, with the reason, and loses nothing", "[write_behind][fault]") {
    const auto drive = GENERATE(Drive::thread, Drive::caller);
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.longest_backoff = 1ms, .drive = drive});
    control->refuse_writes = Errc::busy;
    REQUIRE(store.save(player("ada", 1)));
    const auto flushed = store.flush(20ms);
    REQUIRE(!flushed);
    CHECK(flushed.error() == Errc::timed_out);
    CHECK(std::string{flushed.error().message()}.find("the test refuses writes") != std::string::npos);
    CHECK(store.stats().pending_entries == 1);
    control->refuse_writes = std::nullopt;
    CHECK(store.flush(1h));
}

TEST_CASE("a flush with a timeout returns in time beside a backend that does not answer", "[write_behind][fault]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    Latch go_on;
    control->before_write = [&](const Batch&) { go_on.wait(); };
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.max_delay = 0ms});
    REQUIRE(store.save(player("ada", 1)));
    CHECK(store.flush(5ms).error() == Errc::timed_out);
    go_on.open();
    CHECK(store.flush(1h));
}

TEST_CASE("wait returns once a version is stored", "[write_behind]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.max_delay = 1ms});
    const auto version = store.save(player("ada", 1));
    REQUIRE(store.wait(*version, 1h));
    CHECK(control->records.read("player:ada"));
}

TEST_CASE("wait tells when time is up, and when a version does not exist or was set aside", "[write_behind]") {
    Rig rig;
    const auto version = rig.store.save(player("ada", 1));
    CHECK(rig.store.wait(*version, 1ms).error() == Errc::timed_out);
    CHECK(rig.store.wait(*version + 1, 1ms).error() == Errc::invalid_argument);
    rig.control->refuse_writes = Errc::invalid_argument;
    CHECK(!rig.store.flush());
    CHECK(rig.store.wait(*version, 1ms).error() == Errc::invalid_argument);
}

TEST_CASE("a version that was set aside is never told to be stored, though its letter was dropped or retried", "[write_behind]") {
    const bool is_retried = GENERATE(false, true);
    Rig rig;
    const Version version = *rig.store.save(player("ada", 1));
    REQUIRE(set_aside(rig, {"player:ada"}) == version);
    CHECK(rig.store.wait(version, 1ms).error() == Errc::invalid_argument);
    if (is_retried) {
        const Version retried = *rig.store.retry_dead_letter(version);
        REQUIRE(rig.store.flush());
        CHECK(rig.store.wait(retried, 1ms));
    } else {
        REQUIRE(rig.store.drop_dead_letter(version));
    }
    const Version stored = *rig.store.save(player("bob", 1));
    REQUIRE(rig.store.flush());
    const auto waited = rig.store.wait(version, 1ms);
    REQUIRE(waited.error() == Errc::invalid_argument);
    CHECK_THAT(std::string{waited.error().message()}, Catch::Contains("the dead letter was dropped or retried"));
    CHECK(rig.store.wait(stored, 1ms));
}

TEST_CASE("who waits for a version hears at once that a close has given it up", "[write_behind][fault]") {
    const auto drive = GENERATE(Drive::thread, Drive::caller);
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.max_delay = 1h, .drive = drive});
    const Version version = *store.save(player("ada", 1));
    control->refuse_writes = Errc::io;
    std::optional<Errc> answer;
    std::thread waiter{[&] {
        if (const auto waited = store.wait(version, 1min); !waited) answer = waited.error().code();
    }};
    CHECK(store.close().error() == Errc::io);
    waiter.join();
    CHECK(answer == Errc::closed);
    control->refuse_writes = std::nullopt;
    CHECK(store.close());
}

// --- closing

TEST_CASE("close with a timeout reports what was flushed, set aside and left", "[write_behind][fault]") {
    Rig rig;
    REQUIRE(rig.store.save(player("good")));
    REQUIRE(rig.store.save(player("bad")));
    rig.control->refuse_if = refuse_player({"bad"});
    SECTION("all of it done") {
        const auto report = rig.store.close(1h);
        CHECK(report.flushed == 1);
        CHECK(report.failed == 1);
        CHECK(report.left == 0);
        CHECK(report.status.error() == Errc::invalid_argument);
    }
    SECTION("nothing in time") {
        rig.control->refuse_writes = Errc::io;
        const auto report = rig.store.close(5ms);
        CHECK(report.flushed == 0);
        CHECK(report.failed == 0);
        CHECK(report.left == 2);
        CHECK(report.status.error() == Errc::timed_out);
        rig.control->refuse_writes = std::nullopt;
    }
}

TEST_CASE("close with a timeout returns in time beside a backend that does not answer", "[write_behind][fault]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    Latch storing;
    Latch go_on;
    control->before_write = [&](const Batch&) {
        storing.open();
        go_on.wait();
    };
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.max_delay = 0ms});
    REQUIRE(store.save(player("ada", 1)));
    storing.wait();
    const auto report = store.close(5ms);
    CHECK(report.left == 1);
    CHECK(report.status.error() == Errc::timed_out);
    go_on.open();
    CHECK(store.close(1h).status);
    CHECK(control->records.read("player:ada"));
}

TEST_CASE("close with a timeout returns in time when the backend stops answering only then", "[write_behind][fault]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    Latch go_on;
    control->before_write = [&](const Batch&) { go_on.wait(); };
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.max_delay = 1h});
    REQUIRE(store.save(player("ada", 1)));
    CHECK(store.close(5ms).left == 1);
    go_on.open();
    CHECK(store.close(1h).status);
    CHECK(control->records.read("player:ada"));
}

TEST_CASE("closing with a full queue loses nothing", "[write_behind]") {
    const auto rounds = setting("JOINLY_ROUNDS", 50);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const auto control = std::make_shared<FailingBackend::Control>();
        std::atomic<bool> closing{false};
        control->before_write = [&](const Batch&) {
            while (!closing) std::this_thread::yield();
        };
        constexpr std::size_t limit = 100;
        auto store = *joinly::open<FailingBackend, WriteBehind>(
            {.control = control}, {.max_delay = 0ms, .flush_entries = 7, .pending_limit_entries = limit, .full_timeout = 1h});
        std::vector<std::thread> writers;
        std::atomic<int> acknowledged{0};
        for (int writer = 0; writer < 2; ++writer) {
            writers.emplace_back([&, writer] {
                for (int i = 0; i < 1'000; ++i) {
                    if (!store.save(player(std::to_string(writer) + "_" + std::to_string(i)))) return;
                    ++acknowledged;
                }
            });
        }
        while (store.health().pending_entries < limit) std::this_thread::yield();
        closing = true;
        CHECK(store.close());
        for (auto& writer : writers) writer.join();
        int stored = 0;
        REQUIRE(control->records.scan({}, [&](std::string_view, const joinly::RecordView&) { return ++stored != 0; }));
        CHECK(stored == acknowledged);
    }
}

TEST_CASE("beside a slow backend the writers wait, memory stays within its bounds, and closing stores everything",
          "[write_behind][bounds]") {
    constexpr std::size_t most_entries = 500;
    constexpr std::size_t most_bytes = 100'000;
    const auto control = std::make_shared<FailingBackend::Control>();
    control->before_write = [](const Batch&) { std::this_thread::sleep_for(20ms); };
    auto store = *joinly::open<FailingBackend, WriteBehind>(
        {.control = control},
        {.flush_entries = 100, .pending_limit_entries = most_entries, .pending_limit_bytes = most_bytes, .full_timeout = 1h});
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{setting("JOINLY_SECONDS", 1)};
    std::atomic<int> saved{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer) {
        writers.emplace_back([&, writer] {
            for (int i = 0; std::chrono::steady_clock::now() < until; ++i) {
                const std::string key = std::to_string(writer) + '_' + std::to_string(i);
                ++(store.put(key, std::string(400, 'v')) ? saved : refused);
            }
        });
    }
    std::size_t entries = 0;
    std::size_t bytes = 0;
    while (std::chrono::steady_clock::now() < until) {
        const auto health = store.health();
        entries = (std::max)(entries, health.pending_entries);
        bytes = (std::max)(bytes, health.pending_bytes);
        std::this_thread::yield();
    }
    for (auto& writer : writers) writer.join();
    CHECK(entries <= most_entries);
    CHECK(bytes <= most_bytes);
    CHECK(bytes > most_bytes / 2);  // so that the bound was met
    CHECK(refused == 0);
    CHECK(store.close());
    int stored = 0;
    REQUIRE(control->records.scan({}, [&](std::string_view, const joinly::RecordView&) { return ++stored != 0; }));
    CHECK(stored == saved);
}

// --- bounds and health

TEST_CASE("a flush is due by bytes", "[write_behind]") {
    Rig rig{{.max_delay = 1h, .flush_bytes = 1'000, .drive = Drive::caller}};
    REQUIRE(rig.store.put("a", std::string(400, 'a')));
    REQUIRE(rig.store.put("a", std::string(500, 'a')));  // in the place of the first
    REQUIRE(rig.store.pump());
    CHECK(rig.control->writes == 0);
    REQUIRE(rig.store.put("b", std::string(500, 'b')));
    REQUIRE(rig.store.pump());
    CHECK(rig.control->writes == 1);
}

TEST_CASE("pending bytes are bounded", "[write_behind]") {
    Rig rig{{.pending_limit_bytes = 1'000, .drive = Drive::caller}};
    REQUIRE(rig.store.put("large", std::string(2'000, 'a')));  // alone it may be larger than the limit
    CHECK(rig.store.put("b", "small").error() == Errc::full);
    REQUIRE(rig.store.flush());
    CHECK(rig.store.put("b", "small"));
}

TEST_CASE("what is written over a pending write counts only by what it is larger", "[write_behind]") {
    Rig rig{{.pending_limit_bytes = 1'000, .drive = Drive::caller}};
    REQUIRE(rig.store.put("hot", std::string(600, 'a')));
    CHECK(rig.store.put("hot", std::string(600, 'b')));
    CHECK(rig.store.put("hot", std::string(900, 'c')));
    CHECK(rig.store.put("other", std::string(92, 'd')));  // exactly what is left
    CHECK(rig.store.put("hot", std::string(901, 'e')).error() == Errc::full);
    CHECK(rig.store.put("hot", std::string(900, 'f')));
    CHECK(rig.store.health().pending_bytes == 1'000);
    CHECK(rig.store.put("hot", std::string(100, 'g')));
    CHECK(rig.store.health().pending_bytes == 200);
}

TEST_CASE("what is written over a pending write is taken beyond the limit, too, unless it grows", "[write_behind]") {
    Rig rig{{.pending_limit_bytes = 1'000, .drive = Drive::caller}};
    REQUIRE(rig.store.put("large", std::string(2'000, 'a')));  // alone it may be larger than the limit
    CHECK(rig.store.put("large", std::string(2'000, 'b')));
    CHECK(rig.store.put("large", std::string(2'001, 'c')).error() == Errc::full);
}

TEST_CASE("what is written over what is just being flushed counts in full", "[write_behind][race]") {
    Rig rig{{.pending_limit_bytes = 1'000, .drive = Drive::caller}};
    std::optional<Errc> answer;
    rig.control->before_write = [&](const Batch&) {
        const auto version = rig.store.put("hot", std::string(600, 'b'));
        if (!version) answer = version.error().code();
    };
    REQUIRE(rig.store.put("hot", std::string(600, 'a')));
    REQUIRE(rig.store.flush());
    rig.control->before_write = nullptr;
    CHECK(answer == Errc::full);
}

TEST_CASE("health tells how much is at risk, and since when", "[write_behind]") {
    Rig rig;
    REQUIRE(rig.store.put("key", "value"));
    rig.traits.clock.advance(30ms);
    REQUIRE(rig.store.put("other", "value"));
    rig.traits.clock.advance(5ms);
    auto health = rig.store.health();
    CHECK(health.pending_entries == 2);
    CHECK(health.pending_bytes == 18);
    CHECK(health.oldest_pending == 35ms);
    CHECK(health.journal_bytes == 0);
    rig.control->refuse_writes = Errc::io;
    CHECK(!rig.store.flush());
    health = rig.store.health();
    CHECK(health.retries == 1);
    CHECK(health.last_error == "the test refuses writes");
    rig.control->refuse_writes = std::nullopt;
    REQUIRE(rig.store.flush());
    health = rig.store.health();
    CHECK(health.pending_bytes == 0);
    CHECK(health.oldest_pending == 0ms);
    CHECK(health.last_error.empty());
}

TEST_CASE("pump with a budget stores a part, in order, and the rest by later calls", "[write_behind]") {
    Rig rig{{.max_delay = 0ms, .drive = Drive::caller}};
    std::vector<Version> versions;
    rig.control->after_write = [&](const Batch& batch) { versions.push_back(batch.version); };
    for (int i = 0; i < 10'000; ++i) REQUIRE(rig.store.put(std::to_string(i), "value"));
    REQUIRE(rig.store.pump(std::chrono::microseconds{0}));
    CHECK(versions.size() == 1);
    const auto left = rig.store.stats().pending_entries;
    CHECK(left < 10'000);
    CHECK(*rig.control->records.last_version() == 10'000 - left);
    while (rig.store.stats().pending_entries != 0) REQUIRE(rig.store.pump(std::chrono::microseconds{50}));
    CHECK(std::is_sorted(versions.begin(), versions.end()));
    CHECK(versions.back() == 10'000);
}

TEST_CASE("a try whose outcome is unknown is repeated as it was, whatever the budget", "[write_behind][fault]") {
    Rig rig{{.max_delay = 0ms, .drive = Drive::caller}};
    for (int i = 0; i < 100; ++i) REQUIRE(rig.store.put(std::to_string(i), "value"));
    rig.control->lose_answers = Errc::io;
    CHECK(!rig.store.pump());
    rig.control->lose_answers = std::nullopt;
    REQUIRE(rig.store.put("later", "value"));
    rig.traits.clock.advance(1h);
    REQUIRE(rig.store.pump(std::chrono::microseconds{0}));
    CHECK(rig.store.stats().pending_entries == 1);
    REQUIRE(rig.store.flush());
    CHECK(rig.store.dead_letters().empty());
}

struct Thrown {};

TEST_CASE("the worker survives a backend that throws", "[write_behind][fault]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, WriteBehind>({.control = control}, {.max_delay = 0ms, .longest_backoff = 1ms});
    control->before_write = [&](const Batch&) {
        if (control->writes < 3) throw Thrown{};
    };
    REQUIRE(store.save(player("ada", 1)));
    CHECK(store.flush(1h));
    CHECK(control->records.read("player:ada"));
}

}  // namespace
