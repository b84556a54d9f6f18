#ifndef JOINLY_DETAIL_C_ANY_BACKEND_HPP
#define JOINLY_DETAIL_C_ANY_BACKEND_HPP
// A backend that is chosen at run time. Each policy is then compiled once, and not once for each backend: a virtual call is
// nothing to what an engine does.

#include <joinly/backend/concepts.hpp>
#include <joinly/backend/sqlite_views.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Any thread may call, as of every backend. What the backend within cannot do is `unsupported`, or, where the store only asks
/// for the sake of others (claim_sole_writer, foreign_commits), done already.
class AnyBackend {
public:
    class Held {
    public:
        Held() = default;
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
        virtual ~Held() = default;
        virtual Result<Record> read(std::string_view key) = 0;
        virtual Status read_many(std::span<const std::string_view> keys, ReadSink sink) = 0;
        virtual Result<Version> write(const Batch& batch) = 0;
        virtual Status scan(const KeyRange& range, ScanVisitor visit) = 0;
        virtual Status follow(const KeyRange& range, EntryVisitor visit) = 0;
        virtual Result<std::vector<ExpiredRecord>> expired(WallTime now, std::size_t limit) = 0;
        virtual Result<Version> last_version() = 0;
        virtual Result<std::uint64_t> size_on_disk() = 0;
        virtual Result<std::vector<StoragePart>> size_by_part() = 0;
        virtual Result<Version> backup_to(const std::string& path, const CopyWatch& watch) = 0;
        virtual Status verify_integrity() = 0;
        virtual Status examine(ScanVisitor visit, FlawVisitor on_flaw) = 0;
        virtual std::string_view engine() const = 0;
        virtual Status claim_sole_writer() = 0;
        virtual bool is_shared() const noexcept = 0;
        virtual Result<std::uint64_t> foreign_commits() = 0;
        virtual Status create_views(std::span<const SqlView> views) = 0;
    };
    struct Options {
        std::shared_ptr<Held> held;  ///< open already
    };

    [[nodiscard]] static Result<AnyBackend> open(const Options& options) { return AnyBackend{options.held}; }
    /// For another store of the same backend, which lives as long as one of them has it.
    [[nodiscard]] Options share() const { return {held_}; }

    [[nodiscard]] Result<Record> read(std::string_view key) { return held_->read(key); }
    [[nodiscard]] Status read_many(std::span<const std::string_view> keys, ReadSink sink) { return held_->read_many(keys, sink); }
    [[nodiscard]] Result<Version> write(const Batch& batch) { return held_->write(batch); }
    [[nodiscard]] Status scan(const KeyRange& range, ScanVisitor visit) { return held_->scan(range, visit); }
    [[nodiscard]] Status follow(const KeyRange& range, EntryVisitor visit) { return held_->follow(range, visit); }
    [[nodiscard]] Result<std::vector<ExpiredRecord>> expired(WallTime now, std::size_t limit) { return held_->expired(now, limit); }
    [[nodiscard]] Result<Version> last_version() { return held_->last_version(); }
    [[nodiscard]] Result<std::uint64_t> size_on_disk() { return held_->size_on_disk(); }
    [[nodiscard]] Result<std::vector<StoragePart>> size_by_part() { return held_->size_by_part(); }
    [[nodiscard]] std::string_view engine() const { return held_->engine(); }
    [[nodiscard]] Result<Version> backup_to(const std::string& path, const CopyWatch& watch) {
        return held_->backup_to(path, watch);
    }
    [[nodiscard]] Status backup_to(const std::string& path) {
        const auto look = [](std::string_view, const RecordView&) { return true; };
        return backup_to(path, {look, look}).map([](Version) {});
    }
    [[nodiscard]] Status verify_integrity() { return held_->verify_integrity(); }
    [[nodiscard]] Status examine(ScanVisitor visit, FlawVisitor on_flaw) { return held_->examine(visit, on_flaw); }
    [[nodiscard]] Status claim_sole_writer() { return held_->claim_sole_writer(); }
    [[nodiscard]] bool is_shared() const noexcept { return held_->is_shared(); }  ///< others may write to it meanwhile
    [[nodiscard]] Result<std::uint64_t> foreign_commits() { return held_->foreign_commits(); }
    [[nodiscard]] Status create_views(std::span<const SqlView> views) { return held_->create_views(views); }

private:
    explicit AnyBackend(std::shared_ptr<Held> held) noexcept : held_{std::move(held)} {}

