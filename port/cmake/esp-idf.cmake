# SPDX-License-Identifier: MIT
#
# The component of an ESP-IDF project: the core, BearSSL, and the port on ESP-IDF's lwIP.

include(${CMAKE_CURRENT_LIST_DIR}/sources.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/bearssl.cmake)

idf_component_register(SRCS ${MAILMOTE_CORE} ${MAILMOTE_LWIP} ${MAILMOTE_BEARSSL}
                       INCLUDE_DIRS ${MAILMOTE_INCLUDE} ${MAILMOTE_BEARSSL_DIR}/inc
                       REQUIRES lwip)

mailmote_bearssl_properties()
