#ifndef JOINLY_DETAIL_CODEC_WIRE_WRITER_HPP
#define JOINLY_DETAIL_CODEC_WIRE_WRITER_HPP
// Where wire format goes: written as far as there is room, and counted beyond.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/entity/field_types.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Where an object is written to, and what is found out on the way.
class Encoding {
public:
    /// Beyond the limit there is room for one tag and one number more, so that those need no check of their own.
    static constexpr std::size_t slack = max_tag_bytes + max_varint_bytes + 1;

    /// `room` is the number of bytes from `begin` on, the slack not counted.
    Encoding(char* begin, std::size_t room) noexcept : begin_{begin}, room_{room} {}

    [[nodiscard]] char* begin() const noexcept { return begin_; }
    [[nodiscard]] std::size_t room() const noexcept { return room_; }

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

    /// Whether there can be a fault in what is not large.
    [[nodiscard]] bool is_doubtful() const noexcept { return fault_ != nullptr || memory_ > memory_budget(0); }
    /// What makes an object of `size` bytes impossible to encode; null when nothing does.
    [[nodiscard]] const char* fault(std::size_t size) const noexcept {
        if (fault_ != nullptr) return fault_;
        if (size > max_message_bytes) return "it is larger than 2 GiB";
        if (memory_ > memory_budget(size)) return "it has so many empty elements that decoding could not bound its memory";
        return nullptr;
    }
    /// The answer to an object of this `kind` and with this fault.
    [[nodiscard]] JOINLY_COLD tl::unexpected<Error> refuse(std::string_view kind, const char* fault) const {
        return failure(Errc::invalid_argument, place_in(kind, culprit_) + ": " + fault);
    }

private:
    char* begin_;
    std::size_t room_;
    std::size_t memory_ = 0;
    int depth_ = 0;
    const char* fault_ = nullptr;
    std::string_view culprit_;
};

/// A place in an encoding, which lives in registers. What does not fit is counted, so that the second try has the right size.
class WireWriter {
public:
    JOINLY_INLINE WireWriter(Encoding& encoding, std::size_t at) noexcept
        : encoding_{&encoding}, begin_{encoding.begin()}, room_{encoding.room()}, at_{at} {}

    [[nodiscard]] JOINLY_INLINE std::size_t at() const noexcept { return at_; }
    JOINLY_INLINE void go_to(std::size_t at) noexcept { at_ = at; }
    [[nodiscard]] JOINLY_INLINE Encoding& encoding() const noexcept { return *encoding_; }

    JOINLY_INLINE void tag(std::uint32_t tag) noexcept {
        if (at_ <= room_) [[likely]] {
            at_ = offset(write_tag(begin_ + at_, tag));
        } else {
            at_ += varint_size(tag);
        }
    }
    JOINLY_INLINE void varint(std::uint64_t value) noexcept {
        if (at_ <= room_) [[likely]] {
            at_ = offset(write_varint(begin_ + at_, value));
        } else {
            at_ += varint_size(value);
        }
    }
    JOINLY_INLINE void tag_and_varint(std::uint32_t tag, std::uint64_t value) noexcept {
        if (at_ <= room_) [[likely]] {
            at_ = offset(write_varint(write_tag(begin_ + at_, tag), value));
        } else {
            at_ += varint_size(tag) + varint_size(value);
        }
    }
    template <class Bits>
    JOINLY_INLINE void fixed(Bits bits) noexcept {
        if (at_ <= room_) [[likely]] {
            for (std::size_t i = 0; i < sizeof(Bits); ++i) begin_[at_ + i] = static_cast<char>(bits >> (8 * i));
        }
        at_ += sizeof(Bits);
    }
    JOINLY_INLINE void bytes(const void* data, std::size_t count) noexcept {
        if (at_ <= room_ && count <= room_ - at_) [[likely]]
            copy(begin_ + at_, static_cast<const char*>(data), count);
        at_ += count;
    }

    /// One byte is left for the length of what follows, which is what most messages need.
    [[nodiscard]] JOINLY_INLINE std::size_t begin() noexcept { return at_++; }
    JOINLY_INLINE void end(std::size_t mark) noexcept {
        const std::size_t length = at_ - mark - 1;
        if (length >= 0x80) {
            at_ = end_long(begin_, room_, mark, length);
        } else if (mark <= room_) {
            begin_[mark] = static_cast<char>(length);
        }
    }

private:
    [[nodiscard]] JOINLY_INLINE std::size_t offset(const char* place) const noexcept {
        return static_cast<std::size_t>(place - begin_);
    }

    /// A tag is known at compile time, where the compiler optimises.
    JOINLY_INLINE static char* write_tag(char* to, std::uint32_t tag) noexcept {
        while (tag >= 0x80) {
            *to++ = static_cast<char>(tag | 0x80);
            tag >>= 7;
        }
        *to++ = static_cast<char>(tag);
        return to;
    }
    JOINLY_INLINE static char* write_varint(char* to, std::uint64_t value) noexcept {
        if (value >= 0x80) [[unlikely]] {
            if (value >= 0x4000) [[unlikely]]
                return write_long_varint(to, value);
            *to++ = static_cast<char>(value | 0x80);
            value >>= 7;
        }
        *to++ = static_cast<char>(value);
        return to;
    }
    /// Up to eight bytes at once: each seven bits are moved to a byte of their own. It may write all eight.
    JOINLY_NOINLINE static char* write_long_varint(char* to, std::uint64_t value) noexcept {
        if (std::endian::native != std::endian::little || value >> 56 != 0) return write_each_byte(to, value);
        const std::size_t size = varint_size(value);
        value = (value & 0x000000000fffffff) | (value & 0x00fffffff0000000) << 4;
        value = (value & 0x00003fff00003fff) | (value & 0x0fffc0000fffc000) << 2;
        value = (value & 0x007f007f007f007f) | (value & 0x3f803f803f803f80) << 1;
        value |= std::uint64_t{0x0080808080808080} >> (8 * (8 - size));
        std::memcpy(to, &value, sizeof value);
        return to + size;
    }
    static char* write_each_byte(char* to, std::uint64_t value) noexcept {
        for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
        *to++ = static_cast<char>(value);
        return to;
    }

    /// Most strings are short: two moves that may overlap are less than a call.
    JOINLY_INLINE static void copy(char* to, const char* from, std::size_t count) noexcept {
        if (count - 8 <= 8) [[likely]] {
            copy_ends<8>(to, from, count);
        } else if (count > 16) {
            std::memcpy(to, from, count);
        } else if (count >= 4) {
            copy_ends<4>(to, from, count);
        } else if (count != 0) {
            to[0] = from[0];
            to[count / 2] = from[count / 2];
            to[count - 1] = from[count - 1];
        }
    }
    template <std::size_t size>
    JOINLY_INLINE static void copy_ends(char* to, const char* from, std::size_t count) noexcept {
        char first[size];
        char last[size];
        std::memcpy(first, from, size);
        std::memcpy(last, from + count - size, size);
        std::memcpy(to, first, size);
        std::memcpy(to + count - size, last, size);
    }

    /// A length of more than one byte moves what it is the length of.
    JOINLY_NOINLINE static std::size_t end_long(char* begin, std::size_t room, std::size_t mark, std::size_t length) noexcept {
        const std::size_t more = varint_size(length) - 1;
        const std::size_t end = mark + 1 + length + more;
        if (end <= room) {
            std::memmove(begin + mark + 1 + more, begin + mark + 1, length);
            write_each_byte(begin + mark, length);
        }
        return end;
    }

    Encoding* encoding_;
    char* begin_;
    std::size_t room_;
    std::size_t at_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
