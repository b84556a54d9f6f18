#include <joinly/core/result.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/count_allocations.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace {

using joinly::Errc;
using joinly::Error;
using joinly::failure;
using joinly::Result;
using joinly::Status;
using joinly::test::allocations_of;

static_assert(std::is_nothrow_move_constructible_v<Error>);

Result<std::string> not_found() { return failure(Errc::not_found); }
Status conflict() { return failure(Errc::conflict, "lobby:42 is at version 7, not 5"); }

TEST_CASE("errors compare by their codes alone", "[result]") {
    CHECK(Error{Errc::io, "disk on fire"} == Error{Errc::io, "disk under water"});
    CHECK(Error{Errc::io} == Errc::io);
    CHECK(Errc::io == Error{Errc::io});
    CHECK(Error{Errc::io, "same"} != Error{Errc::full, "same"});
    CHECK(Error{Errc::io} != Errc::full);
}

TEST_CASE("an error's message is the code's name when there is nothing more to say", "[result]") {
    CHECK(Error{Errc::not_found}.message() == "not_found");
    CHECK(Error{Errc::not_found, ""}.message() == "not_found");
    CHECK(Error{Errc::not_found, "no lobby:1"}.message() == "no lobby:1");
}

TEST_CASE("every code has a name of its own", "[result]") {
    std::string_view last;
    for (auto code = Errc::not_found; code <= Errc::cancelled; code = static_cast<Errc>(static_cast<int>(code) + 1)) {
        const std::string_view name = to_string(code);
        CHECK(name != "unknown");
        CHECK(name != last);
        last = name;
    }
    CHECK(last == "cancelled");
    CHECK(to_string(Errc::timed_out) == "timed_out");
    CHECK(to_string(Errc{}) == "unknown");
}

TEST_CASE("a not_found allocates nothing", "[result]") {
    bool right = false;
    const auto allocated = allocations_of([&] {
        auto result = not_found();
        auto moved = std::move(result);
        const Result<int> passed_on = failure(std::move(moved).error());
        right = !passed_on && passed_on.error() == Errc::not_found && passed_on.error().message() == "not_found";
    });
    CHECK(allocated == 0);
    CHECK(right);
}

TEST_CASE("allocations are really counted", "[result]") {
    if (!joinly::test::counts_allocations) return;
    CHECK(allocations_of([] { static_cast<void>(conflict()); }) > 0);
}

TEST_CASE("an error passes from one result to another with code and message", "[result]") {
    const auto outer = []() -> Result<int> {
        if (auto inner = conflict(); !inner) return failure(std::move(inner).error());
        return 1;
    };
    const auto result = outer();
    REQUIRE_FALSE(result);
    CHECK(result.error() == Errc::conflict);
    CHECK(result.error().message() == "lobby:42 is at version 7, not 5");
}

TEST_CASE("a result holds its value and a status its success", "[result]") {
    const Result<std::string> result = "value";
    REQUIRE(result);
    CHECK(*result == "value");
    CHECK(Status{});
}

}  // namespace
