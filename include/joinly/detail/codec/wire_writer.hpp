#ifndef JOINLY_DETAIL_CODEC_WIRE_WRITER_HPP
#define JOINLY_DETAIL_CODEC_WIRE_WRITER_HPP
// Two places for wire format to go: one counts the bytes, the other writes them.

#include <joinly/config.hpp>
#include <joinly/detail/codec/wire.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Where the bytes are counted, and what cannot be encoded is found out.
class WireCounter {
public:
    void varint(std::uint64_t value) noexcept { size_ += varint_size(value); }
    void fixed(std::uint32_t) noexcept { size_ += 4; }
    void fixed(std::uint64_t) noexcept { size_ += 8; }
    void bytes(const void*, std::size_t count) noexcept { size_ += count; }

    [[nodiscard]] std::size_t begin() noexcept { return size_; }
    void end(std::size_t mark) noexcept { varint(size_ - mark); }

    [[nodiscard]] bool enter() noexcept {
        if (++depth_ > max_depth) fault_ = "it is nested deeper than 64 levels";
        return fault_ == nullptr;
    }
    void leave() noexcept { --depth_; }
    void charge(std::size_t bytes) noexcept { memory_ += bytes; }
    void fail(const char* what) noexcept { fault_ = what; }
    void blame(std::string_view field) noexcept {
        if (fault_ != nullptr && culprit_.empty()) culprit_ = field;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::string_view culprit() const noexcept { return culprit_; }
    /// What makes the object impossible to encode; null when nothing does.
    [[nodiscard]] const char* fault() const noexcept {
        if (fault_ != nullptr) return fault_;
        if (size_ > max_message_bytes) return "it is larger than 2 GiB";
        if (memory_ > memory_budget(size_)) return "it has so many empty elements that decoding could not bound its memory";
        return nullptr;
    }

private:
    std::size_t size_ = 0;
    std::size_t memory_ = 0;
    int depth_ = 0;
    const char* fault_ = nullptr;
    std::string_view culprit_;
};

/// Writes what a WireCounter has counted. A `to_wire` that answers differently the second time is noticed, and nothing is
/// written beyond `limit` and the slack behind it, which has room for one tag and one number.
class WireWriter {
public:
    static constexpr std::size_t slack = max_tag_bytes + max_varint_bytes + 1;

    WireWriter(char* begin, char* limit) noexcept : at_{begin}, limit_{limit} {}

    void varint(std::uint64_t value) noexcept {
        if (at_ > limit_) return;
        while (value >= 0x80) {
            *at_++ = static_cast<char>(value | 0x80);
            value >>= 7;
        }
        *at_++ = static_cast<char>(value);
    }
    template <class Bits>
    void fixed(Bits bits) noexcept {
        if (at_ > limit_) return;
        for (std::size_t i = 0; i < sizeof(Bits); ++i) *at_++ = static_cast<char>(bits >> (8 * i));
    }
    void bytes(const void* data, std::size_t count) noexcept {
        if (at_ > limit_ || count > static_cast<std::size_t>(limit_ - at_)) {
            at_ = limit_ + 1;
        } else if (count != 0) {
            std::memcpy(at_, data, count);
            at_ += count;
        }
    }

    /// One byte is left for the length of what follows, which is what most messages need.
    [[nodiscard]] char* begin() noexcept { return at_ > limit_ ? at_ : at_++; }
    void end(char* mark) noexcept {
        if (at_ > limit_) return;
        const auto length = static_cast<std::size_t>(at_ - mark - 1);
        const std::size_t more = varint_size(length) - 1;
        if (more > static_cast<std::size_t>(limit_ - at_)) {
            at_ = limit_ + 1;
            return;
        }
        if (more != 0) std::memmove(mark + 1 + more, mark + 1, length);
        char* const after = at_ + more;
        at_ = mark;
        varint(length);
        at_ = after;
    }

    [[nodiscard]] bool enter() const noexcept { return true; }
    void leave() const noexcept {}
    void charge(std::size_t) const noexcept {}
    void fail(const char*) const noexcept {}
    void blame(std::string_view) const noexcept {}

    [[nodiscard]] char* at() const noexcept { return at_; }
    [[nodiscard]] bool overran() const noexcept { return at_ > limit_; }

private:
    char* at_;
    char* limit_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
