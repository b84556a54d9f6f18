# Whether every fault still fits its header: cmake -D INCLUDE_DIR=<include> -P fit.cmake
file(GLOB faults ${CMAKE_CURRENT_LIST_DIR}/faults/*.cmake)
foreach(FAULT IN LISTS faults)
    include(${CMAKE_CURRENT_LIST_DIR}/apply.cmake)
endforeach()
