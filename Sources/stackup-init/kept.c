#include "kept.h"

#include <stdalign.h>
#include <stdlib.h>

#include "report.h"

void *keep(size_t size) {
    static alignas(max_align_t) char own[16 * 1024];
    static size_t used;
    size_t rounded = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (rounded >= size && rounded <= sizeof own - used) {
        void *kept = own + used;
        used += rounded;
        return kept;
    }
    void *kept = malloc(size);
    if (kept == NULL) fail("malloc", "set-up");
    return kept;
}
