// Bytes that are on players' disks must stay readable: tests/golden/ pins what both codecs write, and has written.

#include "tests/codec/samples.hpp"
#include "tests/support/catch.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/lease.hpp>
#include <joinly/testing/golden.hpp>

#include <string>
#include <vector>

using namespace joinly;
using namespace joinly::test;

namespace {

const std::string directory = JOINLY_TEST_SOURCE_DIR "/golden";

template <class Codec, class T>
void check_all_of(const std::vector<Golden<T>>& versions) {
    const Status status = check_golden<Codec, T>(directory, versions);
    INFO((status ? std::string{} : std::string{status.error().message()}));
    CHECK(status);
}

}  // namespace

TEMPLATE_TEST_CASE("what any build has stored reads as it should, and what this one stores is pinned", "[golden]", Binary, Json) {
    check_all_of<TestType, Player>({{"v1", golden_player()}});
    check_all_of<TestType, Lobby>({{"v1", golden_lobby()}, {"v2", golden_rated_lobby()}});
    check_all_of<TestType, Match>({{"v1", golden_match()}});
    check_all_of<TestType, Queue>({{"v1", golden_queue()}});
    check_all_of<TestType, QueueClaims>({{"v1", golden_queue_claims()}});
    check_all_of<TestType, detail::LeaseRecord>({{"v1", {"player:ada", "server-1", 1'234'567}}});
}
