#include "store_of.hpp"

namespace tool {

joinly::Result<std::unique_ptr<AnyStore>> make_binary_store(std::shared_ptr<Engine> engine) {
    return StoreOf<Binary>::open(std::move(engine));
}

}  // namespace tool
