// What every storage backend promises about index entries, expiry order and ranges that must not have changed: the comments of
// `storage_backend`, core/index_entry.hpp and core/range_digest.hpp, one test each. To be included as backend_suite.hpp is.
#ifndef JOINLY_TESTED_BACKEND
#error "define JOINLY_TESTED_BACKEND before including this"
#endif

#include <joinly/backend/concepts.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/range_digest.hpp>
#include <tests/conformance/backend_database.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace std::string_literals;
using namespace joinly::test;
using joinly::absent;
using joinly::Batch;
using joinly::Change;
using joinly::Errc;
using joinly::Expiry;
using joinly::KeyRange;
using joinly::RangeRequirement;
using joinly::RecordView;
using joinly::Status;
using joinly::ValueForm;
using joinly::Version;
using joinly::WallTime;

using Terms = std::vector<std::string>;

std::string packed(const Terms& terms) {
    std::string all;
    for (const auto& term : terms) joinly::append_index_term(all, term);
    return all;
}

/// A record that secondary indexes know by these terms; or that they knew, when there are none.
Batch put(std::string key, std::string value, const Terms& terms, Expiry expires_at = {}) {
    Batch batch;
    batch.changes.push_back({std::move(key), std::move(value), expires_at, absent, ValueForm::bytes, packed(terms)});
    return batch;
}
Batch erase(std::string key) {
    Batch batch;
    batch.changes.push_back({std::move(key), std::nullopt, {}, absent, ValueForm::bytes, std::string{}});
    return batch;
}
Batch together(Batch first, const Batch& second) {
    first.changes.insert(first.changes.end(), second.changes.begin(), second.changes.end());
    return first;
}

Expiry expiry(std::int64_t unix_ms) { return Expiry{at(unix_ms)}; }

std::string entry_of(std::string_view key, std::string_view term) { return joinly::index_entry(key, term).key; }

KeyRange all_entries() { return KeyRange::prefix(joinly::index_entry_prefix); }

/// The keys and versions of all index entries, each of which must never expire.
template <class Backend>
std::map<std::string, Version> entries_in(Backend& backend) {
    std::map<std::string, Version> entries;
    bool all_last = true;
    REQUIRE(backend.scan(all_entries(), [&](std::string_view key, const RecordView& record) {
        entries.emplace(key, record.version);
        all_last = all_last && record.expires_at.is_never() && record.index_terms.empty();
        return true;
    }));
    REQUIRE(all_last);
    return entries;
}

template <class Backend>
Keys entry_keys_in(Backend& backend) {
    return keys_in(backend, all_entries());
}

/// The keys of the records that `follow` visits, which must succeed.
template <class Backend>
Keys followed(Backend& backend, const KeyRange& range) {
    Keys keys;
    const Status status = backend.follow(range, [&](std::string_view, std::string_view key, const RecordView&) {
        keys.emplace_back(key);
        return true;
    });
    INFO((status ? "" : std::string{status.error().message()}));
    REQUIRE(status);
    return keys;
}

/// The keys of what `expired` gives, which must succeed.
template <class Backend>
Keys expired_in(Backend& backend, std::int64_t now, std::size_t limit = 1000) {
    const auto found = backend.expired(at(now), limit);
    INFO((found ? "" : std::string{found.error().message()}));
    REQUIRE(found);
    Keys keys;
    for (const auto& record : *found) keys.push_back(record.key);
    return keys;
}

/// That `range` still holds what it holds now.
template <class Backend>
RangeRequirement unchanged(Backend& backend, const KeyRange& range, WallTime now = (WallTime::min)()) {
    constexpr std::uint64_t seed = 20'260'101;
    joinly::RangeDigest digest{seed};
    const Status scanned = backend.scan(range, [&](std::string_view key, const RecordView& record) {
        if (!record.expires_at.has_passed(now)) digest.add(key, record.version);
        return true;
    });
    return {range, seed, scanned ? digest.value() : 0};
}

template <class Backend>
void check_integrity(Backend& backend) {
    if constexpr (joinly::verifies_integrity<Backend>) {
        const Status sound = backend.verify_integrity();
        INFO((sound ? "" : std::string{sound.error().message()}));
        CHECK(sound);
    }
}

// ---- Index entries ----

