// The other precompiled header: for folders in which most sources are about actors.
#pragma once

#include "cmake/pch.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
