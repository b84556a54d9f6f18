#ifndef JOINLY_DETAIL_C_DOCUMENT_HPP
#define JOINLY_DETAIL_C_DOCUMENT_HPP
// An entity as those see it who have no C++ types: JSON text. It is read once, to learn that it is one and what the indexes know it
// by; what is cached is the text, so that a hit is a copy of it. See joinly/c/joinly.h for what is promised.

#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/json_members.hpp>
#include <joinly/detail/codec/json_writer.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/detail/index/upkeep.hpp>
#include <joinly/detail/index/walk.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/match.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/entity/queue.hpp>
#include <joinly/policy/object.hpp>
#if !defined(JOINLY_C_WITHOUT_ZSTD)
#include <joinly/codec/zstd.hpp>
#endif

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// How documents are stored.
enum class DocumentCodec : std::uint8_t { json, binary, json_zstd, binary_zstd };

inline constexpr std::string_view document_codec_names[] = {"json", "binary", "json+zstd", "binary+zstd"};

[[nodiscard]] constexpr std::string_view name_of(DocumentCodec codec) noexcept {
    return document_codec_names[static_cast<std::size_t>(codec)];
}
[[nodiscard]] constexpr bool is_json(DocumentCodec codec) noexcept {
    return codec == DocumentCodec::json || codec == DocumentCodec::json_zstd;
}
[[nodiscard]] constexpr bool is_zstd(DocumentCodec codec) noexcept {
    return codec == DocumentCodec::json_zstd || codec == DocumentCodec::binary_zstd;
}
/// As a C++ store has it, but for compression.
template <DocumentCodec codec>
using PlainDocumentCodec = std::conditional_t<is_json(codec), Json, Binary>;

struct Document {
    std::string text;
    std::string wire = {};  ///< what is stored, where that is not always the text
    std::string index_terms = {};
};

/// What the library knows of one kind of entity, by DocumentCodec.
struct DocumentKind {
    std::string_view name;
    ObjectType types[4];
    /// `invalid_argument`, naming the field: the text is not such an entity, or its id is not that.
    Result<std::shared_ptr<const void>> (*parse[4])(std::string_view id, std::string_view text);

    [[nodiscard]] const ObjectType& type(DocumentCodec codec) const noexcept { return types[static_cast<std::size_t>(codec)]; }
};

template <class T>
[[nodiscard]] Status add_index_terms(const T& entity, Document& document) {
    if constexpr (has_indexes<T>) {
        return index_terms(entity, document.index_terms);
    } else {
        return {};
    }
}

/// What the member with the id is called.
template <class T>
[[nodiscard]] std::string_view id_member(const T& entity) {
    std::string_view found;
    Entity<T>::fields(entity, [&](auto, std::string_view name, const auto& member, auto&&...) {
        if constexpr (std::is_same_v<decltype(member), const std::string&>) {
            if (&member == &Entity<T>::id(entity)) found = name;
        }
    });
    return found;
}

/// Whether the member with the id may stand there more than once: some read the last one, as the codec does, some the first.
[[nodiscard]] inline bool may_come_twice(std::string_view member, std::string_view text) noexcept {
    const std::size_t first = text.find(member);
    return first != std::string_view::npos && text.find(member, first + 1) != std::string_view::npos;
}

/// `text` with the entity's id wherever the member stands, or as its last member; the rest to the letter.
template <class T>
[[nodiscard]] Result<std::string> with_id(std::string_view text, const T& entity) {
    const std::string_view name = id_member(entity);
    std::string id;
    if (!JsonWriter{id}.text(Entity<T>::id(entity)))
        return failure(Errc::invalid_argument, "the id of a " + std::string{Entity<T>::kind} + " is not UTF-8, as JSON must be");
    const std::size_t begin = text.find('{') + 1;
    const std::size_t end = text.find_last_of('}');
    std::string completed;
    std::size_t copied = 0;
    bool is_empty = true;
    bool is_there = false;
    JsonMembers members{text.substr(begin, end - begin)};
    for (JsonMember member; members.next(member); is_empty = false) {
        if (member.key_text() != name) continue;
        const auto at = static_cast<std::size_t>(member.value.data() - text.data());
        completed.append(text, copied, at - copied).append(id);
        copied = at + member.value.size();
        is_there = true;
    }
    completed.append(text, copied, end - copied);
    if (!is_there) completed.append(is_empty ? "\"" : ",\"").append(name).append("\":").append(id);
    completed.push_back('}');
    return completed;
}

/// What is stored besides the text, under a codec that is not Json.
template <class T>
[[nodiscard]] Status encode_document(const T& entity, Document& document) {
    if (!entity.unknown_fields.empty()) {
        return failure(Errc::invalid_argument, "a " + std::string{Entity<T>::kind} +
                                                   " has members that its description does not have, which the binary "
                                                   "codec cannot keep: leave them out, or open with codec=json");
    }
    document.text.clear();
    if (auto encoded = Json::encode(entity, document.text); !encoded) return encoded;
    return Binary::encode(entity, document.wire);
}

