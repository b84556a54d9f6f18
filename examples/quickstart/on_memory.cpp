#include <joinly/backend/memory.hpp>

#include "work.hpp"

namespace quickstart {

joinly::Result<Report> run_on_memory(Policy policy, const Job& job) {
    constexpr bool outlives_store = false;
    return run_under<joinly::MemoryBackend, outlives_store>(policy, job, {});
}

}  // namespace quickstart
