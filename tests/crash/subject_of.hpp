#ifndef JOINLY_TESTS_CRASH_SUBJECT_OF_HPP
#define JOINLY_TESTS_CRASH_SUBJECT_OF_HPP
// Subjects of one backend, under each of the policies.

#include <joinly/core/key.hpp>
#include <joinly/detail/expired_sweep.hpp>
#include <joinly/policy/no_cache.hpp>
#include <joinly/policy/read_through.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/policy/write_through.hpp>
#include <joinly/traits.hpp>

#include <tests/crash/subject.hpp>

#include <memory>
#include <string>
#include <utility>

namespace joinly::test {

template <class PolicyEngine>
class SubjectOf final : public Subject {
public:
    explicit SubjectOf(std::unique_ptr<PolicyEngine> engine) : engine_{std::move(engine)} {}

    Result<Version> write(const std::vector<Change>& changes) override {
        WriteSet set;
        for (const Change& change : changes) {
            Object object;
            if (change.value) object = {std::make_shared<const std::string>(*change.value), &bytes_type};
            set.writes.push_back({change.key, std::move(object), change.expires_at});
        }
        return engine_->write(std::move(set));
    }
    Status flush() override { return engine_->flush(); }
    Status sweep() override {
        detail::ExpiredSweep sweep{*engine_};
        do {
            if (auto swept = sweep.step(now(), [](ExpiredRecord&&) {}); !swept) return swept;
        } while (sweep.may_find_more());
        return {};
    }
    Status close() override { return engine_->close(); }

    Result<std::vector<Found>> scan() override {
        std::vector<Found> found;
        Status encoded;
        const auto scanned = engine_->scan(user_keys(), [&](const ScanItem& item) {
            if (item.record.expires_at.has_passed(now())) return true;
            std::string value{item.record.value};
            if (item.object) encoded = item.object->type->encode(item.object->value.get(), value);
            found.push_back({std::string{item.key}, std::move(value), item.record.version});
            return encoded.has_value();
        });
        if (!scanned) return failure(scanned.error());
        if (!encoded) return failure(encoded.error());
        return found;
    }

    Result<Found> load(std::string_view key) override {
        const auto loaded = engine_->load(key, bytes_type);
        if (!loaded) return failure(loaded.error());
        return Found{std::string{key}, *static_cast<const std::string*>(loaded->object.value.get()), loaded->version};
    }
    Result<Version> last_version() override { return engine_->backend().last_version(); }

private:
    [[nodiscard]] static WallTime now() { return DefaultTraits::Clock{}.now(); }

    std::unique_ptr<PolicyEngine> engine_;
};

template <class CachePolicy, class Backend>
OpenedSubject open_under(Backend backend, const typename CachePolicy::Options& options) {
    using PolicyEngine = typename CachePolicy::template Engine<Backend, DefaultTraits>;
    auto engine = PolicyEngine::open(std::move(backend), options, DefaultTraits{});
    if (!engine) return failure(std::move(engine).error());
    return std::make_unique<SubjectOf<PolicyEngine>>(std::move(*engine));
}

/// A cache that is too small for all keys, and delays so short that flushes happen all the time.
inline constexpr std::size_t subject_cache_entries = 100;

/// A journal of small segments, so that they fill up and are recycled, and under memory so small that checkpoints are written.
inline WriteBehind::Options write_behind_options(const Setup& setup, const std::string& directory) {
    WriteBehind::Options options{
        .capacity_entries = subject_cache_entries, .max_delay = std::chrono::milliseconds{5}, .flush_entries = 150};
    if (setup.journal) {
        options.journal.path = directory + "/journal";
        options.journal.sync = setup.journal_sync;
        options.journal.sync_interval = setup.journal_sync_interval;
        options.journal.segment_bytes = std::size_t{64} << 10;
        if (setup.engine == Engine::memory) options.journal.limit_bytes = std::size_t{512} << 10;
    }
    return options;
}

template <class Backend>
OpenedSubject open_subject_of(Result<Backend> backend, const Setup& setup, const std::string& directory) {
    if (!backend) return failure(std::move(backend).error());
    switch (setup.policy) {
        case Policy::no_cache: return open_under<NoCache>(std::move(*backend), {});
        case Policy::read_through: return open_under<ReadThrough>(std::move(*backend), {.capacity_entries = subject_cache_entries});
        case Policy::write_through:
            return open_under<WriteThrough>(std::move(*backend), {.capacity_entries = subject_cache_entries});
        case Policy::write_behind: return open_under<WriteBehind>(std::move(*backend), write_behind_options(setup, directory));
    }
    return failure(Errc::invalid_argument);
}

}  // namespace joinly::test
#endif
