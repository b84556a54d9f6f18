#include "place.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

namespace tool {
namespace {

constexpr std::array<std::string_view, 2> engine_names{"sqlite", "leveldb"};
constexpr std::array<std::string_view, 2> codec_names{"binary", "json"};

template <class Name, std::size_t count>
std::optional<Name> find_name(const std::array<std::string_view, count>& names, std::string_view name) {
    for (std::size_t i = 0; i < count; ++i) {
        if (names[i] == name) return static_cast<Name>(i);
    }
    return std::nullopt;
}

/// A path alone: a directory is LevelDB's, a file SQLite's.
joinly::Result<Place> recognise(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) return Place{EngineName::leveldb, std::nullopt, false, path};
    if (std::filesystem::exists(path, ignored)) return Place{EngineName::sqlite, std::nullopt, false, path};
    return joinly::failure(joinly::Errc::invalid_argument, "there is nothing at '" + path +
                                                               "'; a store to be made is named with its backend: sqlite:" + path +
                                                               " or leveldb:" + path + " (sqlite+json: keeps JSON)");
}

}  // namespace

std::string_view name_of(EngineName engine) noexcept { return engine_names[static_cast<std::size_t>(engine)]; }
std::string_view name_of(CodecName codec) noexcept { return codec_names[static_cast<std::size_t>(codec)]; }

std::string Place::text() const {
    std::string text{name_of(engine)};
    if (codec) text.append("+").append(name_of(*codec));
    if (compress) text.append("+zstd");
    return text.append(":").append(path);
}

bool Place::exists() const {
    std::error_code ignored;
    if (engine == EngineName::sqlite) return std::filesystem::exists(path, ignored);
    // LevelDB would make a database of an empty directory; one that has lost a file is for LevelDB to complain about.
    return std::filesystem::exists(path, ignored) && !std::filesystem::is_empty(path, ignored);
}

joinly::Result<Place> parse_place(const std::string& text) {
    const std::size_t colon = text.find(':');
    std::string_view scheme = std::string_view{text}.substr(0, colon);
    const auto next_word = [&] {
        const std::string_view word = scheme.substr(0, scheme.find('+'));
        scheme.remove_prefix((std::min)(word.size() + 1, scheme.size()));
        return word;
    };
    const auto engine = find_name<EngineName>(engine_names, next_word());
    if (colon == std::string::npos || !engine) return recognise(text);
    Place place{*engine, std::nullopt, false, text.substr(colon + 1)};
    if (place.path.empty())
        return joinly::failure(joinly::Errc::invalid_argument, "'" + text + "' lacks the path: " + text + "PATH");
    while (!scheme.empty()) {
        const std::string_view word = next_word();
        const auto codec = find_name<CodecName>(codec_names, word);
        if (word == "zstd") {
            place.compress = true;
        } else if (codec && !place.codec) {
            place.codec = codec;
        } else {
            return joinly::failure(
                joinly::Errc::invalid_argument,
                "'" + text + "': a backend may be followed by +binary or +json, and +zstd, not by +" + std::string{word});
        }
    }
    return place;
}

}  // namespace tool
