#include <joinly/core/batch.hpp>
#include <tests/support/catch.hpp>

#include <chrono>
#include <string>

namespace {

using joinly::Batch;
using joinly::Expiry;
using joinly::WallTime;

TEST_CASE("a batch keeps its changes in the order they were made", "[batch]") {
    const Expiry later{WallTime{std::chrono::milliseconds{5}}};
    const Batch batch = Batch{}.put("b", "1").erase("a").put("b", "2", later).require("c", 7);

    REQUIRE(batch.changes.size() == 3);
    CHECK(batch.changes[0].key == "b");
    CHECK(batch.changes[0].value == "1");
    CHECK(batch.changes[0].expires_at.is_never());
    CHECK(batch.changes[1].key == "a");
    CHECK_FALSE(batch.changes[1].value);
    CHECK(batch.changes[2].value == "2");
    CHECK(batch.changes[2].expires_at == later);
    REQUIRE(batch.requirements.size() == 1);
    CHECK(batch.requirements[0].key == "c");
    CHECK(batch.requirements[0].version == 7);
}

TEST_CASE("a batch leaves versions to the backend unless told otherwise", "[batch]") {
    const Batch batch = Batch{}.put("a", "1").erase("b");
    CHECK(batch.version == joinly::absent);
    CHECK(batch.changes[0].version == joinly::absent);
    CHECK(batch.changes[1].version == joinly::absent);
    CHECK(batch.changes[0].form == joinly::ValueForm::bytes);
}

TEST_CASE("a put of an empty value is no erase", "[batch]") {
    const Batch batch = Batch{}.put("a", "");
    REQUIRE(batch.changes[0].value);
    CHECK(batch.changes[0].value->empty());
}

TEST_CASE("a batch without a now lets nothing expire", "[batch]") {
    CHECK_FALSE(Expiry{WallTime{std::chrono::milliseconds{-1}}}.has_passed(Batch{}.now));
}

}  // namespace