TEMPLATE_TEST_CASE("index entries follow their record when it is put, replaced and erased", "[backend][index][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version first = written(db->write(put("player:ada", "1200", {"\1\x04\xb0"s, "\2eu"s})));
    CHECK(entries_in(*db) ==
          std::map<std::string, Version>{{entry_of("player:ada", "\1\x04\xb0"s), first}, {entry_of("player:ada", "\2eu"s), first}});
    CHECK(value_of(*db, "player:ada") == "1200");

    written(db->write(put("player:ada", "1300", {"\1\x05\x14"s})));
    CHECK(entry_keys_in(*db) == Keys{entry_of("player:ada", "\1\x05\x14"s)});

    written(db->write(erase("player:ada")));
    CHECK(entry_keys_in(*db).empty());
    CHECK(db->read("player:ada").error() == Errc::not_found);
    check_integrity(*db);
}

TEMPLATE_TEST_CASE("an index entry is an ordinary record that tells where in its key the id begins",
                   "[backend][index][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const std::string id = "a:\0b"s;
    const Version version = written(db->write(put("player:" + id, "x", {"\1term:\0"s})));
    const std::string entry_key = "\0iplayer:\1term:\0a:\0b"s;
    const auto entry = db->read(entry_key);
    REQUIRE(entry);
    CHECK(entry->value == std::string{"\0\x10", 2});
    CHECK(entry->version == version);
    CHECK(entry->expires_at.is_never());
    CHECK(joinly::indexed_record_key(entry_key, entry->value) == "player:" + id);
}

TEMPLATE_TEST_CASE("a scan over records and index entries is in the order of the keys, in both directions",
                   "[backend][index][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(put("player:ada", "1200", {"\1a", "\2b"})));
    written(db->write(Batch{}.put("\0h"s, "before").put("\0j"s, "after").put("\0z"s, "last")));
    const std::string first = entry_of("player:ada", "\1a");
    const std::string second = entry_of("player:ada", "\2b");
    const auto [range, expected] = GENERATE_COPY(table<KeyRange, Keys>({
        {KeyRange{}, {"\0h"s, first, second, "\0j"s, "\0z"s, "player:ada"}},
        {between("\0"s, "\0j"s), {"\0h"s, first, second}},
        {between(first + '\0', "\0z"s), {second, "\0j"s}},
        {between("\0h\1"s, second), {first}},
        {between("\0i"s, ""), {first, second, "\0j"s, "\0z"s, "player:ada"}},
        {between("\0k"s, "\0i"s), {}},
    }));
    CHECK(keys_in(*db, range) == expected);
    CHECK(keys_in(*db, backward(range)) == Keys{expected.rbegin(), expected.rend()});
}

TEMPLATE_TEST_CASE("a term that stays leaves its index entry alone", "[backend][index][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version first = written(db->write(put("player:ada", "old", {"\1same", "\2old"})));
    const Version second = written(db->write(put("player:ada", "new", {"\2new", "\1same"})));
    CHECK(entries_in(*db) ==
          std::map<std::string, Version>{{entry_of("player:ada", "\1same"), first}, {entry_of("player:ada", "\2new"), second}});
    CHECK(version_of(*db, "player:ada") == second);
}

TEMPLATE_TEST_CASE("an index entry has the version that its change carries", "[backend][index][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    Batch batch = put("player:ada", "x", {"\1a"});
    batch.changes.front().version = 48;
    batch.version = 50;
    CHECK(written(db->write(batch)) == 50);
    CHECK(entries_in(*db) == std::map<std::string, Version>{{entry_of("player:ada", "\1a"), 48}});
}

TEMPLATE_TEST_CASE("a record that is put without terms loses the index entries of its predecessor", "[backend][index][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(together(put("player:ada", "x", {"\1a", "\2b"}), put("player:bob", "x", {"\1a"}))));
    written(db->write(put("player:ada", "raw", {})));
    CHECK(entry_keys_in(*db) == Keys{entry_of("player:bob", "\1a")});
    written(db->write(put("player:ada", "again", {"\1c"})));
    CHECK(entry_keys_in(*db) == Keys{entry_of("player:bob", "\1a"), entry_of("player:ada", "\1c")});
}

