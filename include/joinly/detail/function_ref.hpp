#ifndef JOINLY_DETAIL_FUNCTION_REF_HPP
#define JOINLY_DETAIL_FUNCTION_REF_HPP
// A borrowed callable: two words, no allocation, no <functional>. Valid only during the call it is passed to.

#include <joinly/config.hpp>

#include <memory>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Signature>
class FunctionRef;

template <class F, class Ref, class R, class... Args>
concept borrowable_as = !std::is_same_v<std::remove_cvref_t<F>, Ref> && std::is_invocable_r_v<R, F&, Args...>;

template <class R, class... Args>
class FunctionRef<R(Args...)> {
public:
    template <borrowable_as<FunctionRef, R, Args...> F>
    FunctionRef(F&& callable) noexcept  // implicit: a lambda at the call site is the whole point
        : callable_{erased(callable)}, call_{[](void* object, Args... args) -> R {
              return static_cast<R>((*reinterpret_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...));
          }} {}

    R operator()(Args... args) const { return call_(callable_, std::forward<Args>(args)...); }

private:
    template <class F>
    static void* erased(F& callable) noexcept {
        if constexpr (std::is_function_v<F>) {
            return reinterpret_cast<void*>(&callable);
        } else {
            return const_cast<void*>(static_cast<const void*>(std::addressof(callable)));
        }
    }

    void* callable_;
    R (*call_)(void*, Args...);
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
