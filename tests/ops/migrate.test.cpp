#include <joinly/ops/migrate.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/entities.hpp"
#include "tests/support/failing_backend.hpp"

#include <joinly/backend/memory.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/codec/zstd.hpp>
#include <joinly/store.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::chrono_literals;
using Stage = MigrateProgress::Stage;

namespace {

template <class Codec_>
struct WithCodec : DefaultTraits {
    using Codec = Codec_;
};

using Source = Store<FailingBackend, NoCache>;
using Target = Store<FailingBackend, NoCache>;
constexpr int players = 300;
constexpr int all_records = players + 4;  // a lobby, raw bytes, and two of the library's own: which indexes are complete

/// A backend of its own in memory, which the test can make fail.
struct Place {
    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();

    template <class Traits = DefaultTraits>
    [[nodiscard]] Store<FailingBackend, NoCache, Traits> store() const {
        return std::move(*open<FailingBackend, NoCache, Traits>({.control = control}));
    }
};

Place filled_place() {
    Place place;
    Source store = place.store();
    for (int i = 0; i < players; ++i)
        REQUIRE(store.save(player("p" + std::to_string(1000 + i), i), {.ttl = i % 3 == 0 ? std::optional<Ttl>{1h} : std::nullopt}));
    REQUIRE(store.save(lobby("l1")));
    REQUIRE(store.erase<Lobby>("l1"));
    REQUIRE(store.save(lobby("l2"), {.ttl = 1ms}));
    REQUIRE(store.put("motd", std::string{"any\0\xff bytes", 11}));
    return place;
}

std::string message_of(const Result<MigrateReport>& report) { return report ? "finished" : std::string{report.error().message()}; }

/// That both hold the same records, and index entries that fit to them.
void check_same(const Place& source, const Place& target) {
    auto from = source.store();
    auto to = target.store();
    const auto left = take_inventory(from.backend());
    const auto right = take_inventory(to.backend());
    REQUIRE((left && right));
    CHECK(left->kinds == right->kinds);
    CHECK(left->reserved.records == right->reserved.records);
    CHECK(to.verify_indexes<Player>());
    CHECK(*to.backend().last_version() >= *from.backend().last_version());
    CHECK(to.backend().read(detail::migration_key).error() == Errc::not_found);
}

/// As many records as fit into one transaction: about two.
const MigrateOptions small_batches{.batch_bytes = 500};

/// A target whose migration failed after some batches.
Place interrupted_target(const Place& source, int batches) {
    Place target;
    target.control->refuse_if = [left = std::make_shared<int>(batches)](const Batch&) {
        return (*left)-- > 0 ? std::nullopt : std::optional{Errc::full};
    };
    auto from = source.store();
    auto to = target.store();
    const auto report = migrate(from, to, small_batches);
    REQUIRE_FALSE(report);
    CHECK(report.error() == Errc::full);
    target.control->refuse_if = nullptr;
    return target;
}

/// Keeps everything but one record.
struct ForgetfulBackend : MemoryBackend {
    explicit ForgetfulBackend(MemoryBackend kept) noexcept : MemoryBackend{std::move(kept)} {}
    static Result<ForgetfulBackend> open(const MemoryOptions& options = {}) {
        return ForgetfulBackend{*MemoryBackend::open(options)};
    }
    Result<Version> write(Batch batch) {
        std::erase_if(batch.changes, [](const Change& change) { return change.key == "player:p1007"; });
        return MemoryBackend::write(batch);
    }
};

}  // namespace

