#include <joinly/backend/leveldb.hpp>

#include "work.hpp"

namespace quickstart {

joinly::Result<Report> run_on_leveldb(Policy policy, const Job& job) {
    return run_under<joinly::LevelDbBackend>(policy, job, {.path = job.path});
}

}  // namespace quickstart
