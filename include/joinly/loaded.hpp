#ifndef JOINLY_LOADED_HPP
#define JOINLY_LOADED_HPP
// What a load gives: a handle to an object that the cache may share with other threads.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>

#include <memory>
#include <utility>

JOINLY_NAMESPACE_BEGIN
/// A shared, immutable object, as it was at one version. It stays as it is, and stays valid, whatever happens to the
/// record; to change the record, save a changed copy or use Store::update. Copying costs a reference count.
template <class T>
class Loaded {
public:
    Loaded(std::shared_ptr<const T> object, Version version, Expiry expires_at) noexcept
        : object_{std::move(object)}, version_{version}, expires_at_{expires_at} {}
    /// For the store, which knows that the object is a T.
    Loaded(std::in_place_t, const std::shared_ptr<const void>& object, Version version, Expiry expires_at) noexcept
        : object_{object, static_cast<const T*>(object.get())}, version_{version}, expires_at_{expires_at} {}

    [[nodiscard]] const T& operator*() const noexcept { return *object_; }
    [[nodiscard]] const T* operator->() const noexcept { return object_.get(); }
    [[nodiscard]] const std::shared_ptr<const T>& shared() const noexcept { return object_; }

    /// What `expect` takes to save only if nobody wrote in between.
    [[nodiscard]] Version version() const noexcept { return version_; }
    [[nodiscard]] Expiry expires_at() const noexcept { return expires_at_; }

private:
    std::shared_ptr<const T> object_;
    Version version_;
    Expiry expires_at_;
};

JOINLY_NAMESPACE_END
#endif