TEMPLATE_TEST_CASE("of several changes to one key in a batch the last one has the index entries", "[backend][index][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(put("player:ada", "0", {"\1zero"})));
    SECTION("put twice") {
        written(db->write(together(put("player:ada", "1", {"\1one", "\2x"}), put("player:ada", "2", {"\1two", "\2x"}))));
        CHECK(entry_keys_in(*db) == Keys{entry_of("player:ada", "\1two"), entry_of("player:ada", "\2x")});
    }
    SECTION("put and erased") {
        written(db->write(together(put("player:ada", "1", {"\1one"}), erase("player:ada"))));
        CHECK(entry_keys_in(*db).empty());
    }
    SECTION("erased and put with what it had") {
        written(db->write(together(erase("player:ada"), put("player:ada", "1", {"\1zero"}))));
        CHECK(followed(*db, all_entries()) == Keys{"player:ada"});
    }
    SECTION("two records that change places") {
        written(db->write(put("player:bob", "0", {"\1one"})));
        written(db->write(together(put("player:ada", "1", {"\1one"}), put("player:bob", "1", {"\1zero"}))));
        CHECK(followed(*db, all_entries()) == Keys{"player:ada", "player:bob"});
    }
    check_integrity(*db);
}

TEMPLATE_TEST_CASE("a batch that is refused leaves index entries and expiry order as they were", "[backend][index][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(put("player:ada", "old", {"\1old"}, expiry(1000))));
    Batch refused = together(put("player:ada", "new", {"\1new"}, expiry(10)), put("player:bob", "new", {"\1new"}, expiry(20)));
    CHECK(db->write(refused.require("player:ada", absent)).error() == Errc::conflict);
    CHECK(entry_keys_in(*db) == Keys{entry_of("player:ada", "\1old")});
    CHECK(followed(*db, all_entries()) == Keys{"player:ada"});
    CHECK(expired_in(*db, 100).empty());
    CHECK(expired_in(*db, 1000) == Keys{"player:ada"});
}

TEMPLATE_TEST_CASE("entries of random writes are those of the records that are left", "[backend][index][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    std::mt19937 random{7};
    std::map<std::string, Terms> model;
    for (int i = 0; i < 150; ++i) {
        Batch batch;
        for (auto changes = random() % 6; changes > 0; --changes) {
            const std::string key = "player:" + std::to_string(random() % 12);
            std::set<std::string> terms;
            while (random() % 3 != 0) terms.insert(std::string{static_cast<char>(random() % 3), static_cast<char>(random() % 4)});
            model.erase(key);
            if (random() % 4 == 0) {
                batch = together(std::move(batch), erase(key));
            } else {
                model[key] = {terms.begin(), terms.end()};
                batch = together(std::move(batch), put(key, std::to_string(i), model[key]));
            }
        }
        written(db->write(batch));
    }
    std::set<std::string> expected;
    for (const auto& [key, terms] : model) {
        for (const auto& term : terms) expected.insert(entry_of(key, term));
    }
    CHECK(entry_keys_in(*db) == Keys{expected.begin(), expected.end()});
    CHECK(followed(*db, all_entries()).size() == expected.size());
}

TEMPLATE_TEST_CASE("a scan tells the terms of records, so that a copy of all user keys has the same index entries",
                   "[backend][index][conformance]", JOINLY_TESTED_BACKEND) {
    const KeyRange range = GENERATE(joinly::user_keys(), backward(joinly::user_keys()));
    Database<TestType> from;
    written(from->write(put("player:ada", "a", {"\1x", "\2y"}, expiry(5))));
    written(from->write(put("player:bob", "", {"\1x"})));
    written(from->write(Batch{}.put("plain", "p").put("soon", "s", expiry(3))));

    Database<TestType> to;
    Batch copy;
    CHECK(from->scan(range, [&](std::string_view key, const RecordView& record) {
        copy.changes.push_back({std::string{key}, std::string{record.value}, record.expires_at, record.version, ValueForm::bytes,
                                std::string{record.index_terms}});
        return true;
    }));
    copy.version = written(from->last_version());
    written(to->write(copy));
    CHECK(copy.changes.size() == 4);
    CHECK(entries_in(*to) == entries_in(*from));
    CHECK(followed(*to, all_entries()) == Keys{"player:ada", "player:bob", "player:ada"});
    CHECK(expired_in(*to, 5) == Keys{"soon", "player:ada"});
}

// ---- Following them ----

