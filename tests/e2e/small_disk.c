/* Makes a folder a disk of limited size for the process that preloads this: a write or an allocation that would make the files
 * below $SMALL_DISK larger than the number of bytes in the file $SMALL_DISK_SIZE fails with ENOSPC, as a full disk fails it.
 * A mount of that size needs rights that a test may not have. Freed bytes count at once, and the size may change at any time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long long used;

static int add(const char *path, const struct stat *st, int kind, struct FTW *walk) {
    (void)path, (void)walk;
    if (kind == FTW_F) used += st->st_size;
    return 0;
}

/* Whether the file may grow to `end` bytes; -1 for the end of the file stands for an append. */
static int fits(int fd, long long end, size_t more) {
    const char *folder = getenv("SMALL_DISK"), *size = getenv("SMALL_DISK_SIZE");
    char link[64], path[PATH_MAX];
    struct stat st;
    if (!folder || !size || fstat(fd, &st) || !S_ISREG(st.st_mode)) return 1;
    if (end < 0) end = st.st_size + more;
    if (end <= st.st_size) return 1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    size_t own = strlen(folder);
    if (length <= (ssize_t)own || strncmp(path, folder, own) || path[own] != '/') return 1;
    long long most = -1;
    FILE *file = fopen(size, "r");
    if (file) {
        if (fscanf(file, "%lld", &most) != 1) most = -1;
        fclose(file);
    }
    if (most < 0) return 1;
    pthread_mutex_lock(&lock);
    used = 0;
    nftw(folder, add, 16, FTW_PHYS);
    int room = used + (end - st.st_size) <= most;
    pthread_mutex_unlock(&lock);
    return room;
}

static long long at(int fd, size_t count) {
    off_t now = lseek(fd, 0, SEEK_CUR);
    return now < 0 ? -1 : (long long)now + (long long)count;
}

static size_t sum(const struct iovec *parts, int count) {
    size_t total = 0;
    for (int i = 0; i < count; i++) total += parts[i].iov_len;
    return total;
}

#define REAL(name, ...) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))(__VA_ARGS__)
#define REFUSE_UNLESS(room) \
    if (!(room)) { errno = ENOSPC; return -1; }

ssize_t write(int fd, const void *bytes, size_t count) {
    REFUSE_UNLESS(fits(fd, at(fd, count), count))
    return REAL(write, fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REFUSE_UNLESS(fits(fd, at(fd, sum(parts, count)), sum(parts, count)))
    return REAL(writev, fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    REFUSE_UNLESS(fits(fd, offset + (long long)count, count))
    return REAL(pwrite, fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    REFUSE_UNLESS(fits(fd, offset + (long long)count, count))
    return REAL(pwrite64, fd, bytes, count, offset);
}

int ftruncate(int fd, off_t length) {
    REFUSE_UNLESS(fits(fd, length, 0))
    return REAL(ftruncate, fd, length);
}

int ftruncate64(int fd, off64_t length) {
    REFUSE_UNLESS(fits(fd, length, 0))
    return REAL(ftruncate64, fd, length);
}
