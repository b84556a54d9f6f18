// The core and the memory backend without exceptions and RTTI: what fails is an Error all the same.
#include <joinly/backend/memory.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/key.hpp>

#include <chrono>
#include <string>
#include <string_view>

#include "expect.hpp"

using namespace joinly;

int main() {
    EXPECT(make_key("lobby", "").error() == Errc::invalid_argument);
    const std::string key = make_key("lobby", "lobby_123").value();
    EXPECT(key == "lobby:lobby_123");

    auto backend = MemoryBackend::open();
    EXPECT(backend.has_value());
    EXPECT(backend->read(key).error() == Errc::not_found);

    ManualClock clock;
    const auto expiry = Expiry::after(clock.now(), std::chrono::seconds{1});
    const auto version = backend->write(Batch{}.put(key, "waiting", *expiry).require(key, absent));
    EXPECT(version.has_value());
    EXPECT(backend->write(Batch{}.put(key, "closed").require(key, absent)).error() == Errc::conflict);

    const auto record = backend->read(key);
    EXPECT(record && record->value == "waiting" && record->version == *version);
    clock.advance(std::chrono::seconds{2});
    EXPECT(record->expires_at.has_passed(clock.now()));

    int visited = 0;
    const Status scanned = backend->scan(kind_range("lobby"), [&](std::string_view found, const RecordView&) {
        EXPECT(id_of("lobby", found) == "lobby_123");
        ++visited;
        return true;
    });
    EXPECT(scanned && visited == 1);
}