TEMPLATE_TEST_CASE("follow visits each entry with its record, in the order of the entries", "[backend][index][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(put("player:c", "1", {"\1\x01"s})));
    written(db->write(put("player:a", "3", {"\1\x80"s, "\2a"})));
    const Version version = written(db->write(put("player:b", "2", {"\1\x02"s}, expiry(1))));  // expired ones, too
    written(db->write(put("player:d", "4", {"\1\x80"s})));
    written(db->write(put("players:e", "5", {"\1\x01"s})));

    const KeyRange first_index = KeyRange::prefix("\0iplayer:\1"s);
    const Keys order{"player:c", "player:b", "player:a", "player:d"};
    CHECK(followed(*db, first_index) == order);
    CHECK(followed(*db, backward(first_index)) == Keys{order.rbegin(), order.rend()});
    CHECK(followed(*db, between("\0iplayer:\1\x02"s, "\0iplayer:\1\x80"s)) == Keys{"player:b"});
    CHECK(followed(*db, backward(between("\0iplayer:\1\x02"s, "\0iplayer:\1\x80\x62"s))) == Keys{"player:a", "player:b"});
    CHECK(followed(*db, KeyRange::prefix("\0iplayer:\3"s)).empty());
    CHECK(followed(*db, all_entries()).size() == 6);

    CHECK(db->follow(between("\0iplayer:\1\x02"s, "\0iplayer:\1\x03"s),
                     [&](std::string_view entry_key, std::string_view key, const RecordView& record) {
                         return entry_key == entry_of(key, "\1\x02"s) && record.value == "2" && record.version == version &&
                                record.expires_at == expiry(1) && record.index_terms == packed({"\1\x02"s});
                     }));
}

TEMPLATE_TEST_CASE("a visitor stops follow, or throws, and leaves the backend in order", "[backend][index][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    for (const char* id : {"a", "b", "c"}) written(db->write(put("player:"s + id, id, {"\1"s + id})));
    const auto [range, expected] = GENERATE(
        table<KeyRange, Keys>({{all_entries(), {"player:a", "player:b"}}, {backward(all_entries()), {"player:c", "player:b"}}}));
    Keys seen;
    CHECK(db->follow(range, [&](std::string_view, std::string_view key, const RecordView&) {
        seen.emplace_back(key);
        return key != "player:b";
    }));
    CHECK(seen == expected);

    const auto throwing = [](std::string_view, std::string_view, const RecordView&) -> bool { throw Stop{}; };
    for (int i = 0; i < 20; ++i) CHECK_THROWS_AS(static_cast<void>(db->follow(range, throwing)), Stop);
    written(db->write(erase("player:b")));
    CHECK(followed(*db, all_entries()) == Keys{"player:a", "player:c"});
}

TEMPLATE_TEST_CASE("a visitor of follow may write and follow, and its own walk does not see it", "[backend][index][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    Keys before;
    for (int i = 100; i < 200; ++i) {
        before.push_back("player:" + std::to_string(i));
        written(db->write(put(before.back(), "old", {std::to_string(i)})));
    }
    Keys seen;
    bool all_old = true;
    std::size_t seen_within = 0;
    CHECK(db->follow(all_entries(), [&](std::string_view, std::string_view key, const RecordView& record) {
        if (seen.empty()) {
            const auto moved = db->write(together(put("player:150", "new", {"9"}), erase("player:199")));
            const Status within = db->follow(all_entries(), [&](std::string_view, std::string_view, const RecordView&) {
                ++seen_within;
                return true;
            });
            all_old = moved && within;
        }
        all_old = all_old && record.value == "old";
        seen.emplace_back(key);
        return true;
    }));
    CHECK(seen == before);
    CHECK(all_old);
    CHECK(seen_within == 99);
    CHECK(followed(*db, all_entries()).back() == "player:150");
}

