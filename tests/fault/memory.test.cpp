// A store over memory with a journal on a disk that fails: see matrix.hpp.

#include <joinly/backend/memory.hpp>
#include <joinly/policy/journal.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/fault/matrix.hpp>
#include <tests/support/failing_backend.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace joinly::test;
using joinly::Errc;

/// Nothing of it is on a disk.
struct SoundMemory : joinly::MemoryBackend {
    explicit SoundMemory(joinly::MemoryBackend backend) : MemoryBackend{std::move(backend)} {}
    [[nodiscard]] static joinly::Result<SoundMemory> open(const joinly::MemoryOptions& options) {
        return SoundMemory{*joinly::MemoryBackend::open(options)};
    }
    [[nodiscard]] joinly::Status verify_integrity() { return {}; }
};

struct JournaledMemory {
    static constexpr const char* name = "memory, journal";
    using Backend = SoundMemory;
    using Policy = joinly::WriteBehind;
    static joinly::MemoryOptions backend_options(const std::string&) { return {}; }
    static joinly::WriteBehindOptions policy_options(const std::string& directory) {
        joinly::WriteBehindOptions options;
        options.drive = joinly::Drive::caller;
        options.journal.path = directory + "/journal";
        options.journal.sync = joinly::Sync::power_loss;
        options.journal.segment_bytes = 1 << 16;
        options.journal.limit_bytes = 1 << 18;  // it writes checkpoints during the scenario
        return options;
    }
    static bool may_have_written(Errc code) { return code == Errc::io; }
};

TEST_CASE("whichever file call fails under a journal over memory, the store says so, loses nothing and works on",
          "[fault][memory]") {
    run_matrix<JournaledMemory>(6);
}

TEST_CASE("a full disk under a journal over memory loses nothing, and writing goes on when there is room again",
          "[fault][memory]") {
    run_full_disk<JournaledMemory>();
}

TEST_CASE("a store does not open on a read-only file system for its journal, and says so", "[fault][memory]") {
    const QuickDir quick;
    FileFaults faults{(*quick).path().string()};
    for (const int refusal : {EROFS, EACCES}) {
        run_trial<JournaledMemory>("memory, journal, read-only", *quick, faults, [&](Trial<JournaledMemory>& trial) {
            faults.fail(FileFault::on_change(refusal), 1, Failing::forever);
            if (trial.open()) trial.found("a journal opens on a read-only file system");
            if (trial.errors().empty() || trial.errors().back() != Errc::read_only) trial.found("opening does not say read_only");
        });
    }
}

TEST_CASE("a store whose journal finds no room says so, when it opens or when it is written to, and works when there is",
          "[fault][memory]") {
    const TempDir dir;
    FileFaults faults{dir.path().string()};
    joinly::WriteBehindOptions options{.drive = joinly::Drive::caller};
    options.journal.path = dir / "journal";
    const auto open = [&] { return joinly::open<joinly::MemoryBackend, joinly::WriteBehind>({}, options); };
    faults.fail({FileCall::open_write, ENOSPC}, 1, Failing::forever);
    const auto refused = open();
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::full);
    CHECK(refused.error().message().find(options.journal.path) != std::string_view::npos);

    faults.fail({FileCall::allocate, ENOSPC}, 1, Failing::forever);
    auto store = open();
    REQUIRE(store);
    const auto saved = store->put("key", "value");
    REQUIRE_FALSE(saved);
    CHECK(saved.error() == Errc::full);
    CHECK(saved.error().message().find(options.journal.path) != std::string_view::npos);
    faults.lift();
    static_cast<void>(store->flush());  // a journal that failed begins again with it
    CHECK(store->put("key", "value"));
}

