#include <joinly/backend/memory.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/count_allocations.hpp>
#include <tests/support/entities.hpp>

#include <string>

namespace {

using joinly::MemoryBackend;
using joinly::Player;
using joinly::ReadThrough;
using joinly::WriteBehind;
using joinly::WriteThrough;
using joinly::test::allocations_of;
using joinly::test::counts_allocations;
using joinly::test::player;

TEMPLATE_TEST_CASE("a cache hit allocates nothing, however long the id is", "[store]", ReadThrough, WriteThrough, WriteBehind) {
    auto store = *joinly::open<MemoryBackend, TestType>({});
    const std::string id = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
    REQUIRE(store.save(player(id, 5)));
    REQUIRE(store.template load<Player>(id));
    std::int32_t seen = 0;
    const auto allocations = allocations_of([&] { seen = (*store.template load<Player>(id))->skill_rating; });
    CHECK(seen == 5);
    if (counts_allocations) CHECK(allocations == 0);
}

}  // namespace
