// Every decoder under systematic damage to what it encodes, and under random damage on top: JOINLY_INPUTS=5000000 for a
// long run, JOINLY_SEED=... for another one. judge.hpp says what is right; fuzz/run lets libFuzzer search for more.

#include "tests/codec/samples.hpp"
#include "tests/fuzz/json_judge.hpp"
#include "tests/fuzz/judge.hpp"
#include "tests/fuzz/view_judge.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/count_allocations.hpp"
#include "tests/support/settings.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/codec/zstd.hpp>
#include <joinly/detail/leveldb/format.hpp>
#include <joinly/policy/journal.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

using Random = std::mt19937_64;

struct Decoder {
    std::string name;
    std::vector<std::string> samples;            // what decodes
    std::vector<std::string_view> pieces;        // what means something to it, or nearly does
    std::string (*complaint)(std::string_view);  // what is wrong with its answer; empty when nothing is
};

/// Lengths and tags at their ends; unknown fields of every wire type; numbers without end.
const std::vector<std::string_view> wire_pieces{"\x00"sv,
                                                "\x01"sv,
                                                "\x7f"sv,
                                                "\x80"sv,
                                                "\xff"sv,
                                                "\x80\x01"sv,
                                                "\xff\x7f"sv,
                                                "\xff\xff\x03"sv,
                                                "\xff\xff\xff\xff\x07"sv,
                                                "\x80\x80\x80\x80\x08"sv,
                                                "\xff\xff\xff\xff\x0f"sv,
                                                "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
                                                "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv,
                                                "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
                                                "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"sv,
                                                "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"sv,
                                                "\xc0\x3e\x05"sv,
                                                "\xc1\x3e\x01\x02\x03\x04\x05\x06\x07\x08"sv,
                                                "\xc2\x3e\x03\x01\x02\x03"sv,
                                                "\xc3\x3e\xc4\x3e"sv,
                                                "\xc4\x3e"sv,
                                                "\xc5\x3e\x01\x02\x03\x04"sv,
                                                "\xc6\x3e\x01"sv,
                                                "\xc7\x3e\x01"sv,
                                                "\xb0\xa3\x09\x02"sv,
                                                "\xb0\xa3\x09\x07\xb8\xa3\x09\x03"sv,
                                                "\x82\x01\x02\x78\x00"sv,
                                                "\x82\x01\x02\x08\x00\x82\x01\x02\x08\x00"sv,
                                                "\x12\x00"sv,
                                                "\x12\x00\x12\x00\x12\x00"sv,
                                                "\x2a\x04\x0a\x00\x12\x00"sv};

const std::vector<std::string_view> json_pieces{"{",
                                                "}",
                                                "[",
                                                "]",
                                                ",",
                                                ":",
                                                "\"",
                                                "\\",
                                                "\"\"",
                                                "null",
                                                "true",
                                                "false",
                                                "0",
                                                "-0",
                                                "-1",
                                                "1e999",
                                                "1e308",
                                                "-1e-400",
                                                "0.1",
                                                "5.0",
                                                "9007199254740993",
                                                "18446744073709551615",
                                                "18446744073709551616",
                                                "-9223372036854775808",
                                                "-9223372036854775809",
                                                "NaN",
                                                "Infinity",
                                                "\"\\u0000\"",
                                                "\"\\ud800\"",
                                                "\"\\udc00\\ud800\"",
                                                "\"\xff\"",
                                                "\"\xc0\x80\"",
                                                "\xef\xbb\xbf",
                                                "{}",
                                                "[]",
                                                "[[]]",
                                                "{\"\":{}}",
                                                "{},{},{}",
                                                "[],[],[]",
                                                "/**/",
                                                "\n",
                                                "\x00"sv,
                                                "\"AAAA\"",
                                                "\"ranked\"",
                                                "\"_version\":2,",
                                                "\"_version\":9,\"_oldest_reader\":3,",
                                                "\"x\":[{\"}\":\"]\\\"\"}],",
                                                "{\"x\":0},{\"x\":0}",
                                                "1700000000.25",
                                                "1e300"};

