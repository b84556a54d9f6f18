#ifndef JOINLY_DETAIL_C_HANDLES_HPP
#define JOINLY_DETAIL_C_HANDLES_HPP
// What stands between C and C++: handles that know what they are, arguments that are looked at before they are used, and errors
// that leave as codes.

#include <joinly/c/joinly.h>
#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/c/any_store.hpp>
#include <joinly/detail/c/call_gate.hpp>
#include <joinly/detail/key_buffer.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

using StoreGate = CallGate<AnyStore>;

/// What every handle begins with: another one in its place is told by that.
template <char letter>
struct Handle {
    static constexpr std::uint64_t mark_of_kind = 0x6a6f'696e'6c79'0000U | static_cast<unsigned char>(letter);
    std::uint64_t mark = mark_of_kind;
};

template <class H>
[[nodiscard]] bool is_handle(const H* handle) noexcept {
    return handle != nullptr && handle->mark == H::mark_of_kind;
}

template <class H>
void free_handle(H* handle) noexcept {
    if (!is_handle(handle)) return;
    handle->mark = 0;
    delete handle;
}

[[nodiscard]] inline tl::unexpected<Error> not_a_handle(const char* what) {
    return failure(Errc::invalid_argument, std::string{"this is no "} + what);
}
[[nodiscard]] inline tl::unexpected<Error> is_null(const char* what) {
    return failure(Errc::invalid_argument, std::string{what} + " is NULL");
}

// --- arguments

/// What a function makes of its arguments before `answer` catches what is thrown: nothing that could have allocated. To look at
/// them, with view(), can fail and takes memory then, for the words of the error.
template <class A>
concept given_argument = std::is_trivially_copyable_v<A> && requires(const A& given) {
    { given.view() } -> std::same_as<Result<std::string_view>>;
};

inline constexpr std::size_t max_value_bytes = std::size_t{512} << 20;

[[nodiscard]] inline Result<std::string_view> as_bytes(const void* data, std::size_t size, std::size_t most, const char* what) {
    if (size == 0) return std::string_view{};
    if (data == nullptr) return is_null(what);
    if (size <= most) return std::string_view{static_cast<const char*>(data), size};
    return failure(Errc::invalid_argument,
                   std::string{what} + " has " + std::to_string(size) + " bytes; at most " + std::to_string(most) + " are allowed");
}
/// A pointer and a size that may be of no use.
struct GivenKey {
    const void* data;
    std::size_t size;
    [[nodiscard]] Result<std::string_view> view() const { return as_bytes(data, size, max_key_bytes, "the key"); }
};
struct GivenValue {
    const void* data;
    std::size_t size;
    [[nodiscard]] Result<std::string_view> view() const { return as_bytes(data, size, max_value_bytes, "the value"); }
};

/// The key of an entity whose id is given so.
class EntityKey {
public:
    EntityKey(std::string_view kind, const void* id, std::size_t size) noexcept
        : is_sound_{id != nullptr && size != 0 && size <= max_id_bytes}, id_bytes_{size}, key_bytes_{kind.size() + 1 + size} {
        if (is_sound_) write_key(KindPrefix{kind}, {static_cast<const char*>(id), size}, key_);
    }

    [[nodiscard]] Result<std::string_view> view() const {
        if (is_sound_) return std::string_view{key_, key_bytes_};
        return failure(Errc::invalid_argument,
                       "an id has 1 to " + std::to_string(max_id_bytes) + " bytes, not " + std::to_string(id_bytes_));
    }

private:
    bool is_sound_;
    std::size_t id_bytes_;
    std::size_t key_bytes_;
    char key_[max_key_bytes];
};

/// 0: for ever.
[[nodiscard]] inline std::optional<Ttl> as_ttl(std::int64_t ttl_ms) noexcept {
    if (ttl_ms == 0) return std::nullopt;
    return Ttl{std::chrono::milliseconds{ttl_ms}};
}
/// Less than 0: none.
[[nodiscard]] inline std::optional<std::chrono::milliseconds> as_timeout(std::int64_t timeout_ms) noexcept {
    constexpr std::int64_t century_ms = std::int64_t{100} * 366 * 24 * 3'600'000;
    if (timeout_ms < 0) return std::nullopt;
    return std::chrono::milliseconds{(std::min)(timeout_ms, century_ms)};
}
[[nodiscard]] inline std::chrono::microseconds as_budget(std::int64_t budget_ms) noexcept {
    return as_timeout(budget_ms).value_or(std::chrono::milliseconds{0});
}
[[nodiscard]] inline std::optional<Version> as_expected(const joinly_record_version* expect) noexcept {
    if (expect == nullptr) return std::nullopt;
    return *expect;
}

[[nodiscard]] inline Result<AnyPut> make_put(const Result<std::string_view>& key, const Result<std::string_view>& value,
                                             std::int64_t ttl_ms, const joinly_record_version* expect) {
    if (!key) return failure(key.error());
    if (!value) return failure(value.error());
    return AnyPut{*key, *value, {as_ttl(ttl_ms), as_expected(expect)}};
}

// --- answers

/// How many bytes of a text that is cut off at `most` are whole characters of UTF-8.
[[nodiscard]] inline std::size_t whole_characters(std::string_view text, std::size_t most) noexcept {
    if (text.size() <= most) return text.size();
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80U) --most;
    return most;
}

inline joinly_code report(joinly_error* error, joinly_code code, std::string_view message) noexcept {
    if (error == nullptr) return code;
    error->code = code;
    const std::size_t size = whole_characters(message, sizeof error->message - 1);
    if (size != 0) std::memcpy(error->message, message.data(), size);
    error->message[size] = '\0';
    return code;
}

inline joinly_code report(joinly_error* error, const Error& what) noexcept {
    return report(error, static_cast<joinly_code>(what.code()), what.message());
}

/// The code of what `call` answers, a Status. Nothing that is thrown goes farther than this.
template <class Call>
[[nodiscard]] joinly_code answer(joinly_error* error, Call&& call) noexcept {
    JOINLY_TRY {
        const Status status = call();
        return status ? report(error, JOINLY_OK, {}) : report(error, status.error());
    }
    JOINLY_CATCH_ALL {}
    return report(error, JOINLY_FULL, "there is no memory left");  // nothing else is thrown
}

/// As above, of what answers a Result<std::int64_t>, a size: that, or a negative code.
template <class Call>
[[nodiscard]] std::int64_t answer_size(joinly_error* error, Call&& call) noexcept {
    JOINLY_TRY {
        const Result<std::int64_t> size = call();
        if (!size) return -std::int64_t{report(error, size.error())};
        (void)report(error, JOINLY_OK, {});
        return *size;
    }
    JOINLY_CATCH_ALL {}
    return -std::int64_t{report(error, JOINLY_FULL, "there is no memory left")};
}

/// Copies the bytes if there is room for all of them. @return how many there are.
[[nodiscard]] inline Result<std::int64_t> give(std::string_view bytes, void* buffer, std::size_t capacity) {
    if (buffer == nullptr && capacity != 0) return is_null("the buffer");
    if (bytes.size() <= capacity && !bytes.empty()) std::memcpy(buffer, bytes.data(), bytes.size());
    return static_cast<std::int64_t>(bytes.size());
}
[[nodiscard]] inline Result<std::int64_t> give(std::string_view bytes, void* buffer, std::size_t capacity, const LoadedObject& of,
                                               joinly_info* info) {
    if (info != nullptr) *info = {of.version, of.expires_at.at().time_since_epoch().count()};
    return give(bytes, buffer, capacity);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
