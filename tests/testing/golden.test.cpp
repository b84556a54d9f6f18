// The helper for golden files: what it accepts, and what it says.

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/entity/unknown_fields.hpp>
#include <joinly/testing/golden.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

using namespace joinly;
using namespace joinly::test;

namespace game {

struct Badge {
    std::string name = {};
    int level = 1;
    std::string colour = "grey";
    friend bool operator==(const Badge&, const Badge&) = default;
};

}  // namespace game

template <>
struct joinly::Entity<game::Badge> {
    static constexpr std::string_view kind = "badge";
    static constexpr auto& id(auto& badge) { return badge.name; }
    static constexpr void fields(auto& badge, auto&& field) {
        field(1, "name", badge.name);
        field(2, "level", badge.level);
        field(3, "colour", badge.colour);
    }
};

namespace {

using Badges = std::vector<Golden<game::Badge>>;

const game::Badge before_colours{.name = "scout", .level = 3};
const game::Badge with_colour{.name = "scout", .level = 3, .colour = "red"};
constexpr std::string_view bytes_before_colours{"\x0a\x05scout\x10\x03"};

void write_file(const std::string& path, std::string_view bytes) { std::ofstream{path, std::ios::binary} << bytes; }
std::string file_at(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// The environment asks for golden files to be written, while this lives.
struct AskedToWrite {
    AskedToWrite() { ::setenv("JOINLY_WRITE_GOLDEN", "1", 1); }
    ~AskedToWrite() { ::unsetenv("JOINLY_WRITE_GOLDEN"); }
    AskedToWrite(const AskedToWrite&) = delete;
    AskedToWrite& operator=(const AskedToWrite&) = delete;
};

/// Two versions of a badge, the newer one written by this build.
struct Files {
    Files() {
        write_file(v1, bytes_before_colours);
        const AskedToWrite asked;
        REQUIRE(check(all));
    }
    Status check(const Badges& versions) const { return check_golden<Binary>(dir.path().string(), versions); }
    std::string refusal_of(const Badges& versions, Errc code) const {
        const Status status = check(versions);
        REQUIRE_FALSE(status);
        CHECK(status.error() == code);
        return std::string{status.error().message()};
    }

    TempDir dir;
    std::string v1 = dir / "badge_v1.binary";
    std::string v2 = dir / "badge_v2.binary";
    Badges all = {{"v1", before_colours}, {"v2", with_colour}};
};

bool names(const std::string& message, std::string_view file) { return message.find(file) != message.npos; }

}  // namespace

TEST_CASE("golden files of all versions read as the objects that are given for them", "[golden]") {
    const Files files;
    CHECK(files.check(files.all));
    CHECK(file_at(files.v1) == bytes_before_colours);
    CHECK(file_at(files.v2) == std::string{bytes_before_colours} + "\x1a\x03red");
}

TEST_CASE("a golden file is written only when the environment asks, and only the newest one", "[golden]") {
    const TempDir dir;
    const auto check = [&](const Badges& versions) { return check_golden<Json>(dir.path().string(), versions); };
    const Badges both{{"v1", before_colours}, {"v2", with_colour}};
    CHECK(check({{"v1", with_colour}}).error() == Errc::not_found);
    const AskedToWrite asked;
    CHECK(check(both).error() == Errc::not_found);
    CHECK(check({{"v1", with_colour}}));
    CHECK(file_at(dir / "badge_v1.json") == R"({"name":"scout","level":3,"colour":"red"})");
}

TEST_CASE("no golden file is ever changed", "[golden]") {
    const Files files;
    const AskedToWrite asked;
    CHECK(names(files.refusal_of({{"v1", before_colours}, {"v2", before_colours}}, Errc::conflict), "badge_v2.binary"));
    CHECK(file_at(files.v2) == std::string{bytes_before_colours} + "\x1a\x03red");
}

TEST_CASE("a golden file that reads as another object is told", "[golden]") {
    const Files files;
    CHECK(names(files.refusal_of({{"v1", with_colour}, {"v2", with_colour}}, Errc::conflict), "badge_v1.binary"));
}

TEST_CASE("a golden file that does not decode is told", "[golden]") {
    const Files files;
    write_file(files.v1, "\x0a\x09scout");
    CHECK(names(files.refusal_of(files.all, Errc::corrupt), "badge_v1.binary: badge, field name at byte 1"));
}

TEST_CASE("the newest golden file is what this build writes, to the byte, and older ones need not be", "[golden]") {
    const Files files;
    write_file(files.v1, "\x10\x03\x0a\x05scout");
    CHECK(files.check(files.all));
    write_file(files.v2, "\x10\x03\x0a\x05scout\x1a\x03red");
    CHECK(names(files.refusal_of(files.all, Errc::conflict), "badge_v2.binary: this build writes other bytes, from byte 0 on"));
}

TEST_CASE("a golden file that is gone is told", "[golden]") {
    const Files files;
    REQUIRE(std::filesystem::remove(files.v1));
    CHECK(names(files.refusal_of(files.all, Errc::not_found), "badge_v1.binary"));
}

TEST_CASE("a golden file that the list leaves out is told, and other kinds' files are not", "[golden]") {
    const Files files;
    write_file(files.dir / "badge_v3.json", "");
    write_file(files.dir / "badge_case_v1.binary", "");
    CHECK(files.check(files.all));
    CHECK(names(files.refusal_of({{"v2", with_colour}}, Errc::invalid_argument), "badge_v1.binary"));
}

TEST_CASE("a golden file's name begins with v and a digit", "[golden]") {
    const Files files;
    CHECK(names(files.refusal_of({{"first", before_colours}}, Errc::invalid_argument), "\"first\""));
}
