// expect: create_views: only SqliteBackend knows SQL
#include <joinly/backend/memory.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/ops/sql_views.hpp>
#include <joinly/store.hpp>

struct JsonTraits : joinly::DefaultTraits {
    using Codec = joinly::Json;
};

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::NoCache, JsonTraits>({});
    return joinly::create_views<joinly::Player>(*store) ? 0 : 1;
}
