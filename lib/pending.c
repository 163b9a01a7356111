// SPDX-License-Identifier: LGPL-2.1-or-later
/* What others are still building, so that the rest can be built against it. */
#include "base/str.h"
#include "flow/handle.h"

#define PENDING __attribute__((weak))

