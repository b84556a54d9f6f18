#ifndef JOINLY_DETAIL_C_CALLS_HPP
#define JOINLY_DETAIL_C_CALLS_HPP
// The handles of joinly.h, and what several of its functions have in common.

#include <joinly/c/joinly.h>
#include <joinly/cache/cache.hpp>
#include <joinly/cache/lru.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/c/any_store.hpp>
#include <joinly/detail/c/handles.hpp>
#include <joinly/detail/c/open_options.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct joinly_options : joinly::detail::Handle<'o'> {
    joinly::detail::OpenOptions options = {};
};

struct joinly_store : joinly::detail::Handle<'s'> {
    explicit joinly_store(std::unique_ptr<joinly::detail::AnyStore> store)
        : gate{std::make_shared<joinly::detail::StoreGate>(std::move(store))} {}
    joinly_store(const joinly_store&) = delete;
    joinly_store& operator=(const joinly_store&) = delete;
    ~joinly_store() { gate->shut(); }  // readers may have the gate for longer
    std::shared_ptr<joinly::detail::StoreGate> gate;
};

struct joinly_reader : joinly::detail::Handle<'r'> {
    explicit joinly_reader(std::shared_ptr<joinly::detail::StoreGate> of) : gate{std::move(of)} {}
    std::shared_ptr<joinly::detail::StoreGate> gate;
    joinly::Result<joinly::LoadedObject> loaded = joinly::failure(joinly::Errc::not_found);
};

struct joinly_page : joinly::detail::Handle<'p'> {
    std::vector<joinly::detail::AnyEntry> entries = {};
};

struct joinly_transaction : joinly::detail::Handle<'t'> {
    explicit joinly_transaction(std::shared_ptr<joinly::detail::StoreGate> of) : gate{std::move(of)}, stay{gate->enter()} {
        if (stay) work = stay->begin();
    }
    std::shared_ptr<joinly::detail::StoreGate> gate;
    joinly::detail::StoreGate::Stay stay;                  // the store's files are not let go of before; left by the commit
    std::unique_ptr<joinly::detail::AnyTransaction> work;  // null once it was committed
};

struct joinly_cache : joinly::detail::Handle<'c'> {
    explicit joinly_cache(std::size_t capacity_entries) : cache{{.capacity_entries = capacity_entries, .shards = 1}} {}
    joinly::Cache<std::string, joinly::Lru> cache;  // in one shard, so that it is exactly the least recently used that leaves
};

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The store within, for the time of a call.
[[nodiscard]] inline Result<StoreGate::Stay> enter(joinly_store* store) {
    if (!is_handle(store)) return not_a_handle("store");
    auto stay = store->gate->enter();
    if (!stay) return failure(Errc::closed, "the store is closed");
    return stay;
}

[[nodiscard]] inline Result<AnyTransaction*> work_of(joinly_transaction* transaction) {
    if (!is_handle(transaction)) return not_a_handle("transaction");
    if (transaction->work == nullptr) return failure(Errc::closed, "the transaction has ended");
    return transaction->work.get();
}

/// What `call(AnyStore&)` answers.
template <class Call>
[[nodiscard]] joinly_code with_store(joinly_store* store, joinly_error* error, Call&& call) noexcept {
    return answer(error, [&]() -> Status {
        const auto stay = enter(store);
        if (!stay) return failure(stay.error());
        return call(**stay);
    });
}

template <given_argument Key>
[[nodiscard]] joinly_code set_record(joinly_store* store, const Key& key, GivenValue value, std::int64_t ttl_ms,
                                     const joinly_record_version* expect, joinly_record_version* version,
                                     joinly_error* error) noexcept {
    return with_store(store, error, [&](AnyStore& opened) -> Status {
        const auto put = make_put(key.view(), value.view(), ttl_ms, expect);
        if (!put) return failure(put.error());
        const auto written = opened.put(*put);
        if (!written) return failure(written.error());
        if (version != nullptr) *version = *written;
        return {};
    });
}

template <given_argument Key>
[[nodiscard]] std::int64_t get_record(joinly_store* store, const Key& key, void* buffer, std::size_t capacity, joinly_info* info,
                                      joinly_error* error) noexcept {
    return answer_size(error, [&]() -> Result<std::int64_t> {
        const auto stay = enter(store);
        if (!stay) return failure(stay.error());
        const auto checked = key.view();
        if (!checked) return failure(checked.error());
        const auto loaded = (*stay)->get(*checked);
        if (!loaded) return failure(loaded.error());
        return give(shown(loaded->object), buffer, capacity, *loaded, info);
    });
}

template <given_argument Key>
[[nodiscard]] joinly_code delete_record(joinly_store* store, const Key& key, const joinly_record_version* expect,
                                        joinly_error* error) noexcept {
    return with_store(store, error, [&](AnyStore& opened) -> Status {
        const auto checked = key.view();
        if (!checked) return failure(checked.error());
        return opened.erase(*checked, {as_expected(expect)});
    });
}

/// `strip`: so many bytes of each key are left out.
template <class Scan>
[[nodiscard]] joinly_code make_page(GivenKey prefix, GivenKey after, std::size_t limit, int what, std::size_t strip,
                                    joinly_page** page, joinly_error* error, Scan&& scan) noexcept {
    return answer(error, [&]() -> Status {
        if (page == nullptr) return is_null("page");
        *page = nullptr;
        const auto begin = prefix.view();
        if (!begin) return failure(begin.error());
        const auto behind = after.view();
        if (!behind) return failure(behind.error());
        if (what != JOINLY_KEYS && what != JOINLY_VALUES)
            return failure(Errc::invalid_argument, "`what` is neither keys nor values");
        auto made = std::make_unique<joinly_page>();
        if (auto scanned = scan(AnyScan{*begin, *behind, limit, what == JOINLY_VALUES}, made->entries); !scanned) return scanned;
        for (AnyEntry& entry : made->entries) entry.key.erase(0, strip);
        *page = made.release();
        return {};
    });
}

[[nodiscard]] inline joinly_code scan_store(joinly_store* store, GivenKey prefix, GivenKey after, std::size_t limit, int what,
                                            joinly_page** page, joinly_error* error) noexcept {
    return make_page(prefix, after, limit, what, 0, page, error, [&](const AnyScan& scan, std::vector<AnyEntry>& found) -> Status {
        const auto stay = enter(store);
        if (!stay) return failure(stay.error());
        return (*stay)->scan(scan, found);
    });
}

[[nodiscard]] inline joinly_code list_ids(joinly_store* store, std::string_view prefix, GivenKey after, std::size_t limit,
                                          joinly_page** page, joinly_error* error) noexcept {
    return make_page({prefix.data(), prefix.size()}, after, limit, JOINLY_KEYS, prefix.size(), page, error,
                     [&](AnyScan scan, std::vector<AnyEntry>& found) -> Status {
                         const auto stay = enter(store);
                         if (!stay) return failure(stay.error());
                         std::string key;
                         if (!scan.after.empty()) scan.after = key.append(prefix).append(scan.after);
                         return (*stay)->scan(scan, found);
                     });
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
