#ifndef JOINLY_DETAIL_CODEC_JSON_TREE_HPP
#define JOINLY_DETAIL_CODEC_JSON_TREE_HPP
// JSON text that nobody vouches for to a tree of values: the only header that includes nlohmann's.

#include <joinly/config.hpp>
#include <joinly/detail/codec/wire.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

using JsonTree = nlohmann::json;

/// Builds the tree from the parser's events. nlohmann's own builder throws or forgets where it went wrong, and knows no
/// bound on depth. Of several values under one key the last one wins, as in Python.
class JsonTreeBuilder {
public:
    /// Where the members of an object that has any stand in the text. Of two with one address the later one is there still.
    struct Place {
        const JsonTree::object_t* object;
        const char* members;
    };

    JsonTreeBuilder() = default;
    JsonTreeBuilder(const JsonTreeBuilder&) = delete;
    JsonTreeBuilder& operator=(const JsonTreeBuilder&) = delete;
    ~JsonTreeBuilder() { empty(root_); }

    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(JsonTree::number_integer_t value) { return put(value); }
    bool number_unsigned(JsonTree::number_unsigned_t value) { return put(value); }
    bool number_float(JsonTree::number_float_t value, const std::string&) { return put(value); }
    bool string(std::string& value) { return put(std::move(value)); }
    bool binary(JsonTree::binary_t&) { return false; }  // JSON text has none
    bool start_object(std::size_t) {
        members_ = at_;
        return open(JsonTree::object());
    }
    bool start_array(std::size_t) { return open(JsonTree::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& key) {
        const auto* object = open_.back()->get_ptr<const JsonTree::object_t*>();
        if (object->empty()) places_.push_back({object, members_});
        slot_ = &(*open_.back())[std::move(key)];
        empty(*slot_);
        return true;
    }
    template <class Exception>
    bool parse_error(std::size_t position, const std::string&, const Exception& error) {
        what_ = "at byte " + std::to_string(position) + describe(error.what());
        return false;
    }

    /// Builds the tree of `text`; false when that is not JSON.
    bool parse(std::string_view text) {
        return JsonTree::sax_parse(Cursor{text.data(), &at_}, Cursor{text.data() + text.size(), &at_}, this);
    }

    [[nodiscard]] const JsonTree& root() const noexcept { return root_; }
    /// Sorted by address and then by place.
    [[nodiscard]] std::vector<Place> take_places() {
        std::sort(places_.begin(), places_.end(), [](const Place& left, const Place& right) {
            return std::less<>{}(left.object, right.object) || (left.object == right.object && left.members < right.members);
        });
        return std::move(places_);
    }
    [[nodiscard]] const std::string& what() const noexcept { return what_; }

private:
    /// Lets the parser walk over the text, and the builder know how far it is: it tells of no place but an error's.
    struct Cursor {
        using iterator_category = std::forward_iterator_tag;
        using value_type = char;
        using difference_type = std::ptrdiff_t;
        using pointer = const char*;
        using reference = const char&;

        reference operator*() const noexcept { return *at; }
        Cursor& operator++() noexcept {
            *seen = ++at;
            return *this;
        }
        Cursor operator++(int) noexcept {
            const Cursor before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const Cursor& left, const Cursor& right) noexcept { return left.at == right.at; }

        const char* at;
        const char** seen;
    };

    /// nlohmann's words without its code, without what players wrote, and without the place where the byte alone names it.
    static std::string describe(std::string_view words) {
        words = words.substr(0, (std::min)(words.find("; last read"), words.find(" parsing '")));
        if (words.starts_with('[')) words.remove_prefix((std::min)(words.size(), words.find("] ") + 2));
        constexpr std::string_view place = "parse error at ";
        if (!words.starts_with(place)) return ": " + std::string{words};
        words.remove_prefix(place.size());
        if (words.starts_with("line 1,")) return std::string{words.substr((std::min)(words.size(), words.find(": ")))};
        return ", " + std::string{words};
    }

    /// nlohmann's destructor allocates for what a container holds, and ends the program where there is no memory.
    static void empty(JsonTree& value) noexcept {
        if (!value.is_structured()) return;
        for (JsonTree& inner : value) empty(inner);
        value.clear();
    }

    bool put(JsonTree value) {
        place() = std::move(value);
        return true;
    }
    bool open(JsonTree container) {
        if (open_.size() == max_brackets) {
            what_ = "it is nested too deeply";
            return false;
        }
        JsonTree& placed = place();
        placed = std::move(container);
        open_.push_back(&placed);
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }
    /// Where the next value goes. A container that is open stays where it is: its parent grows only after it is closed.
    JsonTree& place() {
        if (open_.empty()) return root_;
        if (open_.back()->is_object()) return *slot_;
        return open_.back()->emplace_back();
    }

    JsonTree root_;
    std::vector<JsonTree*> open_;
    JsonTree* slot_ = nullptr;
    const char* at_ = nullptr;       // behind the newest bracket, when an object begins
    const char* members_ = nullptr;  // of the newest object
    std::vector<Place> places_;
    std::string what_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
