// expect: deleted
#include <joinly/codec/binary_view.hpp>
#include <joinly/entity/player.hpp>
#include <string>

int main() { return joinly::view<joinly::Player>(std::string{}) ? 0 : 1; }
