// Queries and index terms, without exceptions and RTTI.
#include <joinly/detail/index/catalogue.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/index/query.hpp>

#include <limits>
#include <string>

#include "../support/indexed_entities.hpp"
#include "expect.hpp"

using namespace joinly;
using game::Guild;

int main() {
    std::string packed;
    EXPECT(detail::index_terms(test::guild("owls", 5), packed).has_value());
    EXPECT(detail::decode_catalogue(detail::encode_catalogue(detail::index_catalogue<Guild>())).has_value());

    const auto query = where(&Guild::trophies).between(1, 9).descending().limit(3);
    const auto asked = plan(query);
    EXPECT(asked && asked->index == 4 && asked->limit == 3);
    EXPECT(plan(query.after("damaged")).error() == Errc::invalid_argument);
    EXPECT(plan(where(&Guild::win_rate).equals(std::numeric_limits<double>::quiet_NaN())).error() == Errc::invalid_argument);
}
