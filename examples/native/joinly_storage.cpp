// The shared library joinly_storage: the C interface and nothing else. See joinly/c/joinly.h.
#include <joinly/c/joinly_c.hpp>
