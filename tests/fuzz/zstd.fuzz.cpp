// libFuzzer on the Zstd codec: see run. The input is a stored value; and what a sound frame holds, for what changes within a frame
// seldom leaves one.

#include "tests/codec/samples.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/codec/zstd.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace joinly;

/// What a decoding holds besides libzstd's own context, which is as large for any frame.
struct ZstdMeter {
    static constexpr std::uint64_t context_bytes = 256 * 1024;

    template <class Work>
    std::uint64_t operator()(Work work) const {
        const std::uint64_t most = test::Meter{}(work);
        return most > context_bytes ? most - context_bytes : 0;
    }
};

template <class... Types>
void decode_as(std::string_view value) {
    const auto decode = [&]<class Codec>(Codec) {
        (test::demand_none(detail::place_in_object<Types>({}), test::complaint<Codec, Types>(value, ZstdMeter{})), ...);
    };
    decode(Zstd<Binary, ZstdOptions{.threshold_bytes = 16}>{});
    decode(Zstd<Json, ZstdOptions{.threshold_bytes = 16}>{});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool installed = (test::Meter::install(), true);
    static_cast<void>(installed);
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    std::string framed(1, detail::compressed_mark);
    const bool fits = detail::append_zstd_frame(bytes, size + 1024, 1, framed);
    test::demand_none("frame", fits ? "" : "it does not fit");
    for (const std::string_view value : {bytes, std::string_view{framed}}) decode_as<Player, Lobby, game::Everything>(value);
    return 0;
}
