// expect: joinly: this member is no field of the description, so it is not in the bytes
#include <joinly/codec/binary_view.hpp>
#include <joinly/entity/player.hpp>

int main() {
    const auto player = joinly::view<joinly::Player>("");
    static_cast<void>(player->get<&joinly::Player::unknown_fields>());
}
