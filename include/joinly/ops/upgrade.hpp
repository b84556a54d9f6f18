#ifndef JOINLY_OPS_UPGRADE_HPP
#define JOINLY_OPS_UPGRADE_HPP
// Brings all stored entities of a kind up to this build's description, at once instead of one by one as they are read. See
// "Changing a description" in joinly/entity/entity.hpp.
//
//     auto report = joinly::upgrade_all<game::Hero>(*store, [](const joinly::UpgradeReport& so_far) {
//         std::printf("%llu seen, %llu rewritten\n", so_far.seen, so_far.rewritten);
//         return !stop_requested;
//     });

#include <joinly/codec/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/fwd.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// How far an upgrade has come: all counts are of records.
struct UpgradeReport {
    std::uint64_t seen = 0;       ///< that were looked at
    std::uint64_t rewritten = 0;  ///< that were older than the description, and are no more
    std::uint64_t newer = 0;      ///< that a newer build wrote: left as they are
    std::uint64_t failed = 0;     ///< that cannot be read, or that `upgrade` refuses: left as they are
    std::string first_failure;    ///< of the first of these, with its key
    bool finished = false;        ///< false: stopped before the end
};

struct UpgradeOptions {
    /// Records that are rewritten in one transaction. More are faster, and more often in the way of other writers.
    std::size_t batch = 64;
};

namespace detail {

/// Whether an error is about one record alone, so that others may fare better.
[[nodiscard]] constexpr bool is_about_one_record(Errc code) noexcept {
    return code == Errc::corrupt || code == Errc::incompatible || code == Errc::invalid_argument || code == Errc::unsupported;
}

template <class T, class Codec, class Store>
class Upgrader {
public:
    Upgrader(Store& store, const UpgradeOptions& options) : store_{store}, batch_{options.batch == 0 ? 1 : options.batch} {}

    [[nodiscard]] Status next_page() {
        outdated_.clear();
        if (auto scanned = find_outdated(); !scanned) return scanned;
        return outdated_.empty() ? Status{} : rewrite();
    }
    [[nodiscard]] const UpgradeReport& report() const noexcept { return report_; }

private:
    static constexpr std::uint64_t seen_in_a_page = 4096;  // so that progress is told where little is to be done

    /// Fills `outdated_`, from where the last page ended. The backend's bytes tell the version; a cache would rather keep objects.
    [[nodiscard]] Status find_outdated() {
        const std::uint64_t until = report_.seen + seen_in_a_page;
        report_.finished = true;
        return store_.backend().scan(rest_, [&](std::string_view key, const RecordView& record) {
            ++report_.seen;
            look_at(key, record.value);
            if (report_.seen < until && outdated_.size() < batch_) return true;
            rest_.begin = std::string{key} + '\0';
            report_.finished = false;
            return false;
        });
    }

    void look_at(std::string_view key, std::string_view value) {
        const Result<int> version = Codec::template stored_version<T>(value);
        if (!version) {
            note_failure(failure_at(key, version.error()).value(), report_);
        } else if (*version > version_of<T>()) {
            ++report_.newer;
        } else if (*version < version_of<T>()) {
            outdated_.emplace_back(id_of(kind_of<T>, key));
        }
    }

    /// All of `outdated_` in one transaction; or each alone where one is refused only when the batch is encoded.
    [[nodiscard]] Status rewrite() {
        UpgradeReport after;
        const auto written = store_.transaction([&](auto& tx) -> Status {
            after = report_;
            for (const std::string& id : outdated_) {
                if (auto done = note(tx.template update<T>(id, [](T&) {}), after); !done) return done;
            }
            return {};
        });
        if (written) {
            report_ = std::move(after);
            return {};
        }
        if (!is_about_one_record(written.error().code())) return failure(written.error());
        for (const std::string& id : outdated_) {
            auto saved = store_.template update<T>(id, [](T&) {});
            if (auto done = note(saved.map([](Version) {}), report_); !done) return done;
        }
        return {};
    }

