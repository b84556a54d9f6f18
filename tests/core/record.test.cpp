#include <joinly/core/record.hpp>
#include <tests/support/catch.hpp>

#include <type_traits>

namespace {

static_assert(std::is_nothrow_move_constructible_v<joinly::Record>);
static_assert(std::is_trivially_copyable_v<joinly::RecordView>);
static_assert(std::is_same_v<joinly::Version, std::uint64_t>, "versions are in files and in the C interface");

TEST_CASE("a record begins empty, without a version and never expiring", "[record]") {
    const joinly::Record record;
    CHECK(record.value.empty());
    CHECK(record.version == joinly::absent);
    CHECK(record.expires_at.is_never());
}

TEST_CASE("no record has the version that means absent", "[record]") { CHECK(joinly::absent == joinly::Version{0}); }

}  // namespace
