// libFuzzer on the Json codec: see run.

#include "tests/codec/samples.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <joinly/codec/json.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace joinly;
    test::decode_as<Json, Player, Lobby, Match, Queue, game::Everything, game::Hero, game::Tree, game::Keeper>(
        {reinterpret_cast<const char*>(data), size});
    return 0;
}