TEST_CASE("a migration takes along values with their versions and expiry and what indexes know them by", "[migrate]") {
    const Place source = filled_place();
    const Place target;
    auto from = source.store();
    auto to = target.store();
    const auto report = migrate(from, to, small_batches);
    INFO(message_of(report));
    REQUIRE(report);
    CHECK(report->is_finished);
    CHECK(report->records.total().records == players + 2);
    CHECK(report->written == all_records);
    check_same(source, target);

    auto reopened = target.store();
    const auto best = reopened.find<Player>(where(&Player::skill_rating).at_least(players - 10));
    REQUIRE(best);
    CHECK(best->items.size() == 10);
    CHECK(reopened.load<Player>("p1007")->version() == from.load<Player>("p1007")->version());
    CHECK(reopened.load<Player>("p1000")->expires_at() == from.load<Player>("p1000")->expires_at());
}

TEST_CASE("an empty source makes an empty target", "[migrate]") {
    const Place source;
    const Place target;
    auto from = source.store();
    auto to = target.store();
    CHECK(migrate(from, to)->is_finished);
    CHECK(*to.backend().last_version() == absent);
}

TEST_CASE("a target that holds records already is refused and left as it is", "[migrate]") {
    const Place source = filled_place();
    const Place target;
    auto from = source.store();
    auto to = target.store();
    REQUIRE(to.save(player("here before")));
    const Version before = *to.backend().last_version();
    const auto report = migrate(from, to);
    CHECK(report.error() == Errc::conflict);
    CHECK(message_of(report) == "the target holds records already, and they are not of a migration that was stopped");
    CHECK(migrate(from, to, {.dry_run = true}).error() == Errc::conflict);
    const Place empty;
    auto nothing = empty.store();
    CHECK(migrate(nothing, to).error() == Errc::conflict);
    CHECK(*to.backend().last_version() == before);
}

TEST_CASE("a migration that was killed after its end finds by the same call that all is there", "[migrate]") {
    const Place source = filled_place();
    const Place target;
    auto from = source.store();
    auto to = target.store();
    REQUIRE(migrate(from, to, small_batches));
    const Version before = *to.backend().last_version();

    SECTION("and writes nothing") {
        for (const bool dry_run : {false, true}) {
            const auto report = migrate(from, to, {.batch_bytes = 700, .dry_run = dry_run});
            INFO(message_of(report));
            REQUIRE(report);
            CHECK(report->is_finished);
            CHECK(report->written == 0);
            CHECK(report->records.total().records == players + 2);
        }
        check_same(source, target);
    }
    SECTION("unless the source has gone on since, and the target may be in use") {
        REQUIRE(from.save(player("p1299", 4001)));
        CHECK(migrate(from, to, small_batches).error() == Errc::conflict);
    }
    SECTION("unless the source has lost something since") {
        REQUIRE(from.erase<Player>("p1000"));
        CHECK(migrate(from, to, small_batches).error() == Errc::conflict);
    }
    CHECK(*to.backend().last_version() == before);
}

TEST_CASE("a migration that failed goes on where it was", "[migrate]") {
    const Place source = filled_place();
    const Place target = interrupted_target(source, 40);
    auto from = source.store();
    auto to = target.store();
    const auto report = migrate(from, to, small_batches);
    INFO(message_of(report));
    REQUIRE(report);
    CHECK(report->is_finished);
    CHECK(report->written > 100);
    CHECK(report->written < players);
    CHECK(report->records.total().records == players + 2);
    check_same(source, target);
}

TEST_CASE("what the source has changed since a migration was stopped is put right", "[migrate]") {
    const Place source = filled_place();
    const Place target = interrupted_target(source, 40);
    auto from = source.store();
    REQUIRE(from.save(player("p1003", 4000)));
    REQUIRE(from.erase<Player>("p1004"));
    REQUIRE(from.save(player("p1004 and a half", 5)));
    REQUIRE(from.touch<Player>("p1005", 2h));
    REQUIRE(from.save(player("p1299", 4001)));
    auto to = target.store();

    SECTION("and it is finished at once") {
        const auto report = migrate(from, to, small_batches);
        INFO(message_of(report));
        REQUIRE(report);
        CHECK(report->erased == 1);
    }
    SECTION("also when it fails again on the way") {
        const Place again = target;
        again.control->refuse_if = [left = std::make_shared<int>(1)](const Batch&) {
            return (*left)-- > 0 ? std::nullopt : std::optional{Errc::io};
        };
        REQUIRE_FALSE(migrate(from, to, small_batches));
        again.control->refuse_if = nullptr;
        const auto report = migrate(from, to, small_batches);
        INFO(message_of(report));
        REQUIRE(report);
    }
    check_same(source, target);
}

