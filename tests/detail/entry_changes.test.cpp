// What the changes of index entries that a batch makes come to.
#include <joinly/detail/entry_changes.hpp>
#include <tests/support/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using joinly::detail::EntryChange;
using joinly::detail::EntryChanges;

std::string packed(std::string_view term) {
    std::string terms;
    joinly::append_index_term(terms, term);
    return terms;
}

/// As "+key@version" and "-key", without what all keys begin with.
std::vector<std::string> take_all(EntryChanges& changes) {
    std::vector<std::string> made;
    changes.make_all([&](const EntryChange& change) {
        const std::string rest = change.key.substr(joinly::index_entry_prefix.size());
        made.push_back(change.value ? '+' + rest + '@' + std::to_string(change.version) : '-' + rest);
    });
    return made;
}

TEST_CASE("changes of index entries are made in the order of their keys, whatever the order of the records", "[entry_changes]") {
    EntryChanges changes;
    changes.add("player:a", packed("9"), packed("3"), 5);
    changes.add("player:b", "", packed("1"), 6);
    CHECK(take_all(changes) == std::vector<std::string>{"+player:1b@6", "+player:3a@5", "-player:9a"});
    CHECK(take_all(changes).empty());
}

TEST_CASE("of several changes of one index entry the last one is made", "[entry_changes]") {
    EntryChanges changes;
    changes.add("player:a", packed("1"), packed("2"), 5);
    changes.add("player:a", packed("2"), packed("1"), 6);
    CHECK(take_all(changes) == std::vector<std::string>{"+player:1a@6", "-player:2a"});
    changes.add("player:a", "", packed("1"), 7);
    changes.add("player:a", packed("1"), "", 8);
    CHECK(take_all(changes) == std::vector<std::string>{"-player:1a"});
}

}  // namespace
