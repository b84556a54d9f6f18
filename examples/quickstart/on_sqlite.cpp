#include <joinly/backend/sqlite.hpp>

#include "work.hpp"

namespace quickstart {

joinly::Result<Report> run_on_sqlite(Policy policy, const Job& job) {
    return run_under<joinly::SqliteBackend>(policy, job, {.path = job.path});
}

}  // namespace quickstart