/// Frames' heads and what they may claim, and blocks that are raw, repeated or of no kind.
const std::vector<std::string_view> zstd_pieces{"\xff"sv,
                                                "\xff\xff"sv,
                                                "\xff\x28\xb5\x2f\xfd"sv,
                                                "\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00\x0a"sv,
                                                "\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\xff"sv,
                                                "\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x04"sv,
                                                "\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x00"sv,
                                                "\x28\xb5\x2f\xfd\x00\x58"sv,
                                                "\x50\x2a\x4d\x18\xff\xff\xff\xff"sv,
                                                "\x03\x00\x10\x00"sv,
                                                "\x02\x00\x10\x0a"sv,
                                                "\x01\x00\x00"sv,
                                                "\x07\x00\x00"sv};

template <class Codec, class T>
std::string complaint_of(std::string_view bytes) {
    return complaint<Codec, T>(bytes, [](auto work) { return peak_bytes_of(work); });
}

template <class T>
std::string complaint_of_view(std::string_view bytes) {
    return view_complaint<T>(bytes, [](auto work) { return peak_bytes_of(work); });
}

template <class T>
std::string complaint_of_json(std::string_view text) {
    return json_complaint<T>(text, [](auto work) { return peak_bytes_of(work); });
}

template <class T>
void add_codecs(std::vector<Decoder>& decoders, const std::string& name, const std::vector<T>& objects) {
    Decoder binary{"Binary " + name, {}, wire_pieces, complaint_of<Binary, T>};
    Decoder json{"Json " + name, {}, json_pieces, complaint_of_json<T>};
    for (const T& object : objects) {
        REQUIRE(Binary::encode(object, binary.samples.emplace_back()));
        REQUIRE(Json::encode(object, json.samples.emplace_back()));
    }
    json.samples.push_back(spaced(json.samples.front()));
    decoders.push_back({"view of " + name, binary.samples, wire_pieces, complaint_of_view<T>});
    decoders.push_back(std::move(binary));
    decoders.push_back(std::move(json));
}

/// Compressed from the first byte on.
template <class Codec>
void add_compressing(std::vector<Decoder>& decoders) {
    using Eager = Zstd<Codec, ZstdOptions{.threshold_bytes = 1}>;
    Decoder decoder{std::string{Eager::name} + " lobby", {}, zstd_pieces, complaint_of<Eager, Lobby>};
    Lobby crowded = golden_lobby();
    for (int i = 0; i < 30; ++i) crowded.players.push_back("player number " + std::to_string(i));
    REQUIRE(Eager::encode(crowded, decoder.samples.emplace_back()));
    REQUIRE(decoder.samples.back().front() == '\xff');
    decoders.push_back(std::move(decoder));
}

constexpr std::string_view record_key = "lobby:1";

/// A keeper within a keeper, each with unknown fields: what it keeps of a hero.
template <class Codec>
game::Keeper keeper_of_hero() {
    game::Keeper keeper;
    const game::Hero hero{.loadout = {.weapon = "axe"}, .spare = game::Loadout{}, .stash = {{}}, .name = "ada"};
    std::string bytes;
    REQUIRE(Codec::encode(hero, bytes));
    REQUIRE(Codec::decode(bytes, keeper));
    REQUIRE_FALSE(keeper.unknown_fields.empty());
    keeper.within.assign(2, keeper);
    keeper.by_name["x"] = keeper.within[0];
    return keeper;
}

template <class Codec>
void add_keeper(std::vector<Decoder>& decoders, const std::vector<std::string_view>& pieces,
                std::string (*complaint)(std::string_view)) {
    Decoder keeper{std::string{Codec::name} + " keeper", {}, pieces, complaint};
    REQUIRE(Codec::encode(keeper_of_hero<Codec>(), keeper.samples.emplace_back()));
    REQUIRE(Codec::encode(game::Keeper{}, keeper.samples.emplace_back()));
    decoders.push_back(std::move(keeper));
}

/// A record of LevelDB's: what decodes is what was encoded, byte by byte.
std::string complaint_of_record(std::string_view bytes) {
    Result<RecordView> record = failure(Errc::not_found);
    const std::uint64_t allocated = peak_bytes_of([&] { record = detail::decode_leveldb_value(record_key, bytes); });
    if (allocated > 1024) return std::to_string(allocated) + " bytes allocated";
    if (record) {
        std::string encoded;
        detail::encode_leveldb_value(record_key, *record, encoded);
        return encoded == bytes ? "" : "comes back as something else";
    }
    if (record.error() != Errc::corrupt && record.error() != Errc::incompatible) return "an error of another kind";
    return record.error().message().find(record_key) != std::string_view::npos ? "" : "the message does not name the key";
}

