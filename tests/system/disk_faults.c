/* A disk that fails: preloaded into a collector, it breaks one call of its journal as the plan in a mapped file says.
   Only files named *.journal or *.sqlite are touched. The calls that it does make go to the kernel past the C library. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SOUND, SYNC_FAILS, SYNC_AND_CUT_FAIL, DISK_FULL, TORN_WRITE, DIES_BEFORE_SYNC, DIES_AFTER_SYNC };

/* The fault, how many commits are sound before it, and how many calls it breaks; the last is counted up when it does. */
static volatile struct { uint32_t kind, after, times, broken; } *plan;

__attribute__((constructor)) static void map(void) {
    const char *path = getenv("DISK_FAULTS");
    int fd = path ? open(path, O_RDWR) : -1;
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) plan = mapped;
    if (fd >= 0) close(fd);
}

static int is_journal(int fd) {
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(name, path, sizeof path - 1);
    return size > 8 && (!memcmp(path + size - 8, ".journal", 8) || !memcmp(path + size - 7, ".sqlite", 7));
}

static int breaks(uint32_t kind, int fd) {
    if (!plan || plan->kind != kind || plan->after || !plan->times || !is_journal(fd)) return 0;
    plan->times--;
    plan->broken++;
    return 1;
}

static void die(void) { kill(getpid(), SIGKILL); }

int fdatasync(int fd) {
    if (breaks(DIES_BEFORE_SYNC, fd)) die();
    if (breaks(SYNC_FAILS, fd) || (plan && plan->kind == SYNC_AND_CUT_FAIL && breaks(SYNC_AND_CUT_FAIL, fd))) {
        errno = EIO;
        return -1;
    }
    int result = syscall(SYS_fdatasync, fd);
    if (breaks(DIES_AFTER_SYNC, fd)) die();
    if (plan && plan->after && is_journal(fd)) plan->after--;
    return result;
}

int ftruncate64(int fd, off_t length) {
    if (plan && plan->kind == SYNC_AND_CUT_FAIL && plan->broken && is_journal(fd)) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_ftruncate, fd, length);
}

int posix_fallocate64(int fd, off_t offset, off_t length) {
    if (breaks(DISK_FULL, fd)) return ENOSPC;
    return syscall(SYS_fallocate, fd, 0, offset, length) ? errno : 0;
}

ssize_t pwritev64v2(int fd, const struct iovec *pieces, int count, off_t at, int flags) {
    if (breaks(DISK_FULL, fd)) {
        errno = ENOSPC;
        return -1;
    }
    if (breaks(TORN_WRITE, fd)) { /* the last piece is what stays away: half of it, and with it the end of a record */
        size_t half = pieces[count - 2].iov_len / 2;
        for (int piece = 0; piece < count - 2; piece++) {
            syscall(SYS_pwrite64, fd, pieces[piece].iov_base, pieces[piece].iov_len, at);
            at += pieces[piece].iov_len;
        }
        syscall(SYS_pwrite64, fd, pieces[count - 2].iov_base, half, at);
        die();
    }
    return syscall(SYS_pwritev2, fd, pieces, count, at, 0, flags);
}
