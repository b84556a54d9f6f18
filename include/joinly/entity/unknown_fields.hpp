#ifndef JOINLY_ENTITY_UNKNOWN_FIELDS_HPP
#define JOINLY_ENTITY_UNKNOWN_FIELDS_HPP
// What a newer build has stored in an object and this build does not know: kept, so that load, change and save give it
// back. See "Changing a description" in joinly/entity/entity.hpp.
//
//     struct Hero {
//         std::string name = {};
//         joinly::UnknownFields unknown_fields = {};
//         friend bool operator==(const Hero&, const Hero&) = default;
//     };
//     // and in the description:
//     static constexpr auto& unknown_fields(auto& hero) { return hero.unknown_fields; }

#include <joinly/config.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

namespace detail {
struct UnknownFieldsAccess;
}

/// Fields as the codec has read them, in their order. A value, one pointer in size; none costs nothing else.
///
/// They go with the object that they were read into, and only back into the format that they came from: encoding them
/// with another codec is `invalid_argument`, for to drop them would be to lose what the newer build has stored. Who wants
/// to lose it, as for a page that shows the object, clears a copy first.
class UnknownFields {
public:
    UnknownFields() noexcept = default;
    UnknownFields(const UnknownFields& other) : kept_{other.empty() ? nullptr : std::make_unique<Kept>(*other.kept_)} {}
    UnknownFields(UnknownFields&& other) noexcept = default;
    UnknownFields& operator=(UnknownFields other) noexcept {
        kept_.swap(other.kept_);
        return *this;
    }
    ~UnknownFields() = default;

    [[nodiscard]] bool empty() const noexcept { return kept_ == nullptr; }
    /// What they take in an encoding, about.
    [[nodiscard]] std::size_t size_bytes() const noexcept { return empty() ? 0 : kept_->bytes.size(); }
    /// Forgets them: saved next, the object loses them.
    void clear() noexcept { kept_.reset(); }

    /// Whether they are the same bytes of the same format.
    [[nodiscard]] friend bool operator==(const UnknownFields& left, const UnknownFields& right) noexcept {
        return (left <=> right) == 0;
    }
    [[nodiscard]] friend std::strong_ordering operator<=>(const UnknownFields& left, const UnknownFields& right) noexcept {
        if (left.empty() || right.empty()) return right.empty() <=> left.empty();
        if (const auto order = left.kept_->format <=> right.kept_->format; order != 0) return order;
        return std::string_view{left.kept_->bytes} <=> std::string_view{right.kept_->bytes};
    }

private:
    friend detail::UnknownFieldsAccess;
    enum class Format : std::uint8_t { wire, json };
    struct Kept {
        Format format;
        std::string bytes;  // whole fields with their tags; or members as in an object: "a":1,"b":[]
    };

    std::unique_ptr<Kept> kept_;
};

namespace detail {

/// For codecs, which vouch for the bytes: they are what a decoder has accepted.
struct UnknownFieldsAccess {
    using Format = UnknownFields::Format;
    /// What the first field costs in memory besides its bytes.
    static constexpr std::size_t cost = sizeof(UnknownFields::Kept) + 2 * sizeof(void*);

    static std::string& bytes(UnknownFields& fields, Format format) {
        if (fields.empty() || fields.kept_->format != format)
            fields.kept_ = std::make_unique<UnknownFields::Kept>(UnknownFields::Kept{format, {}});
        return fields.kept_->bytes;
    }
    static bool are(const UnknownFields& fields, Format format) noexcept {
        return !fields.empty() && fields.kept_->format == format;
    }
    static std::string_view bytes(const UnknownFields& fields) noexcept {
        return fields.empty() ? std::string_view{} : std::string_view{fields.kept_->bytes};
    }
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
