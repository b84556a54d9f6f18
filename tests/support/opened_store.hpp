#ifndef JOINLY_TESTS_SUPPORT_OPENED_STORE_HPP
#define JOINLY_TESTS_SUPPORT_OPENED_STORE_HPP
// A store of a tested backend under a tested policy, in a directory of its own, with a clock that the test turns.

#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <optional>
#include <string>
#include <utility>

namespace joinly::test {

template <class Subject, class Policy>
class OpenedStore {
public:
    using Store = joinly::Store<typename Subject::Backend, Policy, ManualTraits>;

    OpenedStore() { open(); }
    Store& operator*() { return *store_; }
    Store* operator->() { return &*store_; }

    void reopen() {
        REQUIRE(store_->close());
        store_.reset();
        open();
    }
    ManualTraits traits;

private:
    void open() {
        auto opened = Store::open(Subject::options(dir_), {}, traits);
        INFO((opened ? "" : std::string{opened.error().message()}));
        REQUIRE(opened);
        store_.emplace(std::move(*opened));
    }
    TempDir dir_;
    std::optional<Store> store_;
};

}  // namespace joinly::test
#endif
