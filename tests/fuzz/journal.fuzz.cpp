// libFuzzer on the journal's bytes: batches, headers, frames with right checksums and wrong ones, whole files. See run.

#include "tests/fuzz/fuzz.hpp"

#include <joinly/detail/policy/journal_records.hpp>
#include <joinly/policy/journal_payload.hpp>

namespace {

using namespace joinly;

/// A batch that is read comes back when it is written, byte by byte.
std::string complaint_of_payload(std::string_view bytes) {
    JournalPayload again;
    bool written = true;
    const Status visited = JournalPayload::visit(bytes, [&](const JournalChange& change) -> Status {
        if (!change.value) {
            again.erase(change.key);
            return {};
        }
        const auto append = [&](std::string& out) -> Status {
            out.append(*change.value);
            return {};
        };
        written = written && again.put(change.key, change.expires_at, change.form, append, change.version).has_value();
        return {};
    });
    if (!visited) {
        const bool told = visited.error() == Errc::corrupt && visited.error().message().find(" at byte ") != std::string::npos;
        return told ? "" : "neither read nor corrupt: " + std::string{visited.error().message()};
    }
    // A version of 0 is written by leaving it out, so only the length is shorter then.
    return written && again.bytes().size() <= bytes.size() ? "" : "comes back as something else";
}

/// As a file of frames: the sizes that they have, but the checksums that they should have.
std::string with_right_checksums(std::string_view bytes, std::uint32_t seed) {
    std::string file(detail::journal_header_bytes, '\0');
    std::uint64_t sequence = 0;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t size = (std::min)(std::size_t{static_cast<unsigned char>(bytes[at])}, bytes.size() - at - 1);
        detail::append_frame(file, seed, ++sequence, bytes.substr(at + 1, size));
        at += 1 + size;
    }
    return file;
}

std::string complaint_of_frames(std::string_view file, std::uint32_t seed, bool sound) {
    detail::JournalHeader header;
    header.seed = seed;
    std::uint64_t bytes = detail::journal_header_bytes;
    detail::SkippedBytes skipped;
    const Status salvaged = detail::walk_records(
        file, header, "file",
        [&](std::string_view payload) -> Status {
            bytes += detail::frame_bytes(payload.size());
            return {};
        },
        &skipped);
    if (!salvaged) return "salvaging ends early";
    if (sound && skipped.bytes != 0) return "a frame with the right checksums is left out";
    if (file.size() >= bytes && bytes + skipped.bytes == file.size()) return "";
    return file.size() < detail::journal_header_bytes ? "" : "read and skipped do not make the file";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    constexpr std::uint32_t seed = 7;
    test::demand_none("batch", complaint_of_payload(bytes));
    for (const auto kind : {detail::JournalFileKind::segment, detail::JournalFileKind::dead_letters})
        static_cast<void>(detail::read_header(bytes, kind).has_value());
    static_cast<void>(detail::read_frame(bytes, seed, 0).has_value());
    test::demand_none("frames", complaint_of_frames(bytes, seed, false));
    test::demand_none("frames with the right checksums", complaint_of_frames(with_right_checksums(bytes, seed), seed, true));
    return 0;
}
