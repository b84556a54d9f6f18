// expect: joinly: `for_each` is for lists and maps
#include <joinly/codec/binary_view.hpp>
#include <joinly/entity/lobby.hpp>

int main() {
    const auto lobby = joinly::view<joinly::Lobby>("");
    return lobby->for_each<&joinly::Lobby::owner>([](char) {}) ? 0 : 1;
}
