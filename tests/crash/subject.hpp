#ifndef JOINLY_TESTS_CRASH_SUBJECT_HPP
#define JOINLY_TESTS_CRASH_SUBJECT_HPP
// What the crash tests break: a backend under a policy, chosen at run time. Each backend is compiled once, in subject_*.cpp.

#include <joinly/backend/concepts.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/result.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace joinly::test {

enum class Engine { sqlite, leveldb, memory };
enum class Policy { no_cache, read_through, write_through, write_behind };

struct Setup {
    Engine engine = Engine::sqlite;
    Policy policy = Policy::no_cache;
    Sync sync = Sync::power_loss;

    bool journal = false;
    Sync journal_sync = Sync::process_crash;
    std::chrono::milliseconds journal_sync_interval{0};
};

/// "sqlite write_behind journal"
[[nodiscard]] std::string to_string(const Setup& setup);

struct Found {
    std::string key;
    std::string value;
    Version version = absent;
};

/// A store at the level below the typed one, where a batch can put and erase several keys.
class Subject {
public:
    Subject() = default;
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;
    virtual ~Subject() = default;

    [[nodiscard]] virtual Result<Version> write(const std::vector<Change>& changes) = 0;
    [[nodiscard]] virtual Status flush() = 0;
    [[nodiscard]] virtual Status sweep() = 0;
    [[nodiscard]] virtual Status close() = 0;
    [[nodiscard]] virtual Result<std::vector<Found>> scan() = 0;
    [[nodiscard]] virtual Result<Found> load(std::string_view key) = 0;
    [[nodiscard]] virtual Result<Version> last_version() = 0;
};
using OpenedSubject = Result<std::unique_ptr<Subject>>;

/// Opens or creates the database in `directory`, which exists.
[[nodiscard]] OpenedSubject open_subject(const Setup& setup, const std::string& directory);

[[nodiscard]] OpenedSubject open_sqlite_subject(const Setup& setup, const std::string& directory);
[[nodiscard]] OpenedSubject open_leveldb_subject(const Setup& setup, const std::string& directory);
[[nodiscard]] OpenedSubject open_memory_subject(const Setup& setup, const std::string& directory);

}  // namespace joinly::test
#endif
