#ifndef JOINLY_DETAIL_OPS_CONVERSION_HPP
#define JOINLY_DETAIL_OPS_CONVERSION_HPP
// A record of one store as the change that puts it into another: with its version, its expiry and what the indexes know it by. Its
// value is the same bytes, or, where the codecs differ, what the other codec makes of the entity.

#include <joinly/codec/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/utf8.hpp>
#include <joinly/detail/index/catalogue.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/detail/index/walk.hpp>
#include <joinly/entity/entity.hpp>

#include <algorithm>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Whether values that Writer has written are values of Reader's: the same codec, or one that compresses on top of it.
template <class Reader, class Writer>
constexpr bool reads_values_of() {
    if constexpr (requires { typename Reader::Plain; }) {
        return std::same_as<Reader, Writer> || std::same_as<typename Reader::Plain, Writer>;
    } else {
        return std::same_as<Reader, Writer>;
    }
}

/// "lobby" of "lobby:1"; "" of a key that reads as no entity's.
[[nodiscard]] inline std::string_view kind_in_key(std::string_view key) noexcept {
    const std::size_t colon = key.find(':');
    if (colon == std::string_view::npos || !is_valid_kind(key.substr(0, colon))) return {};
    return key.substr(0, colon);
}

/// How a store with this codec keeps a value that it was given as bytes: as text, if it reads as its text.
template <class Codec>
[[nodiscard]] ValueForm form_of_value(std::string_view key, std::string_view value) {
    if constexpr (Codec::form == ValueForm::text) {
        if (!kind_in_key(key).empty() && value.starts_with('{') && is_utf8(value)) return ValueForm::text;
    }
    return ValueForm::bytes;
}

/// The bytes as they are, and all that goes with them.
[[nodiscard]] inline Change copied_change(std::string_view key, const RecordView& record, ValueForm form) {
    Change change{std::string{key}, std::string{record.value}, record.expires_at, record.version, form, std::nullopt};
    if (!record.index_terms.empty()) change.index_terms = record.index_terms;
    return change;
}

template <class SourceCodec, class TargetCodec, entity... T>
class Conversion {
public:
    static constexpr bool same_codec = std::same_as<SourceCodec, TargetCodec>;
    static constexpr bool copies_unnamed = reads_values_of<TargetCodec, SourceCodec>();

    explicit Conversion(const std::vector<std::string>& raw_kinds) : raw_kinds_{raw_kinds} {}

    /// `unsupported`: entities of a kind that nobody has named, and the codecs differ.
    [[nodiscard]] Status accept(std::string_view kind) const {
        if (copies_unnamed || kind.empty() || ((kind == kind_of<T>) || ...) || is_raw(kind)) return {};
        return failure(Errc::unsupported, std::string{kind} + ": its records must be converted from " +
                                              std::string{SourceCodec::name} + " to " + std::string{TargetCodec::name} +
                                              ": name its type, as in migrate<Player>(...), or list it in raw_kinds if it is no "
                                              "entity");
    }

    [[nodiscard]] Result<Change> operator()(std::string_view key, const RecordView& record) const {
        if constexpr (!same_codec && sizeof...(T) > 0) {
            if (key.starts_with(catalogue_prefix)) return convert_catalogue(key, record);
            const std::string_view kind = kind_in_key(key);
            std::optional<Result<Change>> converted;
            static_cast<void>(((kind == kind_of<T> && (converted.emplace(convert<T>(key, record)), true)) || ...));
            if (converted) return std::move(*converted);
        }
        return copied_change(key, record, form_of_value<TargetCodec>(key, record.value));
    }

private:
    [[nodiscard]] bool is_raw(std::string_view kind) const {
        return std::find(raw_kinds_.begin(), raw_kinds_.end(), kind) != raw_kinds_.end();
    }

    template <class Entity>
    [[nodiscard]] static Result<Change> convert(std::string_view key, const RecordView& record) {
        Entity object{};
        if (auto decoded = SourceCodec::decode(record.value, object); !decoded) return failure_at(key, decoded.error());
        Change change{std::string{key}, std::string{}, record.expires_at, record.version, TargetCodec::form, std::nullopt};
        if (auto encoded = TargetCodec::encode(object, *change.value); !encoded) return failure_at(key, encoded.error());
        if constexpr (has_indexes<Entity>) {
            auto indexed = index_terms<times_kept_by<TargetCodec>>(object, change.index_terms.emplace());
            if (!indexed) return failure_at(key, indexed.error());
        }
        return change;
    }

    /// Which indexes are complete: of a kind that is converted, those that its description declares today.
    [[nodiscard]] static Result<Change> convert_catalogue(std::string_view key, const RecordView& record) {
        Change change = copied_change(key, record, ValueForm::bytes);
        const std::string_view kind = key.substr(catalogue_prefix.size());
        static_cast<void>(((kind == kind_of<T> && (*change.value = encode_catalogue(index_catalogue<T>()), true)) || ...));
        return change;
    }

    const std::vector<std::string>& raw_kinds_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
