// Every header after what Windows.h, X11 and the Unreal Engine define. The definitions are poison: a use of one of these
// names in a header of ours is an error. X11's Status is left out: config.hpp answers it with a sentence of its own.
//
// The standard library comes first: libstdc++ would #undef min and max, which Windows' own library does not.
#include <bits/stdc++.h>

#define JOINLY_POISON(...) \
    { an expanded macro }

// windows.h
#define min(a, b) JOINLY_POISON(a, b)
#define max(a, b) JOINLY_POISON(a, b)
#define near JOINLY_POISON()
#define far JOINLY_POISON()
#define small JOINLY_POISON()
#define interface JOINLY_POISON()
#define ERROR JOINLY_POISON()
#define DELETE JOINLY_POISON()
#define IN JOINLY_POISON()
#define OUT JOINLY_POISON()
#define OPTIONAL JOINLY_POISON()
#define TEXT(quote) JOINLY_POISON(quote)
#define GetObject JOINLY_POISON()
#define GetMessage JOINLY_POISON()
#define GetCurrentTime JOINLY_POISON()
#define CreateFile JOINLY_POISON()
#define MoveFile JOINLY_POISON()
#define CopyFile JOINLY_POISON()
#define SendMessage JOINLY_POISON()

// The Unreal Engine
#define check(condition) JOINLY_POISON(condition)
#define checkf(condition, ...) JOINLY_POISON(condition)
#define verify(condition) JOINLY_POISON(condition)
#define verifyf(condition, ...) JOINLY_POISON(condition)
#define ensure(condition) JOINLY_POISON(condition)
#define PI JOINLY_POISON()

// X11
#define None JOINLY_POISON()
#define Bool JOINLY_POISON()
#define Success JOINLY_POISON()
#define Always JOINLY_POISON()

#include "everything.hpp"

int main() { return 0; }
