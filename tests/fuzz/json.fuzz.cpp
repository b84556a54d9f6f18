// libFuzzer on the Json codec: see run.

#include "tests/codec/samples.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/json_judge.hpp"

#include <joinly/codec/json.hpp>

namespace {

template <class... Types>
void decode_as(std::string_view text) {
    using namespace joinly;
    (test::demand_none(detail::place_in_object<Types>({}), test::json_complaint<Types>(text, test::Meter{})), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace joinly;
    static const bool installed = (test::Meter::install(), true);
    static_cast<void>(installed);
    decode_as<Player, Lobby, Match, Queue, game::Everything, game::Hero, game::Tree, game::Keeper>(
        {reinterpret_cast<const char*>(data), size});
    return 0;
}
