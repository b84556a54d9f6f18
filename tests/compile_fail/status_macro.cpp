// expect: a macro named Status (X11/Xlib.h?) is in the way: include joinly before it, or #undef Status
#define Status int
#include <joinly/core/result.hpp>
