# Where `cmake --install` puts what Varro is made of, and the Debian package of it (CPack), which bin/package makes.
#
# The programs find each other by the directory of /proc/self/exe (shell/companion.cpp, shell/supervisor_client.cpp), so
# they stay in one, which is nobody's PATH; /usr/bin/varro is a link into it. The worker, the way into the sandbox and
# the browser's assets are inside the programs.
include(GNUInstallDirs)

install(TARGETS varro varro-shells varro-pictures varro-markdown RUNTIME DESTINATION lib/varro)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
file(CREATE_LINK ../lib/varro/varro ${CMAKE_BINARY_DIR}/package/varro SYMBOLIC)
install(FILES ${CMAKE_BINARY_DIR}/package/varro DESTINATION bin)
install(FILES README.md CHANGELOG.md DESTINATION share/doc/varro)
install(FILES config/varro.toml DESTINATION share/doc/varro/examples)
install(DIRECTORY docs/ DESTINATION share/doc/varro/docs FILES_MATCHING PATTERN "*.md")
install(DIRECTORY deploy/ DESTINATION share/doc/varro/deploy USE_SOURCE_PERMISSIONS PATTERN debian EXCLUDE)

# The licences of what the page brings along; render/CMakeLists.txt has the list.
foreach(asset IN LISTS VARRO_LICENCES)
  string(REPLACE "|" ";" parts "${asset}")
  list(GET parts 0 name)
  list(GET parts 2 path)
  string(REGEX REPLACE "^vendor/" "" name ${name})
  string(REPLACE "/" "-" name ${name})
  install(FILES ${path} DESTINATION share/doc/varro/licences RENAME ${name})
endforeach()

# What follows belongs to a system with systemd and /etc, that is to the package alone: `cmake --install` leaves it out.
set(debian ${CMAKE_SOURCE_DIR}/deploy/debian)
set(VARRO_PACKAGE_CONTACT "Who has built it <nobody@localhost>" CACHE STRING "Name and address in the Debian package")
function(varro_package_file file directory)
  install(FILES ${debian}/${file} DESTINATION ${directory} COMPONENT debian EXCLUDE_FROM_ALL ${ARGN})
endfunction()
varro_package_file(varro.service lib/systemd/system)
varro_package_file(copyright share/doc/varro)
varro_package_file(varro.toml /etc/varro)
# In the form that Debian's tools read; what has changed stands in CHANGELOG.md.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/package/changelog @ONLY CONTENT
"varro (@PROJECT_VERSION@) unstable; urgency=medium

  * /usr/share/doc/varro/CHANGELOG.md says what has changed.

 -- @VARRO_PACKAGE_CONTACT@  Thu, 01 Jan 2026 00:00:00 +0000
")
find_program(GZIP gzip)
if(GZIP)
  execute_process(COMMAND ${GZIP} --best --no-name --force --keep ${CMAKE_BINARY_DIR}/package/changelog)
  install(FILES ${CMAKE_BINARY_DIR}/package/changelog.gz DESTINATION share/doc/varro COMPONENT debian EXCLUDE_FROM_ALL)
endif()
set(conffiles /etc/varro/varro.toml)

# Ubuntu lets programs make user namespaces only if they have a profile that says so. The rule is AppArmor 4's: on
# Debian 12 the boot would complain of it, and nothing needs it.
cmake_host_system_information(RESULT system QUERY DISTRIB_ID DISTRIB_VERSION_ID)
list(GET system 0 system_name)
list(GET system 1 system_version)
set(with_apparmor OFF)
if((system_name STREQUAL "debian" AND system_version VERSION_GREATER_EQUAL 13)
  OR (system_name STREQUAL "ubuntu" AND system_version VERSION_GREATER_EQUAL 24.04))
  set(with_apparmor ON)
endif()
option(VARRO_APPARMOR "Put the AppArmor profile into the Debian package" ${with_apparmor})
if(VARRO_APPARMOR)
  varro_package_file(apparmor /etc/apparmor.d RENAME varro)
  list(APPEND conffiles /etc/apparmor.d/varro)
endif()
list(JOIN conffiles "\n" conffile_lines)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/package/conffiles CONTENT "${conffile_lines}\n" @ONLY)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME varro)
set(CPACK_PACKAGE_CONTACT ${VARRO_PACKAGE_CONTACT})
set(CPACK_PACKAGE_HOMEPAGE_URL "")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "self-hosted chat for working with data")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Every chat has its own sandboxed Python. A language model answers each
message: it writes Python, runs it, looks at the result, and goes on until
it has an answer. Varro is one server for many users, with one data directory.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
  WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL Unspecified debian)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION web)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Beside the shared libraries, which dpkg-shlibdeps finds:
#   adduser           makes the user `varro`
#   bubblewrap        every shell's sandbox: without it no shell starts
#   python3-ipython, python3-cloudpickle   the worker imports them: without them no cell runs, and no variable is kept
#   ca-certificates   models are asked by https
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, bubblewrap (>= 0.8), ca-certificates, python3 (>= 3.11), python3-ipython,\
 python3-cloudpickle")
# What shells import beforehand unless shell.preload says otherwise; somebody with a virtual environment does without.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3-numpy, python3-pandas, python3-matplotlib")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "nginx | caddy, python3-plotly")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_BINARY_DIR}/package/conffiles ${debian}/postinst ${debian}/prerm
  ${debian}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
