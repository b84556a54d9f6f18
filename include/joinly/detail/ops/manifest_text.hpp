#ifndef JOINLY_DETAIL_OPS_MANIFEST_TEXT_HPP
#define JOINLY_DETAIL_OPS_MANIFEST_TEXT_HPP
// A backup's manifest as JSON, one member a line. Any JSON reader takes it; ours takes only what our writer writes, byte by byte,
// with the checksum at its end. So it needs no library, and nothing that it accepts can mean two things.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/detail/crc32c.hpp>
#include <joinly/ops/inventory.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <system_error>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::uint64_t manifest_format = 1;

using KindInventories = std::map<std::string, KindInventory, std::less<>>;

/// "2026-11-29T22:56:04Z", with `separator` between hours, minutes and seconds.
[[nodiscard]] inline std::string iso_time(WallTime time, char separator = ':') {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
    char text[64];
    const int size = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d%c%02d%c%02dZ", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                   static_cast<int>(clock.hours().count()), separator, static_cast<int>(clock.minutes().count()),
                                   separator, static_cast<int>(clock.seconds().count()));
    return {text, static_cast<std::size_t>(size)};
}

[[nodiscard]] inline std::string hex(std::uint64_t number, int digits) {
    char text[17];
    const int size = std::snprintf(text, sizeof text, "%0*llx", digits, static_cast<unsigned long long>(number));
    return {text, static_cast<std::size_t>(size)};
}

class ManifestWriter {
public:
    void member(std::string_view name, std::uint64_t number) { begin(name) += std::to_string(number); }
    /// Of characters that JSON need not escape.
    void member(std::string_view name, std::string_view text) { quote(begin(name), text); }
    void member(std::string_view name, const KindInventory& counts) { append(begin(name), counts); }
    void member(std::string_view name, const KindInventories& kinds) {
        std::string& out = begin(name);
        out += '{';
        const char* separator = "\n    ";
        for (const auto& [kind, counts] : kinds) {
            quote(out += separator, kind);
            append(out += ": ", counts);
            separator = ",\n    ";
        }
        out += kinds.empty() ? "}" : "\n  }";
    }

    /// The checksum is that of all bytes before its own line.
    [[nodiscard]] std::string with_checksum() && {
        text_ += ",\n";
        const std::string checksum = hex(crc32c(text_), 8);
        text_ += "  \"crc32c\": \"" + checksum + "\"\n}\n";
        return std::move(text_);
    }

private:
    std::string& begin(std::string_view name) {
        text_ += text_.empty() ? "{\n  " : ",\n  ";
        quote(text_, name);
        return text_ += ": ";
    }
    static void quote(std::string& out, std::string_view text) { (out += '"').append(text) += '"'; }
    static void append(std::string& out, const KindInventory& counts) {
        out += "{\"records\": " + std::to_string(counts.records) + ", \"bytes\": " + std::to_string(counts.bytes) +
               ", \"checksum\": \"" + hex(counts.checksum, 16) + "\"}";
    }

    std::string text_;
};

/// After the first thing that is not as expected everything is false.
class ManifestReader {
public:
    explicit ManifestReader(std::string_view text) noexcept : text_{text}, rest_{text} {}

    bool member(std::string_view name, std::uint64_t& number) { return begin(name) && take_number(number, 10); }
    bool member(std::string_view name, std::string& text) { return begin(name) && take_quoted(text); }
    /// A text that is known already.
    bool expect(std::string_view name, std::string_view expected) {
        std::string text;
        return member(name, text) && hold(text == expected);
    }
    bool member(std::string_view name, KindInventory& counts) { return begin(name) && take_counts(counts); }
    bool member(std::string_view name, KindInventories& kinds) {
        if (!begin(name) || !take("{")) return false;
        if (rest_.starts_with('}')) return take("}");
        for (const char* separator = "\n    "; holds_ && !rest_.starts_with("\n  }"); separator = ",\n    ") {
            std::string kind;
            KindInventory counts;
            if (take(separator) && take_quoted(kind) && take(": ") && take_counts(counts) &&
                hold(kinds.size() <= Inventory::max_kinds && (kind.empty() || is_valid_kind(kind))))
                hold(kinds.emplace(std::move(kind), counts).second);
        }
        return take("\n  }");
    }

    [[nodiscard]] bool ends_with_checksum() {
        std::string checksum;
        if (!take(",\n")) return false;
        const std::size_t size = text_.size() - rest_.size();
        return take("  \"crc32c\": ") && take_quoted(checksum) && take("\n}\n") && rest_.empty() &&
               checksum == hex(crc32c(text_.substr(0, size)), 8);
    }

private:
    bool hold(bool condition) noexcept { return holds_ = holds_ && condition; }

    bool take(std::string_view expected) {
        if (!hold(rest_.starts_with(expected))) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }
    bool begin(std::string_view name) {
        const bool first = rest_.size() == text_.size();
        std::string got;
        return take(first ? "{\n  " : ",\n  ") && take_quoted(got) && hold(got == name) && take(": ");
    }
    bool take_number(std::uint64_t& number, int base) {
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number, base);
        if (!hold(error == std::errc{})) return false;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return true;
    }
    bool take_quoted(std::string& text) {
        if (!take("\"")) return false;
        const std::size_t end = rest_.find('"');
        if (!hold(end != std::string_view::npos)) return false;
        text = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return true;
    }
    bool take_counts(KindInventory& counts) {
        return take("{\"records\": ") && take_number(counts.records, 10) && take(", \"bytes\": ") &&
               take_number(counts.bytes, 10) && take(", \"checksum\": \"") && take_number(counts.checksum, 16) && take("\"}");
    }

    std::string_view text_;
    std::string_view rest_;
    bool holds_ = true;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
