// expect: no_index_is_declared_over_exactly_these_members_in_this_order
#include <joinly/entity/player.hpp>
#include <joinly/index/query.hpp>

int main() { return joinly::plan(joinly::where(&joinly::Player::attributes)) ? 0 : 1; }
