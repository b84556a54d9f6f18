#ifndef JOINLY_DETAIL_C_OPEN_OPTIONS_HPP
#define JOINLY_DETAIL_C_OPEN_OPTIONS_HPP
// Options by name, with values as text: so that there can be more of them without another interface.

#include <joinly/backend/leveldb_options.hpp>
#include <joinly/backend/sqlite_options.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/c/document.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/policy/no_cache.hpp>
#include <joinly/policy/through_options.hpp>
#include <joinly/policy/write_behind_options.hpp>

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

struct Setting;

/// Everything that can be chosen, whatever the backend and the policy are.
struct OpenOptions {
    DocumentCodec codec = DocumentCodec::json;
    bool sql_views = false;
    SqliteOptions sqlite = {};
    LevelDbOptions leveldb = {};
    ThroughOptions through = {};
    WriteBehindOptions behind = {};
    std::vector<const Setting*> given = {};
};

inline bool read_setting(std::string_view text, bool& value) {
    value = text == "true";
    return value || text == "false";
}
inline bool read_setting(std::string_view text, Sync& value) {
    value = text == "power_loss" ? Sync::power_loss : Sync::process_crash;
    return text == "power_loss" || text == "process_crash";
}
inline bool read_setting(std::string_view text, DocumentCodec& value) {
    for (const auto codec : {DocumentCodec::json, DocumentCodec::binary, DocumentCodec::json_zstd, DocumentCodec::binary_zstd}) {
        if (name_of(codec) != text) continue;
        value = codec;
        return true;
    }
    return false;
}
inline bool read_setting(std::string_view text, std::string& value) {
    value = text;
    return true;
}
template <std::unsigned_integral Number>
bool read_setting(std::string_view text, Number& value) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}
inline bool read_setting(std::string_view text, std::chrono::milliseconds& value) {
    std::uint32_t ms = 0;  // 49 days are long enough
    if (!read_setting(text, ms)) return false;
    value = std::chrono::milliseconds{ms};
    return true;
}

/// One option: its name, the backends and policies that have it (empty: all of them), and how it is set.
struct Setting {
    std::string_view name;
    std::string_view backends;
    std::string_view policies;
    bool (*set)(OpenOptions& options, std::string_view text);
};

inline constexpr Setting open_settings[] = {
    {"codec", {}, {}, [](OpenOptions& o, std::string_view text) { return read_setting(text, o.codec); }},
    {"sync",
     "sqlite leveldb",
     {},
     [](OpenOptions& o, std::string_view text) { return read_setting(text, o.sqlite.sync) && read_setting(text, o.leveldb.sync); }},
    {"read_only", "sqlite", {}, [](OpenOptions& o, std::string_view text) { return read_setting(text, o.sqlite.read_only); }},
    {"busy_timeout", "sqlite", {}, [](OpenOptions& o, std::string_view text) { return read_setting(text, o.sqlite.busy_timeout); }},
    {"sql_views", "sqlite", {}, [](OpenOptions& o, std::string_view text) { return read_setting(text, o.sql_views); }},
    {"compression", "leveldb", {}, [](OpenOptions& o, std::string_view text) { return read_setting(text, o.leveldb.compression); }},
    {"capacity_entries",
     {},
     "read_through write_through write_behind",
     [](OpenOptions& o, std::string_view text) {
         return read_setting(text, o.through.capacity_entries) && read_setting(text, o.behind.capacity_entries);
     }},
    {"absence_ttl",
     {},
     "read_through write_through write_behind",
     [](OpenOptions& o, std::string_view text) {
         return read_setting(text, o.through.absence_ttl) && read_setting(text, o.behind.absence_ttl);
     }},
    {"foreign_check",
     {},
     "read_through write_through",
     [](OpenOptions& o, std::string_view text) { return read_setting(text, o.through.foreign_check); }},
    {"max_delay", {}, "write_behind", [](OpenOptions& o, std::string_view text) { return read_setting(text, o.behind.max_delay); }},
    {"flush_entries",
     {},
     "write_behind",
     [](OpenOptions& o, std::string_view text) { return read_setting(text, o.behind.flush_entries); }},
    {"full_timeout",
     {},
     "write_behind",
     [](OpenOptions& o, std::string_view text) { return read_setting(text, o.behind.full_timeout); }},
    {"journal", "sqlite leveldb", "write_behind",
     [](OpenOptions& o, std::string_view text) { return read_setting(text, o.behind.journal.path); }},
    {"journal_sync", "sqlite leveldb", "write_behind",
     [](OpenOptions& o, std::string_view text) { return read_setting(text, o.behind.journal.sync); }},
};

/// `invalid_argument`: there is no such option, or it does not take that; nothing is changed then.
[[nodiscard]] inline Status set_option(OpenOptions& options, std::string_view name, std::string_view text) {
    for (const Setting& setting : open_settings) {
        if (setting.name != name) continue;
        OpenOptions changed = options;
        if (!setting.set(changed, text))
            return failure(Errc::invalid_argument, std::string{name} + " cannot be '" + printable_start(text) + '\'');
        changed.given.push_back(&setting);
        options = std::move(changed);
        return {};
    }
    return failure(Errc::invalid_argument, "there is no option '" + printable_start(name) + '\'');
}

/// Whether `names`, words with a blank between, has `name`; no names mean all.
[[nodiscard]] inline bool names_have(std::string_view names, std::string_view name) {
    return names.empty() || (' ' + std::string{names} + ' ').find(' ' + std::string{name} + ' ') != std::string::npos;
}

/// `invalid_argument`: an option was given that the backend or the policy does not have.
[[nodiscard]] inline Status check_options(const OpenOptions& options, std::string_view backend, std::string_view policy) {
    for (const Setting* setting : options.given) {
        const bool of_backend = names_have(setting->backends, backend);
        if (of_backend && names_have(setting->policies, policy)) continue;
        return failure(Errc::invalid_argument,
                       std::string{of_backend ? policy : backend} + " has no option '" + std::string{setting->name} + '\'');
    }
#if defined(JOINLY_C_WITHOUT_ZSTD)
    if (is_zstd(options.codec)) return failure(Errc::unsupported, "this library was built without zstd");
#endif
    if (options.sql_views && options.codec != DocumentCodec::json)
        return failure(Errc::invalid_argument, "sql_views needs codec=json: SQL can look into JSON only");
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
