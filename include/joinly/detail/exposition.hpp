#ifndef JOINLY_DETAIL_EXPOSITION_HPP
#define JOINLY_DETAIL_EXPOSITION_HPP
// Prometheus' text exposition format, version 0.0.4, as it is written: every metric's samples together, below what it means and
// what type it is of. https://prometheus.io/docs/instrumenting/exposition_formats/

#include <joinly/config.hpp>
#include <joinly/detail/codec/utf8.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// `name="value"`. A byte that is no UTF-8 becomes U+FFFD: a scraper drops the whole page otherwise.
[[nodiscard]] inline std::string exposition_label(std::string_view name, std::string_view value) {
    std::string label{name};
    label += "=\"";
    while (!value.empty()) {
        const std::size_t length = utf8_length(value);
        const std::string_view character = value.substr(0, length == 0 ? 1 : length);
        value.remove_prefix(character.size());
        if (length == 0) {
            label += "\xef\xbf\xbd";
        } else if (character == "\n") {
            label += "\\n";
        } else {
            if (character == "\\" || character == "\"") label += '\\';
            label += character;
        }
    }
    return label += '"';
}

/// The shortest text that is read as this number again.
[[nodiscard]] inline std::string exposition_number(double number) {
    char text[32];
    const auto written = std::to_chars(text, text + sizeof text, number);
    return {text, written.ptr};
}
[[nodiscard]] inline std::string exposition_number(std::uint64_t number) { return std::to_string(number); }
/// In seconds.
[[nodiscard]] inline std::string exposition_number(std::chrono::nanoseconds duration) {
    return exposition_number(static_cast<double>(duration.count()) / 1e9);
}

class Exposition {
public:
    struct Metric {
        std::string_view name;
        std::string_view type;
        std::string_view help;
    };

    /// `labels`: without the braces. `suffix`: of a histogram's samples.
    template <class Number>
    void add(const Metric& metric, const std::string& labels, Number number, std::string_view suffix = {}) {
        std::string& samples = samples_of(metric);
        samples.append(metric.name).append(suffix).append("{").append(labels).append("} ");
        samples.append(exposition_number(number)).append("\n");
    }

    [[nodiscard]] std::string text() const {
        std::string text;
        for (const auto& [metric, samples] : families_) {
            text.append("# HELP ").append(metric.name).append(" ").append(metric.help).append("\n");
            text.append("# TYPE ").append(metric.name).append(" ").append(metric.type).append("\n");
            text += samples;
        }
        return text;
    }

private:
    [[nodiscard]] std::string& samples_of(const Metric& metric) {
        for (auto& [known, samples] : families_) {
            if (known.name == metric.name) return samples;
        }
        return families_.emplace_back(metric, std::string{}).second;
    }

    std::vector<std::pair<Metric, std::string>> families_;  // in the order in which they were first met
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
