#ifndef QUICKSTART_JOB_HPP
#define QUICKSTART_JOB_HPP
// The work as main.cpp orders it; work.hpp has what is done.

#include <joinly/core/result.hpp>

#include <cstdint>
#include <string>

#include "messages.hpp"
#include "options.hpp"
#include "report.hpp"

namespace quickstart {

struct Job {
    const Options& options;
    std::string path;             // of the database
    std::uint64_t most_rows = 0;  // of each file; 0: all
    Messages& messages;
};

// One file each, so that they compile side by side.
[[nodiscard]] joinly::Result<Report> run_on_sqlite(Policy policy, const Job& job);
[[nodiscard]] joinly::Result<Report> run_on_leveldb(Policy policy, const Job& job);
[[nodiscard]] joinly::Result<Report> run_on_memory(Policy policy, const Job& job);

}  // namespace quickstart
#endif
