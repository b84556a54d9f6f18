#ifndef JOINLY_C_JOINLY_C_OPS_HPP
#define JOINLY_C_JOINLY_C_OPS_HPP
// A part of joinly_c.hpp, and only to be included by it: the functions of joinly.h that move a database or mend it.

#include <joinly/c/joinly.h>
#include <joinly/c/joinly_c_backends.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/c/any_store.hpp>
#include <joinly/detail/c/calls.hpp>
#include <joinly/detail/c/contents.hpp>
#include <joinly/detail/c/handles.hpp>
#include <joinly/detail/c/open_options.hpp>
#include <joinly/detail/c/report_json.hpp>
#include <joinly/ops/dump_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Opens the target of a migration: with the source's codec, and with no cache.
[[nodiscard]] inline Result<AnyBackend::Options> open_target(std::string_view backend, std::string_view path, OpenOptions options,
                                                             DocumentCodec codec) {
    if (auto known = require_backend(backend); !known) return failure(std::move(known).error());
    if (backend == "memory") return failure(Errc::unsupported, "what is migrated into the memory is gone at once");
    const bool has_codec =
        std::any_of(options.given.begin(), options.given.end(), [](const Setting* setting) { return setting->name == "codec"; });
    if (has_codec && options.codec != codec) {
        return failure(Errc::invalid_argument, "a migration keeps the codec, which is " + std::string{name_of(codec)} + ", not " +
                                                   std::string{name_of(options.codec)});
    }
    options.codec = codec;
    if (auto sound = check_options(options, backend, "none"); !sound) return failure(std::move(sound).error());
    return open_backend(backend, path, options);
}

/// A store's contents for the time of a call: `work(contents)`. A Result.
template <class Work>
[[nodiscard]] auto with_contents_of(joinly_store* store, Work work) -> decltype(work(std::declval<const AnyContents&>())) {
    const auto stay = enter(store);
    if (!stay) return failure(stay.error());
    const auto contents = (*stay)->contents();
    if (!contents) return failure(contents.error());
    return work(*contents);
}

inline void tell(std::uint64_t* where, std::uint64_t number) noexcept {
    if (where != nullptr) *where = number;
}

}  // namespace detail
JOINLY_NAMESPACE_END

