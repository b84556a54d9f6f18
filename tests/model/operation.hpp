#ifndef JOINLY_TESTS_MODEL_OPERATION_HPP
#define JOINLY_TESTS_MODEL_OPERATION_HPP
// One operation of a model test, as data: it can be drawn at random, done again in another order, and read by people.

#include <joinly/core/key.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/entity/entity.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace joinly::test {

/// What the model test saves.
struct Item {
    std::string item_id;
    std::string text;
};

}  // namespace joinly::test

template <>
struct joinly::Entity<joinly::test::Item> {
    static constexpr std::string_view kind = "item";
    static constexpr auto& id(auto& item) { return item.item_id; }
    static constexpr void fields(auto& item, auto&& field) {
        field(1, "item_id", item.item_id);
        field(2, "text", item.text);
    }
};

namespace joinly::test {

enum class Verb : std::uint8_t {
    save,
    save_many,
    update,
    refuse_update,  // an update whose function refuses
    erase,
    load,
    load_many,
    exists,
    ids,
    for_each,
    count,
    put,
    put_junk,  // bytes that are no Item
    get,
    erase_key,
    keys,
    flush,
    pump,
    advance,
    set_wall,
    reopen,  // close first
    drop,    // leave the closing to the destructor
    refuse_writes,
    lose_answers,  // writes are made, and answer an error
    refuse_reads,
    heal,
    compare_all,
};

[[nodiscard]] constexpr std::string_view to_string(Verb verb) noexcept {
    constexpr std::string_view names[] = {
        "save",      "save_many",     "update",       "refuse_update", "erase",   "load",       "load_many",
        "exists",    "ids",           "for_each",     "count",         "put",     "put_junk",   "get",
        "erase_key", "keys",          "flush",        "pump",          "advance", "set_wall",   "reopen",
        "drop",      "refuse_writes", "lose_answers", "refuse_reads",  "heal",    "compare_all"};
    return names[static_cast<std::size_t>(verb)];
}

/// Which version a write expects; what number that is turns out when it is done.
enum class Expect : std::uint8_t { anything, absence, current, older };

struct Operation {
    Verb verb;
    std::vector<std::string> names = {};  // ids; raw keys of put, get and erase_key; the prefix of keys
    int value = 0;
    std::optional<std::chrono::milliseconds> ttl = {};
    Expect expect = Expect::anything;
    std::string after = {};
    std::size_t limit = (std::numeric_limits<std::size_t>::max)();  // of a page; visits of for_each
    std::chrono::milliseconds by{0};                                // advance and set_wall
    Errc code = Errc::io;                                           // of what is refused
};

[[nodiscard]] constexpr bool names_raw_keys(Verb verb) noexcept {
    return verb == Verb::put || verb == Verb::put_junk || verb == Verb::get || verb == Verb::erase_key;
}
[[nodiscard]] constexpr bool is_write(Verb verb) noexcept {
    return verb == Verb::save || verb == Verb::save_many || verb == Verb::update || verb == Verb::refuse_update ||
           verb == Verb::erase || verb == Verb::put || verb == Verb::put_junk || verb == Verb::erase_key;
}

/// Forms of an operation with one detail less.
[[nodiscard]] inline std::vector<Operation> simpler(const Operation& operation) {
    std::vector<Operation> forms;
    const Operation plain{operation.verb};
    const auto add = [&](auto member) {
        forms.push_back(operation);
        forms.back().*member = plain.*member;
    };
    if (operation.expect != plain.expect) add(&Operation::expect);
    if (operation.ttl) add(&Operation::ttl);
    if (!operation.after.empty()) add(&Operation::after);
    if (operation.limit != plain.limit) add(&Operation::limit);
    for (std::size_t i = 0; operation.names.size() > 1 && i < operation.names.size(); ++i) {
        forms.push_back(operation);
        forms.back().names.erase(forms.back().names.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return forms;
}

/// Bytes as people can read them, long ones with their length instead.
[[nodiscard]] inline std::string shown(std::string_view bytes) {
    if (bytes.size() <= 40) return '"' + detail::printable(bytes) + '"';
    return '"' + detail::printable(bytes.substr(0, 8)) + "...\" (" + std::to_string(bytes.size()) + " bytes)";
}

[[nodiscard]] inline std::string to_text(const Operation& operation) {
    std::string text{to_string(operation.verb)};
    for (const std::string& name : operation.names) text += ' ' + shown(name);
    if (is_write(operation.verb) && operation.value != 0) text += " value " + std::to_string(operation.value);
    if (operation.ttl) text += " ttl " + std::to_string(operation.ttl->count()) + "ms";
    if (operation.expect == Expect::absence) text += " expect absent";
    if (operation.expect == Expect::current) text += " expect its version";
    if (operation.expect == Expect::older) text += " expect an older version";
    if (!operation.after.empty()) text += " after " + shown(operation.after);
    if (operation.limit != (std::numeric_limits<std::size_t>::max)()) text += " limit " + std::to_string(operation.limit);
    if (operation.by.count() != 0) text += " by " + std::to_string(operation.by.count()) + "ms";
    if (operation.verb == Verb::refuse_writes || operation.verb == Verb::lose_answers || operation.verb == Verb::refuse_reads)
        text += " with " + std::string{joinly::to_string(operation.code)};
    return text;
}

[[nodiscard]] inline std::string to_text(const std::vector<Operation>& operations) {
    std::string text;
    for (const Operation& operation : operations) text += "    " + to_text(operation) + '\n';
    return text;
}

}  // namespace joinly::test
#endif
