# SPDX-License-Identifier: MIT
#
# mailmote's sources, for the CMakeLists.txt of this folder and of ../zephyr: what port/mailmote.mk is to make.

get_filename_component(MAILMOTE_DIR ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
set(MAILMOTE_INCLUDE ${MAILMOTE_DIR}/include)
file(GLOB MAILMOTE_CORE ${MAILMOTE_DIR}/core/*/*.c ${MAILMOTE_DIR}/port/watchdog/*.c)
file(GLOB MAILMOTE_POSIX ${MAILMOTE_DIR}/port/posix/*.c)
file(GLOB MAILMOTE_LWIP ${MAILMOTE_DIR}/port/lwip/*.c)