TEMPLATE_TEST_CASE("follow sees one moment while records move about in the index", "[backend][index][conformance][threads]",
                   JOINLY_TESTED_BACKEND) {
    const KeyRange range = GENERATE(all_entries(), backward(all_entries()));
    constexpr int players = 30;
    const auto place = [](int player, int round) {
        return put("player:" + std::to_string(player), std::to_string(round % 7), {std::to_string(round % 7)});
    };
    Database<TestType> db;
    for (int player = 0; player < players; ++player) written(db->write(place(player, player)));

    std::atomic<bool> done{false};
    std::atomic<int> failures{0};
    std::jthread writer{[&] {
        for (int round = 0; round < 1500; ++round) {
            if (!db->write(place(round % players, round))) ++failures;
        }
        done = true;
    }};
    bool whole = true;
    Status status;
    while (!done && whole && status) {
        std::set<std::string> seen;
        std::size_t visits = 0;
        status = db->follow(range, [&](std::string_view entry_key, std::string_view key, const RecordView& record) {
            ++visits;
            seen.emplace(key);
            return entry_key == entry_of(key, record.value);
        });
        whole = visits == players && seen.size() == players;
    }
    writer.join();
    INFO((status ? "" : std::string{status.error().message()}));
    CHECK(status);
    CHECK(whole);
    CHECK(failures == 0);
    check_integrity(*db);
}

TEMPLATE_TEST_CASE("an index entry that does not fit a record is corrupt, and the message names it",
                   "[backend][index][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(put("player:ada", "x", {"\1a"})));
    auto entry = joinly::index_entry("player:ada", "\1z");
    SECTION("there is no such record") { entry = joinly::index_entry("player:bob", "\1z"); }
    SECTION("the record has no such term") {}
    SECTION("its value is damaged") { entry.value = "no place"; }
    SECTION("its value points behind its end") { entry.value = "\xff\xff"; }
    written(db->write(Batch{}.put(entry.key, entry.value)));

    Keys seen;
    const Status status = db->follow(all_entries(), [&](std::string_view, std::string_view key, const RecordView&) {
        seen.emplace_back(key);
        return true;
    });
    REQUIRE(status.error() == Errc::corrupt);
    CHECK(status.error().message().find("player:\\x01z") != std::string_view::npos);
    CHECK(seen == Keys{"player:ada"});  // what comes before the damage
}

// ---- Expiry ----

TEMPLATE_TEST_CASE("expired gives the earliest first, up to the limit, with version and expiry", "[backend][expiry][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max() - 1;
    written(db->write(Batch{}.put("third", "", expiry(300)).put("never", "").put("last", "", expiry(latest))));
    const Version version = written(db->write(Batch{}.put("first", "", expiry(-5)).put("second", "", expiry(256))));
    written(db->write(put("player:ada", "", {"\1a"}, expiry(400))));

    CHECK(expired_in(*db, -6).empty());
    CHECK(expired_in(*db, 299) == Keys{"first", "second"});
    CHECK(expired_in(*db, 300) == Keys{"first", "second", "third"});
    CHECK(expired_in(*db, latest) == Keys{"first", "second", "third", "player:ada", "last"});
    CHECK(expired_in(*db, latest, 2) == Keys{"first", "second"});
    CHECK(expired_in(*db, latest, 0).empty());
    const auto found = db->expired(at(300), 1);
    REQUIRE((found && found->size() == 1));
    CHECK(found->front().version == version);
    CHECK(found->front().expires_at == expiry(-5));
    CHECK(keys_in(*db, joinly::user_keys()).size() == 6);  // all it does is tell
}

TEMPLATE_TEST_CASE("renewed and erased records never expire", "[backend][expiry][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("erased", "", expiry(1)).put("renewed", "", expiry(1)).put("eternal", "", expiry(1))));
    written(db->write(Batch{}.put("sooner", "", expiry(1000)).put("same", "", expiry(5)).put("back", "", expiry(6))));
    written(db->write(together(put("player:ada", "", {"\1a"}, expiry(1)), put("player:bob", "", {"\1b"}, expiry(1)))));
    written(db->write(Batch{}.erase("erased").erase("back").put("renewed", "", expiry(500)).put("eternal", "")));
    written(db->write(Batch{}.put("sooner", "", expiry(4)).put("same", "", expiry(5)).put("back", "", expiry(6))));
    written(db->write(together(erase("player:ada"), put("player:bob", "", {"\1b"}, expiry(600)))));

    CHECK(expired_in(*db, 100) == Keys{"sooner", "same", "back"});
    CHECK(expired_in(*db, 100, 1) == Keys{"sooner"});
    written(db->write(Batch{}.put("erased", "", expiry(1))));  // what had been found stale may come back
    CHECK(expired_in(*db, 100) == Keys{"erased", "sooner", "same", "back"});
    CHECK(expired_in(*db, 2000) == Keys{"erased", "sooner", "same", "back", "renewed", "player:bob"});
    check_integrity(*db);
}