template <class T, DocumentCodec codec>
[[nodiscard]] Result<std::shared_ptr<const void>> parse_document(std::string_view id, std::string_view text) {
    T entity;
    if (auto decoded = Json::decode(text, entity); !decoded) {
        const Errc code = decoded.error() == Errc::corrupt ? Errc::invalid_argument : decoded.error().code();
        return failure(code, std::string{decoded.error().message()});
    }
    auto document = std::make_shared<Document>();
    auto& own_id = Entity<T>::id(entity);
    if (own_id.empty() || (own_id == id && may_come_twice(id_member(entity), text))) {
        own_id = id;
        auto completed = with_id(text, entity);
        if (!completed) return failure(std::move(completed).error());
        document->text = *std::move(completed);
    } else if (own_id == id) {
        document->text = text;
    } else {
        return failure(Errc::invalid_argument, std::string{Entity<T>::kind} + ':' + printable(id) +
                                                   " is to hold one with another id: " + printable_start(own_id));
    }
    if constexpr (!is_json(codec)) {
        if (auto encoded = encode_document(entity, *document); !encoded) return failure(std::move(encoded).error());
    }
#if !defined(JOINLY_C_WITHOUT_ZSTD)
    if constexpr (is_zstd(codec)) {
        if constexpr (is_json(codec)) document->wire = document->text;
        Zstd<PlainDocumentCodec<codec>>::compress(document->wire);
    }
#endif
    if (auto added = add_index_terms(entity, *document); !added) return failure(std::move(added).error());
    return std::shared_ptr<const void>{std::move(document)};
}

template <class T, DocumentCodec codec>
[[nodiscard]] Result<std::shared_ptr<const void>> decode_document(std::string_view bytes) {
    auto document = std::make_shared<Document>();
    std::string_view plain = bytes;
#if !defined(JOINLY_C_WITHOUT_ZSTD)
    if constexpr (is_zstd(codec)) {
        document->wire = bytes;
        auto unpacked = Zstd<PlainDocumentCodec<codec>>::plain(bytes);
        if (!unpacked) return failure(std::move(unpacked).error());
        document->text = *std::move(unpacked);
        plain = document->text;
    }
#endif
    T entity;
    if (auto decoded = PlainDocumentCodec<codec>::decode(plain, entity); !decoded) {
        if (decoded.error() != Errc::corrupt) return failure(std::move(decoded).error());
        return failure(Errc::corrupt,
                       std::string{decoded.error().message()} + " (read with codec=" + std::string{name_of(codec)} + ")");
    }
    if constexpr (is_json(codec)) {
        if constexpr (!is_zstd(codec)) document->text = bytes;
    } else {
        if constexpr (!is_zstd(codec)) document->wire = bytes;
        document->text.clear();
        if (auto shown = Json::encode(entity, document->text); !shown)
            return failure(Errc::incompatible, "JSON cannot show it: " + std::string{shown.error().message()});
    }
    if (auto added = add_index_terms(entity, *document); !added) return failure(std::move(added).error());
    return std::shared_ptr<const void>{std::move(document)};
}

[[nodiscard]] inline const Document& as_document(const void* object) noexcept { return *static_cast<const Document*>(object); }

template <DocumentCodec codec>
[[nodiscard]] const std::string& stored_bytes(const void* object) noexcept {
    return codec == DocumentCodec::json ? as_document(object).text : as_document(object).wire;
}

template <class T, DocumentCodec codec>
[[nodiscard]] constexpr ObjectType document_type() noexcept {
    return {
        [](const void* object, std::string& out) -> Status {
            out.append(stored_bytes<codec>(object));
            return {};
        },
        [](const void* object) -> Result<std::size_t> { return stored_bytes<codec>(object).size(); },
        &decode_document<T, codec>,
        codec == DocumentCodec::json ? Json::form : Binary::form,  // what may be compressed is bytes
        !has_indexes<T> ? nullptr : +[](const void* object, std::string& packed) -> Status {
            packed.append(as_document(object).index_terms);
            return {};
        },
    };
}

template <class T>
inline constexpr DocumentKind document_kind{
    kind_of<T>,
    {document_type<T, DocumentCodec::json>(), document_type<T, DocumentCodec::binary>(),
     document_type<T, DocumentCodec::json_zstd>(), document_type<T, DocumentCodec::binary_zstd>()},
    {&parse_document<T, DocumentCodec::json>, &parse_document<T, DocumentCodec::binary>,
     &parse_document<T, DocumentCodec::json_zstd>, &parse_document<T, DocumentCodec::binary_zstd>},
};

/// The kind of an entity's key; null: under the key there are bytes. The key is a valid one.
[[nodiscard]] inline const DocumentKind* document_kind_of(std::string_view key) noexcept {
    const std::string_view name = key.substr(0, key.find(':'));
    if (name.size() == key.size()) return nullptr;
    for (const DocumentKind* kind : {&document_kind<Player>, &document_kind<Lobby>, &document_kind<Match>, &document_kind<Queue>}) {
        if (kind->name == name) return kind;
    }
    return nullptr;
}

/// As rest_on_catalogue, for a kind that is known at run time.
template <class Core>
[[nodiscard]] Result<CatalogueBasis> rest_on_catalogue_of(Core& core, const DocumentKind& kind) {
    if (&kind == &document_kind<Player>) return rest_on_catalogue<Player>(core);
    if (&kind == &document_kind<Lobby>) return rest_on_catalogue<Lobby>(core);
    if (&kind == &document_kind<Match>) return rest_on_catalogue<Match>(core);
    return rest_on_catalogue<Queue>(core);
}

/// What those get who have no C++ types: a document's text, or the bytes.
[[nodiscard]] inline std::string_view shown(const Object& object) noexcept {
    if (object.type == &bytes_type) return *static_cast<const std::string*>(object.value.get());
    return as_document(object.value.get()).text;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
