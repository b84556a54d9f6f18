// MemoryBackend is backed up and restored as every backend is.
#include <joinly/backend/memory.hpp>
#include <joinly/ops/restore.hpp>
#include <joinly/policy/write_behind.hpp>
#include <tests/support/temp_dir.hpp>

#include <string>

namespace {

struct SubjectMemoryBackend {
    using Backend = joinly::MemoryBackend;
    using Policy = joinly::WriteBehind;
    static Backend::Options options(const joinly::test::TempDir&) { return {}; }
    static Policy::Options policy(const joinly::test::TempDir& dir) { return {.journal = {.path = dir / "journal"}}; }
    static joinly::Result<joinly::RestoreReport> restore(const joinly::test::TempDir& dir, const std::string& backup) {
        return joinly::restore<Backend>(backup, {}, {.journal = dir / "journal"});
    }
};

}  // namespace

#define JOINLY_TESTED_BACKEND SubjectMemoryBackend
#include <tests/conformance/ops_suite.hpp>
