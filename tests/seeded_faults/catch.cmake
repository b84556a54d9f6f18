# Builds the program that must notice a fault, with the fault in it, and succeeds when the program fails.
#
#   cmake -D BUILD_DIR=<build> -D TARGET=<target> -D PROGRAM=<path> -D "ARGUMENTS=<arguments>" -P catch.cmake
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD_DIR} --target ${TARGET} RESULT_VARIABLE failed OUTPUT_VARIABLE said
                ERROR_VARIABLE said)
if(failed)
    message(FATAL_ERROR "${TARGET} does not compile:\n${said}")
endif()
# A fault that makes the program hang is noticed as well, by whoever runs it.
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said TIMEOUT 120)
if(result STREQUAL "0")
    message(FATAL_ERROR "missed: ${TARGET} found nothing wrong")
endif()
message(STATUS "caught (${result}):\n${said}")
