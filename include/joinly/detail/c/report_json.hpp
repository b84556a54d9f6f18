#ifndef JOINLY_DETAIL_C_REPORT_JSON_HPP
#define JOINLY_DETAIL_C_REPORT_JSON_HPP
// Reports as JSON text, for those who have no C++ structs. However much there is to tell, they are short enough for a buffer whose
// size the caller knows beforehand: the work that they tell of is not to be done again for their sake.

#include <joinly/c/joinly.h>
#include <joinly/backend/sqlite_salvage.hpp>
#include <joinly/config.hpp>
#include <joinly/detail/c/handles.hpp>
#include <joinly/detail/c/stats_json.hpp>
#include <joinly/detail/codec/json_writer.hpp>
#include <joinly/ops/verify.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class ReportJson {
public:
    ReportJson() { out_.open('{'); }

    void boolean(std::string_view name, bool value) {
        out_.key(name);
        out_.raw(value ? "true" : "false");
    }
    template <class Number>
    void number(std::string_view name, Number value) {
        write_number(out_, name, value);
    }

    /// A list or an object of what `write` writes of each element, until the whole has `most` bytes.
    template <class Elements, class Write>
    void some(std::string_view name, char open, char close, const Elements& elements, std::size_t most, Write write) {
        out_.key(name);
        text_.push_back(open);
        bool is_first = true;
        for (const auto& element : elements) {
            std::string piece;
            JsonWriter out{piece};
            write(out, element);
            if (text_.size() + piece.size() >= most) {
                is_cut_off_ = true;
                break;
            }
            if (!is_first) text_.push_back(',');
            is_first = false;
            text_.append(piece);
        }
        text_.push_back(close);
    }

    [[nodiscard]] std::string finish() && {
        boolean("cut_off", is_cut_off_);
        out_.close('}');
        return std::move(text_);
    }

private:
    std::string text_;
    JsonWriter out_{text_};
    bool is_cut_off_ = false;
};

/// The engine's words, and keys, may be in any encoding and of any length.
inline void write_some_words(JsonWriter& out, std::string_view words) {
    constexpr std::size_t most_bytes = 2'000;
    words = words.substr(0, whole_characters(words, most_bytes));
    (void)(is_utf8(words) ? out.text(words) : out.text(printable(words)));
}

inline constexpr std::size_t room_for_lists = JOINLY_REPORT_BYTES - 1'024;

[[nodiscard]] inline std::string report_json(const VerifyReport& report) {
    ReportJson json;
    json.boolean("sound", report.is_sound());
    json.boolean("complete", report.is_complete);
    json.number("records", report.inventory.total().records);
    json.number("flaw_count", report.flaw_count);
    json.some("kinds", '{', '}', report.inventory.kinds, room_for_lists / 4, [](JsonWriter& out, const auto& kind) {
        write_some_words(out, kind.first);
        out.raw(':');
        out.number(kind.second.records);
    });
    json.some("unknown_kinds", '[', ']', report.unknown_kinds, room_for_lists / 2,
              [](JsonWriter& out, const std::string& kind) { write_some_words(out, kind); });
    json.some("flaws", '[', ']', report.flaws, room_for_lists, [](JsonWriter& out, const joinly::Flaw& flaw) {
        out.raw("{\"key\":");
        write_some_words(out, flaw.key);
        out.raw(",\"code\":");
        write_some_words(out, to_string(flaw.code));
        out.raw(",\"what\":");
        write_some_words(out, flaw.what);
        out.raw('}');
    });
    return std::move(json).finish();
}

[[nodiscard]] inline std::string report_json(const SqliteSalvage& salvage) {
    const auto write_text = [](JsonWriter& out, const std::string& text) { write_some_words(out, text); };
    ReportJson json;
    json.number("records", salvage.records);
    json.number("lost", salvage.lost);
    json.boolean("may_lack_names", salvage.may_lack_names);
    json.some("gaps", '[', ']', salvage.gaps, room_for_lists / 2, write_text);
    json.some("lost_keys", '[', ']', salvage.lost_keys, room_for_lists, write_text);
    return std::move(json).finish();
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
