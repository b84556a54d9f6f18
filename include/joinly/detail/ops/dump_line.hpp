#ifndef JOINLY_DETAIL_OPS_DUMP_LINE_HPP
#define JOINLY_DETAIL_OPS_DUMP_LINE_HPP
// The lines of a dump, each a JSON object: see ops/dump.hpp for what is in them. They are written by this, and read from whoever
// has edited them.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/base64.hpp>
#include <joinly/detail/codec/json_text.hpp>
#include <joinly/detail/codec/json_writer.hpp>
#include <joinly/detail/codec/utf8.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::uint64_t dump_format = 1;

/// Appends "name":"bytes in base64".
inline void append_base64_member(JsonWriter& out, std::string& line, std::string_view name, std::string_view bytes) {
    out.key(name);
    line.push_back('"');
    const auto raw = std::as_bytes(std::span{bytes});
    append_base64(line, raw.data(), raw.size());
    line.push_back('"');
}

[[nodiscard]] inline std::string dump_head(std::string_view codec, Version last_version) {
    std::string line;
    JsonWriter out{line};
    out.open('{');
    out.key("joinly_dump");
    out.number(dump_format);
    out.key("codec");
    static_cast<void>(out.text(codec));
    out.key("last_version");
    out.number(last_version);
    out.close('}');
    return line;
}
[[nodiscard]] inline std::string dump_end(std::uint64_t records) { return "{\"joinly_dump_end\":" + std::to_string(records) + '}'; }

/// `json`: the value, readable; without it the bytes.
inline void write_dump_line(std::string& line, std::string_view key, const RecordView& record,
                            std::optional<std::string_view> json) {
    line.clear();
    JsonWriter out{line};
    out.open('{');
    if (is_utf8(key)) {
        out.key("key");
        static_cast<void>(out.text(key));
    } else {
        append_base64_member(out, line, "key_base64", key);
    }
    out.key("version");
    out.number(record.version);
    if (!record.expires_at.is_never()) {
        out.key("expires_at");
        out.number(record.expires_at.at().time_since_epoch().count());
    }
    if (json) {
        out.key("value");
        line.append(*json);
    } else {
        append_base64_member(out, line, "value_base64", record.value);
        if (!record.index_terms.empty()) append_base64_member(out, line, "index_terms", record.index_terms);
    }
    out.close('}');
}

/// What a line says.
struct DumpLine {
    std::optional<std::uint64_t> head;  ///< the format, in a dump's first line
    std::optional<std::uint64_t> end;   ///< the number of records, in its last one
    std::string codec;
    Version last_version = absent;

    std::optional<std::string> key;
    Version version = absent;
    Expiry expires_at;
    std::optional<std::string_view> json;  ///< within the line
    std::optional<std::string> bytes;
    std::string index_terms;
};

/// Reads one line; hostile ones, too. Memory: the line's size.
class DumpLineReader {
public:
    explicit DumpLineReader(std::string_view line) noexcept : line_{line} {}

    /// Into `line`, which is new. `corrupt`, naming the byte.
    [[nodiscard]] Status read(DumpLine& line) {
        bool ok = take('{') && (take('}') || members(line));
        skip_space();
        if (ok && at_ != line_.size()) ok = fail("something stands behind the object");
        if (ok) return {};
        return failure(Errc::corrupt,
                       "at byte " + std::to_string(at_) + ": " + (what_ == nullptr ? "it is no JSON object" : what_));
    }

private:
    [[nodiscard]] bool members(DumpLine& line) {
        std::string name;
        do {
            if (!string(name) || !take(':') || !member(line, name)) return false;
        } while (take(','));
        return take('}');
    }

