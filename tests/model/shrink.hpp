#ifndef JOINLY_TESTS_MODEL_SHRINK_HPP
#define JOINLY_TESTS_MODEL_SHRINK_HPP
// Makes a failing sequence short and plain: leaves out as much of it as it fails without.

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace joinly::test {

/// @param steps  a sequence that fails.
/// @param fails  does a sequence from the beginning and tells whether it fails; the same answer each time.
/// @return a part of it, in the same order, that fails, and no longer does if any one step is left out.
template <class Step, class Fails>
[[nodiscard]] std::vector<Step> shrink(std::vector<Step> steps, Fails fails) {
    const auto at = [](auto& of, std::size_t position) { return of.begin() + static_cast<std::ptrdiff_t>(position); };
    for (std::size_t chunk = (steps.size() + 1) / 2; chunk != 0;) {
        bool shorter = false;
        for (std::size_t end = steps.size(); end != 0;) {  // from the back: what comes after the fault goes first
            const std::size_t begin = end - (std::min)(chunk, end);
            std::vector<Step> without(at(steps, 0), at(steps, begin));
            without.insert(without.end(), at(steps, end), steps.end());
            if (fails(without)) {
                steps = std::move(without);
                shorter = true;
            }
            end = begin;
        }
        if (chunk == 1 && shorter) continue;
        chunk /= 2;
    }
    return steps;
}

/// @param simpler  gives the forms of one step that are a little simpler than it is.
/// @return as many steps, each as simple as it can be for the sequence to fail still.
template <class Step, class Simpler, class Fails>
[[nodiscard]] std::vector<Step> simplify(std::vector<Step> steps, Simpler simpler, Fails fails) {
    for (std::size_t i = 0; i < steps.size();) {
        const std::vector<Step> forms = simpler(steps[i]);
        const bool simplified = std::any_of(forms.begin(), forms.end(), [&](const Step& form) {
            std::vector<Step> with = steps;
            with[i] = form;
            if (!fails(with)) return false;
            steps = std::move(with);
            return true;
        });
        if (!simplified) ++i;
    }
    return steps;
}

}  // namespace joinly::test
#endif
