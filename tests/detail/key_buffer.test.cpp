#include <joinly/core/key.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/detail/key_buffer.hpp>
#include <tests/support/catch.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace {

using joinly::detail::KeyBuffer;
using joinly::detail::KeyHash;
using joinly::detail::KindPrefix;

std::string text(std::size_t size, char first) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(first + static_cast<char>(i % 26)));
    return bytes;
}

/// Calls `check(prefix, id)` for kinds of each size, and ids of each size around those where something changes.
template <class Check>
void for_each_size(Check check) {
    for (std::size_t kind_bytes = 1; kind_bytes <= joinly::max_kind_bytes; ++kind_bytes) {
        const std::string kind = text(kind_bytes, 'a');
        const KindPrefix prefix{kind};
        for (std::size_t id_bytes = 1; id_bytes <= 100; ++id_bytes) check(prefix, text(id_bytes, 'A'));
        check(prefix, text(joinly::max_id_bytes, 'A'));
    }
}

TEST_CASE("a key buffer holds the key that make_key makes", "[key_buffer]") {
    for_each_size([](const KindPrefix& prefix, const std::string& id) {
        if (KeyBuffer{prefix, id}.view() != *joinly::make_key(prefix.kind(), id)) FAIL(prefix.kind() << ':' << id);
    });
}

TEST_CASE("a key buffer's hash is that of its bytes", "[key_buffer]") {
    const KeyHash hash{.seed = 0x1234'5678'9abc'def0U};
    for_each_size([&](const KindPrefix& prefix, const std::string& id) {
        const KeyBuffer key{prefix, id};
        if (key.hash(hash) != hash(key.view())) FAIL(prefix.kind() << ':' << id);
    });
}

TEST_CASE("a key buffer reads nothing beyond an id", "[key_buffer]") {
    const KeyHash hash;
    for_each_size(
        [&](const KindPrefix& prefix, const std::string& id) {  // the address sanitizer sees the end of a block of its own
            const auto block = std::make_unique<char[]>(id.size());
            id.copy(block.get(), id.size());
            const KeyBuffer key{prefix, {block.get(), id.size()}};
            if (key.hash(hash) != hash(key.view())) FAIL(prefix.kind() << ':' << id);
        });
}

TEST_CASE("a key buffer takes an id of any bytes", "[key_buffer]") {
    const std::string id{"\0\xff:%\n\x80", 6};
    CHECK(KeyBuffer{KindPrefix{"lobby"}, id}.view() == "lobby:" + id);
    const KeyHash hash;
    const std::string longer = id + id + id;
    const KindPrefix prefix{"lobby"};
    const KeyBuffer key{prefix, longer};
    CHECK(key.hash(hash) == hash("lobby:" + longer));
}

}  // namespace