TEMPLATE_TEST_CASE("expired records can be swept in steps until none is left", "[backend][expiry][conformance]",
                   JOINLY_TESTED_BACKEND) {
    constexpr int count = 1000;
    Database<TestType> db;
    Batch batch;
    for (int i = 0; i < count; ++i) {
        const std::string key = "ticket:" + std::to_string(i);
        batch.put(key, "", expiry(i % 10));
        if (i % 3 == 0) batch.put(key, "renewed", expiry(5000 + i));
    }
    written(db->write(batch));
    Keys swept;
    for (Keys step = expired_in(*db, 100, 77); !step.empty() && swept.size() < count; step = expired_in(*db, 100, 77)) {
        Batch sweep;
        for (const auto& key : step) sweep.erase(key);
        written(db->write(sweep));
        swept.insert(swept.end(), step.begin(), step.end());
        if (swept.size() < 200) written(db->write(Batch{}.put("late" + swept.back(), "", expiry(-1))));  // before where it has been
    }
    CHECK(swept.size() == std::set<std::string>(swept.begin(), swept.end()).size());
    CHECK(swept.size() == 666 + 2);
    CHECK(keys_in(*db, {}).size() == 334);
    CHECK(expired_in(*db, 9999).size() == 334);
    check_integrity(*db);
}

TEMPLATE_TEST_CASE("expired loses no record that is put at the same time", "[backend][expiry][conformance][threads]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    constexpr int keys = 40;
    std::atomic<int> writing{2};
    std::atomic<int> failures{0};
    std::vector<std::map<std::string, std::int64_t>> left(2);
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < 2; ++thread) {
        threads.emplace_back([&, thread] {
            std::mt19937 random{static_cast<std::uint32_t>(thread)};
            for (int i = 0; i < 1500; ++i) {
                const std::string key = std::to_string(thread) + ':' + std::to_string(random() % keys);
                const auto expires_at = static_cast<std::int64_t>(random() % 3);
                Batch batch;
                left[thread].erase(key);
                expires_at == 0 ? batch.erase(key) : batch.put(key, "", expiry(expires_at));
                if (expires_at != 0) left[thread][key] = expires_at;
                if (!db->write(batch)) ++failures;
            }
            --writing;
        });
    }
    while (writing > 0) {
        const auto found = db->expired(at(10), 30);
        if (!found ||
            !std::is_sorted(found->begin(), found->end(), [](const auto& a, const auto& b) { return a.expires_at < b.expires_at; }))
            ++failures;
    }
    threads.clear();
    std::map<std::string, std::int64_t> expected = left[0];
    expected.insert(left[1].begin(), left[1].end());
    const auto last = db->expired(at(10), 1000);
    REQUIRE(last);
    std::map<std::string, std::int64_t> found;
    for (const auto& record : *last) found[record.key] = record.expires_at.at().time_since_epoch().count();
    CHECK(failures == 0);
    CHECK(found == expected);
    check_integrity(*db);
}

TEMPLATE_TEST_CASE("a requirement that counts expired records takes them for what they are", "[backend][expiry][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const Version version = written(db->write(Batch{}.put("ticket", "", expiry(1000))));
    Batch sweep = Batch{}.erase("ticket");
    sweep.now = at(2000);
    const auto require = [&](std::string key, Version at_version) {
        Batch batch = sweep;
        batch.requirements.push_back({std::move(key), at_version, true});
        return batch;
    };
    CHECK(db->write(require("ticket", absent)).error() == Errc::conflict);
    CHECK(db->write(require("ticket", version + 1)).error() == Errc::conflict);
    CHECK(db->write(require("nobody", version)).error() == Errc::conflict);
    CHECK(db->write(require("ticket", version)));
    CHECK(db->read("ticket").error() == Errc::not_found);
}

// ---- Ranges ----

