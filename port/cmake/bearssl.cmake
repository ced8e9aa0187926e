# SPDX-License-Identifier: MIT
#
# BearSSL's sources: MAILMOTE_BEARSSL_DIR as a variable, a -D or in the environment, else fetched as `make deps` does.

if(NOT MAILMOTE_BEARSSL_DIR)
    set(MAILMOTE_BEARSSL_DIR $ENV{MAILMOTE_BEARSSL_DIR})
endif()
if(NOT MAILMOTE_BEARSSL_DIR)
    set(MAILMOTE_BEARSSL_DIR ${MAILMOTE_DIR}/.deps/bearssl)
    execute_process(COMMAND ${CMAKE_COMMAND} -E env DEPS=${MAILMOTE_DIR}/.deps ${MAILMOTE_DIR}/port/deps.sh bearssl
                    RESULT_VARIABLE failed)
    if(failed)
        message(FATAL_ERROR "BearSSL 0.6 is missing: set MAILMOTE_BEARSSL_DIR to its source")
    endif()
endif()
get_filename_component(MAILMOTE_BEARSSL_DIR ${MAILMOTE_BEARSSL_DIR} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
if(NOT EXISTS ${MAILMOTE_BEARSSL_DIR}/inc/bearssl.h)
    message(FATAL_ERROR "MAILMOTE_BEARSSL_DIR=${MAILMOTE_BEARSSL_DIR} is not BearSSL's source: it has no inc/bearssl.h")
endif()
file(GLOB MAILMOTE_BEARSSL ${MAILMOTE_BEARSSL_DIR}/src/*.c ${MAILMOTE_BEARSSL_DIR}/src/*/*.c)

# For a target's directory. BearSSL's own headers are for its sources alone; without an operating system it has neither
# time nor randomness, and mailmote gives it both.
function(mailmote_bearssl_properties)
    set(options -w)
    if(NOT UNIX)
        list(APPEND options -DBR_USE_UNIX_TIME=0 -DBR_USE_URANDOM=0)
    endif()
    set_source_files_properties(${MAILMOTE_BEARSSL} PROPERTIES
        COMPILE_OPTIONS "${options}" INCLUDE_DIRECTORIES "${MAILMOTE_BEARSSL_DIR}/inc;${MAILMOTE_BEARSSL_DIR}/src")
    # as in port/bearssl.mk
    set_property(SOURCE ${MAILMOTE_BEARSSL_DIR}/src/int/i31_montmul.c APPEND PROPERTY COMPILE_OPTIONS -O2)
endfunction()
