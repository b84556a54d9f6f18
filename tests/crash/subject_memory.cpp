#include <joinly/backend/memory.hpp>

#include <tests/crash/subject_of.hpp>

namespace joinly::test {

OpenedSubject open_memory_subject(const Setup& setup, const std::string& directory) {
    return open_subject_of(MemoryBackend::open(), setup, directory);
}

std::string to_string(const Setup& setup) {
    constexpr const char* engines[] = {"sqlite", "leveldb", "memory"};
    constexpr const char* policies[] = {"no_cache", "read_through", "write_through", "write_behind"};
    std::string text = engines[static_cast<int>(setup.engine)];
    text += std::string{" "} + policies[static_cast<int>(setup.policy)];
    if (setup.sync == Sync::process_crash) text += " process_crash";
    if (!setup.journal) return text;
    text += setup.journal_sync == Sync::power_loss ? " journal power_loss" : " journal";
    if (setup.journal_sync_interval.count() > 0) text += " every " + std::to_string(setup.journal_sync_interval.count()) + " ms";
    return text;
}

OpenedSubject open_subject(const Setup& setup, const std::string& directory) {
    switch (setup.engine) {
        case Engine::sqlite: return open_sqlite_subject(setup, directory);
        case Engine::leveldb: return open_leveldb_subject(setup, directory);
        case Engine::memory: return open_memory_subject(setup, directory);
    }
    return failure(Errc::invalid_argument);
}

}  // namespace joinly::test
