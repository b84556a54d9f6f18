# The shared library exports what joinly.h declares, and nothing else.
#
#     cmake -D LIBRARY=<libjoinly_storage.so> -D HEADER=<joinly.h> -D NM=<nm> -P exports.cmake

execute_process(COMMAND ${NM} --dynamic --defined-only --format=posix ${LIBRARY} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" lines "${output}")
set(exported "")
foreach(line IN LISTS lines)
    string(REGEX REPLACE " .*" "" name "${line}")
    list(APPEND exported ${name})
endforeach()
list(SORT exported)

file(READ ${HEADER} text)
string(REGEX MATCHALL "JOINLY_API [^;(]*[ *]joinly_[a-z_]+\\(" declarations "${text}")
set(declared "")
foreach(declaration IN LISTS declarations)
    string(REGEX REPLACE ".*[ *](joinly_[a-z_]+)\\($" "\\1" name "${declaration}")
    list(APPEND declared ${name})
endforeach()
list(SORT declared)

list(LENGTH declared count)
if(NOT exported STREQUAL declared OR count LESS 30)
    message(FATAL_ERROR "declared: ${declared}\nexported: ${exported}")
endif()
message(STATUS "${count} functions, and nothing else")
