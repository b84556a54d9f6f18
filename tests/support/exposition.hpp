#ifndef JOINLY_TESTS_SUPPORT_EXPOSITION_HPP
#define JOINLY_TESTS_SUPPORT_EXPOSITION_HPP
// A strict reader of Prometheus' text exposition format: what the format allows and we never write (blank lines, comments,
// timestamps, metrics without HELP and TYPE) is a fault, and so is what `promtool check metrics` finds fault with.

#include <joinly/detail/codec/utf8.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinly::test {

using Labels = std::map<std::string, std::string>;

class ExpositionReader {
public:
    explicit ExpositionReader(std::string_view page) {
        if (!detail::is_utf8(page)) fault("the page is not UTF-8");
        if (!page.empty() && page.back() != '\n') fault("the last line does not end");
        while (!page.empty()) {
            const std::size_t end = (std::min)(page.find('\n'), page.size());
            line_ = page.substr(0, end);
            page.remove_prefix((std::min)(end + 1, page.size()));
            read_line();
        }
        line_ = {};
        end_metric();
    }

    /// The first thing that is wrong; empty when nothing is.
    [[nodiscard]] const std::string& fault() const { return fault_; }
    /// The value of a sample.
    [[nodiscard]] std::optional<double> value(const std::string& name, const Labels& labels) const {
        const auto found = samples_.find({name, labels});
        return found == samples_.end() ? std::nullopt : std::optional{found->second};
    }
    [[nodiscard]] std::size_t size() const { return samples_.size(); }

private:
    void fault(std::string what) {
        if (!fault_.empty()) return;
        fault_ = std::move(what);
        if (!line_.empty()) fault_ += ": " + std::string{line_};
    }

    void read_line() {
        std::string_view rest = line_;
        if (take(rest, "# HELP ")) {
            begin_metric(take_name(rest), rest);
        } else if (take(rest, "# TYPE ")) {
            if (take_name(rest) != metric_ || !type_.empty()) fault("TYPE is not below its HELP");
            if (!take(rest, " ") || (rest != "counter" && rest != "gauge" && rest != "histogram")) fault("no type of ours");
            type_ = rest;
            check_name();
        } else {
            read_sample(rest);
        }
    }

    void begin_metric(const std::string& name, std::string_view rest) {
        end_metric();
        metric_ = name;
        type_.clear();
        if (name.empty()) fault("no name of a metric");
        if (!take(rest, " ") || rest.empty()) fault("no help");
        for (std::size_t i = rest.find('\\'); i != rest.npos; i = rest.find('\\', i + 2)) {
            if (i + 1 == rest.size() || (rest[i + 1] != '\\' && rest[i + 1] != 'n')) fault("no such escape in a help");
        }
        if (!metrics_.insert(name).second) fault("a metric comes twice");
    }

    void check_name() {
        if ((type_ == "counter") != metric_.ends_with("_total")) fault("counters alone end with _total");
        for (const char* const unit : {"_ms", "_us", "_ns", "milliseconds", "microseconds", "nanoseconds", "minutes", "kilobytes",
                                       "megabytes", "kib", "mib", "percent"}) {
            if (metric_.find(unit) != metric_.npos) fault("no base unit");
        }
    }

    void read_sample(std::string_view rest) {
        const std::string name = take_name(rest);
        if (type_.empty() || (type_ == "histogram" ? !is_of_histogram(name) : name != metric_)) fault("a sample of another metric");
        const Labels labels = take_labels(rest);
        const std::optional<double> number = take(rest, " ") ? number_of(rest) : std::nullopt;
        if (!number) return fault("no number");
        if (type_ != "gauge" && !(*number >= 0 && std::isfinite(*number))) fault("what is counted cannot be this");
        if (!samples_.insert({{name, labels}, *number}).second) fault("a sample comes twice");
        if (type_ == "histogram") note_histogram(name, labels, *number);
    }

    // --- histograms

