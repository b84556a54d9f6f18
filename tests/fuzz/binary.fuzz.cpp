// libFuzzer on the Binary codec and on views of what it encodes: see run.

#include "tests/codec/samples.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/view_judge.hpp"

#include <joinly/codec/binary.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

template <class... Types>
void view_as(std::string_view bytes) {
    using namespace joinly::test;
    (demand_none("view", view_complaint<Types>(bytes, Meter{})), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace joinly;
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    test::decode_as<Binary, Player, Lobby, Match, Queue, game::Everything, game::Hero, game::Tree, game::Keeper>(bytes);
    view_as<Player, Lobby, Match, Queue, game::Everything, game::Hero, game::Tree, game::Keeper>(bytes);
    return 0;
}
