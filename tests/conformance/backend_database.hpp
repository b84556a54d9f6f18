#ifndef JOINLY_TESTS_CONFORMANCE_BACKEND_DATABASE_HPP
#define JOINLY_TESTS_CONFORMANCE_BACKEND_DATABASE_HPP
// What the conformance suites of backends share: a database of the tested kind, and short ways to ask it something.

#include <joinly/backend/concepts.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace joinly::test {

/// A database of the tested kind in a directory of its own, empty at first.
template <class Subject>
class Database {
public:
    using Backend = typename Subject::Backend;
    static_assert(storage_backend<Backend>);

    Database() { open(); }

    Backend& operator*() { return *backend_; }
    Backend* operator->() { return &*backend_; }

    const TempDir& dir() const { return dir_; }

    void reopen() {
        backend_.reset();  // before the next one: an engine may lock its files
        open();
    }

private:
    void open() {
        auto opened = Backend::open(Subject::options(dir_));
        INFO((opened ? "" : std::string{opened.error().message()}));
        REQUIRE(opened);
        backend_.emplace(std::move(*opened));
    }

    TempDir dir_;
    std::optional<Backend> backend_;
};

/// The version that a write which must succeed got.
inline Version written(const Result<Version>& result) {
    INFO((result ? "" : std::string{result.error().message()}));
    REQUIRE(result);
    return *result;
}

/// The value of `key`, or the name of the error.
template <class Backend>
std::string value_of(Backend& backend, std::string_view key) {
    auto record = backend.read(key);
    return record ? record->value : '<' + std::string{to_string(record.error().code())} + '>';
}

template <class Backend>
Version version_of(Backend& backend, std::string_view key) {
    auto record = backend.read(key);
    return record ? record->version : absent;
}

using Keys = std::vector<std::string>;

/// The keys that a scan of `range` visits, which must succeed.
template <class Backend>
Keys keys_in(Backend& backend, const KeyRange& range) {
    Keys keys;
    const Status scanned = backend.scan(range, [&](std::string_view key, const RecordView&) {
        keys.emplace_back(key);
        return true;
    });
    REQUIRE(scanned);
    return keys;
}

inline KeyRange between(std::string begin, std::string end) { return {std::move(begin), std::move(end), Direction::forward}; }
inline KeyRange backward(KeyRange range) {
    range.direction = Direction::backward;
    return range;
}

inline WallTime at(std::int64_t unix_ms) { return WallTime{std::chrono::milliseconds{unix_ms}}; }

/// Runs `work(0)` .. `work(threads - 1)` at the same time, and waits for all.
template <class Work>
void in_parallel(int threads, Work work) {
    std::atomic<int> waiting{threads};
    std::vector<std::jthread> all;
    for (int index = 0; index < threads; ++index) {
        all.emplace_back([&, index] {
            --waiting;
            while (waiting > 0) std::this_thread::yield();  // together, or a short job is over before the next begins
            work(index);
        });
    }
}

struct Stop {};

}  // namespace joinly::test
#endif