    struct Histogram {
        double last_bound = -std::numeric_limits<double>::infinity();
        double last_count = 0;
        std::optional<double> sum, count;
    };
    [[nodiscard]] bool is_of_histogram(const std::string& name) const {
        return name == metric_ + "_bucket" || name == metric_ + "_sum" || name == metric_ + "_count";
    }
    void note_histogram(const std::string& name, Labels labels, double number) {
        if (name.ends_with("_sum")) {
            histograms_[labels].sum = number;
        } else if (name.ends_with("_count")) {
            histograms_[labels].count = number;
        } else {
            const std::optional<double> bound = number_of(labels["le"]);
            labels.erase("le");
            Histogram& histogram = histograms_[labels];
            if (!bound || !(*bound > histogram.last_bound)) fault("buckets are not in the order of their bounds");
            if (number < histogram.last_count) fault("buckets do not add up");
            histogram.last_bound = bound.value_or(0);
            histogram.last_count = number;
        }
    }
    void end_metric() {
        if (!metric_.empty() && type_.empty()) fault(metric_ + " has no TYPE");
        for (const auto& [labels, histogram] : histograms_) {
            if (!std::isinf(histogram.last_bound)) fault(metric_ + " has no bucket for +Inf");
            if (!histogram.sum || !histogram.count) fault(metric_ + " has no sum or no count");
            if (histogram.count != histogram.last_count) fault(metric_ + " counts something else than its buckets");
        }
        histograms_.clear();
    }

    // --- words

    [[nodiscard]] static bool take(std::string_view& rest, std::string_view word) {
        if (!rest.starts_with(word)) return false;
        rest.remove_prefix(word.size());
        return true;
    }
    [[nodiscard]] static std::string take_name(std::string_view& rest) {
        std::size_t length = 0;
        const auto belongs = [&](char c) {
            return c == '_' || std::isalpha(static_cast<unsigned char>(c)) ||
                   (length != 0 && std::isdigit(static_cast<unsigned char>(c)));
        };
        while (length < rest.size() && belongs(rest[length])) ++length;
        std::string name{rest.substr(0, length)};
        rest.remove_prefix(length);
        return name;
    }
    [[nodiscard]] Labels take_labels(std::string_view& rest) {
        Labels labels;
        if (!take(rest, "{")) fault("no labels");
        do {
            const std::string name = take_name(rest);
            if (name.empty() || name.starts_with("__") || !take(rest, "=\"")) fault("no label");
            if (!labels.emplace(name, take_value(rest)).second) fault("a label comes twice");
        } while (take(rest, ","));
        if (!take(rest, "}")) fault("labels do not end");
        return labels;
    }
    [[nodiscard]] std::string take_value(std::string_view& rest) {
        std::string value;
        while (!rest.empty() && rest.front() != '"') {
            if (take(rest, "\\n")) {
                value += '\n';
                continue;
            }
            if (take(rest, "\\") && (rest.empty() || (rest.front() != '\\' && rest.front() != '"'))) fault("no such escape");
            if (rest.empty()) break;
            value += rest.front();
            rest.remove_prefix(1);
        }
        if (!take(rest, "\"")) fault("a label's value does not end");
        return value;
    }
    [[nodiscard]] static std::optional<double> number_of(std::string_view text) {
        if (text == "+Inf") return std::numeric_limits<double>::infinity();
        const bool is_plain = !text.empty() && text.find_first_not_of("0123456789.e+-") == text.npos;
        const std::string copy{text};
        char* end = nullptr;
        const double number = std::strtod(copy.c_str(), &end);
        return is_plain && *end == '\0' ? std::optional{number} : std::nullopt;
    }

    std::string_view line_;
    std::string fault_;
    std::string metric_;
    std::string type_;
    std::set<std::string> metrics_;
    std::map<std::pair<std::string, Labels>, double> samples_;
    std::map<Labels, Histogram> histograms_;  // of the present metric
};

}  // namespace joinly::test
#endif