/// A batch of a journal's: visiting it allocates nothing that grows, and what is wrong is told with its place.
std::string complaint_of_batch(std::string_view bytes) {
    Status visited;
    const std::uint64_t allocated =
        peak_bytes_of([&] { visited = JournalPayload::visit(bytes, [](const JournalChange&) { return Status{}; }); });
    if (allocated > 1024) return std::to_string(allocated) + " bytes allocated";
    if (visited) return "";
    if (visited.error() != Errc::corrupt) return "an error of another kind";
    return visited.error().message().find(" at byte ") != std::string_view::npos ? "" : "the place is missing";
}

/// A dead letter of a journal's.
std::string complaint_of_letter(std::string_view bytes) {
    Result<JournalDeadLetter> letter = failure(Errc::not_found);
    const std::uint64_t allocated = peak_bytes_of([&] { letter = detail::decode_dead_letter(bytes); });
    if (allocated > allocated_per_input_byte * bytes.size() + allocated_besides)
        return std::to_string(allocated) + " bytes allocated";
    return letter || letter.error() == Errc::corrupt || letter.error() == Errc::incompatible ? "" : "an error of another kind";
}

game::Tree tree_of_depth(int depth) {
    game::Tree tree{depth, {}};
    if (depth > 1) tree.children.push_back(tree_of_depth(depth - 1));
    return tree;
}

std::vector<Decoder> all_decoders() {
    std::vector<Decoder> decoders;
    add_codecs<Player>(decoders, "player", {golden_player(), {}});
    add_codecs<Lobby>(decoders, "lobby", {golden_lobby(), {}});
    add_codecs<Match>(decoders, "match", {golden_match(), {}});
    add_codecs<Queue>(decoders, "queue", {golden_queue(), {}});
    add_codecs<game::Everything>(decoders, "everything", {everything_filled(), {}});
    add_codecs<game::Tree>(decoders, "tree", {tree_of_depth(5), tree_of_depth(2)});
    add_compressing<Binary>(decoders);
    add_compressing<Json>(decoders);
    add_keeper<Binary>(decoders, wire_pieces, complaint_of<Binary, game::Keeper>);
    add_keeper<Json>(decoders, json_pieces, complaint_of_json<game::Keeper>);
    add_keeper<Binary>(decoders, wire_pieces, complaint_of_view<game::Keeper>);
    decoders.back().name = "view of keeper";
    const game::Loadout axe{.weapon = "axe", .ammunition = 0, .perks = {1, 2}};
    const game::Hero hero{.loadout = axe, .spare = axe, .stash = {axe, {}}, .lent = {{{}, axe}}, .name = "ada"};
    decoders.push_back({"view of hero", {}, wire_pieces, complaint_of_view<game::Hero>});
    REQUIRE(Binary::encode(hero, decoders.back().samples.emplace_back()));
    Decoder record{"LevelDB record", {}, wire_pieces, complaint_of_record};
    detail::encode_leveldb_value(record_key, {"hello", 258, {}}, record.samples.emplace_back());
    detail::encode_leveldb_value(record_key, {"", 1, Expiry{WallTime{std::chrono::milliseconds{1}}}},
                                 record.samples.emplace_back());
    detail::encode_leveldb_value(record_key, {"hello", 258, {}, {"\0\3\1eu", 5}}, record.samples.emplace_back());
    decoders.push_back(std::move(record));
    JournalPayload payload;
    payload.erase("player:gone");
    const auto hello = [](std::string& out) -> Status {
        out += "hello";
        return {};
    };
    REQUIRE(payload.put("player:ada", Expiry{WallTime{std::chrono::milliseconds{1}}}, ValueForm::text, hello, 258, "terms"));
    REQUIRE(payload.put("", {}, ValueForm::bytes, hello));
    decoders.push_back({"journal batch", {std::string{payload.bytes()}}, wire_pieces, complaint_of_batch});
    const JournalDeadLetter letter{3, 7, Errc::invalid_argument, "the reason", std::string{payload.bytes()}};
    decoders.push_back({"journal dead letter", {detail::encode_dead_letter(letter)}, wire_pieces, complaint_of_letter});
    return decoders;
}

