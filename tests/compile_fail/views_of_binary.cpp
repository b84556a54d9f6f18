// expect: create_views: SQL can look into JSON only: give the store traits with `using Codec = joinly::Json`
#include <joinly/backend/sqlite.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/ops/sql_views.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::SqliteBackend, joinly::NoCache>({.path = "joinly.db"});
    return joinly::create_views<joinly::Player>(*store) ? 0 : 1;
}