    [[nodiscard]] bool member(DumpLine& line, std::string_view name) {
        skip_space();
        if (name == "key") return string(line.key.emplace());
        if (name == "version") return number(line.version);
        if (name == "value") return object(line.json.emplace());
        if (name == "expires_at") return time(line.expires_at);
        if (name == "key_base64") return base64(line.key.emplace());
        if (name == "value_base64") return base64(line.bytes.emplace());
        if (name == "index_terms") return base64(line.index_terms);
        if (name == "joinly_dump") return number(line.head.emplace());
        if (name == "joinly_dump_end") return number(line.end.emplace());
        if (name == "codec") return string(line.codec);
        if (name == "last_version") return number(line.last_version);
        return fail("a dump has no member of this name");
    }

    void skip_space() noexcept {
        while (at_ < line_.size() && (line_[at_] == ' ' || line_[at_] == '\t' || line_[at_] == '\r')) ++at_;
    }
    [[nodiscard]] bool take(char wanted) noexcept {
        skip_space();
        if (at_ == line_.size() || line_[at_] != wanted) return false;
        ++at_;
        return true;
    }
    [[nodiscard]] bool fail(const char* what) noexcept {
        if (what_ == nullptr) what_ = what;
        return false;
    }

    template <class Number>
    [[nodiscard]] bool number(Number& value) {
        skip_space();
        const char* const begin = line_.data() + at_;
        const auto parsed = std::from_chars(begin, line_.data() + line_.size(), value);
        if (parsed.ec != std::errc{}) return fail("it is not a whole number that fits");
        at_ += static_cast<std::size_t>(parsed.ptr - begin);
        return true;
    }
    [[nodiscard]] bool time(Expiry& expires_at) {
        std::int64_t count = 0;
        if (!number(count)) return false;
        expires_at = Expiry{WallTime{std::chrono::milliseconds{count}}};
        return true;
    }
    [[nodiscard]] bool base64(std::string& bytes) {
        std::string text;
        std::vector<std::byte> raw;
        if (!string(text)) return false;
        if (!read_base64(text, raw)) return fail("it is not base64");
        bytes.assign(reinterpret_cast<const char*>(raw.data()), raw.size());
        return true;
    }

    /// The text of an object, whose insides somebody else will judge.
    [[nodiscard]] bool object(std::string_view& text) {
        const std::size_t start = at_;
        std::size_t depth = 0;
        for (; at_ < line_.size(); ++at_) {
            const char c = line_[at_];
            if (c == '{' || c == '[') {
                ++depth;
            } else if (depth == 0) {
                return fail("it is not an object");
            } else if (c == '"') {
                at_ = end_of_string(at_ + 1);
            } else if ((c == '}' || c == ']') && --depth == 0) {
                text = line_.substr(start, ++at_ - start);
                return true;
            }
        }
        at_ = line_.size();
        return fail("the object does not end");
    }
    /// Where its closing quote is, or the line's end.
    [[nodiscard]] std::size_t end_of_string(std::size_t at) const noexcept {
        while (at < line_.size()) {
            at = quote_or_backslash(at);
            if (at < line_.size() && line_[at] == '"') return at;
            at += 2;
        }
        return line_.size();
    }
    /// Where the next one is, or the line's end.
    [[nodiscard]] std::size_t quote_or_backslash(std::size_t at) const noexcept {
        at += plain_json_run(line_, at);
        while (at < line_.size() && line_[at] != '"' && line_[at] != '\\') at += 1 + plain_json_run(line_, at + 1);
        return at;
    }

    [[nodiscard]] bool string(std::string& text) {
        text.clear();
        if (!take('"')) return fail("it is not a string");
        if (const std::size_t end = at_ + plain_json_run(line_, at_); end < line_.size() && line_[end] == '"') {
            text.assign(line_, at_, end - at_);
            at_ = end + 1;
            return true;
        }
        for (;;) {
            const std::size_t plain = quote_or_backslash(at_);
            if (plain == line_.size()) return fail("the string does not end");
            text.append(line_, at_, plain - at_);
            at_ = plain + 1;
            if (line_[plain] == '"') return is_utf8(text) || fail("it is not UTF-8");
            if (!take_json_escape(line_, at_, text)) return fail("there is no such escape");
        }
    }

    std::string_view line_;
    std::size_t at_ = 0;
    const char* what_ = nullptr;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
