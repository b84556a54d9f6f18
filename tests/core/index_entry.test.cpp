// Terms and entries: part of the formats on disk, as backend/README.md has them.
#include <joinly/core/index_entry.hpp>
#include <tests/support/catch.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace joinly;
using namespace std::string_literals;

std::vector<std::string> unpacked(std::string_view packed) {
    std::vector<std::string> terms;
    while (const auto term = take_index_term(packed)) terms.emplace_back(*term);
    return terms;
}

std::string packed(const std::vector<std::string>& terms) {
    std::string all;
    for (const auto& term : terms) append_index_term(all, term);
    return all;
}

TEST_CASE("an index entry's bytes are those of the README", "[index_entry][golden]") {
    const std::string rating = "\0\1\x80\0\0\0\0\0\4\xb0"s;
    CHECK(packed({rating}) == "\0\x0a"s + rating);
    const IndexEntry entry = index_entry("player:ada", rating);
    CHECK(entry.key == "\0iplayer:"s + rating + "ada");
    CHECK(entry.value == "\0\x13"s);
    CHECK(kind_of_entry(entry.key) == "player");
}

TEST_CASE("an index entry leads back to its record, whatever bytes term and id have", "[index_entry]") {
    for (const std::string& id : {"1"s, ":"s, "\0"s, "a:b\0c"s, std::string(max_id_bytes, '\xff')}) {
        for (const std::string& term : {""s, "\0"s, ":::"s, "player:"s, std::string(max_index_term_bytes, '\xff')}) {
            const IndexEntry entry = index_entry("player:" + id, term);
            CHECK((indexed_record_key(entry.key, entry.value) == "player:" + id));
        }
    }
}

TEST_CASE("what is no index entry leads to no record", "[index_entry]") {
    const std::string key = "\0iplayer:termid"s;
    CHECK(indexed_record_key(key, "\0\x0d"s) == "player:id");
    CHECK_FALSE(indexed_record_key(key, "\0"s));
    CHECK_FALSE(indexed_record_key(key, "\0\0\x0d"s));
    CHECK_FALSE(indexed_record_key(key, "\0\x08"s));  // at the colon
    CHECK_FALSE(indexed_record_key(key, "\0\x0f"s));  // at the end
    CHECK_FALSE(indexed_record_key(key, "\xff\xff"s));
    CHECK_FALSE(indexed_record_key("\0jplayer:termid"s, "\0\x0d"s));
    CHECK_FALSE(indexed_record_key("\0iplayer_termid"s, "\0\x0d"s));
}

TEST_CASE("packed terms are taken off one by one, up to where they are damaged", "[index_entry]") {
    const std::vector<std::string> terms{"a", "", "\0"s, std::string(300, 'x')};
    CHECK(unpacked(packed(terms)) == terms);
    CHECK(unpacked("").empty());
    CHECK(unpacked("\0"s).empty());
    CHECK(unpacked("\0\1a\0\2b"s) == std::vector{"a"s});
    CHECK(has_index_term(packed(terms), ""));
    CHECK_FALSE(has_index_term(packed(terms), "b"));
}

TEST_CASE("only terms that come and go change entries", "[index_entry]") {
    std::vector<std::string> erased;
    std::vector<std::string> put;
    update_index_entries(
        "k:1", packed({"old", "same"}), packed({"same", "new"}), [&](std::string key) { erased.push_back(std::move(key)); },
        [&](std::string key, std::string) { put.push_back(std::move(key)); });
    CHECK(erased == std::vector{"\0ik:old1"s});
    CHECK(put == std::vector{"\0ik:new1"s});
}

}  // namespace
