// libFuzzer on the Binary codec: see run.

#include "tests/codec/samples.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <joinly/codec/binary.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace joinly;
    test::decode_as<Binary, Player, Lobby, Match, Queue, game::Everything, game::Hero, game::Tree, game::Keeper>(
        {reinterpret_cast<const char*>(data), size});
    return 0;
}
