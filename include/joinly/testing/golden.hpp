#ifndef JOINLY_TESTING_GOLDEN_HPP
#define JOINLY_TESTING_GOLDEN_HPP
// For a game's tests: what earlier builds have stored stays readable. A golden file holds the bytes of one object as a build
// stored it; it is written once, kept under version control, and never changed. For any test framework, or none.
//
//     // tests/golden/hero_v1.binary, tests/golden/hero_v2.binary
//     const auto golden = joinly::check_golden<joinly::Binary, game::Hero>(GOLDEN_DIRECTORY, {
//         {"v1", {.name = "Ada", .rating = 1200}},                   // as this build sees what version 1 wrote
//         {"v2", {.name = "Ada", .rating = 1200, .clan = "owls"}},   // the last one: what this build writes
//     });
//     if (!golden) return fail(golden.error().message());
//
// When a description changes: put an object that shows the change at the end of the list under a new name, run the test once with
// JOINLY_WRITE_GOLDEN=1 in the environment, which writes the file, and commit it. Earlier objects stay in the list; what the
// upgrade or a new field's default makes of them is what they are to be now.

#include <joinly/codec/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/entity/entity.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// What this build is to read from the golden file of that name: "v1", or "v1_with_a_clan" where a version has several.
template <entity T>
struct Golden {
    std::string name;
    T object;
};

namespace detail {

/// The golden files of one kind and codec: <directory>/<kind>_<name>.<codec>
class GoldenFiles {
public:
    GoldenFiles(std::string directory, std::string_view kind, std::string_view codec)
        : directory_{std::move(directory)}, prefix_{std::string{kind} + '_'}, suffix_{'.' + std::string{codec}} {}

    [[nodiscard]] std::string path(std::string_view name) const {
        return (std::filesystem::path{directory_} / (prefix_ + std::string{name} + suffix_)).string();
    }

    [[nodiscard]] Result<std::string> read(std::string_view name) const {
        std::ifstream file{path(name), std::ios::binary};
        if (!file)
            return failure(Errc::not_found, path(name) + ": there is no such file; JOINLY_WRITE_GOLDEN=1 writes the newest one");
        return std::string{std::istreambuf_iterator<char>{file}, {}};
    }
    [[nodiscard]] Status write(std::string_view name, std::string_view bytes) const {
        std::ofstream file{path(name), std::ios::binary};
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        file.close();
        if (!file) return failure(Errc::io, path(name) + ": it cannot be written");
        return {};
    }

    /// The names of the files that are there.
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> found;
        std::error_code error;
        for (std::filesystem::directory_iterator file{directory_, error}, end; !error && file != end; file.increment(error)) {
            const std::string full = file->path().filename().string();
            if (!full.starts_with(prefix_) || !full.ends_with(suffix_) || full.size() < prefix_.size() + suffix_.size()) continue;
            std::string name = full.substr(prefix_.size(), full.size() - prefix_.size() - suffix_.size());
            if (is_name(name)) found.push_back(std::move(name));  // else of a kind whose name begins with this one's
        }
        return found;
    }

    [[nodiscard]] static bool is_name(std::string_view name) noexcept {
        return name.size() >= 2 && name[0] == 'v' && name[1] >= '0' && name[1] <= '9';
    }

private:
    std::string directory_;
    std::string prefix_;
    std::string suffix_;
};

[[nodiscard]] inline bool is_asked_to_write_golden() {
    const char* const asked = std::getenv("JOINLY_WRITE_GOLDEN");
    return asked != nullptr && *asked != '\0' && std::string_view{asked} != "0";
}

/// That `stored` reads as `expected`, and still does when it was saved again, as which it is returned.
template <class Codec, class T>
[[nodiscard]] Result<std::string> check_reading(std::string_view stored, const T& expected) {
    T read;
    if (auto decoded = Codec::decode(stored, read); !decoded) return failure(std::move(decoded).error());
    if (!(read == expected)) return failure(Errc::conflict, "it reads as another object than the one that is expected");
    std::string saved;
    if (auto encoded = Codec::encode(read, saved); !encoded) return failure(std::move(encoded).error());
    T again;
    if (auto decoded = Codec::decode(saved, again); !decoded) return failure(std::move(decoded).error());
    if (!(again == expected)) return failure(Errc::conflict, "saved again, it reads as another object");
    return saved;
}

template <class Codec, class T>
[[nodiscard]] Status check_golden_file(const GoldenFiles& files, const Golden<T>& golden, bool newest) {
    auto stored = files.read(golden.name);
    if (!stored && newest && is_asked_to_write_golden()) {
        std::string bytes;
        if (auto encoded = Codec::encode(golden.object, bytes); !encoded) return encoded;
        if (auto written = files.write(golden.name, bytes); !written) return written;
        stored = std::move(bytes);
    }
    if (!stored) return failure(std::move(stored).error());
    const auto saved = check_reading<Codec>(*stored, golden.object);
    if (!saved) return failure(saved.error().code(), files.path(golden.name) + ": " + std::string{saved.error().message()});
    if (!newest || *saved == *stored) return {};
    const auto differ = std::mismatch(saved->begin(), saved->end(), stored->begin(), stored->end()).first;
    return failure(Errc::conflict, files.path(golden.name) + ": this build writes other bytes, from byte " +
                                       std::to_string(differ - saved->begin()) +
                                       " on; if that is meant, leave the file and add one under a new name");
}

}  // namespace detail

/// Checks all golden files of a kind, which are `<directory>/<kind>_<name>.<codec's name>`: each reads as the object that is
/// given for it, also after it was saved again, and the last one is what this build writes, to the byte. A name begins with
/// v and a digit. With JOINLY_WRITE_GOLDEN=1 in the environment the last one's file is written when it is missing; no file is ever
/// changed.
///
/// @return otherwise what is wrong first, naming the file:
///         conflict          it reads as another object, or this build writes other bytes;
///         not_found         a file is missing;
///         invalid_argument  a file is there and not in the list, or a name is none;
///         io                a file cannot be written; and what the codec answers.
template <class Codec, entity T>
requires std::equality_comparable<T>
[[nodiscard]] Status check_golden(const std::string& directory, const std::vector<Golden<T>>& versions) {
    static_assert(codec_for<Codec, T>, "check_golden: the first template argument must be a codec, such as joinly::Binary");
    const detail::GoldenFiles files{directory, kind_of<T>, Codec::name};
    const auto is_listed = [&](const std::string& name) {
        return std::any_of(versions.begin(), versions.end(), [&](const Golden<T>& golden) { return golden.name == name; });
    };
    for (const Golden<T>& golden : versions) {
        if (!files.is_name(golden.name))
            return failure(Errc::invalid_argument, "\"" + golden.name + "\" does not begin with v and a digit, as \"v1\" does");
        if (auto checked = detail::check_golden_file<Codec>(files, golden, &golden == &versions.back()); !checked) return checked;
    }
    for (const std::string& name : files.names()) {
        if (!is_listed(name))
            return failure(Errc::invalid_argument,
                           files.path(name) + ": it is not in the list; what was stored once must stay readable");
    }
    return {};
}

JOINLY_NAMESPACE_END
#endif
