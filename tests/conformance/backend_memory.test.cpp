// MemoryBackend keeps the contract of storage_backend; and what is not a backend does not pass for one.
#include <joinly/backend/memory.hpp>
#include <tests/support/temp_dir.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace {

struct Memory {
    using Backend = joinly::MemoryBackend;
    static constexpr bool durable = false;
    static joinly::MemoryOptions options(const joinly::test::TempDir&) { return {}; }
};

/// Everything but one call.
struct WithoutScan {
    struct Options {};
    static joinly::Result<WithoutScan> open(Options);
    joinly::Result<joinly::Record> read(std::string_view);
    joinly::Status read_many(std::span<const std::string_view>, joinly::ReadSink);
    joinly::Result<joinly::Version> write(const joinly::Batch&);
    joinly::Status follow(const joinly::KeyRange&, joinly::EntryVisitor);
    joinly::Result<std::vector<joinly::ExpiredRecord>> expired(joinly::WallTime, std::size_t);
    joinly::Result<joinly::Version> last_version();
    joinly::Result<std::uint64_t> size_on_disk();
};
struct Complete : WithoutScan {
    static joinly::Result<Complete> open(Options);
    joinly::Status scan(const joinly::KeyRange&, joinly::ScanVisitor);
};
struct WithoutErrors : Complete {  // a status where a result is due
    static joinly::Result<WithoutErrors> open(Options);
    joinly::Version write(const joinly::Batch&);
};
struct Unmovable : Complete {
    Unmovable(Unmovable&&) = delete;
    static joinly::Result<Unmovable> open(Options);
};

static_assert(joinly::storage_backend<Complete>);
static_assert(!joinly::storage_backend<int>);
static_assert(!joinly::storage_backend<WithoutScan>);
static_assert(!joinly::storage_backend<WithoutErrors>);
static_assert(!joinly::storage_backend<Unmovable>);
static_assert(!joinly::storage_backend<joinly::MemoryBackend*>);
static_assert(!joinly::backs_up<joinly::MemoryBackend>);
static_assert(!joinly::verifies_integrity<joinly::MemoryBackend>);
static_assert(!joinly::compacts<joinly::MemoryBackend>);

}  // namespace

#define JOINLY_TESTED_BACKEND Memory
#include <tests/conformance/backend_suite.hpp>
