#ifndef JOINLY_C_JOINLY_C_HPP
#define JOINLY_C_JOINLY_C_HPP
// The implementation of joinly/c/joinly.h, which says what every function promises: to be included in one translation unit of a
// program or a library, where it defines the functions. examples/native builds the shared library of it.
//
// JOINLY_C_WITHOUT_LEVELDB, JOINLY_C_WITHOUT_SQLITE and JOINLY_C_WITHOUT_ZSTD leave out what cannot be had: its name is then
// `unsupported`.

#include <joinly/c/joinly.h>
#include <joinly/c/joinly_c_backends.hpp>
#include <joinly/c/joinly_c_ops.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/c/any_backend.hpp>
#include <joinly/detail/c/any_store.hpp>
#include <joinly/detail/c/calls.hpp>
#include <joinly/detail/c/handles.hpp>
#include <joinly/detail/c/open_options.hpp>
#include <joinly/detail/c/stats_json.hpp>
#include <joinly/policy/no_cache.hpp>
#include <joinly/policy/read_through.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/policy/write_through.hpp>
#include <joinly/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class CachePolicy>
[[nodiscard]] Result<std::unique_ptr<AnyStore>> open_store(AnyBackend::Options backend, const OpenOptions& options,
                                                           const typename CachePolicy::Options& chosen, StoreNames names) {
    auto typed = joinly::open<AnyBackend, CachePolicy, AnyTraits>(std::move(backend), chosen);
    if (!typed) return failure(std::move(typed).error());
    auto store = std::make_unique<StoreOf<CachePolicy>>(*std::move(typed), options.codec, std::move(names));
    if (options.sql_views) {
        if (auto made = store->create_views(); !made) return failure(std::move(made).error());
    }
    return std::unique_ptr<AnyStore>{std::move(store)};
}

[[nodiscard]] inline Result<std::unique_ptr<AnyStore>> open_any(std::string_view backend, std::string_view path,
                                                                std::string_view policy, const OpenOptions& options) {
    if (auto known = require_backend(backend); !known) return failure(std::move(known).error());
    if (policy.find(' ') != policy.npos || !names_have("none read_through write_through write_behind", policy))
        return failure(Errc::invalid_argument, "there is no policy '" + printable_start(policy) + '\'');
    if (auto sound = check_options(options, backend, policy); !sound) return failure(std::move(sound).error());
    auto held = open_backend(backend, path, options);
    if (!held) return failure(std::move(held).error());
    StoreNames names{std::string{backend}, std::string{policy}, std::string{name_of(options.codec)}};
    if (policy == "none") return open_store<NoCache>(*std::move(held), options, {}, std::move(names));
    if (policy == "read_through") return open_store<ReadThrough>(*std::move(held), options, options.through, std::move(names));
    if (policy == "write_through") return open_store<WriteThrough>(*std::move(held), options, options.through, std::move(names));
    return open_store<WriteBehind>(*std::move(held), options, options.behind, std::move(names));
}

}  // namespace detail
JOINLY_NAMESPACE_END

// --- the functions, in the order of joinly.h; those that move and mend are in joinly_c_ops.hpp ----------------------------------

