#ifndef JOINLY_POLICY_OBJECT_HPP
#define JOINLY_POLICY_OBJECT_HPP
// What a cache policy handles: entities as decoded objects whose type it does not know, and groups of writes to them.
// Plain values: no thread rule beyond the usual one for values.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// How objects of one C++ type become value bytes and back under one codec. One constant per type and codec, compared by
/// address: the same address is surely the same type; different ones (two shared libraries) only cost a detour by bytes.
struct ObjectType {
    Status (*encode)(const void* object, std::string& out);
    Result<std::size_t> (*measure)(const void* object);  ///< the bytes that encode and index_terms will append, or why not
    Result<std::shared_ptr<const void>> (*decode)(std::string_view bytes);
    ValueForm form;
    /// Appends what the type's indexes know the object by, packed (see core/index_entry.hpp); null: it has none.
    /// `invalid_argument` names the field that cannot be indexed.
    Status (*index_terms)(const void* object, std::string& packed) = nullptr;
};

/// An immutable object and its type; no value means that there is no record. The type of a record's end, where it is known, tells
/// whether it can have had index entries.
struct Object {
    std::shared_ptr<const void> value;
    const ObjectType* type = nullptr;
};

/// What a load finds.
struct LoadedObject {
    Object object;
    Version version = absent;
    Expiry expires_at;
};

/// One key's new object, or its end (an Object without a value).
struct Write {
    std::string key;
    Object object;
    Expiry expires_at;
};

namespace detail {
/// Under write-behind: whether anything was written since that may have changed a range. Guarded by the engine's mutex.
struct RangeWatch {
    KeyRange range;
    bool tripped = false;
};
}  // namespace detail

/// A range that was read, of records or of index entries, and must be as it was then: by the digest of what was there, or,
/// where the engine watches ranges, because the watch has not been tripped.
struct RangeRead {
    RangeRequirement stored;
    std::shared_ptr<detail::RangeWatch> watch;
    Expiry first_expiry;  ///< of the records that were there: a watch is not tripped by time
};

/// Writes that take effect together, if the requirements hold at that moment. Of two to one key, the later one wins.
struct WriteSet {
    std::vector<Write> writes;
    std::vector<Requirement> requirements;
    std::vector<RangeRead> ranges = {};

    /// Nothing is written, and something is to be decided.
    [[nodiscard]] bool only_asks() const noexcept { return writes.empty() && !(requirements.empty() && ranges.empty()); }
};

/// What a scan meets: a record's bytes, or a pending object that has none yet. Valid only during the visit.
struct ScanItem {
    std::string_view key;
    RecordView record;               ///< version and expiry always; value only if `object` is null
    const Object* object = nullptr;  ///< a pending write that was not encoded yet
};

/// What a query meets: an index entry and the record it leads to. Valid only during the visit.
struct IndexedItem {
    std::string_view entry_key;
    ScanItem item;  ///< its key is the record's
};
using IndexedVisitor = detail::FunctionRef<bool(const IndexedItem& item)>;

/// Return false to stop.
using ItemVisitor = detail::FunctionRef<bool(const ScanItem& item)>;

/// Called once for each key of a load_many, in any order, with the key's position in the request.
using LoadSink = detail::FunctionRef<void(std::size_t position, Result<LoadedObject> loaded)>;

/// Raw bytes as an object: a std::string that is its own encoding.
inline constexpr ObjectType bytes_type{
    [](const void* object, std::string& out) -> Status {
        out.append(*static_cast<const std::string*>(object));
        return {};
    },
    [](const void* object) -> Result<std::size_t> { return static_cast<const std::string*>(object)->size(); },
    [](std::string_view bytes) -> Result<std::shared_ptr<const void>> { return std::make_shared<const std::string>(bytes); },
    ValueForm::bytes,
    [](const void*, std::string&) -> Status { return {}; },  // none, but the record before it may have been an entity's
};

/// As bytes_type, for a value that its codec calls text.
inline constexpr ObjectType text_type{bytes_type.encode, bytes_type.measure, bytes_type.decode, ValueForm::text,
                                      bytes_type.index_terms};

/// Raw bytes whose index terms are known: what a journal brings back of an indexed entity.
struct IndexedBytes {
    std::string bytes;
    std::string index_terms;
};
inline constexpr ObjectType indexed_bytes_type{
    [](const void* object, std::string& out) -> Status {
        out.append(static_cast<const IndexedBytes*>(object)->bytes);
        return {};
    },
    [](const void* object) -> Result<std::size_t> {
        const auto& kept = *static_cast<const IndexedBytes*>(object);
        return kept.bytes.size() + kept.index_terms.size();
    },
    [](std::string_view bytes) -> Result<std::shared_ptr<const void>> {
        return std::make_shared<const IndexedBytes>(IndexedBytes{std::string{bytes}, {}});
    },
    ValueForm::bytes,
    [](const void* object, std::string& packed) -> Status {
        packed.append(static_cast<const IndexedBytes*>(object)->index_terms);
        return {};
    },
};
inline constexpr ObjectType indexed_text_type{indexed_bytes_type.encode, indexed_bytes_type.measure, indexed_bytes_type.decode,
                                              ValueForm::text, indexed_bytes_type.index_terms};

/// A record as an object. `corrupt` names the key.
[[nodiscard]] inline Result<LoadedObject> decode_record(std::string_view key, const RecordView& record, const ObjectType& type) {
    auto value = type.decode(record.value);
    if (!value) return failure_at(key, value.error());
    return LoadedObject{{std::move(*value), &type}, record.version, record.expires_at};
}

/// An object as `type` has it: itself, or by way of its bytes when it was made as another type.
[[nodiscard]] inline Result<LoadedObject> as_type(std::string_view key, LoadedObject loaded, const ObjectType& type) {
    if (loaded.object.type == &type) return loaded;
    std::string bytes;
    if (auto encoded = loaded.object.type->encode(loaded.object.value.get(), bytes); !encoded)
        return failure_at(key, encoded.error());
    return decode_record(key, {bytes, loaded.version, loaded.expires_at}, type);
}

JOINLY_NAMESPACE_END
#endif