class Trial {
public:
    explicit Trial(const Decoder& decoder, std::uint64_t seed = 0) : decoder_{decoder}, seed_{seed} {}
    ~Trial() { std::printf("%s: %llu inputs\n", decoder_.name.c_str(), static_cast<unsigned long long>(inputs_)); }
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

    void feed(std::string_view bytes) {
        ++inputs_;
        const std::vector<char> exact(bytes.begin(), bytes.end());  // a read beyond its end is one that sanitizers see
        const std::string wrong = decoder_.complaint({exact.data(), exact.size()});
        if (!wrong.empty()) FAIL(decoder_.name << ": " << wrong << "\nseed " << seed_ << ", input in hex: " << hex(bytes));
    }

private:
    static std::string hex(std::string_view bytes) {
        std::string text;
        for (const char byte : bytes.substr(0, 2000)) {
            text.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) >> 4]);
            text.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) & 15]);
        }
        return text;
    }

    const Decoder& decoder_;
    std::uint64_t seed_;
    std::uint64_t inputs_ = 0;
};

/// Positions in `sample`: all of them, or in a short run about as many as that allows.
std::vector<std::size_t> places(const std::string& sample, std::size_t at_most) {
    const bool short_run = setting("JOINLY_INPUTS", 0) == 0;
    const std::size_t step = short_run ? sample.size() / at_most + 1 : 1;
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < sample.size(); i += step) all.push_back(i);
    return all;
}

template <class Work>
void for_each_sample(Work work) {
    for (const Decoder& decoder : all_decoders()) {
        Trial trial{decoder};
        for (const std::string& sample : decoder.samples) work(trial, decoder, sample);
    }
}

