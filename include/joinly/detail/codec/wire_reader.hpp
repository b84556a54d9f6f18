#ifndef JOINLY_DETAIL_CODEC_WIRE_READER_HPP
#define JOINLY_DETAIL_CODEC_WIRE_READER_HPP
// A cursor over wire-format bytes that nobody vouches for: it never goes beyond them, and it remembers the first fault.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/wire.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class WireReader {
public:
    explicit WireReader(std::string_view bytes) noexcept
        : begin_{bytes.data()}, at_{bytes.data()}, end_{bytes.data() + bytes.size()}, budget_{memory_budget(bytes.size())} {}

    [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }
    [[nodiscard]] const char* at() const noexcept { return at_; }

    bool varint(std::uint64_t& value) noexcept {
        if (at_ != end_ && static_cast<unsigned char>(*at_) < 0x80) {
            value = static_cast<unsigned char>(*at_++);
            return true;
        }
        return long_varint(value);
    }

    template <class Bits>
    bool fixed(Bits& bits) noexcept {
        if (left() < sizeof(Bits)) return fail("the number is cut off");
        bits = 0;
        for (std::size_t i = 0; i < sizeof(Bits); ++i) bits |= static_cast<Bits>(static_cast<unsigned char>(*at_++)) << (8 * i);
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

    bool delimited(std::string_view& bytes) noexcept {
        const char* const start = at_;
        std::uint64_t length = 0;
        if (!varint(length)) return false;
        if (length > left()) return fail_at(start, "the length goes beyond the end");
        bytes = {at_, static_cast<std::size_t>(length)};
        at_ += length;
        return true;
    }

    /// Calls `take` with the end of the next length-delimited bytes as the end of everything.
    template <class Take>
    bool within(Take take) {
        std::string_view bytes;
        if (!delimited(bytes)) return false;
        const char* const outer_end = end_;
        end_ = at_;
        at_ = bytes.data();
        const bool ok = take(bytes);
        end_ = outer_end;
        return ok;
    }

    /// As `within`, for a message or a map entry: those may contain each other, so their depth is bounded.
    template <class Take>
    bool nested(Take take) {
        if (++depth_ > max_depth) return fail("it is nested deeper than 64 levels");
        const bool ok = within([&](std::string_view) { return take(); });
        --depth_;
        return ok;
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

    /// How many fields with this one-value tag follow each other from here on, the one whose value comes next included.
    [[nodiscard]] std::size_t count_run(std::uint32_t tag) const noexcept {
        WireReader ahead = lookahead();
        std::string_view value;
        std::uint64_t next = tag;
        std::size_t count = 0;
        while (next == tag && ahead.delimited(value)) {
            ++count;
            if (ahead.at_end() || !ahead.varint(next)) break;
        }
        return count;
    }

    /// Takes `bytes` from what this message may allocate.
    bool charge(std::size_t bytes) noexcept {
        if (bytes > budget_) return fail("it asks for more memory than its size accounts for");
        budget_ -= bytes;
        return true;
    }

    /// A fault of the message that is being read, whatever was wrong within it.
    bool fail_with(Error fault) noexcept {
        fault_ = std::move(fault);
        path_.clear();
        return false;
    }
    bool fail_type() noexcept { return fail("the wire type is not the one of this field"); }
    bool fail(const char* what) noexcept { return fail_at(at_, what); }
    bool fail_at(const char* where, const char* what) noexcept {
        what_ = what;
        offset_ = static_cast<std::size_t>(where - begin_);
        fault_.reset();
        return false;
    }
    /// Called from the inside out: the path becomes "tickets.player_id".
    void blame(std::string_view field) { path_.insert(0, path_.empty() ? std::string{field} : std::string{field} + '.'); }

    /// The first fault, at `place`.
    [[nodiscard]] Error error(std::string place) const {
        if (fault_) return {fault_->code(), place + ": " + std::string{fault_->message()}};
        return {Errc::corrupt, place + " at byte " + std::to_string(offset_) + ": " + what_};
    }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    [[nodiscard]] WireReader lookahead() const noexcept { return WireReader{std::string_view{at_, left()}}; }

    bool advance(std::size_t count) noexcept {
        if (count > left()) return fail("the number is cut off");
        at_ += count;
        return true;
    }

    bool long_varint(std::uint64_t& value) noexcept {
        const char* const start = at_;
        value = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            if (at_ == end_) return fail_at(start, "the number is cut off");
            const auto byte = static_cast<unsigned char>(*at_++);
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return true;
        }
        return fail_at(start, "the number has more than 10 bytes");
    }

    const char* begin_;
    const char* at_;
    const char* end_;
    std::size_t budget_;
    std::size_t offset_ = 0;
    const char* what_ = "";
    std::optional<Error> fault_;
    std::string path_;
    int depth_ = 0;
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
