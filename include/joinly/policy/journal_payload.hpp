#ifndef JOINLY_POLICY_JOURNAL_PAYLOAD_HPP
#define JOINLY_POLICY_JOURNAL_PAYLOAD_HPP
// A batch of changes as the bytes that a journal keeps; backend/README.md has the format. Plain values: no thread rule
// beyond the usual one for values.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/policy/journal_bytes.hpp>
#include <joinly/detail/printable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

/// One key's change as a journal holds it; the views last for the visit.
struct JournalChange {
    std::string_view key;
    std::optional<std::string_view> value;  ///< nullopt erases the key
    Expiry expires_at;
    ValueForm form = ValueForm::bytes;
    Version version = absent;                          ///< of the record; `absent` in a payload: the batch's own
    std::optional<std::string_view> index_terms = {};  ///< as in Change
};

/// A batch on its way into a journal. `clear` keeps the memory, so that one object serves many batches.
class JournalPayload {
public:
    /// Appends the encoded value to the string, and leaves what is there.
    using Encode = detail::FunctionRef<Status(std::string& out)>;

    void clear() noexcept { bytes_.clear(); }

    void erase(std::string_view key) { (void)begin(0, key, 0); }

    /// Adds a put whose value `encode` appends. An error of `encode`, or `invalid_argument` for a value of 4 GiB and more:
    /// the payload is as before.
    [[nodiscard]] Status put(std::string_view key, Expiry expires_at, ValueForm form, Encode encode, Version version = absent,
                             std::optional<std::string_view> index_terms = {}) {
        const auto append_terms = [&](std::string& out) -> Status {
            out.append(*index_terms);
            return {};
        };
        const Encode encode_terms{append_terms};
        return put(key, expires_at, form, encode, version, index_terms ? &encode_terms : nullptr);
    }

    /// As above, with index terms that `encode_terms` appends, unless it is null.
    [[nodiscard]] Status put(std::string_view key, Expiry expires_at, ValueForm form, Encode encode, Version version,
                             const Encode* encode_terms) {
        const std::size_t before = bytes_.size();
        bytes_.reserve(before + key.size() + usual_bytes);
        const std::uint32_t tag = tag_put | (form == ValueForm::text ? tag_text : 0u) | (version != absent ? tag_version : 0u) |
                                  (encode_terms != nullptr ? tag_terms : 0u);
        char* const expiry = begin(tag, key, sizeof(std::uint64_t) + (version != absent ? sizeof version : 0));
        detail::store_little_endian(expiry, static_cast<std::uint64_t>(expires_at.at().time_since_epoch().count()));
        if (version != absent) detail::store_little_endian(expiry + sizeof(std::uint64_t), version);
        Status encoded = encode_terms != nullptr ? append_sized(key, *encode_terms) : Status{};
        if (encoded) encoded = append_sized(key, encode);
        if (!encoded) bytes_.resize(before);
        return encoded;
    }

    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

    /// Calls `visit` for each change in `payload`, in order, until it answers an error, which is passed on. `corrupt`: the
    /// bytes are no payload; they are checked as they are met.
    [[nodiscard]] static Status visit(std::string_view payload, detail::FunctionRef<Status(const JournalChange&)> visit) {
        detail::ByteReader reader{payload};
        while (!reader.at_end()) {
            const std::size_t offset = reader.offset();
            JournalChange change;
            if (!take(reader, change)) {
                return failure(Errc::corrupt, "the change at byte " + std::to_string(offset) + " of a batch of " +
                                                  std::to_string(payload.size()) + " bytes cannot be read");
            }
            if (auto visited = visit(change); !visited) return visited;
        }
        return {};
    }

private:
    static constexpr std::size_t usual_bytes = 400;  // a small entity and what stands before it: one allocation for both

    static constexpr std::uint32_t tag_put = 1;
    static constexpr std::uint32_t tag_text = 2;
    static constexpr std::uint32_t tag_version = 4;
    static constexpr std::uint32_t tag_terms = 8;

    /// @return where so many bytes more are to be written, right behind the key.
    [[nodiscard]] char* begin(std::uint32_t tag, std::string_view key, std::size_t more) {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + 1 + sizeof(std::uint32_t) + key.size() + more);
        char* const to = bytes_.data() + at;
        to[0] = static_cast<char>(tag);
        detail::store_little_endian(to + 1, static_cast<std::uint32_t>(key.size()));
        if (!key.empty()) std::memcpy(to + 1 + sizeof(std::uint32_t), key.data(), key.size());
        return to + 1 + sizeof(std::uint32_t) + key.size();
    }
    /// A length of four bytes, and what `encode` appends.
    [[nodiscard]] Status append_sized(std::string_view key, Encode encode) {
        const std::size_t at = bytes_.size() + sizeof(std::uint32_t);
        detail::append_little_endian(bytes_, std::uint32_t{0});
        if (auto encoded = encode(bytes_); !encoded) return encoded;
        const std::size_t size = bytes_.size() - at;
        if (size > (std::numeric_limits<std::uint32_t>::max)())
            return failure(Errc::invalid_argument, detail::printable(key) + ": a journal takes no value of 4 GiB or more");
        detail::store_little_endian(bytes_.data() + at - sizeof(std::uint32_t), static_cast<std::uint32_t>(size));
        return {};
    }

    [[nodiscard]] static bool take(detail::ByteReader& reader, JournalChange& change) noexcept {
        std::uint8_t tag = 0;
        std::uint64_t expiry = 0;
        std::string_view value;
        if (!reader.take(tag) || tag > (tag_put | tag_text | tag_version | tag_terms) || !reader.take_sized(change.key))
            return false;
        if (tag == 0) return true;
        if ((tag & tag_put) == 0 || !reader.take(expiry)) return false;
        if ((tag & tag_version) != 0 && !reader.take(change.version)) return false;
        if ((tag & tag_terms) != 0 && !reader.take_sized(change.index_terms.emplace())) return false;
        if (!reader.take_sized(value)) return false;
        change.value = value;
        change.expires_at = Expiry{WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(expiry)}}};
        change.form = (tag & tag_text) != 0 ? ValueForm::text : ValueForm::bytes;
        return true;
    }

    std::string bytes_;
};

JOINLY_NAMESPACE_END
#endif
