// expect: joinly: `get` gives fields that are there once: go through a list or map with
#include <joinly/codec/binary_view.hpp>
#include <joinly/entity/lobby.hpp>

int main() {
    const auto lobby = joinly::view<joinly::Lobby>("");
    lobby->get<&joinly::Lobby::players>();
}
