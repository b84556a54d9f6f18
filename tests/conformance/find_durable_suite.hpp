// What queries by index promise besides over a durable backend, under every policy. Included after find_suite.hpp.

#include <tests/support/catch.hpp>

namespace {

JOINLY_EACH_POLICY("indexes and cursors outlast a restart") {
    Fixture<TestType> store;
    for (int i = 0; i < 4; ++i) REQUIRE(store->save(guild(std::to_string(i), i)));
    const auto query = where(&Guild::trophies).limit(2);
    const auto cursor = store->template find_ids<Guild>(query)->cursor;
    store.reopen();
    CHECK(found(*store, query.after(cursor)) == Ids{"2", "3"});
    REQUIRE(store->save(old_guild("4", 9)));
    store.reopen();
    CHECK(store->template find_ids<Guild>(query).error() == Errc::incompatible);
}

}  // namespace
