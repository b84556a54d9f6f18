// Everything, in two translation units of one program, in opposite orders: a function that is not inline is defined
// twice and does not link, a header that leans on its neighbours does not compile. Built twice, with and without
// JOINLY_ODR_MAIN.
#ifdef JOINLY_ODR_MAIN
#include "everything.hpp"
int main() { return 0; }
#else
#include "everything_reversed.hpp"
#endif
