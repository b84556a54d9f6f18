# Puts a fault into a copy of the header that it names. Fails when the header no longer has the text, or has it twice: the
# fault must then be written anew.
#
#   cmake -D FAULT=<faults/name.cmake> -D INCLUDE_DIR=<include> -D OUT=<directory> -P apply.cmake
#
# Without OUT it only looks whether the fault still fits.
include(${FAULT})
file(READ ${INCLUDE_DIR}/${header} text)
string(FIND "${text}" "${old}" first)
string(FIND "${text}" "${old}" last REVERSE)
if(first EQUAL -1)
    message(FATAL_ERROR "${FAULT}: ${header} does not have this text:\n${old}")
endif()
if(NOT first EQUAL last)
    message(FATAL_ERROR "${FAULT}: ${header} has this text more than once:\n${old}")
endif()
if(DEFINED OUT)
    string(REPLACE "${old}" "${new}" text "${text}")
    file(WRITE ${OUT}/${header} "${text}")
endif()
