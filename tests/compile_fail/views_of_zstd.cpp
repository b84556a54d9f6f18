// expect: create_views: SQL cannot look into values that Zstd may have compressed
#include <joinly/backend/sqlite.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/codec/zstd.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/ops/sql_views.hpp>
#include <joinly/store.hpp>

struct SmallTraits : joinly::DefaultTraits {
    using Codec = joinly::Zstd<joinly::Json>;
};

int main() {
    auto store = joinly::open<joinly::SqliteBackend, joinly::NoCache, SmallTraits>({.path = "joinly.db"});
    return joinly::create_views<joinly::Player>(*store) ? 0 : 1;
}
