// Long random sequences of operations over SQLite, compared with a plain map.
#include <joinly/backend/sqlite.hpp>
#include <joinly/policy/write_behind.hpp>
#include <tests/model/run.hpp>
#include <tests/support/catch.hpp>

namespace {

struct Sqlite {
    using Backend = joinly::SqliteBackend;
    Backend::Options options(const joinly::test::TempDir& dir) const {
        return {.path = dir / "store.db", .sync = joinly::Sync::process_crash};
    }
};

TEMPLATE_TEST_CASE("a store over SQLite answers as a plain map does", "[model][sqlite]", joinly::NoCache, joinly::ReadThrough,
                   joinly::WriteThrough, joinly::WriteBehind) {
    const auto difference = joinly::test::differs_from_model<Sqlite, TestType>();
    INFO((difference ? to_text(*difference) : ""));
    CHECK_FALSE(difference.has_value());
}

}  // namespace
