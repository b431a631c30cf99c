// Tells the thread sanitizer of contended locks. The standard library's Mutex takes a free lock by an atomic operation
// that is compiled into our own code, where the sanitizer sees it; one that is held goes through two functions of the
// library, which was built without the sanitizer, so that what the next holder does would look like a race. These stand
// in front of the two. Built and preloaded by scripts/sanitize.sh; the names are those of Swift 6.3, and `make sanitize`
// fails with many reports when they change.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define CALL __attribute__((swiftcall))
#define CONTEXT __attribute__((swift_context))
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

CALL void lock_slow(uint32_t thread, CONTEXT void *handle) __asm__(LOCK);
CALL void unlock_slow(CONTEXT void *handle) __asm__(UNLOCK);

CALL void lock_slow(uint32_t thread, CONTEXT void *handle) {
    static CALL void (*next)(uint32_t, CONTEXT void *);
    if (!next) next = (CALL void (*)(uint32_t, CONTEXT void *))dlsym(RTLD_NEXT, LOCK);
    next(thread, handle);
    if (__tsan_acquire) __tsan_acquire(handle);
}

CALL void unlock_slow(CONTEXT void *handle) {
    static CALL void (*next)(CONTEXT void *);
    if (!next) next = (CALL void (*)(CONTEXT void *))dlsym(RTLD_NEXT, UNLOCK);
    if (__tsan_release) __tsan_release(handle);
    next(handle);
}