extern "C" {

static_assert(static_cast<int>(joinly::Errc::not_found) == JOINLY_NOT_FOUND &&
              static_cast<int>(joinly::Errc::cancelled) == JOINLY_CANCELLED);

const char* joinly_code_name(joinly_code code) {
    if (code == JOINLY_OK) return "ok";
    if (code < JOINLY_NOT_FOUND || code > JOINLY_CANCELLED) return "unknown";
    return joinly::to_string(static_cast<joinly::Errc>(code)).data();  // of literals, which end with a NUL
}

uint32_t joinly_abi_version(void) { return JOINLY_ABI_VERSION; }

const char* joinly_version(void) {
#define JOINLY_C_TEXT_OF(number) #number
#define JOINLY_C_TEXT(number) JOINLY_C_TEXT_OF(number)
    return JOINLY_C_TEXT(JOINLY_VERSION_MAJOR) "." JOINLY_C_TEXT(JOINLY_VERSION_MINOR) "." JOINLY_C_TEXT(JOINLY_VERSION_PATCH);
#undef JOINLY_C_TEXT
#undef JOINLY_C_TEXT_OF
}

joinly_options* joinly_options_new(void) {
    joinly_options* made = nullptr;
    (void)joinly::detail::answer(nullptr, [&]() -> joinly::Status {
        made = new joinly_options{};
        return {};
    });
    return made;
}

joinly_code joinly_options_set(joinly_options* options, const char* name, const char* value, joinly_error* error) {
    return joinly::detail::answer(error, [&]() -> joinly::Status {
        if (!joinly::detail::is_handle(options)) return joinly::detail::not_a_handle("options");
        if (name == nullptr) return joinly::detail::is_null("name");
        if (value == nullptr) return joinly::detail::is_null("value");
        return joinly::detail::set_option(options->options, name, value);
    });
}

void joinly_options_free(joinly_options* options) { joinly::detail::free_handle(options); }

joinly_code joinly_open(const char* backend, const char* path, const char* policy, const joinly_options* options,
                        joinly_store** store, joinly_error* error) {
    return joinly::detail::answer(error, [&]() -> joinly::Status {
        using joinly::detail::is_null;
        if (store == nullptr) return is_null("store");
        *store = nullptr;
        if (backend == nullptr) return is_null("backend");
        if (policy == nullptr) return is_null("policy");
        if (options != nullptr && !joinly::detail::is_handle(options)) return joinly::detail::not_a_handle("options");
        auto opened = joinly::detail::open_any(backend, path == nullptr ? "" : path, policy,
                                               options == nullptr ? joinly::detail::OpenOptions{} : options->options);
        if (!opened) return joinly::failure(std::move(opened).error());
        *store = new joinly_store{*std::move(opened)};
        return {};
    });
}

joinly_code joinly_flush(joinly_store* store, int64_t timeout_ms, joinly_error* error) {
    return joinly::detail::with_store(
        store, error, [&](joinly::detail::AnyStore& opened) { return opened.flush(joinly::detail::as_timeout(timeout_ms)); });
}

joinly_code joinly_close(joinly_store* store, int64_t timeout_ms, joinly_error* error) {
    return joinly::detail::answer(error, [&]() -> joinly::Status {
        if (!joinly::detail::is_handle(store)) return joinly::detail::not_a_handle("store");
        const auto stay = store->gate->enter();
        if (!stay) return {};
        if (auto closed = stay->close(joinly::detail::as_timeout(timeout_ms)); !closed) return closed;
        store->gate->shut();
        return {};
    });
}

void joinly_free(joinly_store* store) { joinly::detail::free_handle(store); }

joinly_code joinly_set(joinly_store* store, const void* key, size_t key_size, const void* value, size_t value_size, int64_t ttl_ms,
                       const joinly_record_version* expect, joinly_record_version* version, joinly_error* error) {
    using namespace joinly::detail;
    return set_record(store, GivenKey{key, key_size}, {value, value_size}, ttl_ms, expect, version, error);
}

int64_t joinly_get(joinly_store* store, const void* key, size_t key_size, void* buffer, size_t capacity, joinly_info* info,
                   joinly_error* error) {
    return joinly::detail::get_record(store, joinly::detail::GivenKey{key, key_size}, buffer, capacity, info, error);
}

joinly_code joinly_reader_new(joinly_store* store, joinly_reader** reader, joinly_error* error) {
    return joinly::detail::answer(error, [&]() -> joinly::Status {
        if (reader == nullptr) return joinly::detail::is_null("reader");
        *reader = nullptr;
        const auto stay = joinly::detail::enter(store);
        if (!stay) return joinly::failure(stay.error());
        *reader = new joinly_reader{store->gate};
        return {};
    });
}

const char* joinly_reader_get(joinly_reader* reader, const void* key, size_t key_size) {
    if (!joinly::detail::is_handle(reader)) return nullptr;
    const char* value = nullptr;
    const joinly_code code = joinly::detail::answer(nullptr, [&]() -> joinly::Status {
        const auto checked = joinly::detail::GivenKey{key, key_size}.view();
        const auto stay = reader->gate->enter();
        if (!stay) {
            reader->loaded = joinly::failure(joinly::Errc::closed, "the store is closed");
        } else if (!checked) {
            reader->loaded = joinly::failure(checked.error());
        } else {
            reader->loaded = stay->get(*checked);
        }
        if (reader->loaded) value = joinly::detail::shown(reader->loaded->object).data();  // of a std::string
        return {};
    });
    if (code != JOINLY_OK) reader->loaded = joinly::failure(joinly::Errc::full);
    return value;
}

int64_t joinly_reader_outcome(joinly_reader* reader, joinly_info* info, joinly_error* error) {
    return joinly::detail::answer_size(error, [&]() -> joinly::Result<std::int64_t> {
        if (!joinly::detail::is_handle(reader)) return joinly::detail::not_a_handle("reader");
        if (!reader->loaded) return joinly::failure(reader->loaded.error());
        return joinly::detail::give(joinly::detail::shown(reader->loaded->object), nullptr, 0, *reader->loaded, info);
    });
}

void joinly_reader_free(joinly_reader* reader) { joinly::detail::free_handle(reader); }

joinly_code joinly_delete(joinly_store* store, const void* key, size_t key_size, const joinly_record_version* expect,
                          joinly_error* error) {
    return joinly::detail::delete_record(store, joinly::detail::GivenKey{key, key_size}, expect, error);
}

joinly_code joinly_exists(joinly_store* store, const void* key, size_t key_size, joinly_info* info, joinly_error* error) {
    const int64_t size = joinly_get(store, key, key_size, nullptr, 0, info, error);
    return size >= 0 ? JOINLY_OK : static_cast<joinly_code>(-size);
}

joinly_code joinly_touch(joinly_store* store, const void* key, size_t key_size, int64_t ttl_ms, joinly_error* error) {
    return joinly::detail::with_store(store, error, [&](joinly::detail::AnyStore& opened) -> joinly::Status {
        const auto checked = joinly::detail::GivenKey{key, key_size}.view();
        if (!checked) return joinly::failure(checked.error());
        return opened.touch(*checked, joinly::detail::as_ttl(ttl_ms));
    });
}

joinly_code joinly_sweep(joinly_store* store, int64_t budget_ms, uint64_t* erased, joinly_error* error) {
    return joinly::detail::with_store(store, error, [&](joinly::detail::AnyStore& opened) -> joinly::Status {
        const auto swept = opened.sweep(joinly::detail::as_budget(budget_ms));
        if (!swept) return joinly::failure(swept.error());
        if (erased != nullptr) *erased = swept->erased;
        return {};
    });
}

joinly_code joinly_save_lobby(joinly_store* store, const void* id, size_t id_size, const char* json, size_t json_size,
                              int64_t ttl_ms, const joinly_record_version* expect, joinly_record_version* version,
                              joinly_error* error) {
    using namespace joinly::detail;
    return set_record(store, EntityKey{"lobby", id, id_size}, {json, json_size}, ttl_ms, expect, version, error);
}

int64_t joinly_load_lobby(joinly_store* store, const void* id, size_t id_size, char* buffer, size_t capacity, joinly_info* info,
                          joinly_error* error) {
    return joinly::detail::get_record(store, joinly::detail::EntityKey{"lobby", id, id_size}, buffer, capacity, info, error);
}

joinly_code joinly_delete_lobby(joinly_store* store, const void* id, size_t id_size, const joinly_record_version* expect,
                                joinly_error* error) {
    return joinly::detail::delete_record(store, joinly::detail::EntityKey{"lobby", id, id_size}, expect, error);
}

joinly_code joinly_save_player(joinly_store* store, const void* id, size_t id_size, const char* json, size_t json_size,
                               int64_t ttl_ms, const joinly_record_version* expect, joinly_record_version* version,
                               joinly_error* error) {
    using namespace joinly::detail;
    return set_record(store, EntityKey{"player", id, id_size}, {json, json_size}, ttl_ms, expect, version, error);
}

int64_t joinly_load_player(joinly_store* store, const void* id, size_t id_size, char* buffer, size_t capacity, joinly_info* info,
                           joinly_error* error) {
    return joinly::detail::get_record(store, joinly::detail::EntityKey{"player", id, id_size}, buffer, capacity, info, error);
}

joinly_code joinly_delete_player(joinly_store* store, const void* id, size_t id_size, const joinly_record_version* expect,
                                 joinly_error* error) {
    return joinly::detail::delete_record(store, joinly::detail::EntityKey{"player", id, id_size}, expect, error);
}

joinly_code joinly_scan(joinly_store* store, const void* prefix, size_t prefix_size, const void* after, size_t after_size,
                        size_t limit, int what, joinly_page** page, joinly_error* error) {
    using namespace joinly::detail;
    return scan_store(store, {prefix, prefix_size}, {after, after_size}, limit, what, page, error);
}

joinly_code joinly_list_lobbies(joinly_store* store, const void* after, size_t after_size, size_t limit, joinly_page** page,
                                joinly_error* error) {
    return joinly::detail::list_ids(store, "lobby:", {after, after_size}, limit, page, error);
}

joinly_code joinly_list_players(joinly_store* store, const void* after, size_t after_size, size_t limit, joinly_page** page,
                                joinly_error* error) {
    return joinly::detail::list_ids(store, "player:", {after, after_size}, limit, page, error);
}

size_t joinly_page_count(const joinly_page* page) { return joinly::detail::is_handle(page) ? page->entries.size() : 0; }

const char* joinly_page_key(const joinly_page* page, size_t index, size_t* size) {
    const bool is_there = index < joinly_page_count(page);
    if (size != nullptr) *size = is_there ? page->entries[index].key.size() : 0;
    return is_there ? page->entries[index].key.c_str() : nullptr;
}

const char* joinly_page_value(const joinly_page* page, size_t index, size_t* size) {
    const bool is_there = index < joinly_page_count(page);
    if (size != nullptr) *size = is_there ? page->entries[index].value.size() : 0;
    return is_there ? page->entries[index].value.c_str() : nullptr;
}

void joinly_page_free(joinly_page* page) { joinly::detail::free_handle(page); }

joinly_code joinly_begin(joinly_store* store, joinly_transaction** transaction, joinly_error* error) {
    return joinly::detail::answer(error, [&]() -> joinly::Status {
        if (transaction == nullptr) return joinly::detail::is_null("transaction");
        *transaction = nullptr;
        if (!joinly::detail::is_handle(store)) return joinly::detail::not_a_handle("store");
        auto begun = std::make_unique<joinly_transaction>(store->gate);
        if (begun->work == nullptr) return joinly::failure(joinly::Errc::closed, "the store is closed");
        *transaction = begun.release();
        return {};
    });
}

joinly_code joinly_transaction_set(joinly_transaction* transaction, const void* key, size_t key_size, const void* value,
                                   size_t value_size, int64_t ttl_ms, const joinly_record_version* expect, joinly_error* error) {
    using namespace joinly::detail;
    return answer(error, [&]() -> joinly::Status {
        const auto work = work_of(transaction);
        if (!work) return joinly::failure(work.error());
        const auto put = make_put(GivenKey{key, key_size}.view(), GivenValue{value, value_size}.view(), ttl_ms, expect);
        if (!put) return joinly::failure(put.error());
        return (*work)->put(*put);
    });
}

int64_t joinly_transaction_get(joinly_transaction* transaction, const void* key, size_t key_size, void* buffer, size_t capacity,
                               joinly_info* info, joinly_error* error) {
    using namespace joinly::detail;
    return answer_size(error, [&]() -> joinly::Result<std::int64_t> {
        const auto work = work_of(transaction);
        if (!work) return joinly::failure(work.error());
        const auto checked = GivenKey{key, key_size}.view();
        if (!checked) return joinly::failure(checked.error());
        const auto loaded = (*work)->get(*checked);
        if (!loaded) return joinly::failure(loaded.error());
        return give(shown(loaded->object), buffer, capacity, *loaded, info);
    });
}

joinly_code joinly_transaction_delete(joinly_transaction* transaction, const void* key, size_t key_size,
                                      const joinly_record_version* expect, joinly_error* error) {
    using namespace joinly::detail;
    return answer(error, [&]() -> joinly::Status {
        const auto work = work_of(transaction);
        if (!work) return joinly::failure(work.error());
        const auto checked = GivenKey{key, key_size}.view();
        if (!checked) return joinly::failure(checked.error());
        return (*work)->erase(*checked, {as_expected(expect)});
    });
}

joinly_code joinly_transaction_scan(joinly_transaction* transaction, const void* prefix, size_t prefix_size, const void* after,
                                    size_t after_size, size_t limit, joinly_page** page, joinly_error* error) {
    using namespace joinly::detail;
    return make_page({prefix, prefix_size}, {after, after_size}, limit, JOINLY_KEYS, 0, page, error,
                     [&](const AnyScan& scan, std::vector<AnyEntry>& found) -> joinly::Status {
                         const auto work = work_of(transaction);
                         if (!work) return joinly::failure(work.error());
                         return (*work)->scan(scan, found);
                     });
}

joinly_code joinly_commit(joinly_transaction* transaction, joinly_record_version* version, joinly_error* error) {
    return joinly::detail::answer(error, [&]() -> joinly::Status {
        const auto work = joinly::detail::work_of(transaction);
        if (!work) return joinly::failure(work.error());
        const auto stay = std::move(transaction->stay);  // left when the work is gone, for it needs the store
        const auto ended = std::move(transaction->work);
        const auto committed = ended->commit();
        if (!committed) return joinly::failure(committed.error());
        if (version != nullptr) *version = *committed;
        return {};
    });
}

void joinly_transaction_free(joinly_transaction* transaction) { joinly::detail::free_handle(transaction); }

int64_t joinly_metrics(joinly_store* store, const char* name, char* buffer, size_t capacity, joinly_error* error) {
    return joinly::detail::answer_size(error, [&]() -> joinly::Result<std::int64_t> {
        if (name == nullptr) return joinly::detail::is_null("name");
        const auto stay = joinly::detail::enter(store);
        if (!stay) return joinly::failure(stay.error());
        const auto text = (*stay)->metrics(name);
        if (!text) return joinly::failure(text.error());
        return joinly::detail::give(*text, buffer, capacity);
    });
}

int64_t joinly_stats(joinly_store* store, char* buffer, size_t capacity, joinly_error* error) {
    return joinly::detail::answer_size(error, [&]() -> joinly::Result<std::int64_t> {
        const auto stay = joinly::detail::enter(store);
        if (!stay) return joinly::failure(stay.error());
        const auto text = (*stay)->stats();
        if (!text) return joinly::failure(text.error());
        return joinly::detail::give(*text, buffer, capacity);
    });
}

joinly_code joinly_cache_new(size_t capacity_entries, joinly_cache** cache, joinly_error* error) {
    return joinly::detail::answer(error, [&]() -> joinly::Status {
        if (cache == nullptr) return joinly::detail::is_null("cache");
        *cache = nullptr;
        *cache = new joinly_cache{capacity_entries};
        return {};
    });
}

joinly_code joinly_cache_set(joinly_cache* cache, const void* key, size_t key_size, const void* value, size_t value_size,
                             int64_t ttl_ms, joinly_error* error) {
    using namespace joinly::detail;
    return answer(error, [&]() -> joinly::Status {
        if (!is_handle(cache)) return not_a_handle("cache");
        const auto put = make_put(GivenKey{key, key_size}.view(), GivenValue{value, value_size}.view(), ttl_ms, nullptr);
        if (!put) return joinly::failure(put.error());
        if (!put->options.ttl) {
            cache->cache.set(put->key, std::string{put->value});
        } else if (put->options.ttl->duration().count() > 0) {
            cache->cache.set(put->key, std::string{put->value}, *put->options.ttl);
        } else {
            return joinly::failure(joinly::Errc::invalid_argument, "a ttl must be positive, or 0 for none");
        }
        return {};
    });
}

int64_t joinly_cache_get(joinly_cache* cache, const void* key, size_t key_size, void* buffer, size_t capacity,
                         joinly_error* error) {
    using namespace joinly::detail;
    return answer_size(error, [&]() -> joinly::Result<std::int64_t> {
        if (!is_handle(cache)) return not_a_handle("cache");
        const auto checked = GivenKey{key, key_size}.view();
        if (!checked) return joinly::failure(checked.error());
        joinly::Result<std::int64_t> given = joinly::failure(joinly::Errc::not_found);
        cache->cache.visit(*checked, [&](std::string_view value) { given = give(value, buffer, capacity); });
        return given;
    });
}

joinly_code joinly_cache_delete(joinly_cache* cache, const void* key, size_t key_size, joinly_error* error) {
    using namespace joinly::detail;
    return answer(error, [&]() -> joinly::Status {
        if (!is_handle(cache)) return not_a_handle("cache");
        const auto checked = GivenKey{key, key_size}.view();
        if (!checked) return joinly::failure(checked.error());
        if (cache->cache.erase(*checked)) return {};
        return joinly::failure(joinly::Errc::not_found);
    });
}

joinly_code joinly_cache_clear(joinly_cache* cache, joinly_error* error) {
    return joinly::detail::answer(error, [&]() -> joinly::Status {
        if (!joinly::detail::is_handle(cache)) return joinly::detail::not_a_handle("cache");
        cache->cache.clear();
        return {};
    });
}

int64_t joinly_cache_stats(joinly_cache* cache, char* buffer, size_t capacity, joinly_error* error) {
    return joinly::detail::answer_size(error, [&]() -> joinly::Result<std::int64_t> {
        if (!joinly::detail::is_handle(cache)) return joinly::detail::not_a_handle("cache");
        return joinly::detail::give(joinly::detail::stats_json(cache->cache.stats()), buffer, capacity);
    });
}

void joinly_cache_free(joinly_cache* cache) { joinly::detail::free_handle(cache); }

}  // extern "C"

#endif
