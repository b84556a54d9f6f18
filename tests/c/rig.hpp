#ifndef JOINLY_TESTS_C_RIG_HPP
#define JOINLY_TESTS_C_RIG_HPP
// The C interface, as a C++ test likes it: handles that free themselves, and texts.

#include <joinly/c/joinly.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinly::test {

struct Free {
    void operator()(joinly_store* store) const noexcept { joinly_free(store); }
    void operator()(joinly_options* options) const noexcept { joinly_options_free(options); }
    void operator()(joinly_reader* reader) const noexcept { joinly_reader_free(reader); }
    void operator()(joinly_page* page) const noexcept { joinly_page_free(page); }
    void operator()(joinly_transaction* transaction) const noexcept { joinly_transaction_free(transaction); }
    void operator()(joinly_cache* cache) const noexcept { joinly_cache_free(cache); }
};
using CStore = std::unique_ptr<joinly_store, Free>;
using CPage = std::unique_ptr<joinly_page, Free>;
using CTransaction = std::unique_ptr<joinly_transaction, Free>;
using CCache = std::unique_ptr<joinly_cache, Free>;
using Settings = std::initializer_list<std::pair<const char*, std::string>>;

/// An open store; throws with the library's message.
inline CStore open_c(const char* backend, const std::string& path, const char* policy, Settings settings = {}) {
    const std::unique_ptr<joinly_options, Free> options{joinly_options_new()};
    joinly_error error{};
    joinly_store* store = nullptr;
    for (const auto& [name, value] : settings) {
        if (joinly_options_set(options.get(), name, value.c_str(), &error)) throw std::runtime_error(error.message);
    }
    if (joinly_open(backend, path.c_str(), policy, options.get(), &store, &error)) throw std::runtime_error(error.message);
    return CStore{store};
}

inline joinly_code set(const CStore& store, std::string_view key, std::string_view value, std::int64_t ttl_ms = 0,
                       const joinly_record_version* expect = nullptr, joinly_error* error = nullptr) {
    return joinly_set(store.get(), key.data(), key.size(), value.data(), value.size(), ttl_ms, expect, nullptr, error);
}

/// The value, or the name of what went wrong.
inline std::string get(const CStore& store, std::string_view key) {
    std::string value(1 << 16, '?');
    const std::int64_t size = joinly_get(store.get(), key.data(), key.size(), value.data(), value.size(), nullptr, nullptr);
    if (size < 0) return joinly_code_name(static_cast<joinly_code>(-size));
    value.resize(static_cast<std::size_t>(size));
    return value;
}

inline joinly_code erase(const CStore& store, std::string_view key, const joinly_record_version* expect = nullptr) {
    return joinly_delete(store.get(), key.data(), key.size(), expect, nullptr);
}

inline joinly_record_version version_of(const CStore& store, std::string_view key) {
    joinly_info info{};
    (void)joinly_exists(store.get(), key.data(), key.size(), &info, nullptr);
    return info.version;
}

inline std::vector<std::string> keys_of(const CPage& page) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < joinly_page_count(page.get()); ++i) {
        std::size_t size = 0;
        const char* const key = joinly_page_key(page.get(), i, &size);
        keys.emplace_back(key, size);
    }
    return keys;
}

inline CPage scan(const CStore& store, std::string_view prefix, std::string_view after = {}, std::size_t limit = 1000,
                  int what = JOINLY_KEYS) {
    joinly_page* page = nullptr;
    (void)joinly_scan(store.get(), prefix.data(), prefix.size(), after.data(), after.size(), limit, what, &page, nullptr);
    return CPage{page};
}

inline CTransaction begin(const CStore& store) {
    joinly_transaction* transaction = nullptr;
    (void)joinly_begin(store.get(), &transaction, nullptr);
    return CTransaction{transaction};
}
inline joinly_code set(const CTransaction& transaction, std::string_view key, std::string_view value,
                       const joinly_record_version* expect = nullptr) {
    return joinly_transaction_set(transaction.get(), key.data(), key.size(), value.data(), value.size(), 0, expect, nullptr);
}
inline std::string get(const CTransaction& transaction, std::string_view key) {
    std::string value(1 << 16, '?');
    const std::int64_t size =
        joinly_transaction_get(transaction.get(), key.data(), key.size(), value.data(), value.size(), nullptr, nullptr);
    if (size < 0) return joinly_code_name(static_cast<joinly_code>(-size));
    value.resize(static_cast<std::size_t>(size));
    return value;
}

}  // namespace joinly::test
#endif