std::string random_bytes(Random& random, std::size_t at_most) {
    std::string bytes(random() % (at_most + 1), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

template <class List>
const auto& any_of(const List& list, Random& random) {
    return list[random() % list.size()];
}

/// One change to `bytes`, or two halves of different things put together.
void damage(std::string& bytes, const Decoder& decoder, const std::string& other, Random& random) {
    const std::size_t at = random() % (bytes.size() + 1);
    const std::size_t count = (std::min)(bytes.size() - at, static_cast<std::size_t>(random() % 16));
    switch (random() % 9) {
        case 0:
            if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
            return;
        case 1:
            if (at < bytes.size()) bytes[at] = static_cast<char>(random());
            return;
        case 2: bytes.insert(at, random_bytes(random, 8)); return;
        case 3: bytes.insert(at, any_of(decoder.pieces, random)); return;
        case 4: bytes.replace(at, count, any_of(decoder.pieces, random)); return;
        case 5: bytes.erase(at, count); return;
        case 6: bytes.insert(random() % (bytes.size() + 1), bytes.substr(at, 1 + random() % 64)); return;
        case 7: bytes = bytes.substr(0, at) + other.substr(random() % (other.size() + 1)); return;
        default: bytes.resize(at); return;
    }
}

/// A field of this number, length-delimited and empty, again and again.
std::string many_empty_fields(std::uint32_t number) {
    const std::uint32_t tag = number << 3 | 2;
    std::string many;
    while (many.size() < 20'000) {
        if (tag < 0x80) {
            many.push_back(static_cast<char>(tag));
        } else {
            many.append({static_cast<char>((tag & 0x7f) | 0x80), static_cast<char>(tag >> 7)});
        }
        many.push_back('\0');
    }
    return many;
}

}  // namespace

TEST_CASE("every cut of an encoding decodes or is corrupt", "[fuzz]") {
    for_each_sample([](Trial& trial, const Decoder&, const std::string& sample) {
        for (std::size_t i = 0; i <= sample.size(); ++i) trial.feed(sample.substr(0, i));
    });
}

TEST_CASE("every flipped bit of an encoding decodes or is corrupt", "[fuzz]") {
    for_each_sample([](Trial& trial, const Decoder&, std::string sample) {
        for (const std::size_t at : places(sample, 60)) {
            for (int bit = 0; bit < 8; ++bit) {
                sample[at] = static_cast<char>(sample[at] ^ (1 << bit));
                trial.feed(sample);
                sample[at] = static_cast<char>(sample[at] ^ (1 << bit));
            }
        }
    });
}

TEST_CASE("every value of a byte decodes or is corrupt", "[fuzz]") {
    for_each_sample([](Trial& trial, const Decoder&, std::string sample) {
        for (const std::size_t at : places(sample, 4)) {
            const char before = sample[at];
            for (int value = 0; value < 256; ++value) {
                sample[at] = static_cast<char>(value);
                trial.feed(sample);
            }
            sample[at] = before;
        }
    });
}

TEST_CASE("extreme lengths, unknown fields and hostile values decode or are corrupt wherever they stand", "[fuzz]") {
    for_each_sample([](Trial& trial, const Decoder& decoder, const std::string& sample) {
        for (const std::size_t at : places(sample, 16)) {
            for (const std::string_view piece : decoder.pieces) {
                trial.feed(std::string{sample}.insert(at, piece));
                trial.feed(std::string{sample}.replace(at, 1, piece));
            }
        }
    });
}

TEST_CASE("repeated and nested encodings decode or are corrupt", "[fuzz]") {
    for_each_sample([](Trial& trial, const Decoder& decoder, const std::string& sample) {
        std::string repeated;
        for (int i = 0; i < 8; ++i) trial.feed(repeated += sample);
        for (const std::string_view piece : decoder.pieces) {
            std::string many;
            for (const int count : {2, 20, 100, 2000}) {
                while (many.size() < piece.size() * static_cast<std::size_t>(count)) many += piece;
                trial.feed(many);
                trial.feed(sample + many);
            }
        }
        for (const std::size_t depth : {60U, 63U, 64U, 65U, 127U, 130U, 131U, 1000U, 20000U}) {
            trial.feed(std::string(depth, '['));
            trial.feed(std::string(depth, '[') + std::string(depth, ']'));
            std::string objects;
            std::string messages;
            for (std::size_t i = 0; i < depth; ++i) objects += "{\"children\":[";
            for (std::size_t i = 0; i < depth && messages.size() < 16000; ++i) {
                const std::size_t size = messages.size();
                const auto low = static_cast<char>((size & 0x7f) | 0x80);
                messages.insert(0, {'\x12', low, static_cast<char>(size >> 7)});
            }
            trial.feed(objects);
            trial.feed(messages);
        }
    });
}

TEST_CASE("lists and maps of the emptiest elements allocate no more than their bytes account for", "[fuzz]") {
    for_each_sample([](Trial& trial, const Decoder& decoder, const std::string& sample) {
        for (std::uint32_t number = 1; number < 32; ++number) trial.feed(many_empty_fields(number));
        // Into each list and map of the sample, so many of the least that may stand there.
        for (std::size_t at = 0; decoder.name.starts_with("Json") && at < sample.size(); ++at) {
            if (sample[at] != '[' && sample[at] != '{') continue;
            const bool list = sample[at] == '[';
            for (const std::string_view element : {"0", "\"\"", "{}", "[]", "true", "[0]", "{\"\":0}"}) {
                std::string many = sample.substr(0, at + 1);
                for (int i = 0; many.size() < 12'000; ++i) {
                    if (!list) many.append("\"").append(std::to_string(i)).append("\":");
                    many.append(element).push_back(',');
                }
                many.back() = list ? ']' : '}';
                trial.feed(many + '}');
                if (!list && element == "{}") break;
            }
        }
    });
}

TEST_CASE("random damage to encodings decodes or is corrupt", "[fuzz][random]") {
    const std::uint64_t inputs = setting("JOINLY_INPUTS", 20'000);
    const std::uint64_t seed = setting("JOINLY_SEED", std::random_device{}());
    const std::vector<Decoder> decoders = all_decoders();
    for (const Decoder& decoder : decoders) {
        Random random{seed};
        Trial trial{decoder, seed};
        for (std::uint64_t i = 0; i < inputs / decoders.size() + 1; ++i) {
            std::string bytes = random() % 8 ? any_of(decoder.samples, random) : any_of(any_of(decoders, random).samples, random);
            if (random() % 64 == 0) bytes = random_bytes(random, 300);
            const std::string other = any_of(random() % 2 ? decoder.samples : any_of(decoders, random).samples, random);
            for (auto changes = 1 + random() % 6; changes > 0; --changes) damage(bytes, decoder, other, random);
            trial.feed(bytes);
        }
    }
}
