# A program that a hurried user might write, and the sentence that the compiler must answer with. Its first line is
# `// expect: <text>`; a second one may be `// flags: <compiler flags>`.
#
#     cmake -D COMPILER=<c++> -D "FLAGS=<flags>" -D SOURCE=<file> -P compile_fail.cmake

cmake_minimum_required(VERSION 3.25)

file(STRINGS ${SOURCE} lines LIMIT_COUNT 2)
list(GET lines 0 first)
if(NOT first MATCHES "^// expect: (.+)$")
    message(FATAL_ERROR "the first line must be `// expect: <text>`")
endif()
set(expected "${CMAKE_MATCH_1}")
if("${lines}" MATCHES ";// flags: ([^;]+)")
    separate_arguments(own_flags UNIX_COMMAND "${CMAKE_MATCH_1}")
endif()

separate_arguments(FLAGS UNIX_COMMAND "${FLAGS}")
execute_process(COMMAND ${COMPILER} ${FLAGS} ${own_flags} -fsyntax-only ${SOURCE}
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
    message(FATAL_ERROR "it compiles, and should be refused with: ${expected}")
endif()
string(FIND "${output}" "${expected}" found)
if(found EQUAL -1)
    message(FATAL_ERROR "it is refused, but not with: ${expected}\n${output}")
endif()
