#include <joinly/detail/function_ref.hpp>
#include <tests/support/catch.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace {

using joinly::detail::FunctionRef;

static_assert(sizeof(FunctionRef<void()>) == 2 * sizeof(void*));
static_assert(std::is_trivially_copyable_v<FunctionRef<void()>>);
static_assert(!std::is_constructible_v<FunctionRef<int(int)>, int (*)(std::string)>);
static_assert(!std::is_constructible_v<FunctionRef<int(int)>, void (*)(int)>);
static_assert(!std::is_constructible_v<FunctionRef<int(int)>, int>);

int call(FunctionRef<int(int)> function, int argument) { return function(argument); }
int doubled(int number) { return 2 * number; }

struct Adder {
    int sum = 0;
    int operator()(int number) { return sum += number; }
    int operator()(int number) const { return sum - number; }
};

TEST_CASE("a borrowed lambda is called with its captures", "[function_ref]") {
    int calls = 0;
    CHECK(call([&](int number) { return number + ++calls; }, 40) == 41);
    CHECK(calls == 1);
}

TEST_CASE("what is borrowed is not copied", "[function_ref]") {
    Adder adder;
    CHECK(call(adder, 2) == 2);
    CHECK(call(adder, 3) == 5);
    CHECK(adder.sum == 5);
}

TEST_CASE("a borrowed const object is called as const", "[function_ref]") {
    const Adder adder{10};
    CHECK(call(adder, 3) == 7);
}

TEST_CASE("plain functions and pointers to them can be borrowed", "[function_ref]") {
    CHECK(call(&doubled, 21) == 42);
    CHECK(call(doubled, 21) == 42);
}

TEST_CASE("arguments are passed on, moved where they may be", "[function_ref]") {
    const auto take = [](FunctionRef<int(std::unique_ptr<int>, std::string&)> function) {
        std::string text = "before";
        const int number = function(std::make_unique<int>(7), text);
        return std::to_string(number) + text;
    };
    CHECK(take([](std::unique_ptr<int> number, std::string& text) {
              text = " after";
              return *number;
          }) == "7 after");
}

TEST_CASE("a result that nobody wants is dropped", "[function_ref]") {
    int seen = 0;
    const auto run = [](FunctionRef<void(int)> function) { function(5); };
    run([&](int number) { return seen = number; });
    CHECK(seen == 5);
}

TEST_CASE("an exception of the callable's travels through", "[function_ref]") {
    CHECK_THROWS_AS(call([](int number) -> int { throw number; }, 3), int);
}

TEST_CASE("a copy borrows the same callable, not the reference to it", "[function_ref]") {
    const auto one = [](int number) { return number + 1; };
    const auto two = [](int number) { return number + 2; };
    FunctionRef<int(int)> function = one;
    const FunctionRef<int(int)> copy = function;
    function = two;
    CHECK(copy(1) == 2);
    CHECK(function(1) == 3);
}

}  // namespace
