#ifndef JOINLY_VERSION_HPP
#define JOINLY_VERSION_HPP
// The library's version, for the preprocessor. CMakeLists.txt reads these three lines.

#define JOINLY_VERSION_MAJOR 0
#define JOINLY_VERSION_MINOR 1
#define JOINLY_VERSION_PATCH 0

#endif
