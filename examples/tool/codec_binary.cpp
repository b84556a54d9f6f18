#include <joinly/codec/binary.hpp>

#include "codecs.hpp"

namespace tool {

template <known T>
joinly::Status encode_binary(const T& object, std::string& out) {
    return joinly::Binary::encode(object, out);
}
template <known T>
joinly::Status decode_binary(std::string_view bytes, T& object) {
    return joinly::Binary::decode(bytes, object);
}

template joinly::Status encode_binary(const joinly::Lobby&, std::string&);
template joinly::Status encode_binary(const joinly::Match&, std::string&);
template joinly::Status encode_binary(const joinly::Player&, std::string&);
template joinly::Status encode_binary(const joinly::Queue&, std::string&);
template joinly::Status encode_binary(const joinly::QueueClaims&, std::string&);
template joinly::Status decode_binary(std::string_view, joinly::Lobby&);
template joinly::Status decode_binary(std::string_view, joinly::Match&);
template joinly::Status decode_binary(std::string_view, joinly::Player&);
template joinly::Status decode_binary(std::string_view, joinly::Queue&);
template joinly::Status decode_binary(std::string_view, joinly::QueueClaims&);

}  // namespace tool