TEST_CASE("what the source has changed since a migration ended before it was compared is put right", "[migrate]") {
    const Place source = filled_place();
    const Place target;
    auto from = source.store();
    auto to = target.store();
    target.control->refuse_if = [](const Batch& batch) {
        const bool takes_the_mark_away = !batch.changes.empty() && !batch.changes.back().value;
        return takes_the_mark_away ? std::optional{Errc::io} : std::nullopt;
    };
    REQUIRE_FALSE(migrate(from, to));  // all in its last batch
    target.control->refuse_if = nullptr;
    REQUIRE(from.erase<Player>("p1004"));
    REQUIRE(from.erase<Player>("p1299"));
    REQUIRE(from.save(player("p1200", 4000)));
    const auto report = migrate(from, to, small_batches);
    INFO(message_of(report));
    REQUIRE(report);
    check_same(source, target);
}

TEST_CASE("a source that has become shorter leaves nothing behind in the target", "[migrate]") {
    const Place source = filled_place();
    const Place target = interrupted_target(source, 60);
    auto from = source.store();
    for (int i = 10; i < players; ++i) REQUIRE(from.erase<Player>("p" + std::to_string(1000 + i)));
    auto to = target.store();
    const auto report = migrate(from, to, small_batches);
    INFO(message_of(report));
    REQUIRE(report);
    check_same(source, target);
}

TEST_CASE("a target that somebody has written to since is refused", "[migrate]") {
    const Place source = filled_place();
    const Place target = interrupted_target(source, 40);
    auto from = source.store();
    auto to = target.store();
    REQUIRE(to.put("written by", "somebody"));
    const auto report = migrate(from, to, small_batches);
    CHECK(report.error() == Errc::conflict);
    CHECK(message_of(report) == "somebody has written to the target since the migration was stopped: empty it, and begin anew");
    CHECK(to.get("written by") == "somebody");
}

TEST_CASE("a migration is not gone on with from another source", "[migrate]") {
    const Place source = filled_place();
    const Place target = interrupted_target(source, 40);
    const Place other;
    auto from = other.store();
    REQUIRE(from.save(player("ada")));
    auto to = target.store();
    CHECK(migrate(from, to).error() == Errc::conflict);
}

TEST_CASE("the target of a migration that is not finished is no source", "[migrate]") {
    const Place source = filled_place();
    const Place target = interrupted_target(source, 40);
    auto from = target.store();
    const Place next;
    auto to = next.store();
    CHECK(migrate(from, to).error() == Errc::incompatible);
    CHECK(*to.backend().last_version() == absent);
}

TEST_CASE("progress tells the stages and can stop a migration", "[migrate]") {
    const Place source = filled_place();
    const Place target;
    auto from = source.store();
    auto to = target.store();
    std::vector<MigrateProgress> told;
    MigrateOptions options = small_batches;
    options.progress = [&](const MigrateProgress& progress) {
        told.push_back(progress);
        return progress.stage != Stage::copying || progress.records < 100;
    };
    const auto stopped = migrate(from, to, options);
    REQUIRE(stopped);
    CHECK_FALSE(stopped->is_finished);
    CHECK(stopped->written < 110);
    CHECK(told.back().of == all_records);
    CHECK(told.back().records >= 100);
    CHECK(told.back().records_per_second > 0);
    CHECK(told.back().remaining);

    options.progress = [&](const MigrateProgress& progress) {
        told.push_back(progress);
        return true;
    };
    const auto finished = migrate(from, to, options);
    REQUIRE(finished);
    CHECK(finished->is_finished);
    CHECK(told.back().stage == Stage::verifying);
    CHECK(told.back().records == told.back().of);
    CHECK(told.back().remaining == 0ms);
    check_same(source, target);
}

