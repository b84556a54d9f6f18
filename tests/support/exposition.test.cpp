// Whether the reader of the exposition format sees what is wrong.
#include <tests/support/catch.hpp>
#include <tests/support/exposition.hpp>

#include <string>
#include <string_view>

namespace {

using joinly::test::ExpositionReader;

constexpr std::string_view good =
    "# HELP saves_total Saves, by \\\\ and \\n.\n"
    "# TYPE saves_total counter\n"
    "saves_total{store=\"a\"} 3\n"
    "saves_total{store=\"b \\\"c\\\\\\n\"} 0\n"
    "# HELP age_seconds How old.\n"
    "# TYPE age_seconds gauge\n"
    "age_seconds{store=\"a\"} 1.5e-07\n"
    "# HELP took_seconds How long.\n"
    "# TYPE took_seconds histogram\n"
    "took_seconds_bucket{store=\"a\",le=\"0.1\"} 1\n"
    "took_seconds_bucket{store=\"a\",le=\"0.25\"} 3\n"
    "took_seconds_bucket{store=\"a\",le=\"+Inf\"} 4\n"
    "took_seconds_sum{store=\"a\"} 7.5\n"
    "took_seconds_count{store=\"a\"} 4\n";

/// The good page with one thing in another's place.
std::string fault_after(std::string_view what, std::string_view instead) {
    std::string page{good};
    const std::size_t at = page.find(what);
    REQUIRE(at != page.npos);
    return ExpositionReader{page.replace(at, what.size(), instead)}.fault();
}

TEST_CASE("a page in good order is read", "[exposition]") {
    const ExpositionReader page{good};
    CHECK(page.fault().empty());
    CHECK(page.size() == 8);
    CHECK(page.value("saves_total", {{"store", "a"}}) == 3);
    CHECK(page.value("saves_total", {{"store", "b \"c\\\n"}}) == 0);
    CHECK(page.value("age_seconds", {{"store", "a"}}) == 1.5e-07);
    CHECK(page.value("took_seconds_bucket", {{"store", "a"}, {"le", "0.25"}}) == 3);
    CHECK(!page.value("took_seconds_bucket", {{"store", "a"}}));
}

TEST_CASE("what is wrong with a page is found", "[exposition]") {
    const auto starts = [](std::string_view what, std::string_view instead, std::string_view fault) {
        CAPTURE(what, instead);
        CHECK(fault_after(what, instead).substr(0, fault.size()) == fault);
    };
    starts("count{store=\"a\"} 4\n", "count{store=\"a\"} 4", "the last line does not end");
    starts("\"a\"", "\"\xff\"", "the page is not UTF-8");
    starts("# TYPE saves_total counter\n", "", "a sample of another metric");
    starts("# HELP saves_total Saves, by \\\\ and \\n.\n", "", "TYPE is not below its HELP");
    starts(" counter", " summary", "no type of ours");
    starts("by \\\\ and", "by \\ and", "no such escape in a help");
    starts(" How old.", "", "no help");
    starts("age_seconds How", "took_seconds How", "TYPE is not below its HELP");
    starts("# HELP age_seconds How old.\n# TYPE age_seconds gauge\nage_seconds{store=\"a\"} 1.5e-07\n",
           "# HELP saves_total Again.\n# TYPE saves_total counter\n", "a metric comes twice");
    starts("saves_total counter", "saves_total gauge", "counters alone end with _total");
    starts("age_seconds gauge", "age_seconds counter", "counters alone end with _total");
    starts("# HELP age_seconds How old.\n# TYPE age_seconds gauge\nage_seconds{",
           "# HELP age_ms How old.\n# TYPE age_ms gauge\nage_ms{", "no base unit");
    starts("age_seconds{", "saves_total{", "a sample of another metric");
    starts("saves_total{store=\"a\"} 3", "saves_total 3", "no labels");
    starts("saves_total{store=\"a\"}", "saves_total{__store=\"a\"}", "no label");
    starts("saves_total{store=\"a\"}", "saves_total{store=\"a\",store=\"b\"}", "a label comes twice");
    starts("saves_total{store=\"a\"}", "saves_total{store=\"a\"", "labels do not end");
    starts("b \\\"c", "b \\c", "no such escape");
    starts("b \\\"c", "b \"c", "labels do not end");
    starts("{store=\"a\"} 3", "{store=\"a\"} 3 1700000000", "no number");
    starts("{store=\"a\"} 3", "{store=\"a\"} 3,5", "no number");
    starts("{store=\"a\"} 3", "{store=\"a\"} -3", "what is counted cannot be this");
    starts("{store=\"a\"} 3", "{store=\"a\"} +Inf", "what is counted cannot be this");
    starts("saves_total{store=\"a\"} 3\n", "saves_total{store=\"a\"} 3\nsaves_total{store=\"a\"} 3\n", "a sample comes twice");
    starts("saves_total{store=\"a\"} 3\n", "saves_total{store=\"a\"} 3\n\n", "a sample of another metric");
    starts("le=\"0.1\"", "le=\"0.3\"", "buckets are not in the order of their bounds");
    starts("le=\"0.1\"", "le=\"x\"", "buckets are not in the order of their bounds");
    starts("le=\"0.1\"} 1", "le=\"0.1\"} 5", "buckets do not add up");
    starts("took_seconds_bucket{store=\"a\",le=\"+Inf\"} 4\n", "", "took_seconds has no bucket for +Inf");
    starts("took_seconds_sum{store=\"a\"} 7.5\n", "", "took_seconds has no sum or no count");
    starts("took_seconds_count{store=\"a\"} 4\n", "", "took_seconds has no sum or no count");
    starts("count{store=\"a\"} 4", "count{store=\"a\"} 5", "took_seconds counts something else than its buckets");
}

}  // namespace
