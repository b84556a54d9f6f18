# Threads that miss one key at once read the backend each for itself.
set(header joinly/detail/policy/load_gate.hpp)
set(old [[return {std::nullopt, state.flight, false};]])
set(new [[return {};]])
set(program tests/policy/policies.test.cpp)
