// Long random sequences of operations over a backend in memory, compared with a plain map.
#include <joinly/backend/memory.hpp>
#include <joinly/policy/write_behind.hpp>
#include <tests/model/run.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/failing_backend.hpp>

#include <memory>

namespace {

struct Memory {
    using Backend = joinly::test::FailingBackend;
    Backend::Options options(const joinly::test::TempDir&) const { return {.control = control}; }
    std::shared_ptr<Backend::Control> control = std::make_shared<Backend::Control>();
};

TEMPLATE_TEST_CASE("a store in memory answers as a plain map does", "[model]", joinly::NoCache, joinly::ReadThrough,
                   joinly::WriteThrough, joinly::WriteBehind) {
    const auto difference = joinly::test::differs_from_model<Memory, TestType>();
    INFO((difference ? to_text(*difference) : ""));
    CHECK_FALSE(difference.has_value());
}

/// Forgets everything when it is closed: a journal keeps it.
struct Volatile {
    using Backend = joinly::MemoryBackend;
    Backend::Options options(const joinly::test::TempDir&) const { return {}; }
};

TEST_CASE("a store in memory with a journal answers as a plain map does, over restarts", "[model][journal]") {
    const auto difference = joinly::test::differs_from_model<Volatile, joinly::WriteBehind>();
    INFO((difference ? to_text(*difference) : ""));
    CHECK_FALSE(difference.has_value());
}

}  // namespace