    std::shared_ptr<Held> held_;
};

template <storage_backend Backend>
class HeldBackend final : public AnyBackend::Held {
public:
    explicit HeldBackend(Backend backend) : backend_{std::move(backend)} {}

    Result<Record> read(std::string_view key) override { return backend_.read(key); }
    Status read_many(std::span<const std::string_view> keys, ReadSink sink) override { return backend_.read_many(keys, sink); }
    Result<Version> write(const Batch& batch) override { return backend_.write(batch); }
    Status scan(const KeyRange& range, ScanVisitor visit) override { return backend_.scan(range, visit); }
    Status follow(const KeyRange& range, EntryVisitor visit) override { return backend_.follow(range, visit); }
    Result<std::vector<ExpiredRecord>> expired(WallTime now, std::size_t limit) override { return backend_.expired(now, limit); }
    Result<Version> last_version() override { return backend_.last_version(); }
    Result<std::uint64_t> size_on_disk() override { return backend_.size_on_disk(); }
    Result<std::vector<StoragePart>> size_by_part() override {
        if constexpr (tells_size_by_part<Backend>) {
            return backend_.size_by_part();
        } else {
            return std::vector<StoragePart>{};  // the memory
        }
    }
    std::string_view engine() const override {
        if constexpr (requires { Backend::engine_name; }) {
            return Backend::engine_name;
        } else {
            return "memory";
        }
    }
    Result<Version> backup_to(const std::string& path, const CopyWatch& watch) override {
        if constexpr (backs_up<Backend>) {
            return backend_.backup_to(path, watch);
        } else {
            return failure(Errc::unsupported, "this backend has nothing on a disk to copy");
        }
    }
    Status verify_integrity() override {
        if constexpr (verifies_integrity<Backend>) {
            return backend_.verify_integrity();
        } else {
            return {};
        }
    }
    Status examine(ScanVisitor visit, [[maybe_unused]] FlawVisitor on_flaw) override {
        if constexpr (verifies_integrity<Backend>) {
            return backend_.examine(visit, on_flaw);
        } else {  // the memory, which nothing can damage
            bool goes_on = true;
            auto scanned = backend_.scan(
                KeyRange{}, [&](std::string_view key, const RecordView& record) { return goes_on = visit(key, record); });
            return goes_on ? std::move(scanned) : Status{failure(Errc::cancelled)};
        }
    }
    Status claim_sole_writer() override {
        if constexpr (claims_sole_writer<Backend>) {
            return backend_.claim_sole_writer();
        } else {
            return {};
        }
    }
    bool is_shared() const noexcept override { return tells_foreign_commits<Backend>; }
    Result<std::uint64_t> foreign_commits() override {
        if constexpr (tells_foreign_commits<Backend>) {
            return backend_.foreign_commits();
        } else {
            return std::uint64_t{0};
        }
    }
    Status create_views(std::span<const SqlView> views) override {
        if constexpr (requires { backend_.create_views(views); }) {
            return backend_.create_views(views);
        } else {
            return failure(Errc::unsupported, "this backend knows no SQL");
        }
    }

private:
    Backend backend_;
};

/// An open backend as one of any kind.
template <storage_backend Backend>
[[nodiscard]] Result<AnyBackend::Options> hold_backend(const typename Backend::Options& options) {
    auto backend = Backend::open(options);
    if (!backend) return failure(std::move(backend).error());
    return AnyBackend::Options{std::make_shared<HeldBackend<Backend>>(*std::move(backend))};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
