#ifndef JOINLY_DETAIL_CODEC_WIRE_READER_HPP
#define JOINLY_DETAIL_CODEC_WIRE_READER_HPP
// A cursor over wire-format bytes that nobody vouches for: it never goes beyond them, and the first fault is remembered.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/entity/field_types.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What decoding keeps account of, apart from where it is.
class Decoding {
public:
    explicit Decoding(std::string_view bytes) noexcept : begin_{bytes.data()}, budget_{memory_budget(bytes.size())} {}

    /// Takes `bytes` from what this message may allocate. False, here and below, is a fault, at `at`.
    bool charge(const char* at, std::size_t bytes) noexcept {
        if (bytes > budget_) return fail(at, "it asks for more memory than its size accounts for");
        budget_ -= bytes;
        return true;
    }
    /// Messages and map entries may contain each other, so their depth is bounded.
    bool enter(const char* at) noexcept {
        if (++depth_ > max_depth) return fail(at, "it is nested deeper than 64 levels");
        return true;
    }
    void leave() noexcept { --depth_; }

    JOINLY_COLD bool fail(const char* at, const char* what) noexcept {
        what_ = what;
        offset_ = static_cast<std::size_t>(at - begin_);
        fault_.reset();
        return false;
    }
    /// A fault of the message that is being read, whatever was wrong within it.
    JOINLY_COLD bool fail_with(Error fault) noexcept {
        what_ = "";
        fault_ = std::move(fault);
        path_.clear();
        return false;
    }
    /// Called from the inside out: the path becomes "tickets.player_id".
    JOINLY_COLD void blame(std::string_view field) {
        path_.insert(0, path_.empty() ? std::string{field} : std::string{field} + '.');
    }

    [[nodiscard]] bool failed() const noexcept { return what_ != nullptr; }
    /// The answer to an object of this `kind`, after a fault.
    [[nodiscard]] JOINLY_COLD tl::unexpected<Error> refuse(std::string_view kind) const {
        const std::string place = place_in(kind, path_);
        if (fault_) return failure(fault_->code(), place + ": " + std::string{fault_->message()});
        return failure(Errc::corrupt, place + " at byte " + std::to_string(offset_) + ": " + what_);
    }

private:
    const char* begin_;
    std::size_t budget_;
    std::size_t offset_ = 0;
    const char* what_ = nullptr;
    std::optional<Error> fault_;
    std::string path_;
    int depth_ = 0;
};

/// A place in a message, which lives in registers. After a fault it is at the end.
class WireReader {
public:
    JOINLY_INLINE WireReader(Decoding& decoding, std::string_view bytes) noexcept
        : WireReader{decoding, bytes.data(), bytes.data() + bytes.size()} {}
    JOINLY_INLINE WireReader(Decoding& decoding, const char* at, const char* end) noexcept
        : decoding_{&decoding}, at_{at}, end_{end} {}

    [[nodiscard]] JOINLY_INLINE bool at_end() const noexcept { return at_ == end_; }
    [[nodiscard]] JOINLY_INLINE const char* at() const noexcept { return at_; }
    [[nodiscard]] JOINLY_INLINE const char* end() const noexcept { return end_; }
    [[nodiscard]] JOINLY_INLINE Decoding& decoding() const noexcept { return *decoding_; }

    /// Goes to where another reader of this message has come; null: it has met a fault.
    JOINLY_INLINE bool go_to(const char* at) noexcept {
        at_ = at == nullptr ? end_ : at;
        return at != nullptr;
    }

    JOINLY_INLINE bool varint(std::uint64_t& value) noexcept {
        if (at_ != end_ && byte(0) < 0x80) [[likely]] {
            value = byte(0);
            ++at_;
            return true;
        }
        if (left() >= 2 && byte(1) < 0x80) {
            value = (byte(0) & 0x7f) | byte(1) << 7;
            at_ += 2;
            return true;
        }
        const LongVarint parsed = long_varint(at_, end_);
        value = parsed.value;
        if (parsed.end != nullptr) {
            at_ = parsed.end;
            return true;
        }
        return fail(end_ - at_ < 10 ? "the number is cut off" : "the number has more than 10 bytes");
    }

    template <class Bits>
    JOINLY_INLINE bool fixed(Bits& bits) noexcept {
        if (left() < sizeof(Bits)) return fail("the number is cut off");
        bits = 0;
        for (std::size_t i = 0; i < sizeof(Bits); ++i) bits |= static_cast<Bits>(static_cast<unsigned char>(at_[i])) << (8 * i);
        at_ += sizeof(Bits);
        return true;
    }

