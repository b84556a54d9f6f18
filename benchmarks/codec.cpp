// What encoding and decoding cost, for a player, the library's lobby of eight, and a lobby with eight whole players ("roster").
// "handwritten" is the floor: the same bytes as ours, by the same rules (benchmarks/support/handwritten_codec.hpp). The counter
// `bytes` is the size of the encoding. Decoding includes making the object and destroying it; `decode_into` is into one that is
// kept. `view` is of the same bytes without an object: all strings and numbers of a player, and of a lobby the ids and attributes
// as well.

#include <benchmarks/support/codec_samples.hpp>
#include <benchmarks/support/handwritten_codec.hpp>
#include <benchmarks/support/left_out.hpp>
#include <benchmarks/support/nlohmann_codec.hpp>
#include <joinly/codec/binary.hpp>
#include <joinly/codec/binary_into.hpp>
#include <joinly/codec/binary_view.hpp>
#include <joinly/codec/json.hpp>

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#if defined(JOINLY_BENCH_PROTOBUF)
#include "lobby.pb.h"
#include "roster.pb.h"
#endif
#if defined(JOINLY_BENCH_MSGPACK)
#include <benchmarks/support/msgpack_codec.hpp>
#endif
#if defined(JOINLY_BENCH_CEREAL)
#include <benchmarks/support/cereal_codec.hpp>
#endif

namespace {

using namespace joinly::bench;

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "benchmark: %s\n", what);
    std::exit(1);
}

template <class Codec>
struct Ours {
    template <class T>
    static void encode(const T& object, std::string& out) {
        if (!Codec::encode(object, out)) fail("an object was not encoded");
    }
    template <class T>
    static void decode(std::string_view bytes, T& object) {
        if (!Codec::decode(bytes, object)) fail("bytes were not decoded");
    }
};
struct Handwritten {
    template <class T>
    static void encode(const T& object, std::string& out) {
        handwritten::encode(object, out);
    }
    template <class T>
    static void decode(std::string_view bytes, T& object) {
        if (!handwritten::decode(bytes, object)) fail("bytes were not decoded");
    }
};
struct Nlohmann {
    template <class T>
    static void encode(const T& object, std::string& out) {
        direct::encode(object, out);
    }
    template <class T>
    static void decode(std::string_view text, T& object) {
        direct::decode(text, object);
    }
};

template <class Codec, class T>
void encode(benchmark::State& state, const T& object) {
    std::string bytes;
    for (auto _ : state) {
        bytes.clear();
        benchmark::DoNotOptimize(&object);
        Codec::encode(object, bytes);
        benchmark::DoNotOptimize(bytes.data());
        benchmark::ClobberMemory();
    }
    state.counters["bytes"] = static_cast<double>(bytes.size());
}

template <class Codec, class T>
void decode(benchmark::State& state, const T& object) {
    std::string bytes;
    Codec::encode(object, bytes);
    T again;
    Codec::decode(bytes, again);
    if (!(again == object)) fail("an object did not come back as it was");
    for (auto _ : state) {
        T decoded;
        Codec::decode(bytes, decoded);
        benchmark::DoNotOptimize(&decoded);
        benchmark::ClobberMemory();
    }
}

template <class T>
void decode_into(benchmark::State& state, const T& object) {
    std::string bytes;
    Ours<joinly::Binary>::encode(object, bytes);
    T decoded;
    for (auto _ : state) {
        if (!joinly::decode_into(bytes, decoded)) fail("bytes were not decoded");
        benchmark::DoNotOptimize(&decoded);
        benchmark::ClobberMemory();
    }
    if (!(decoded == object)) fail("an object did not come back as it was");
}

void look_at(const joinly::BinaryView<joinly::Player>& player) {
    using joinly::Player;
    benchmark::DoNotOptimize(player.get<&Player::player_id>());
    benchmark::DoNotOptimize(player.get<&Player::username>());
    benchmark::DoNotOptimize(player.get<&Player::skill_rating>());
    benchmark::DoNotOptimize(player.get<&Player::created_at>());
}
void look_at(const joinly::BinaryView<joinly::Lobby>& lobby) {
    using joinly::Lobby;
    benchmark::DoNotOptimize(lobby.get<&Lobby::lobby_id>());
    benchmark::DoNotOptimize(lobby.get<&Lobby::state>());
    benchmark::DoNotOptimize(lobby.get<&Lobby::max_players>());
    benchmark::DoNotOptimize(lobby.get<&Lobby::owner>());
    benchmark::DoNotOptimize(lobby.get<&Lobby::created_at>());
    benchmark::DoNotOptimize(lobby.get<&Lobby::rating>());
    const auto seen = [](auto... texts) { (benchmark::DoNotOptimize(texts), ...); };
    if (!lobby.for_each<&Lobby::players>(seen) || !lobby.for_each<&Lobby::attributes>(seen)) fail("a lobby was not seen whole");
}
template <class T>
void look(benchmark::State& state, const T& object) {
    std::string bytes;
    Ours<joinly::Binary>::encode(object, bytes);
    for (auto _ : state) {
        benchmark::DoNotOptimize(bytes.data());
        const auto view = joinly::view<T>(bytes);
        if (!view) fail("bytes were not seen");
        look_at(*view);
        benchmark::ClobberMemory();
    }
}

