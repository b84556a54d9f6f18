#ifndef JOINLY_DETAIL_CODEC_JSON_MEMBERS_HPP
#define JOINLY_DETAIL_CODEC_JSON_MEMBERS_HPP
// The members of a JSON object as they are written: for what is to be kept to the letter.

#include <joinly/config.hpp>

#include <cstddef>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// One member, as written: `"key"` with its quotes, and the value.
struct JsonMember {
    std::string_view key = {};
    std::string_view value = {};
    std::size_t depth = 0;  // of brackets in the value

    /// Without the quotes, escapes as they are.
    [[nodiscard]] std::string_view key_text() const noexcept { return key.substr(1, key.size() < 2 ? 0 : key.size() - 2); }
};

/// A walk over text that a parser has accepted: quotes and brackets are enough to find the way. It never leaves the text,
/// whatever that is. O(size of the members), what is nested in them included.
class JsonMembers {
public:
    /// `members` begins behind the object's brace, and may go on beyond the object.
    explicit JsonMembers(std::string_view members) noexcept : at_{members.data()}, end_{members.data() + members.size()} {}

    /// False when there are no more.
    bool next(JsonMember& member) noexcept {
        skip(" \t\n\r,");
        if (at_ == end_ || *at_ != '"') return false;
        member.key = text();
        skip(" \t\n\r:");
        member.value = value(member.depth);
        return true;
    }

private:
    void skip(std::string_view characters) noexcept {
        while (at_ != end_ && characters.find(*at_) != characters.npos) ++at_;
    }

    std::string_view text() noexcept {
        const char* const start = at_++;
        for (bool escaped = false; at_ != end_ && (escaped || *at_ != '"'); ++at_) escaped = !escaped && *at_ == '\\';
        if (at_ != end_) ++at_;
        return since(start);
    }

    std::string_view value(std::size_t& deepest) noexcept {
        const char* const start = at_;
        std::size_t depth = 0;
        deepest = 0;
        while (at_ != end_) {
            if (*at_ == '"') {
                text();
            } else if (*at_ == '{' || *at_ == '[') {
                ++at_;
                if (++depth > deepest) deepest = depth;
            } else if (*at_ == '}' || *at_ == ']') {
                if (depth == 0) break;
                ++at_;
                --depth;
            } else if (depth == 0 && std::string_view{", \t\n\r"}.find(*at_) != std::string_view::npos) {
                break;
            } else {
                ++at_;
            }
        }
        return since(start);
    }

    [[nodiscard]] std::string_view since(const char* start) const noexcept {
        return {start, static_cast<std::size_t>(at_ - start)};
    }

    const char* at_;
    const char* end_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
