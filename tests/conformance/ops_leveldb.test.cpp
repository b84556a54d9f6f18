// LevelDbBackend is backed up and restored as every backend is.
#include <joinly/backend/leveldb.hpp>
#include <joinly/ops/restore.hpp>
#include <joinly/policy/write_through.hpp>
#include <tests/support/temp_dir.hpp>

#include <string>

namespace {

struct SubjectLevelDbBackend {
    using Backend = joinly::LevelDbBackend;
    using Policy = joinly::WriteThrough;
    static Backend::Options options(const joinly::test::TempDir& dir) {
        return {.path = dir / "live", .sync = joinly::Sync::process_crash};
    }
    static Policy::Options policy(const joinly::test::TempDir&) { return {}; }
    static joinly::Result<joinly::RestoreReport> restore(const joinly::test::TempDir& dir, const std::string& backup) {
        return joinly::restore<Backend>(backup, options(dir), {});
    }
};

}  // namespace

#define JOINLY_TESTED_BACKEND SubjectLevelDbBackend
#include <tests/conformance/ops_suite.hpp>
