#include <joinly/detail/crc32c.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "../support/catch.hpp"

using joinly::detail::crc32c;
using joinly::detail::crc32c_hardware;
using joinly::detail::crc32c_has_hardware;
using joinly::detail::crc32c_software;

namespace {

std::string counting(int first, int step) {
    std::string bytes;
    for (int i = 0; i < 32; ++i) bytes.push_back(static_cast<char>(first + i * step));
    return bytes;
}

// RFC 3720, B.4: an iSCSI READ(10) command.
constexpr unsigned char iscsi_read[] = {0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
                                        0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2,    0, 0, 0, 0, 0, 0, 0};

template <class Crc>
void require_vectors(Crc crc) {
    CHECK(crc(std::string(32, '\0')) == 0x8a9136aau);
    CHECK(crc(std::string(32, '\xff')) == 0x62a8ab43u);
    CHECK(crc(counting(0, 1)) == 0x46dd794eu);
    CHECK(crc(counting(31, -1)) == 0x113fdb5cu);
    CHECK(crc(std::string(reinterpret_cast<const char*>(iscsi_read), sizeof iscsi_read)) == 0xd9963a56u);
    CHECK(crc(std::string("123456789")) == 0xe3069283u);
    CHECK(crc(std::string()) == 0u);
}

/// Bytes without a pattern, the same in every run.
std::string noise(std::size_t size) {
    std::string bytes;
    std::uint32_t state = 1;
    while (bytes.size() < size) {
        state = state * 1664525u + 1013904223u;
        bytes.push_back(static_cast<char>(state >> 24));
    }
    return bytes;
}

}  // namespace

static_assert(crc32c_software("123456789") == 0xe3069283u);

TEST_CASE("crc32c gives the answers of RFC 3720", "[crc32c]") {
    require_vectors([](std::string_view bytes) { return crc32c(bytes); });
}

TEST_CASE("crc32c by table gives the answers of RFC 3720", "[crc32c]") {
    require_vectors([](std::string_view bytes) { return crc32c_software(bytes); });
}

TEST_CASE("crc32c by instruction agrees with the table at every length and alignment", "[crc32c]") {
    if (!crc32c_has_hardware()) return;
    require_vectors([](std::string_view bytes) { return crc32c_hardware(bytes); });
    const std::string bytes = noise(200);
    for (std::size_t begin = 0; begin < 9; ++begin) {
        for (std::size_t size = 0; begin + size <= bytes.size(); ++size) {
            const auto part = std::string_view{bytes}.substr(begin, size);
            if (crc32c_hardware(part, 77) != crc32c_software(part, 77)) FAIL("offset " << begin << ", size " << size);
        }
    }
    SUCCEED();
}

TEST_CASE("crc32c of two parts in turn is that of both together", "[crc32c]") {
    const std::string bytes = noise(100);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        const auto all = std::string_view{bytes};
        if (crc32c(all.substr(cut), crc32c(all.substr(0, cut))) != crc32c(all)) FAIL("cut at " << cut);
    }
    SUCCEED();
}
