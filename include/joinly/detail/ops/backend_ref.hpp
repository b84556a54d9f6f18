#ifndef JOINLY_DETAIL_OPS_BACKEND_REF_HPP
#define JOINLY_DETAIL_OPS_BACKEND_REF_HPP
// A borrowed backend whose type is forgotten, so that what works alike on any backend is compiled once, and not for each pair.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>

#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class BackendRef {
public:
    template <class Backend>
    requires(!std::is_same_v<std::remove_const_t<Backend>, BackendRef> &&
             storage_backend<Backend>)  // in this order: else a copy asks itself
        explicit BackendRef(Backend& backend) noexcept
        : backend_{&backend},
          read_{[](void* object, std::string_view key) { return static_cast<Backend*>(object)->read(key); }},
          write_{[](void* object, const Batch& batch) { return static_cast<Backend*>(object)->write(batch); }},
          scan_{[](void* object, const KeyRange& range, ScanVisitor visit) {
              return static_cast<Backend*>(object)->scan(range, visit);
          }},
          last_version_{[](void* object) { return static_cast<Backend*>(object)->last_version(); }} {}

    [[nodiscard]] Result<Record> read(std::string_view key) const { return read_(backend_, key); }
    [[nodiscard]] Result<Version> write(const Batch& batch) const { return write_(backend_, batch); }
    [[nodiscard]] Status scan(const KeyRange& range, ScanVisitor visit) const { return scan_(backend_, range, visit); }
    [[nodiscard]] Result<Version> last_version() const { return last_version_(backend_); }

    /// Whether nothing is in the range, expired or not.
    [[nodiscard]] Result<bool> is_empty(const KeyRange& range) const {
        bool empty = true;
        auto scanned = scan(range, [&](std::string_view, const RecordView&) { return empty = false; });
        if (!scanned) return failure(std::move(scanned).error());
        return empty;
    }

private:
    void* backend_;
    Result<Record> (*read_)(void*, std::string_view);
    Result<Version> (*write_)(void*, const Batch&);
    Status (*scan_)(void*, const KeyRange&, ScanVisitor);
    Result<Version> (*last_version_)(void*);
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
