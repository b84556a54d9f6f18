#include <joinly/core/key.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/detail/key_buffer.hpp>
#include <tests/support/catch.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace {

using joinly::detail::KeyBuffer;
using joinly::detail::KeyHash;
using joinly::detail::KindPrefix;

constexpr std::string_view longest_kind = "abcdefghijklmnopqrstuvwxyz_0123456789_abcdefghijklmnopqrstuvwxy";
static_assert(longest_kind.size() == joinly::max_kind_bytes);

template <std::size_t kind_bytes>
constexpr KindPrefix prefix_of{longest_kind.substr(0, kind_bytes)};

const KeyHash hash{.seed = 0x1234'5678'9abc'def0U};

/// In memory of its own, so that the address sanitizer sees its end.
class OwnId {
public:
    explicit OwnId(std::size_t bytes) : bytes_{bytes}, id_{std::make_unique<char[]>(bytes)} {
        for (std::size_t i = 0; i < bytes; ++i) id_[i] = static_cast<char>(200 + i * 7);
    }
    [[nodiscard]] std::string_view view() const noexcept { return {id_.get(), bytes_}; }

private:
    std::size_t bytes_;
    std::unique_ptr<char[]> id_;
};

/// How many keys of one kind, with ids of all sizes, have other bytes than make_key makes, or another hash.
template <std::size_t kind_bytes>
std::size_t count_wrong() {
    std::size_t wrong = 0;
    for (std::size_t id_bytes = 1; id_bytes <= joinly::max_id_bytes; ++id_bytes) {
        const OwnId id{id_bytes};
        const KeyBuffer<prefix_of<kind_bytes>> key{id.view()};
        const auto expected = joinly::make_key(longest_kind.substr(0, kind_bytes), id.view());
        if (key.view() != *expected || key.hash(hash) != hash(*expected)) ++wrong;
    }
    return wrong;
}

template <std::size_t... less_one>
std::size_t count_wrong_of_all(std::index_sequence<less_one...>) {
    return (count_wrong<less_one + 1>() + ...);
}

TEST_CASE("a key buffer of any kind and id has the bytes that make_key makes, and their hash", "[key_buffer]") {
    CHECK(count_wrong_of_all(std::make_index_sequence<joinly::max_kind_bytes>{}) == 0);
}

}  // namespace
