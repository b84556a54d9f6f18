// libFuzzer on what our LevelDB adapter reads itself: record headers, the format, damaged logs and footers. See run.

#include "tests/fuzz/fuzz.hpp"

#include <joinly/detail/leveldb/format.hpp>
#include <joinly/detail/leveldb/log.hpp>
#include <joinly/detail/leveldb/log_records.hpp>
#include <joinly/detail/leveldb/tables.hpp>

#include <chrono>

namespace {

using namespace joinly;

constexpr std::string_view key = "lobby:1";

std::string complaint_of_record(std::string_view bytes) {
    const Result<RecordView> record = detail::decode_leveldb_value(key, bytes);
    if (!record) return record.error() == Errc::corrupt || record.error() == Errc::incompatible ? "" : "an error of another kind";
    std::string encoded;
    detail::encode_leveldb_value(key, *record, encoded);
    const bool never = record->expires_at.is_never();  // which can be said in two ways
    return encoded == bytes || never ? "" : "comes back as something else";
}

/// A random input matches no checksum: so one that is right takes its place, and what it covers is read too.
std::string with_right_checksum(std::string bytes) {
    const bool expires = bytes.size() > 1 && (bytes[1] & detail::leveldb_flag_expires) != 0;
    const std::size_t header = detail::leveldb_header_bytes(expires);
    if (bytes.size() < header) return bytes;
    std::string_view rest = std::string_view{bytes}.substr(2);
    RecordView record;
    record.version = detail::take_leveldb_integer<Version>(rest);
    if (expires) {
        const auto unix_ms = static_cast<std::int64_t>(detail::take_leveldb_integer<std::uint64_t>(rest));
        record.expires_at = Expiry{WallTime{std::chrono::milliseconds{unix_ms}}};
    }
    rest.remove_prefix(4);
    if ((bytes[1] & detail::leveldb_flag_indexed) != 0 && rest.size() >= 4) {
        const auto terms = detail::take_leveldb_integer<std::uint32_t>(rest);
        record.index_terms = rest.substr(0, terms);
        rest.remove_prefix(record.index_terms.size());
    }
    std::string checksum;
    detail::append_leveldb_integer(checksum,
                                   detail::record_checksum(key, rest, record.version, record.expires_at, record.index_terms));
    return bytes.replace(header - 4, 4, checksum);
}

/// Reads frames as LevelDB's repair does, without their checksums; those that it takes must match them.
std::string complaint_of_voided_log(std::string log) {
    const std::size_t size = log.size();
    static_cast<void>(detail::void_damaged_leveldb_frames(log));
    static_cast<void>(detail::void_misplaced_leveldb_records(log));
    if (detail::void_misplaced_leveldb_records(log)) return "a misplaced record is still one";
    if (log.size() != size) return "voiding changed the size";
    for (std::size_t offset = 0; offset + detail::leveldb_frame_header_bytes <= size;) {
        const std::size_t block_end = offset - offset % detail::leveldb_block_bytes + detail::leveldb_block_bytes;
        const std::size_t end =
            block_end - offset < detail::leveldb_frame_header_bytes ? size + 1 : detail::leveldb_frame_end(log, offset);
        const char type = end <= size ? log[offset + 6] : '\0';
        if (end > size || end > block_end || (type == 0 && end == offset + detail::leveldb_frame_header_bytes)) {
            offset = block_end;
            continue;
        }
        if (type <= 4 && type >= 0 && !detail::is_whole_leveldb_frame(log, offset)) return "a damaged frame is still one";
        offset = end;
    }
    return "";
}

/// `bytes` as a log: a frame for each that says how long it is, with the right checksum but for one in eight.
std::string as_log(std::string_view bytes) {
    std::string log;
    for (std::size_t at = 0; at + 1 < bytes.size();) {
        const auto head = static_cast<unsigned char>(bytes[at]);
        const std::string body = static_cast<char>(1 + head % 4) + std::string{bytes.substr(at + 1, head / 4)};
        const std::uint32_t crc = detail::crc32c(body);
        const std::size_t room = detail::leveldb_block_bytes - log.size() % detail::leveldb_block_bytes;
        if (room < body.size() + 6) log.append(room, '\0');
        detail::append_leveldb_integer(log, (crc >> 15 | crc << 17) + 0xa282ead8u + (head % 8 == 7 ? 1 : 0));
        detail::append_leveldb_integer(log, static_cast<std::uint16_t>(body.size() - 1));
        log += body;
        at += body.size();
    }
    return log;
}

std::string complaint_of_log(std::string_view log) {
    const auto torn = detail::find_leveldb_torn_tail(log);
    if (!torn) return "";
    if (*torn > log.size()) return "the torn end begins after the end";
    return detail::find_leveldb_torn_tail(log.substr(0, *torn)) ? "a log whose torn end is cut off has another" : "";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    test::demand_none("record", complaint_of_record(bytes));
    test::demand_none("record with the right checksum", complaint_of_record(with_right_checksum(std::string{bytes})));
    static_cast<void>(detail::known_leveldb_format(bytes).has_value());
    static_cast<void>(detail::is_plausible_leveldb_footer(bytes, size));
    for (const std::string& log : {std::string{bytes}, as_log(bytes)}) {
        test::demand_none("log", complaint_of_log(log));
        test::demand_none("voided log", complaint_of_voided_log(log));
    }
    return 0;
}