extern "C" {

int64_t joinly_backup(joinly_store* store, const char* directory, size_t keep, char* path, size_t capacity, joinly_error* error) {
    return joinly_backup_named(store, directory, "joinly", keep, path, capacity, error);
}

int64_t joinly_backup_named(joinly_store* store, const char* directory, const char* name, size_t keep, char* path, size_t capacity,
                            joinly_error* error) {
    return joinly::detail::answer_size(error, [&]() -> joinly::Result<std::int64_t> {
        const auto stay = joinly::detail::enter(store);
        if (!stay) return joinly::failure(stay.error());
        if (directory == nullptr) return joinly::detail::is_null("directory");
        if (name == nullptr) return joinly::detail::is_null("name");
        if (path == nullptr && capacity != 0) return joinly::detail::is_null("path");
        const auto made = (*stay)->backup(directory, {.name = name, .keep = keep});
        if (!made) return joinly::failure(made.error());
        return joinly::detail::give(*made, path, capacity);
    });
}

joinly_code joinly_restore(const char* backend, const char* backup, const char* path, const joinly_options* options,
                           joinly_error* error) {
    return joinly::detail::answer(error, [&]() -> joinly::Status {
        using joinly::detail::is_null;
        if (backend == nullptr) return is_null("backend");
        if (backup == nullptr) return is_null("backup");
        if (path == nullptr) return is_null("path");
        if (options != nullptr && !joinly::detail::is_handle(options)) return joinly::detail::not_a_handle("options");
        return joinly::detail::restore_any(backend, backup, path,
                                           options == nullptr ? joinly::detail::OpenOptions{} : options->options);
    });
}

joinly_code joinly_dump(joinly_store* store, const char* file, uint64_t* records, joinly_error* error) {
    using namespace joinly::detail;
    return answer(error, [&]() -> joinly::Status {
        if (file == nullptr) return is_null("file");
        return with_contents_of(store, [&](const AnyContents& contents) -> joinly::Status {
            const auto dumped = dump_contents(contents, file);
            if (!dumped) return joinly::failure(dumped.error());
            tell(records, dumped->records);
            return {};
        });
    });
}

joinly_code joinly_load_dump(joinly_store* store, const char* file, int existing, uint64_t* loaded, uint64_t* skipped,
                             joinly_error* error) {
    using namespace joinly::detail;
    static_assert(static_cast<int>(joinly::Existing::overwrite) == JOINLY_OVERWRITE &&
                  static_cast<int>(joinly::Existing::skip) == JOINLY_SKIP);
    return answer(error, [&]() -> joinly::Status {
        if (file == nullptr) return is_null("file");
        if (existing < JOINLY_REFUSE || existing > JOINLY_SKIP)
            return joinly::failure(joinly::Errc::invalid_argument, "existing is JOINLY_REFUSE, JOINLY_OVERWRITE or JOINLY_SKIP");
        return with_contents_of(store, [&](const AnyContents& contents) -> joinly::Status {
            const auto report = load_contents(contents, file, static_cast<joinly::Existing>(existing));
            if (!report) return joinly::failure(report.error());
            tell(loaded, report->loaded);
            tell(skipped, report->skipped);
            return {};
        });
    });
}

int64_t joinly_verify(joinly_store* store, int thorough, char* report, size_t capacity, joinly_error* error) {
    using namespace joinly::detail;
    return answer_size(error, [&]() -> joinly::Result<std::int64_t> {
        if (report == nullptr && capacity != 0) return is_null("the buffer");
        if (thorough != 0 && thorough != 1) return joinly::failure(joinly::Errc::invalid_argument, "thorough is 0 or 1");
        return with_contents_of(store, [&](const AnyContents& contents) -> joinly::Result<std::int64_t> {
            const auto found = verify_contents(contents, thorough == 1);
            if (!found) return joinly::failure(found.error());
            return give(report_json(*found), report, capacity);
        });
    });
}

joinly_code joinly_migrate(joinly_store* store, const char* backend, const char* path, const joinly_options* options,
                           uint64_t* records, uint64_t* written, joinly_error* error) {
    using namespace joinly::detail;
    return answer(error, [&]() -> joinly::Status {
        if (backend == nullptr) return is_null("backend");
        if (path == nullptr) return is_null("path");
        if (options != nullptr && !is_handle(options)) return not_a_handle("options");
        return with_contents_of(store, [&](const AnyContents& contents) -> joinly::Status {
            const auto into = open_target(backend, path, options == nullptr ? OpenOptions{} : options->options, contents.codec);
            if (!into) return joinly::failure(into.error());
            const auto report = migrate_contents(contents, *into);
            if (!report) return joinly::failure(report.error());
            tell(records, report->records.total().records);
            tell(written, report->written);
            return {};
        });
    });
}

joinly_code joinly_repair(const char* backend, const char* path, joinly_error* error) {
    using namespace joinly::detail;
    return answer(error, [&]() -> joinly::Status {
        if (backend == nullptr) return is_null("backend");
        if (path == nullptr) return is_null("path");
        return repair_any(backend, path);
    });
}

int64_t joinly_salvage(const char* backend, const char* path, const char* into, char* report, size_t capacity,
                       joinly_error* error) {
    using namespace joinly::detail;
    return answer_size(error, [&]() -> joinly::Result<std::int64_t> {
        if (backend == nullptr) return is_null("backend");
        if (path == nullptr) return is_null("path");
        if (into == nullptr) return is_null("into");
        if (report == nullptr && capacity != 0) return is_null("the buffer");
        const auto saved = salvage_any(backend, path, into);
        if (!saved) return joinly::failure(saved.error());
        return give(report_json(*saved), report, capacity);
    });
}

}  // extern "C"

#endif
