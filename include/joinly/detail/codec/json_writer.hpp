#ifndef JOINLY_DETAIL_CODEC_JSON_WRITER_HPP
#define JOINLY_DETAIL_CODEC_JSON_WRITER_HPP
// The pieces of JSON text, and what keeps the text readable: its depth, and what reading it will allocate.

#include <joinly/config.hpp>
#include <joinly/detail/codec/json_text.hpp>
#include <joinly/detail/codec/utf8.hpp>
#include <joinly/detail/codec/wire.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class JsonWriter {
public:
    /// `exact`: a time that is finer than microseconds is refused, and not rounded.
    explicit JsonWriter(std::string& out, bool exact = false) noexcept : out_{out}, start_{out.size()}, exact_{exact} {}

    [[nodiscard]] bool exact() const noexcept { return exact_; }

    void raw(char c) { out_.push_back(c); }
    void raw(std::string_view text) { out_.append(text); }

    template <class Number>
    void number(Number value) {
        char digits[32];
        out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    }
    /// With a decimal point or an exponent always, so that it is read as a float again.
    template <class Float>
    bool real(Float value) {
        if (!std::isfinite(value)) return fail("it is not a finite number");
        const std::size_t start = out_.size();
        number(value);
        if (out_.find_first_of(".e", start) == std::string::npos) out_.append(".0");
        return true;
    }
    bool text(std::string_view text) {
        out_.push_back('"');
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t plain = plain_json_run(text, at);
            out_.append(text, at, plain);
            at += plain;
            if (at == text.size()) break;
            const std::size_t length = utf8_length(text.substr(at));
            if (length == 0) return fail("it is not UTF-8; std::vector<std::byte> holds any bytes");
            if (length == 1) {
                escape(text[at]);
            } else {
                out_.append(text, at, length);
            }
            at += length;
        }
        out_.push_back('"');
        return true;
    }

    bool enter() noexcept { return ++depth_ <= max_depth || fail("it is nested deeper than 64 levels"); }
    void leave() noexcept { --depth_; }
    void open(char bracket) {
        ++brackets_;
        raw(bracket);
        first_ = true;
    }
    /// Before each element and member.
    void separate() {
        if (!first_) raw(',');
        first_ = false;
    }
    void key(std::string_view name) {
        separate();
        raw('"');
        raw(name);
        raw("\":");
    }
    void close(char bracket) {
        --brackets_;
        raw(bracket);
        first_ = false;
    }
    /// Whether what is nested so deep in itself can stand here.
    bool has_room_for(std::size_t brackets) noexcept {
        return brackets_ + brackets <= max_brackets || fail("its unknown fields are nested too deeply to stand here");
    }
    void charge(std::size_t bytes) noexcept { memory_ += bytes; }
    /// Whether reading what was written may allocate what was charged.
    bool affordable() noexcept {
        return memory_ <= memory_budget(out_.size() - start_) ||
               fail("it has so many empty elements that decoding could not bound its memory");
    }
    bool fail(const char* what) noexcept {
        what_ = what;
        return false;
    }
    /// Called from the inside out: the path becomes "tickets.player_id".
    void blame(std::string_view field) { path_.insert(0, path_.empty() ? std::string{field} : std::string{field} + '.'); }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const char* what() const noexcept { return what_; }

private:
    void escape(char c) {
        constexpr std::string_view special = "\"\\\b\f\n\r\t";
        constexpr std::string_view letter = "\"\\bfnrt";
        if (const std::size_t at = special.find(c); at != std::string_view::npos) {
            out_.push_back('\\');
            out_.push_back(letter[at]);
        } else {
            out_.append(static_cast<unsigned char>(c) < 0x10 ? "\\u000" : "\\u001");
            out_.push_back("0123456789abcdef"[c & 0xf]);
        }
    }

    std::string& out_;
    std::size_t start_;
    bool exact_;
    std::size_t memory_ = 0;
    std::string path_;
    const char* what_ = "";
    int depth_ = 0;
    std::size_t brackets_ = 0;
    bool first_ = true;  // in the innermost bracket
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
