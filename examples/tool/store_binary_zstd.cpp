#include "store_of.hpp"

namespace tool {

joinly::Result<std::unique_ptr<AnyStore>> make_binary_zstd_store(std::shared_ptr<Engine> engine) {
    return StoreOf<BinaryZstd>::open(std::move(engine));
}

}  // namespace tool
