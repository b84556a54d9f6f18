#include "decode.hpp"

#include <joinly/codec/json.hpp>

namespace quickstart {
namespace {

template <joinly::entity T>
joinly::Status decode_row(std::string_view line, T& row) {
    if (auto decoded = joinly::Json::decode(line, row); !decoded) return decoded;
    row.unknown_fields.clear();  // what else is in the line is JSON, and this database is not
    if (auto key = joinly::key_of(row); !key) return joinly::failure(key.error());
    return {};
}

}  // namespace

joinly::Status decode(std::string_view line, joinly::Player& player) { return decode_row(line, player); }
joinly::Status decode(std::string_view line, joinly::Lobby& lobby) { return decode_row(line, lobby); }

}  // namespace quickstart
