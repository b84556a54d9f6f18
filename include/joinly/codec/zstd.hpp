#ifndef JOINLY_CODEC_ZSTD_HPP
#define JOINLY_CODEC_ZSTD_HPP
// Compression on top of a codec, for values that are worth it. Any thread may call anything here. Needs libzstd.
//
//     struct SmallTraits : joinly::DefaultTraits { using Codec = joinly::Zstd<joinly::Binary>; };
//     auto store = joinly::open<joinly::SqliteBackend, joinly::WriteThrough, SmallTraits>({.path = "joinly.db"});
//
// A compressed value is the byte FF, which no plain value begins with, and one Zstandard frame that tells its size (RFC 8878);
// `tail -c +2 value | zstd -d` reads it. Each value tells by itself which it is:
//
// | to do                              | use                                                                                   |
// |------------------------------------|---------------------------------------------------------------------------------------|
// | switch it on                       | Zstd<Binary> where Binary was: it reads what Binary has written                       |
// | switch it off                      | Zstd<Binary, no_compression>: it reads what is compressed, and writes plain values    |
// | get rid of it                      | that, and every entity saved once more; or migrate<T...> into a store with Binary     |
//
// A plain codec answers `incompatible` to a compressed value, and says what reads it.
//
// It costs 15 us to compress a kilobyte and 12 to decompress one, on a virtual machine; most of it is the same for any value of
// some kilobytes. The whole database is smaller at less cost where LevelDB compresses blocks (LevelDbOptions::compression). SQL
// cannot look into compressed values, so Zstd<Json> is kept as bytes, and create_views() refuses it.

#include <joinly/codec/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/compressed_mark.hpp>
#include <joinly/detail/codec/zstd_frame.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/entity/described.hpp>

#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

struct ZstdOptions {
    /// Values below this stay plain: small ones hardly shrink, and cost as much.
    std::size_t threshold_bytes = 512;

    /// A value that claims to be larger is `corrupt`, before anything is allocated for it; one that is larger stays plain. All
    /// programs that share a database must have the same.
    std::size_t limit_bytes = std::size_t{64} << 20;

    /// 1 (fast) to 19 (small), as the zstd tool has them.
    int level = 3;
};

inline constexpr ZstdOptions no_compression{.threshold_bytes = (std::numeric_limits<std::size_t>::max)()};

/// Compresses what `Codec` writes, when it is above the threshold and becomes at least an eighth smaller. No value of `Codec`'s may
/// begin with the byte FF; Binary's and Json's do not.
template <class Codec, ZstdOptions options = ZstdOptions{}>
struct Zstd {
    using Plain = Codec;

    static constexpr ValueForm form = ValueForm::bytes;

private:
    static constexpr std::string_view prefix = "zstd_";
    static constexpr auto name_chars = [] {
        std::array<char, prefix.size() + Codec::name.size()> chars{};
        for (std::size_t i = 0; i < chars.size(); ++i) chars[i] = i < prefix.size() ? prefix[i] : Codec::name[i - prefix.size()];
        return chars;
    }();

public:
    static constexpr std::string_view name{name_chars.data(), name_chars.size()};  ///< "zstd_binary"

    /// As Codec's. `invalid_argument` besides: Codec has written a value that begins with FF.
    /// @par Complexity  That, and compressing; at most three allocations.
    template <class T>
    requires codec_for<Codec, T>
    [[nodiscard]] static Status encode(const T& object, std::string& out) {
        const std::size_t start = out.size();
        if (auto encoded = Codec::encode(object, out); !encoded) return encoded;
        const std::string_view written = std::string_view{out}.substr(start);
        if (detail::is_compressed(written)) {
            out.resize(start);
            return failure(Errc::invalid_argument, detail::place_in_object<T>({}) + ": Zstd cannot stand on " +
                                                       std::string{Codec::name} + ", which writes values that begin with FF");
        }
        compress(out, start);
        return {};
    }

    /// What `encode` makes of a value of Codec's own, which begins at `start`.
    static void compress(std::string& out, std::size_t start = 0) {
        const std::string_view written = std::string_view{out}.substr(start);
        if (written.size() < options.threshold_bytes || written.size() > options.limit_bytes) return;
        std::string compressed(1, detail::compressed_mark);
        if (detail::append_zstd_frame(written, written.size() - written.size() / 8, options.level, compressed))
            out.replace(start, std::string::npos, compressed);
    }

    /// How many bytes `encode` appends at most: as many as Codec would. Compresses nothing.
    template <class T>
    requires measuring_codec_for<Codec, T>
    [[nodiscard]] static Result<std::size_t> measure(const T& object) { return Codec::measure(object); }

    /// As Codec's, whether the value is compressed or not. `corrupt` besides: the frame is damaged, or claims more than
    /// `limit_bytes`.
    /// @par Complexity  As Codec's on what is decompressed, and that.
    template <class T>
    requires codec_for<Codec, T>
    [[nodiscard]] static Status decode(std::string_view value, T& object) {
        if (!detail::is_compressed(value)) return Codec::decode(value, object);
        const auto read = decompress<T>(value);
        return read ? Codec::decode(std::string_view{*read}, object) : failure(read.error());
    }

    /// How many bytes Codec is given to decode. `corrupt`, before anything is allocated: more than `limit_bytes`, more than the
    /// value's own bytes can hold, or it is damaged.
    [[nodiscard]] static Result<std::size_t> plain_size(std::string_view value) {
        if (!detail::is_compressed(value)) return value.size();
        return detail::zstd_plain_size(value.substr(1), options.limit_bytes);
    }

    /// The value as Codec would have written it.
    [[nodiscard]] static Result<std::string> plain(std::string_view value) {
        if (!detail::is_compressed(value)) return std::string{value};
        return detail::read_zstd_frame(value.substr(1), options.limit_bytes);
    }

    /// As Codec's.
    template <class T>
    requires versioning_codec_for<Codec, T>
    [[nodiscard]] static Result<int> stored_version(std::string_view value) {
        if (!detail::is_compressed(value)) return Codec::template stored_version<T>(value);
        const auto read = decompress<T>(value);
        if (!read) return failure(read.error());
        return Codec::template stored_version<T>(std::string_view{*read});
    }

private:
    template <class T>
    [[nodiscard]] static Result<std::string> decompress(std::string_view value) {
        auto read = plain(value);
        if (read) return read;
        return failure(read.error().code(), detail::place_in_object<T>({}) + " at byte 1: " + std::string{read.error().message()});
    }
};

JOINLY_NAMESPACE_END
#endif
