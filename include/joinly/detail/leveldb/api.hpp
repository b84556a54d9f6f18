#ifndef JOINLY_DETAIL_LEVELDB_API_HPP
#define JOINLY_DETAIL_LEVELDB_API_HPP
// LevelDB's headers, kept apart from other people's macros. Included here and nowhere else. Nothing of ours derives from a
// LevelDB class: the library is often built without RTTI, and such a class would not link.

#pragma push_macro("Status")  // X11
#pragma push_macro("check")   // Unreal
#pragma push_macro("verify")
#undef Status
#undef check
#undef verify

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/env.h>
#include <leveldb/filter_policy.h>
#include <leveldb/iterator.h>
#include <leveldb/options.h>
#include <leveldb/slice.h>
#include <leveldb/status.h>
#include <leveldb/table.h>
#include <leveldb/write_batch.h>

#pragma pop_macro("verify")
#pragma pop_macro("check")
#pragma pop_macro("Status")

#include <joinly/config.hpp>

#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard]] inline leveldb::Slice to_slice(std::string_view bytes) noexcept { return {bytes.data(), bytes.size()}; }
[[nodiscard]] inline std::string_view to_view(const leveldb::Slice& slice) noexcept { return {slice.data(), slice.size()}; }

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
