#ifndef TOOL_MOVE_HPP
#define TOOL_MOVE_HPP
// Dump, load and migrate on stores that are chosen while the program runs. Apart from the commands, for these are slow to compile.

#include <joinly/core/result.hpp>
#include <joinly/ops/dump_options.hpp>
#include <joinly/ops/migrate_options.hpp>

#include "any_store.hpp"

namespace tool {

// json.cpp: with all else that takes the library's JSON codec apart

[[nodiscard]] joinly::Result<joinly::DumpReport> dump_store(const Opened& from, joinly::LineSink sink,
                                                            const joinly::DumpOptions& options);
[[nodiscard]] joinly::Result<joinly::LoadReport> load_store(const Opened& into, joinly::LineSource source,
                                                            const joinly::LoadOptions& options);

// migrate.cpp

[[nodiscard]] joinly::Result<joinly::MigrateReport> migrate_store(const Opened& from, const Opened& into,
                                                                  const joinly::MigrateOptions& options);

}  // namespace tool
#endif