#if defined(JOINLY_BENCH_PROTOBUF)
/// Protobuf has classes of its own: what goes in and out is one of those.
template <class Message>
Message message_from(const std::string& bytes) {
    Message message;
    if (!message.ParseFromString(bytes)) fail("protobuf does not read what Binary wrote");
    return message;
}
template <class Message>
void encode_message(benchmark::State& state, const std::string& binary) {
    const Message message = message_from<Message>(binary);
    std::string bytes;
    for (auto _ : state) {
        bytes.clear();
        if (!message.AppendToString(&bytes)) fail("protobuf did not encode");
        benchmark::DoNotOptimize(bytes.data());
        benchmark::ClobberMemory();
    }
    state.counters["bytes"] = static_cast<double>(bytes.size());
}
template <class Message>
void decode_message(benchmark::State& state, const std::string& binary) {
    for (auto _ : state) {
        Message message = message_from<Message>(binary);
        benchmark::DoNotOptimize(&message);
        benchmark::ClobberMemory();
    }
}
template <class Message, class T>
void add_protobuf(const std::string& what, const T& object) {
    std::string bytes;
    Ours<joinly::Binary>::encode(object, bytes);
    benchmark::RegisterBenchmark(("encode/" + what + "/protobuf").c_str(),
                                 [=](benchmark::State& state) { encode_message<Message>(state, bytes); });
    benchmark::RegisterBenchmark(("decode/" + what + "/protobuf").c_str(),
                                 [=](benchmark::State& state) { decode_message<Message>(state, bytes); });
}
#endif

template <class Codec, class T>
void add(const std::string& what, const char* codec, const T& object) {
    benchmark::RegisterBenchmark(("encode/" + what + '/' + codec).c_str(),
                                 [=](benchmark::State& state) { encode<Codec>(state, object); });
    benchmark::RegisterBenchmark(("decode/" + what + '/' + codec).c_str(),
                                 [=](benchmark::State& state) { decode<Codec>(state, object); });
}

template <class T>
void add_decode_into(const std::string& what, const T& object) {
    benchmark::RegisterBenchmark(("decode_into/" + what + "/binary").c_str(),
                                 [=](benchmark::State& state) { decode_into(state, object); });
}
template <class T>
void add_view(const std::string& what, const T& object) {
    benchmark::RegisterBenchmark(("view/" + what + "/binary").c_str(), [=](benchmark::State& state) { look(state, object); });
}

template <class T>
void add_all(const std::string& what, const T& object) {
    add<Ours<joinly::Binary>>(what, "binary", object);
    add_decode_into(what, object);
    add<Handwritten>(what, "handwritten", object);
    add<Ours<joinly::Json>>(what, "json", object);
    add<Nlohmann>(what, "nlohmann", object);
#if defined(JOINLY_BENCH_MSGPACK)
    add<Msgpack>(what, "msgpack", object);
#endif
#if defined(JOINLY_BENCH_CEREAL)
    add<Cereal>(what, "cereal", object);
#endif
}

}  // namespace

int main(int argc, char** argv) {
    add_all("player", sample_player());
    add_all("lobby", sample_lobby());
    add_all("roster", sample_roster());
    add_view("player", sample_player());
    add_view("lobby", sample_lobby());
#if defined(JOINLY_BENCH_PROTOBUF)
    add_protobuf<::Player>("player", sample_player());
    add_protobuf<::Lobby>("lobby", sample_lobby());
    add_protobuf<::Roster>("roster", sample_roster());
#else
    left_out("protobuf", "libprotobuf-dev or protobuf-compiler");
#endif
#if !defined(JOINLY_BENCH_MSGPACK)
    left_out("msgpack", "libmsgpack-dev");
#endif
#if !defined(JOINLY_BENCH_CEREAL)
    left_out("cereal", "libcereal-dev");
#endif
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