    /// An error that other records would meet as well is passed on.
    [[nodiscard]] static Status note(Status updated, UpgradeReport& report) {
        if (updated) {
            ++report.rewritten;
        } else if (is_about_one_record(updated.error().code())) {
            note_failure(updated.error(), report);
        } else if (updated.error() != Errc::not_found) {  // which somebody else has erased, or has expired
            return updated;
        }
        return {};
    }
    static void note_failure(const Error& error, UpgradeReport& report) {
        if (report.failed++ == 0) report.first_failure = error.message();
    }

    Store& store_;
    std::size_t batch_;
    KeyRange rest_ = kind_range(kind_of<T>);
    std::vector<std::string> outdated_;  // ids
    UpgradeReport report_;
};

template <class Progress>
[[nodiscard]] bool wants_more(Progress& progress, const UpgradeReport& report) {
    using Answer = std::invoke_result_t<Progress&, const UpgradeReport&>;
    static_assert(std::is_void_v<Answer> || std::is_same_v<Answer, bool>,
                  "upgrade_all: the progress function must return nothing, or a bool that is false to stop");
    if constexpr (std::is_void_v<Answer>) {
        progress(report);
        return true;
    } else {
        return progress(report);
    }
}

}  // namespace detail

/// Reads every T whose record an older description wrote, which takes it through `upgrade`, and saves it again. Others, and all
/// that is up to date, are only looked at. Records keep their expiry, and a writer that comes in between
/// loses nothing: his record is upgraded as he left it, or is up to date. While builds of the older version are
/// still writing, their records stay old: run it again after the last of them has gone.
///
/// Indexes are each version's own, for `upgrade` may change what is indexed: until Store::rebuild_indexes has been called for this
/// version, queries are `incompatible`, whether or not the records were upgraded before.
///
/// `progress` is called after each page of up to `batch` rewritten records or a few thousand that are up to date, and may
/// return false to stop. An upgrade that was stopped, or that failed, is begun anew by calling this again: what is done is
/// only looked at then.
/// @return what was done. An error is one that hits all records, such as `io`: what the last progress told stays done.
/// @par Thread safety  Any thread, also besides other upgrades; it flushes the store first. It runs in its caller's thread
///                     until it is over.
/// @par Complexity     O(records of the kind), and a read and a write for each that is older; a page in memory.
template <class T, class Backend, class CachePolicy, class Traits, std::invocable<const UpgradeReport&> Progress>
[[nodiscard]] Result<UpgradeReport> upgrade_all(Store<Backend, CachePolicy, Traits>& store, Progress&& progress,
                                                const UpgradeOptions& options = {}) {
    using Codec = typename Traits::Codec;
    constexpr bool flawless = detail::explain_entity<T>();
    static_assert(!flawless || versioning_codec_for<Codec, T>,
                  "upgrade_all: the codec of the store's traits cannot tell versions: it lacks stored_version (see "
                  "joinly/codec/concepts.hpp)");
    if constexpr (flawless && versioning_codec_for<Codec, T>) {
        if (auto flushed = store.flush(); !flushed) return failure(std::move(flushed).error());  // the scan is the backend's
        detail::Upgrader<T, Codec, Store<Backend, CachePolicy, Traits>> upgrader{store, options};
        do {
            if (auto done = upgrader.next_page(); !done) return failure(std::move(done).error());
        } while (detail::wants_more(progress, upgrader.report()) && !upgrader.report().finished);
        return upgrader.report();
    } else {
        return failure(Errc::unsupported);
    }
}

template <class T, class Backend, class CachePolicy, class Traits>
[[nodiscard]] Result<UpgradeReport> upgrade_all(Store<Backend, CachePolicy, Traits>& store, const UpgradeOptions& options = {}) {
    return upgrade_all<T>(
        store, [](const UpgradeReport&) {}, options);
}

JOINLY_NAMESPACE_END
#endif