TEMPLATE_TEST_CASE("a range that has changed since it was read gives conflict and changes nothing", "[backend][range][conformance]",
                   JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("lobby:1", "x").put("lobby:3", "x", expiry(1000)).put("other", "x")));
    Batch batch = Batch{}.put("fresh", "x");
    batch.now = at(500);
    batch.ranges.push_back(unchanged(*db, KeyRange::prefix("other")));
    batch.ranges.push_back(unchanged(*db, KeyRange::prefix("lobby:"), at(500)));

    SECTION("a record came") { written(db->write(Batch{}.put("lobby:2", "x"))); }
    SECTION("a record came at its begin") { written(db->write(Batch{}.put("lobby:", "x"))); }
    SECTION("a record went") { written(db->write(Batch{}.erase("lobby:3"))); }
    SECTION("a record was changed") { written(db->write(Batch{}.put("lobby:1", "x"))); }
    SECTION("a record went and came back") {
        written(db->write(Batch{}.erase("lobby:1")));
        written(db->write(Batch{}.put("lobby:1", "x")));
    }
    SECTION("a record expired") { batch.now = at(1000); }
    SECTION("one came and another one went") { written(db->write(Batch{}.put("lobby:2", "x").erase("lobby:1"))); }

    const auto last = db->last_version();
    const auto result = db->write(batch);
    REQUIRE_FALSE(result);
    REQUIRE(result.error() == Errc::conflict);
    CHECK(result.error().message().find("lobby:") != std::string_view::npos);
    CHECK(db->read("fresh").error() == Errc::not_found);
    CHECK(db->last_version() == last);
}

TEMPLATE_TEST_CASE("a range that is as it was lets the batch through", "[backend][range][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(Batch{}.put("lobby:1", "x").put("lobby:2", "x").put("lobby:gone", "x", expiry(10))));
    Batch batch = Batch{}.put("lobby:3", "decided before its own changes").erase("lobby:1");
    batch.now = at(500);
    batch.ranges.push_back(unchanged(*db, backward(KeyRange::prefix("lobby:")), at(500)));
    batch.ranges.push_back(unchanged(*db, KeyRange::prefix("nothing")));

    SECTION("nothing happened") {}
    SECTION("other ranges changed") { written(db->write(Batch{}.put("lobby", "x").put("lobby;", "x").put("\1", "x"))); }
    SECTION("a record came that has expired") { written(db->write(Batch{}.put("lobby:0", "x", expiry(500)))); }
    SECTION("a record went that had expired") { written(db->write(Batch{}.erase("lobby:gone"))); }
    SECTION("something came and went") {
        written(db->write(Batch{}.put("lobby:0", "x")));
        written(db->write(Batch{}.erase("lobby:0")));
    }
    CHECK(db->write(batch));
    CHECK(value_of(*db, "lobby:3") == "decided before its own changes");
    CHECK(db->write(batch).error() == Errc::conflict);  // after which its range is another
}

TEMPLATE_TEST_CASE("a range that was empty must still be empty", "[backend][range][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    const RangeRequirement empty{KeyRange::prefix("lobby:"), 7, 0};
    Batch batch = Batch{}.put("lobby:1", "the only one");
    batch.ranges.push_back(empty);
    CHECK(db->write(batch));
    CHECK(db->write(batch).error() == Errc::conflict);
    written(db->write(Batch{}.erase("lobby:1")));
    CHECK(db->write(batch));
}

TEMPLATE_TEST_CASE("a range of everything takes in all records and index entries, and nothing of the backend's own",
                   "[backend][range][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(put("player:ada", "", {"\1a"}, expiry(5000))));
    const auto require = [&](const KeyRange& range) {
        Batch batch;
        batch.ranges.push_back(unchanged(*db, range));
        return batch;
    };
    CHECK(db->write(require({})));
    CHECK(db->write(require(between("", "\1"))));
    const Batch before = require({});
    written(db->write(Batch{}));  // a version of the backend's is no record
    CHECK(db->write(before));
    written(db->write(put("player:ada", "", {"\1b"})));
    CHECK(db->write(before).error() == Errc::conflict);
}