TEST_CASE("a journal's directory that cannot be read to its end is no shorter journal: opening says so, and loses nothing",
          "[fault][memory]") {
    for (std::int64_t n = 1; n <= 12; ++n) {
        const TempDir dir;
        FileFaults faults{dir.path().string()};
        joinly::WriteBehindOptions options{.drive = joinly::Drive::caller};
        options.journal.path = dir / "journal";
        options.journal.segment_bytes = 64 << 10;
        const auto open = [&] { return joinly::open<joinly::MemoryBackend, joinly::WriteBehind>({}, options); };
        {
            auto store = open();
            REQUIRE(store);
            for (int i = 0; i < 300; ++i) REQUIRE(store->put(std::to_string(i), std::string(1'000, 'v')));
        }
        INFO("readdir " << n << " fails");
        faults.fail({FileCall::list_on, EIO}, n);
        if (auto store = open()) {
            CHECK((!faults.struck() || store->keys()->size() == 300));
            static_cast<void>(store->put("new", "value"));
        } else {
            CHECK(store.error() == Errc::io);
        }
        faults.lift();
        auto store = open();
        REQUIRE(store);
        CHECK(store->get("0"));
        CHECK(store->get("299"));
    }
}

TEST_CASE("whichever look at a file fails, a salvage skips no more bytes than there are", "[fault][memory][damage]") {
    const TempDir dir;
    FileFaults faults{dir.path().string()};
    const std::string path = dir / "journal";
    {
        auto journal = joinly::Journal::open({.path = path, .segment_bytes = 64 << 10});
        REQUIRE(journal);
        const std::string payload(10'000, 'v');
        for (joinly::Version version = 1; version <= 8; ++version) REQUIRE((*journal)->append(version, payload));
    }
    const std::string first = path + "/0000000001.segment";
    REQUIRE(std::filesystem::exists(path + "/0000000002.segment"));
    {
        std::fstream file{first, std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(55'000);  // in its last frame, so that it is the next segment that tells of the hole
        file.put('x');
    }
    const TempDir kept;
    std::filesystem::copy(path, kept / "journal");
    bool was_struck = true;
    for (std::int64_t n = 1; was_struck; ++n) {
        std::filesystem::remove_all(path);
        std::filesystem::copy(kept / "journal", path);
        INFO("look " << n << " fails");
        faults.fail({FileCall::look, EIO}, n);
        const auto salvaged = joinly::salvage_journal(path);
        was_struck = faults.struck();
        faults.lift();
        if (salvaged) {
            CHECK(salvaged->frames == 7);
            CHECK(salvaged->bytes_skipped > 0);
            CHECK(salvaged->bytes_skipped < 2 * (64 << 10));
        } else {
            CHECK(salvaged.error() == Errc::io);
        }
    }
}

TEST_CASE("a store over memory outlives that its journal's directory is away for a while", "[fault][memory]") {
    run_vanished<JournaledMemory>();
}

TEST_CASE("a store over memory says that too many files are open for its journal", "[fault][memory]") {
    run_too_many_files<JournaledMemory>();
}

/// A store whose journal has had its first segment synced, so that nothing but a save's own frame is left to sync.
auto open_with_begun_journal(const TempDir& dir, joinly::Sync sync) {
    joinly::WriteBehindOptions options{.drive = joinly::Drive::caller};
    options.journal.path = dir / "journal";
    options.journal.sync = sync;
    auto store = *joinly::open<joinly::MemoryBackend, joinly::WriteBehind>({}, options);
    REQUIRE(store.put("first", "value"));
    return store;
}

TEST_CASE("a save is acknowledged once an fdatasync has made its frame durable, if that is asked for", "[fault][memory]") {
    const TempDir dir;
    FileFaults faults{dir.path().string()};
    auto store = open_with_begun_journal(dir, joinly::Sync::power_loss);
    for (int i = 0; i < 3; ++i) {
        const auto before = faults.count(FileCall::sync);
        REQUIRE(store.put("key" + std::to_string(i), "value"));
        CHECK(faults.count(FileCall::sync) == before + 1);
    }
    faults.fail({FileCall::sync, EIO}, 1);
    CHECK(store.put("key", "value").error() == Errc::io);
    CHECK(faults.struck());
    CHECK(store.get("key") == "value");  // and will be stored
}

TEST_CASE("a save that is to survive the process alone waits for no fdatasync", "[fault][memory]") {
    const TempDir dir;
    const FileFaults faults{dir.path().string()};
    auto store = open_with_begun_journal(dir, joinly::Sync::process_crash);
    const auto before = faults.count(FileCall::sync);
    for (int i = 0; i < 3; ++i) REQUIRE(store.put("key" + std::to_string(i), "value"));
    CHECK(faults.count(FileCall::sync) == before);
}

TEST_CASE("a store that its caller drives syncs its journal in pump, once the interval has passed", "[fault][memory]") {
    const TempDir dir;
    const FileFaults faults{dir.path().string()};
    joinly::ManualTraits traits;
    joinly::WriteBehindOptions options{.max_delay = std::chrono::hours{1}, .drive = joinly::Drive::caller};
    options.journal.path = dir / "journal";
    options.journal.sync_interval = std::chrono::milliseconds{10};
    auto store = joinly::open<joinly::MemoryBackend, joinly::WriteBehind>({}, options, traits);
    REQUIRE(store);
    REQUIRE(store->put("first", "value"));
    traits.clock.advance(std::chrono::milliseconds{10});
    REQUIRE(store->pump());  // which prepares the next segment as well
    REQUIRE(store->put("key", "value"));
    const auto before = faults.count(FileCall::sync);
    REQUIRE(store->pump());
    CHECK(faults.count(FileCall::sync) == before);
    traits.clock.advance(std::chrono::milliseconds{10});
    REQUIRE(store->pump());
    const auto after = faults.count(FileCall::sync);
    CHECK(after > before);
    traits.clock.advance(std::chrono::milliseconds{10});
    REQUIRE(store->pump());
    CHECK(faults.count(FileCall::sync) == after);  // nothing has been saved since
}

/// A store with a journal, beside a backend that refuses whatever is put.
struct Refusing {
    using Store = joinly::Store<FailingBackend, joinly::WriteBehind>;

    [[nodiscard]] Store open() const {
        joinly::WriteBehindOptions options{.drive = joinly::Drive::caller};
        options.journal.path = dir / "journal";
        auto store = Store::open({.control = control}, options, {});
        REQUIRE(store);
        return *std::move(store);
    }
    joinly::Status set_aside(Store& store, std::string_view key) const {
        REQUIRE(store.put(key, "value"));
        return flush_refused(store);
    }
    joinly::Status flush_refused(Store& store) const {
        control->refuse_writes = Errc::corrupt;
        auto flushed = store.flush();
        control->refuse_writes = std::nullopt;
        return flushed;
    }

    TempDir dir;
    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
};

TEST_CASE("a dead letter costs one write and one sync of the journal's, however many there are", "[fault][memory][dead_letter]") {
    const Refusing place;
    const FileFaults faults{place.dir.path().string()};
    auto store = place.open();
    constexpr int letters = 500;
    for (int i = 0; i < letters; ++i) CHECK(place.set_aside(store, std::to_string(i)).error() == Errc::corrupt);
    REQUIRE(store.dead_letters().size() == letters);
    constexpr int wholes = 12;  // written anew whenever it has doubled, with some calls more
    CHECK(faults.count(FileCall::rename) <= wholes);
    CHECK(faults.count(FileCall::write) <= letters + 4 * wholes);
    CHECK(faults.count(FileCall::sync) <= letters + 4 * wholes);
    for (const auto& letter : store.dead_letters()) REQUIRE(store.drop_dead_letter(letter.id));
    CHECK(faults.count(FileCall::rename) <= 2 * wholes);
    CHECK(faults.count(FileCall::write) <= 2 * letters + 8 * wholes);
}

TEST_CASE("a dead letter that the journal's disk does not take stays pending, and is set aside when the disk is well again",
          "[fault][memory][dead_letter]") {
    const FileFault fault =
        GENERATE(FileFault{FileCall::write, EIO}, FileFault{FileCall::write, ENOSPC, true}, FileFault{FileCall::sync, EIO});
    const Refusing place;
    {
        FileFaults faults{place.dir.path().string()};
        auto store = place.open();
        CHECK(place.set_aside(store, "a").error() == Errc::corrupt);
        const auto renamed = faults.count(FileCall::rename);
        faults.fail(fault, 1);
        CHECK(place.set_aside(store, "b").error() == (fault.torn ? Errc::full : Errc::io));
        REQUIRE(faults.struck());
        CHECK(faults.count(FileCall::rename) == renamed);  // it was to be added
        faults.lift();
        CHECK(store.dead_letters().size() == 1);
        CHECK(store.get("b") == "value");
        CHECK(place.flush_refused(store).error() == Errc::corrupt);
        CHECK(store.dead_letters().size() == 2);
        CHECK(place.set_aside(store, "c").error() == Errc::corrupt);
    }
    auto store = place.open();
    const auto letters = store.dead_letters();
    REQUIRE(letters.size() == 3);
    for (const auto& letter : letters) CHECK(letter.keys.size() == 1);
}

TEST_CASE("what the journal's disk did not take as a dead letter is none after a restart, when the backend took it then",
          "[fault][memory][dead_letter]") {
    const FileFault fault =
        GENERATE(FileFault{FileCall::write, EIO}, FileFault{FileCall::write, ENOSPC, true}, FileFault{FileCall::sync, EIO});
    const Refusing place;
    {
        FileFaults faults{place.dir.path().string()};
        auto store = place.open();
        CHECK(place.set_aside(store, "a").error() == Errc::corrupt);
        faults.fail(fault, 1);
        CHECK(place.set_aside(store, "b").error() != Errc::corrupt);
        faults.lift();
        REQUIRE(store.flush());
    }
    auto store = place.open();
    REQUIRE(store.dead_letters().size() == 1);
    CHECK(store.dead_letters()[0].keys == std::vector<std::string>{"a"});
    CHECK(store.get("b") == "value");
}

TEST_CASE("a dead letter that the last run has left is synced before it is believed", "[fault][memory][dead_letter]") {
    const Refusing place;
    {
        auto store = place.open();
        for (const char* key : {"a", "b"}) CHECK(place.set_aside(store, key).error() == Errc::corrupt);
    }
    FileFaults faults{place.dir.path().string()};
    faults.fail({FileCall::sync, EIO}, 1, Failing::forever);
    joinly::WriteBehindOptions options{.drive = joinly::Drive::caller};
    options.journal.path = place.dir / "journal";
    CHECK(Refusing::Store::open({.control = place.control}, options, {}).error() == Errc::io);
    REQUIRE(faults.struck());
    faults.lift();
    CHECK(place.open().dead_letters().size() == 2);
}

TEST_CASE("a dead letter that the journal's disk does not forget stays, and is dropped when the disk is well again",
          "[fault][memory][dead_letter]") {
    const FileFault fault =
        GENERATE(FileFault{FileCall::write, EIO}, FileFault{FileCall::write, ENOSPC, true}, FileFault{FileCall::sync, EIO});
    const Refusing place;
    {
        FileFaults faults{place.dir.path().string()};
        auto store = place.open();
        CHECK(place.set_aside(store, "a").error() == Errc::corrupt);
        const joinly::Version id = store.dead_letters().at(0).id;
        faults.fail(fault, 1);
        CHECK(store.drop_dead_letter(id).error() == (fault.torn ? Errc::full : Errc::io));
        REQUIRE(faults.struck());
        faults.lift();
        CHECK(store.dead_letters().size() == 1);
        CHECK(store.drop_dead_letter(id));
        CHECK(store.dead_letters().empty());
    }
    CHECK(place.open().dead_letters().empty());
}

}  // namespace
