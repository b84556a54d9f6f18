#ifndef JOINLY_BENCHMARKS_SUPPORT_HANDWRITTEN_CODEC_HPP
#define JOINLY_BENCHMARKS_SUPPORT_HANDWRITTEN_CODEC_HPP
// The floor of benchmarks/codec.cpp: what a careful programmer writes by hand for three structs, for the same bytes and by the
// same rules as Binary. Every length is checked, unknown fields are skipped, zeros are left out. It does without what a general
// codec needs: paths to faults, bounds on memory and depth, versions, unknown fields that are kept.

#include <benchmarks/support/codec_samples.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace joinly::bench::handwritten {

inline std::size_t size_of_varint(std::uint64_t value) { return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7; }
inline std::size_t size_of_text(const std::string& text) { return 1 + size_of_varint(text.size()) + text.size(); }

inline char* put_varint(char* at, std::uint64_t value) {
    while (value >= 0x80) {
        *at++ = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    *at++ = static_cast<char>(value);
    return at;
}
inline char* put_number(char* at, char tag, std::uint64_t value) {
    *at++ = tag;
    return put_varint(at, value);
}
inline char* put_text(char* at, char tag, const std::string& text) {
    at = put_number(at, tag, text.size());
    std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

inline std::uint64_t widen(std::int64_t number) { return static_cast<std::uint64_t>(number); }

using Texts = std::map<std::string, std::string>;
inline std::size_t size_of_entry(const Texts::value_type& entry) { return size_of_text(entry.first) + size_of_text(entry.second); }
inline std::size_t size_of_texts(const Texts& texts) {
    std::size_t size = 0;
    for (const auto& entry : texts) {
        const std::size_t one = size_of_entry(entry);
        size += 1 + size_of_varint(one) + one;
    }
    return size;
}
inline char* put_texts(char* at, char tag, const Texts& texts) {
    for (const auto& entry : texts) {
        at = put_number(at, tag, size_of_entry(entry));
        at = put_text(at, 0x0a, entry.first);
        at = put_text(at, 0x12, entry.second);
    }
    return at;
}

inline std::size_t size_of(const Player& player) {
    std::size_t size = size_of_texts(player.attributes);
    if (!player.player_id.empty()) size += size_of_text(player.player_id);
    if (!player.username.empty()) size += size_of_text(player.username);
    if (player.skill_rating != 0) size += 1 + size_of_varint(widen(player.skill_rating));
    if (const auto at = player.created_at.time_since_epoch().count(); at != 0) size += 1 + size_of_varint(widen(at));
    return size;
}
inline char* put(char* at, const Player& player) {
    if (!player.player_id.empty()) at = put_text(at, 0x0a, player.player_id);
    if (!player.username.empty()) at = put_text(at, 0x12, player.username);
    if (player.skill_rating != 0) at = put_number(at, 0x18, widen(player.skill_rating));
    if (const auto time = player.created_at.time_since_epoch().count(); time != 0) at = put_number(at, 0x20, widen(time));
    return put_texts(at, 0x2a, player.attributes);
}

inline std::size_t size_of(const Lobby& lobby) {
    std::size_t size = size_of_texts(lobby.attributes);
    if (!lobby.lobby_id.empty()) size += size_of_text(lobby.lobby_id);
    if (lobby.state != LobbyState::waiting) size += 1 + size_of_varint(static_cast<std::uint64_t>(lobby.state));
    for (const auto& player : lobby.players) size += size_of_text(player);
    size += 1 + size_of_varint(lobby.max_players);
    if (!lobby.owner.empty()) size += size_of_text(lobby.owner);
    if (const auto at = lobby.created_at.time_since_epoch().count(); at != 0) size += 1 + size_of_varint(widen(at));
    if (lobby.rating != 0) size += 1 + size_of_varint(widen(lobby.rating));
    return size;
}
inline char* put(char* at, const Lobby& lobby) {
    if (!lobby.lobby_id.empty()) at = put_text(at, 0x0a, lobby.lobby_id);
    if (lobby.state != LobbyState::waiting) at = put_number(at, 0x10, static_cast<std::uint64_t>(lobby.state));
    for (const auto& player : lobby.players) at = put_text(at, 0x1a, player);
    at = put_number(at, 0x20, lobby.max_players);
    if (!lobby.owner.empty()) at = put_text(at, 0x2a, lobby.owner);
    if (const auto time = lobby.created_at.time_since_epoch().count(); time != 0) at = put_number(at, 0x30, widen(time));
    at = put_texts(at, 0x3a, lobby.attributes);
    if (lobby.rating != 0) at = put_number(at, 0x40, widen(lobby.rating));
    return at;
}

inline std::size_t size_of(const Roster& roster) {
    std::size_t size = roster.lobby_id.empty() ? 0 : size_of_text(roster.lobby_id);
    for (const auto& player : roster.players) {
        const std::size_t one = size_of(player);
        size += 1 + size_of_varint(one) + one;
    }
    return size;
}
inline char* put(char* at, const Roster& roster) {
    if (!roster.lobby_id.empty()) at = put_text(at, 0x0a, roster.lobby_id);
    for (const auto& player : roster.players) {
        at = put_number(at, 0x12, size_of(player));
        at = put(at, player);
    }
    return at;
}

template <class T>
void encode(const T& object, std::string& out) {
    const std::size_t start = out.size();
    out.resize(start + size_of(object));
    put(out.data() + start, object);
}

/// What is left to read. Each function answers false where the bytes are not what they should be.
struct Reader {
    const char* at;
    const char* end;

    bool varint(std::uint64_t& value) {
        if (at != end && static_cast<unsigned char>(*at) < 0x80) {
            value = static_cast<unsigned char>(*at++);
            return true;
        }
        value = 0;
        for (unsigned shift = 0; shift < 70 && at != end; shift += 7) {
            const auto byte = static_cast<unsigned char>(*at++);
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return true;
        }
        return false;
    }
    template <class Number>
    bool number(Number& number) {
        std::uint64_t value = 0;
        if (!varint(value)) return false;
        number = static_cast<Number>(value);
        return true;
    }
    bool time(Timestamp& time) {
        std::int64_t count = 0;
        if (!number(count)) return false;
        time = Timestamp{Timestamp::duration{count}};
        return true;
    }
    bool bytes(Reader& within) {
        std::uint64_t length = 0;
        if (!varint(length) || length > static_cast<std::size_t>(end - at)) return false;
        within = {at, at + length};
        at += length;
        return true;
    }
    bool text(std::string& text) {
        Reader within{};
        if (!bytes(within)) return false;
        text.assign(within.at, static_cast<std::size_t>(within.end - within.at));
        return true;
    }
    bool skip(std::uint64_t tag) {
        std::uint64_t number = 0;
        Reader within{};
        const auto advance = [this](std::ptrdiff_t count) { return end - at >= count && (at += count, true); };
        switch (tag & 7) {
            case 0: return varint(number);
            case 1: return advance(8);
            case 2: return bytes(within);
            case 5: return advance(4);
            default: return false;
        }
    }
    bool entry(Texts& texts) {
        Reader in{};
        if (!bytes(in)) return false;
        std::string key;
        std::string value;
        while (in.at != in.end) {
            std::uint64_t tag = 0;
            if (!in.varint(tag)) return false;
            if (!(tag == 0x0a ? in.text(key) : tag == 0x12 ? in.text(value) : in.skip(tag))) return false;
        }
        texts.insert_or_assign(std::move(key), std::move(value));
        return true;
    }
};

inline bool take_field(Reader& in, std::uint64_t tag, Player& player) {
    switch (tag) {
        case 0x0a: return in.text(player.player_id);
        case 0x12: return in.text(player.username);
        case 0x18: return in.number(player.skill_rating);
        case 0x20: return in.time(player.created_at);
        case 0x2a: return in.entry(player.attributes);
        default: return in.skip(tag);
    }
}
inline bool take_field(Reader& in, std::uint64_t tag, Lobby& lobby) {
    switch (tag) {
        case 0x0a: return in.text(lobby.lobby_id);
        case 0x10: return in.number(lobby.state);
        case 0x1a: return in.text(lobby.players.emplace_back());
        case 0x20: return in.number(lobby.max_players);
        case 0x2a: return in.text(lobby.owner);
        case 0x30: return in.time(lobby.created_at);
        case 0x3a: return in.entry(lobby.attributes);
        case 0x40: return in.number(lobby.rating);
        default: return in.skip(tag);
    }
}
bool take_field(Reader& in, std::uint64_t tag, Roster& roster);

template <class T>
bool take_fields(Reader in, T& object) {
    while (in.at != in.end) {
        std::uint64_t tag = 0;
        if (!in.varint(tag) || tag < 8 || !take_field(in, tag, object)) return false;
    }
    return true;
}
inline bool take_field(Reader& in, std::uint64_t tag, Roster& roster) {
    Reader within{};
    switch (tag) {
        case 0x0a: return in.text(roster.lobby_id);
        case 0x12: return in.bytes(within) && take_fields(within, roster.players.emplace_back());
        default: return in.skip(tag);
    }
}

template <class T>
bool decode(std::string_view bytes, T& object) {
    return take_fields(Reader{bytes.data(), bytes.data() + bytes.size()}, object);
}

}  // namespace joinly::bench::handwritten
#endif
