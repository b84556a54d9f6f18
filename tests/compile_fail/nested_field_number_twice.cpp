// expect: joinly: two fields have the same number
#include <joinly/codec/binary.hpp>
#include <joinly/entity/entity.hpp>
#include <string>
#include <vector>

namespace game {
struct Item {
    int weight = 0;
    int price = 0;
};
struct Bag {
    std::vector<Item> items;
};
}  // namespace game

template <>
struct joinly::Entity<game::Item> {
    static constexpr void fields(auto& item, auto&& field) {
        field(1, "weight", item.weight);
        field(1, "price", item.price);
    }
};
template <>
struct joinly::Entity<game::Bag> {
    static constexpr void fields(auto& bag, auto&& field) { field(1, "items", bag.items); }
};

int main() {
    std::string bytes;
    return joinly::Binary::encode(game::Bag{}, bytes) ? 0 : 1;
}