TEMPLATE_TEST_CASE("a range of index entries changes when an entry comes or goes, and not when a record is put again",
                   "[backend][range][index][conformance]", JOINLY_TESTED_BACKEND) {
    Database<TestType> db;
    written(db->write(put("player:ada", "1", {"\1\x10", "\2eu"})));
    written(db->write(put("player:bob", "1", {"\1\x20"})));
    Batch batch = Batch{}.put("seen", "");
    batch.ranges.push_back(unchanged(*db, KeyRange::prefix("\0iplayer:\1"s)));

    SECTION("put with the same term") {
        written(db->write(put("player:ada", "2", {"\1\x10", "\2us"})));
        CHECK(db->write(batch));
    }
    SECTION("put with another term") {
        written(db->write(put("player:ada", "2", {"\1\x11", "\2eu"})));
        CHECK(db->write(batch).error() == Errc::conflict);
    }
    SECTION("erased") {
        written(db->write(erase("player:bob")));
        CHECK(db->write(batch).error() == Errc::conflict);
    }
    SECTION("somebody else came") {
        written(db->write(put("player:eve", "2", {"\1\x10"})));
        CHECK(db->write(batch).error() == Errc::conflict);
    }
}

TEMPLATE_TEST_CASE("numbers that are given out under ranges are given out once, from several threads",
                   "[backend][range][conformance][threads]", JOINLY_TESTED_BACKEND) {
    constexpr int threads = 4;
    constexpr int each = 60;
    Database<TestType> db;
    std::atomic<int> faults{0};
    const bool by_index = GENERATE(false, true);
    const KeyRange range = by_index ? KeyRange::prefix("\0iticket:\1"s) : KeyRange::prefix("ticket:");
    in_parallel(threads, [&](int thread) {
        for (int made = 0; made < each && faults == 0;) {
            Batch batch;
            batch.ranges.push_back(unchanged(*db, range));
            std::size_t count = 0;  // read after the digest: what comes between makes a conflict
            if (!db->scan(range, [&](std::string_view, const RecordView&) { return ++count > 0; })) ++faults;
            const std::string key = "ticket:" + std::to_string(thread) + '.' + std::to_string(made);
            batch = together(std::move(batch), put(key, std::to_string(count), {"\1x"}));
            const auto result = db->write(batch);
            if (result) ++made;
            if (!result && result.error() != Errc::conflict) ++faults;
            static_cast<void>(db->write(Batch{}.put("noise" + std::to_string(thread), "")));  // groups are not only of these
        }
    });
    CHECK(faults == 0);
    std::set<std::string> numbers;
    CHECK(db->scan(KeyRange::prefix("ticket:"),
                   [&](std::string_view, const RecordView& record) { return numbers.emplace(record.value).second; }));
    CHECK(numbers.size() == threads * each);
}

// ---- The whole of it ----

TEMPLATE_TEST_CASE("a reopened database has its index entries and its expiry order", "[backend][index][expiry][conformance]",
                   JOINLY_TESTED_BACKEND) {
    if (!TestType::durable) return;
    Database<TestType> db;
    written(db->write(put("player:ada", "a", {"\1x"}, expiry(5))));
    written(db->write(put("player:bob", "b", {"\1y"}, expiry(1))));
    written(db->write(put("player:bob", "b", {"\1w"}, expiry(7))));
    const auto entries = entries_in(*db);

    db.reopen();
    CHECK(entries_in(*db) == entries);
    CHECK(followed(*db, all_entries()) == Keys{"player:bob", "player:ada"});
    CHECK(expired_in(*db, 10) == Keys{"player:ada", "player:bob"});
    written(db->write(together(erase("player:ada"), put("player:bob", "b", {"\1z"}))));
    CHECK(entry_keys_in(*db) == Keys{entry_of("player:bob", "\1z")});
    CHECK(expired_in(*db, 10).empty());
    check_integrity(*db);
}

TEMPLATE_TEST_CASE("a backup has the index entries and the expiry order", "[backend][index][expiry][conformance]",
                   JOINLY_TESTED_BACKEND) {
    if constexpr (joinly::backs_up<typename TestType::Backend>) {
        Database<TestType> db;
        written(db->write(put("player:ada", "a", {"\1x"}, expiry(5))));
        const TempDir dir;
        REQUIRE(db->backup_to(TestType::options(dir).path));
        auto copy = TestType::Backend::open(TestType::options(dir));
        REQUIRE(copy);
        CHECK(entries_in(*copy) == entries_in(*db));
        CHECK(followed(*copy, all_entries()) == Keys{"player:ada"});
        CHECK(expired_in(*copy, 10) == Keys{"player:ada"});
        written(copy->write(put("player:ada", "a", {})));
        CHECK(entry_keys_in(*copy).empty());
    }
}

}  // namespace
