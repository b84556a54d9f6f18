// print_schema <lobby or roster>: the .proto file of which protoc makes the classes that benchmarks/codec.cpp measures.

#include <benchmarks/support/codec_samples.hpp>
#include <joinly/codec/proto_schema.hpp>

#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const bool is_lobby = std::string_view{argv[1]} == "lobby";
    const auto text = is_lobby ? joinly::proto_schema<joinly::Lobby>() : joinly::proto_schema<joinly::bench::Roster>();
    return std::fputs(text.c_str(), stdout) < 0;
}
