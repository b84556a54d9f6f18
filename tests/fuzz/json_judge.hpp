#ifndef JOINLY_TESTS_FUZZ_JSON_JUDGE_HPP
#define JOINLY_TESTS_FUZZ_JSON_JUDGE_HPP
// What besides judge.hpp is right of the Json codec: text that it reads in one walk gives the object that its tree gives.

#include "tests/fuzz/judge.hpp"

#include <joinly/codec/json.hpp>

#include <string>
#include <string_view>

namespace joinly::test {

template <class T, class Meter>
std::string json_complaint(std::string_view text, Meter peak_bytes_of) {
    T walked{};
    detail::JsonScan scan{text};
    if (detail::scan_json_object(scan, walked) && scan.at_end()) {
        T grown{};
        if (const Status status = detail::decode_json_tree(text, grown); !status)
            return "read in one walk, but: " + std::string{status.error().message()};
        std::string walked_text;
        std::string grown_text;
        static_cast<void>(Json::encode(walked, walked_text));  // not where what was read cannot be written
        static_cast<void>(Json::encode(grown, grown_text));
        if (!are_alike(walked, grown, walked_text, grown_text)) return "something else in one walk than by a tree";
    }
    return complaint<Json, T>(text, peak_bytes_of);
}

/// JSON with spaces as Python's json.dumps has them.
inline std::string spaced(std::string_view json) {
    std::string text;
    bool quoted = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        text.push_back(json[i]);
        if (json[i] == '\\') {
            text.push_back(json[++i]);
        } else if (json[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && (json[i] == ',' || json[i] == ':')) {
            text.push_back(' ');
        }
    }
    return text;
}

}  // namespace joinly::test
#endif