    bool tag(std::uint32_t& number, WireType& type) noexcept {
        const char* const start = at_;
        std::uint64_t tag = 0;
        if (!varint(tag)) return false;
        if (tag >> 3 == 0 || tag >> 3 > max_field_number) return fail_at(start, "the field number is out of range");
        number = static_cast<std::uint32_t>(tag >> 3);
        type = static_cast<WireType>(tag & 7);
        return true;
    }

    /// Steps over `tag`, if that comes next and is written as short as can be.
    JOINLY_INLINE bool skip_tag(std::uint32_t tag) noexcept {
        if (tag < 0x80) {
            if (at_ == end_ || byte(0) != tag) return false;
            ++at_;
            return true;
        }
        return skip_long_tag(tag);
    }

    JOINLY_INLINE bool delimited(std::string_view& bytes) noexcept {
        const char* const start = at_;
        std::uint64_t length = 0;
        if (!varint(length)) return false;
        if (length > left()) return fail_at(start, "the length goes beyond the end");
        bytes = {at_, static_cast<std::size_t>(length)};
        at_ += length;
        return true;
    }

    /// Skips the value of a field that is not known.
    bool skip(WireType type) noexcept {
        std::uint64_t number = 0;
        std::string_view bytes;
        switch (type) {
            case WireType::varint: return varint(number);
            case WireType::fixed64: return advance(8);
            case WireType::delimited: return delimited(bytes);
            case WireType::fixed32: return advance(4);
            case WireType::group_begin:
            case WireType::group_end: return fail("groups are not supported");
        }
        return fail("there is no such wire type");
    }

    /// How many fields with this tag follow each other from here on, the one whose value comes next included.
    [[nodiscard]] std::size_t count_run(std::uint32_t tag) const noexcept {
        Decoding unheard{{at_, left()}};
        WireReader ahead{unheard, at_, end_};
        std::string_view value;
        std::size_t count = 0;
        while (ahead.delimited(value)) {
            ++count;
            if (!ahead.skip_tag(tag)) break;
        }
        return count;
    }

    bool charge(std::size_t bytes) noexcept { return decoding_->charge(at_, bytes) || stop(); }
    bool fail_type() noexcept { return fail("the wire type is not the one of this field"); }
    bool fail(const char* what) noexcept { return fail_at(at_, what); }
    bool fail_at(const char* where, const char* what) noexcept {
        decoding_->fail(where, what);
        return stop();
    }
    bool stop() noexcept {
        at_ = end_;
        return false;
    }

private:
    struct LongVarint {
        const char* end;  // null: there is none
        std::uint64_t value;
    };

    [[nodiscard]] JOINLY_INLINE std::uint64_t byte(std::size_t i) const noexcept { return static_cast<unsigned char>(at_[i]); }
    [[nodiscard]] JOINLY_INLINE std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

    bool advance(std::size_t count) noexcept {
        if (count > left()) return fail("the number is cut off");
        at_ += count;
        return true;
    }

    JOINLY_INLINE bool skip_long_tag(std::uint32_t tag) noexcept {
        const std::size_t size = varint_size(tag);
        if (left() < size) return false;
        for (std::size_t i = 0; i < size; ++i) {
            const std::uint32_t byte = tag >> (7 * i) & 0x7f;
            if (static_cast<unsigned char>(at_[i]) != (i + 1 < size ? byte | 0x80 : byte)) return false;
        }
        at_ += size;
        return true;
    }

    /// Up to eight bytes at once, where there are as many: the seven bits of each are moved together.
    JOINLY_NOINLINE static LongVarint long_varint(const char* at, const char* end) noexcept {
        if (std::endian::native != std::endian::little || end - at < 8) return each_byte(at, end);
        std::uint64_t word = 0;
        std::memcpy(&word, at, sizeof word);
        const std::uint64_t last = ~word & 0x8080808080808080;  // bytes whose top bit is clear
        if (last == 0) return each_byte(at, end);
        word &= last ^ (last - 1);
        word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
        word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
        word = (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
        return {at + std::countr_zero(last) / 8 + 1, word};
    }
    static LongVarint each_byte(const char* at, const char* end) noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 70 && at != end; shift += 7) {
            const auto byte = static_cast<unsigned char>(*at++);
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return {at, value};
        }
        return {nullptr, 0};
    }

    Decoding* decoding_;
    const char* at_;
    const char* end_;
};

/// How many numbers a packed list has: a varint ends with the only byte whose top bit is clear.
[[nodiscard]] inline std::size_t count_packed(std::string_view payload, WireType type) noexcept {
    if (type == WireType::fixed32) return payload.size() / 4;
    if (type == WireType::fixed64) return payload.size() / 8;
    std::size_t count = 0;
    for (const char byte : payload) count += static_cast<unsigned char>(byte) < 0x80;
    return count;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
