#ifndef JOINLY_DETAIL_POLICY_JOURNAL_BYTES_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_BYTES_HPP
// Little-endian integers and sized strings in the journal's files.

#include <joinly/config.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The same bytes on every machine; on a little-endian one this is a plain copy.
template <class Unsigned>
[[nodiscard]] constexpr Unsigned little_endian(Unsigned number) noexcept {
    if constexpr (std::endian::native == std::endian::little) return number;
    Unsigned swapped = 0;
    for (std::size_t i = 0; i < sizeof number; ++i) {
        swapped = static_cast<Unsigned>((std::uint64_t{swapped} << 8) | ((std::uint64_t{number} >> (8 * i)) & 0xff));
    }
    return swapped;
}

template <class Unsigned>
void store_little_endian(char* to, Unsigned number) noexcept {
    number = little_endian(number);
    std::memcpy(to, &number, sizeof number);
}

template <class Unsigned>
[[nodiscard]] Unsigned load_little_endian(const char* from) noexcept {
    Unsigned number;
    std::memcpy(&number, from, sizeof number);
    return little_endian(number);
}

template <class Unsigned>
void append_little_endian(std::string& out, Unsigned number) {
    number = little_endian(number);
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    out.append(bytes, sizeof number);
}

/// Takes things off the front of bytes that may be anything; false: it is not there, and nothing more should be taken.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) noexcept : rest_{bytes}, size_{bytes.size()} {}

    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    [[nodiscard]] std::size_t offset() const noexcept { return size_ - rest_.size(); }
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

    template <class Unsigned>
    [[nodiscard]] bool take(Unsigned& number) noexcept {
        if (rest_.size() < sizeof number) return false;
        number = load_little_endian<Unsigned>(rest_.data());
        rest_.remove_prefix(sizeof number);
        return true;
    }

    /// A length of four bytes, and so many bytes.
    [[nodiscard]] bool take_sized(std::string_view& bytes) noexcept {
        std::uint32_t size = 0;
        if (!take(size) || size > rest_.size()) return false;
        bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return true;
    }

private:
    std::string_view rest_;
    std::size_t size_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