TEST_CASE("a dry run writes nothing and tells what would be there", "[migrate]") {
    const Place source = filled_place();
    const Place target;
    auto from = source.store();
    auto to = target.store();
    const auto report = migrate(from, to, {.dry_run = true});
    REQUIRE(report);
    CHECK(report->is_finished);
    CHECK(report->records.kinds.at("player").records == players);
    CHECK(report->written == 0);
    CHECK(*to.backend().last_version() == absent);
}

TEST_CASE("a record that does not decode is named before anything is written by a dry run", "[migrate]") {
    const Place source;
    auto from = source.store<WithCodec<Binary>>();
    REQUIRE(from.put("player:broken", "\xff\xff\xff"));
    const Place target;
    auto to = target.store<WithCodec<Json>>();
    const auto report = migrate<Player>(from, to, {.dry_run = true});
    REQUIRE_FALSE(report);
    CHECK(message_of(report).starts_with("player:broken: "));
}

TEST_CASE("entities are converted to the target's codec", "[migrate]") {
    const Place source = filled_place();
    const Place target;
    auto from = source.store();
    {
        auto to = target.store<WithCodec<Json>>();
        const auto report = migrate<Player, Lobby>(from, to, small_batches);
        INFO(message_of(report));
        REQUIRE(report);
    }
    auto to = target.store<WithCodec<Json>>();
    CHECK(to.get("player:p1007")->front() == '{');
    CHECK(**to.load<Player>("p1007") == player("p1007", 7));
    CHECK(to.load<Player>("p1007")->version() == from.load<Player>("p1007")->version());
    CHECK(to.get("motd") == from.get("motd"));
    CHECK(to.find<Player>(where(&Player::skill_rating).equals(7))->items.size() == 1);
    CHECK(to.verify_indexes<Player>());
}

TEST_CASE("a kind that must be converted and is not named is refused before anything is written", "[migrate]") {
    const Place source = filled_place();
    const Place target;
    auto from = source.store();
    auto to = target.store<WithCodec<Json>>();
    const auto refused = migrate<Player>(from, to);
    CHECK(refused.error() == Errc::unsupported);
    CHECK(message_of(refused).starts_with("lobby: its records must be converted from binary to json: name its type"));
    CHECK(*to.backend().last_version() == absent);

    CHECK(migrate<Player>(from, to, {.raw_kinds = {"lobby"}})->is_finished);
    CHECK(to.backend().read("lobby:l2")->value == from.backend().read("lobby:l2")->value);
}

TEST_CASE("compression is added to the kinds that are named and no type is needed for the others", "[migrate]") {
    const Place source = filled_place();
    {
        auto store = source.store();
        Player wordy = player("wordy");
        wordy.username.assign(2000, 'a');
        REQUIRE(store.save(wordy));
    }
    const Place target;
    auto from = source.store();
    {
        auto to = target.store<WithCodec<Zstd<Binary>>>();
        const auto report = migrate<Player>(from, to);
        INFO(message_of(report));
        REQUIRE(report);
    }
    auto to = target.store<WithCodec<Zstd<Binary>>>();
    CHECK(to.get("player:wordy")->front() == '\xff');
    CHECK((*to.load<Player>("wordy"))->username.size() == 2000);
    CHECK(to.backend().read("lobby:l2")->value == from.backend().read("lobby:l2")->value);
}

TEST_CASE("a target that does not hold what was written to it is corrupt", "[migrate]") {
    const Place source = filled_place();
    auto from = source.store();
    auto to = *open<ForgetfulBackend, NoCache>({});
    const auto report = migrate(from, to);
    CHECK(report.error() == Errc::corrupt);
    CHECK(message_of(report) == "the target is not what was written to it: player: 299 records, not 300");
}
