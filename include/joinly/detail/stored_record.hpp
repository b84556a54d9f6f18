#ifndef JOINLY_DETAIL_STORED_RECORD_HPP
#define JOINLY_DETAIL_STORED_RECORD_HPP
// A record as RecordTree keeps it: one piece of memory, its bytes behind it.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Never changed while others can see it, but for `next_retired`, which is the writer's.
class StoredRecord {
public:
    struct Destroy {
        void operator()(StoredRecord* record) const noexcept { destroy(record); }
    };
    using Owned = std::unique_ptr<StoredRecord, Destroy>;

    [[nodiscard]] static Owned make(std::uint64_t round, std::string_view key, const RecordView& record) {
        void* const memory = ::operator new(sizeof(StoredRecord) + key.size() + record.index_terms.size() + record.value.size());
        return Owned{new (memory) StoredRecord{round, key, record}};
    }
    static void destroy(StoredRecord* record) noexcept {
        record->~StoredRecord();
        ::operator delete(record);
    }
    StoredRecord(const StoredRecord&) = delete;
    StoredRecord& operator=(const StoredRecord&) = delete;

    [[nodiscard]] std::string_view key() const noexcept { return {bytes(), key_bytes_}; }
    [[nodiscard]] std::string_view index_terms() const noexcept { return {bytes() + key_bytes_, terms_bytes_}; }
    [[nodiscard]] std::string_view value() const noexcept { return {bytes() + key_bytes_ + terms_bytes_, value_bytes_}; }
    [[nodiscard]] RecordView view() const noexcept { return {value(), version, expires_at, index_terms()}; }

    const std::uint64_t round;  ///< the one that has made it
    StoredRecord* next_retired = nullptr;
    const Version version;
    const Expiry expires_at;

private:
    StoredRecord(std::uint64_t made_in, std::string_view key, const RecordView& record) noexcept
        : round{made_in},
          version{record.version},
          expires_at{record.expires_at},
          key_bytes_{key.size()},
          terms_bytes_{record.index_terms.size()},
          value_bytes_{record.value.size()} {
        char* to = reinterpret_cast<char*>(this + 1);
        for (const std::string_view part : {key, record.index_terms, record.value}) {
            if (part.empty()) continue;
            std::memcpy(to, part.data(), part.size());
            to += part.size();
        }
    }
    ~StoredRecord() = default;

    [[nodiscard]] const char* bytes() const noexcept { return reinterpret_cast<const char*>(this + 1); }

    const std::size_t key_bytes_;
    const std::size_t terms_bytes_;
    const std::size_t value_bytes_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
