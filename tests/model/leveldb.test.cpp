// Long random sequences of operations over LevelDB, compared with a plain map.
#include <joinly/backend/leveldb.hpp>
#include <joinly/policy/write_behind.hpp>
#include <tests/model/run.hpp>
#include <tests/support/catch.hpp>

namespace {

struct LevelDb {
    using Backend = joinly::LevelDbBackend;
    Backend::Options options(const joinly::test::TempDir& dir) const {
        return {.path = dir / "store", .sync = joinly::Sync::process_crash, .write_buffer_bytes = 64 << 10};
    }
};

TEMPLATE_TEST_CASE("a store over LevelDB answers as a plain map does", "[model][leveldb]", joinly::NoCache, joinly::ReadThrough,
                   joinly::WriteThrough, joinly::WriteBehind) {
    const auto difference = joinly::test::differs_from_model<LevelDb, TestType>();
    INFO((difference ? to_text(*difference) : ""));
    CHECK_FALSE(difference.has_value());
}

}  // namespace
