#ifndef JOINLY_TESTS_MODEL_REFUSING_HPP
#define JOINLY_TESTS_MODEL_REFUSING_HPP
// Any backend, refusing reads, refusing writes or losing their answers as a test tells it.

#include <joinly/backend/concepts.hpp>
#include <tests/support/failing_backend.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace joinly::test {

struct Refusals {
    Refusal reads;    ///< whatever reads answers this
    Refusal writes;   ///< write answers this, and nothing is written
    Refusal answers;  ///< write answers this although the batch was written
};

template <storage_backend Inner>
class Refusing {
public:
    static constexpr bool is_volatile = volatile_backend<Inner>;

    struct Options {
        typename Inner::Options inner;
        std::shared_ptr<Refusals> refusals;
    };

    [[nodiscard]] static Result<Refusing> open(Options options) {
        auto inner = Inner::open(std::move(options.inner));
        if (!inner) return failure(std::move(inner).error());
        return Refusing{std::move(*inner), std::move(options.refusals)};
    }

    [[nodiscard]] Result<Record> read(std::string_view key) {
        if (auto refused = refusal(refusals_->reads); !refused) return failure(std::move(refused).error());
        return inner_.read(key);
    }
    [[nodiscard]] Status read_many(std::span<const std::string_view> keys, ReadSink sink) {
        if (auto refused = refusal(refusals_->reads); !refused) return refused;
        return inner_.read_many(keys, sink);
    }
    [[nodiscard]] Result<Version> write(const Batch& batch) {
        if (auto refused = refusal(refusals_->writes); !refused) return failure(std::move(refused).error());
        auto written = inner_.write(batch);
        if (auto lost = refusal(refusals_->answers); written && !lost) return failure(std::move(lost).error());
        return written;
    }
    [[nodiscard]] Status scan(const KeyRange& range, ScanVisitor visit) {
        if (auto refused = refusal(refusals_->reads); !refused) return refused;
        return inner_.scan(range, visit);
    }
    [[nodiscard]] Status follow(const KeyRange& range, EntryVisitor visit) {
        if (auto refused = refusal(refusals_->reads); !refused) return refused;
        return inner_.follow(range, visit);
    }
    [[nodiscard]] Result<std::vector<ExpiredRecord>> expired(WallTime now, std::size_t limit) {
        if (auto refused = refusal(refusals_->reads); !refused) return failure(std::move(refused).error());
        return inner_.expired(now, limit);
    }
    [[nodiscard]] Result<Version> last_version() {
        if (auto refused = refusal(refusals_->reads); !refused) return failure(std::move(refused).error());
        return inner_.last_version();
    }
    [[nodiscard]] Result<std::uint64_t> size_on_disk() { return inner_.size_on_disk(); }

    [[nodiscard]] Status claim_sole_writer() requires claims_sole_writer<Inner> { return inner_.claim_sole_writer(); }
    [[nodiscard]] Result<std::uint64_t> foreign_commits() requires tells_foreign_commits<Inner> { return inner_.foreign_commits(); }

    /// What is stored, past all refusals.
    [[nodiscard]] Inner& inner() noexcept { return inner_; }

private:
    Refusing(Inner inner, std::shared_ptr<Refusals> refusals) : inner_{std::move(inner)}, refusals_{std::move(refusals)} {}

    [[nodiscard]] static Status refusal(const Refusal& refusal) {
        if (const auto code = refusal.code()) return failure(*code, "the test refuses");
        return {};
    }

    Inner inner_;
    std::shared_ptr<Refusals> refusals_;
};

}  // namespace joinly::test
#endif
