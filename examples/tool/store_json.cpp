#include "store_of.hpp"

namespace tool {

joinly::Result<std::unique_ptr<AnyStore>> make_json_store(std::shared_ptr<Engine> engine) {
    return StoreOf<Json>::open(std::move(engine));
}

}  // namespace tool
