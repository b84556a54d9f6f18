# find_package(joinly 0.1 REQUIRED COMPONENTS sqlite leveldb json zstd)
#
# Gives joinly::joinly always, and joinly::<component> for each component asked for. The component storage is the shared library
# with the C interface.

include(${CMAKE_CURRENT_LIST_DIR}/joinly-dependencies.cmake)

foreach(joinly_component IN ITEMS core LISTS joinly_FIND_COMPONENTS)
    joinly_find_dependencies(${joinly_component} joinly_missing)
    if(NOT joinly_missing AND NOT EXISTS ${CMAKE_CURRENT_LIST_DIR}/joinly-${joinly_component}-targets.cmake)
        set(joinly_missing "to be installed again: what it stands on was missing when joinly was installed")
    endif()
    if(NOT joinly_missing)
        include(${CMAKE_CURRENT_LIST_DIR}/joinly-${joinly_component}-targets.cmake)
        set(joinly_${joinly_component}_FOUND TRUE)
    elseif(joinly_component STREQUAL "core" OR joinly_FIND_REQUIRED_${joinly_component})
        set(joinly_FOUND FALSE)
        string(APPEND joinly_NOT_FOUND_MESSAGE "joinly's component ${joinly_component} needs ${joinly_missing}. ")
    endif()
endforeach()
unset(joinly_component)
unset(joinly_missing)
