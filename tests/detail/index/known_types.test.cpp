// What a store has found out about a type is good until a catalogue changes, and not a moment longer.

#include <joinly/detail/index/known_types.hpp>

#include <joinly/core/record.hpp>
#include <joinly/policy/object.hpp>
#include <tests/support/catch.hpp>

#include <cstdint>

using joinly::ObjectType;
using joinly::Version;
using joinly::detail::KnownTypes;

namespace {

constexpr ObjectType ship{};
constexpr ObjectType lobby{};

}  // namespace

TEST_CASE("a type is known from when it is added until everything is forgotten", "[index]") {
    KnownTypes known;
    CHECK_FALSE(known.find(&ship).has_value());
    known.add(&ship, 7, known.round());
    CHECK(known.find(&ship) == Version{7});
    CHECK_FALSE(known.find(&lobby).has_value());
    known.clear();
    CHECK_FALSE(known.find(&ship).has_value());
    known.add(&ship, 8, known.round());
    CHECK(known.find(&ship) == Version{8});
}

TEST_CASE("what was found out before a catalogue changed, or while it did, is not known afterwards", "[index]") {
    KnownTypes known;
    const std::uint64_t before = known.round();
    {
        const KnownTypes::Change change{known};
        CHECK_FALSE(known.has_stayed(before));
        CHECK_FALSE(known.has_stayed(known.round()));
        known.add(&ship, 7, known.round());
    }
    CHECK_FALSE(known.find(&ship).has_value());
    CHECK_FALSE(known.has_stayed(before));
    CHECK(known.has_stayed(known.round()));
    known.add(&ship, 7, before);
    CHECK_FALSE(known.find(&ship).has_value());
    known.add(&lobby, 9, before + KnownTypes::Change::rounds);
    CHECK(known.find(&lobby) == Version{9});
}
