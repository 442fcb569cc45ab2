// Preloaded into a process (LD_PRELOAD): counts the calls that change files below a directory, logs them, and makes the
// N-th one fail, be cut short, or kill the process; also shifts the clock of the day. inject.ts drives it.
// Environment: FAULTS_BELOW (absolute directory), FAULTS_CONTROL (file of struct control), FAULTS_LOG (file, appended to).

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// Shared by all processes that have it mapped: they count together, and a change reaches them at once.
struct control {
  _Atomic uint64_t count;         // calls so far
  _Atomic uint64_t at;            // the call that the fault befalls; 0 for none
  _Atomic uint64_t fault;         // enum fault
  _Atomic uint64_t fired;         // how often it did
  _Atomic int64_t clock_shift_ns; // added to CLOCK_REALTIME
};

enum fault { KILL_BEFORE = 1, KILL_AFTER, TORN, NO_SPACE, IO_ERROR, SHORT, FULL };
enum kind { WRITES, ALLOCATES, OTHER };
enum act { PASS, FAIL, HALF, HALF_AND_DIE, DIE_AFTER };

static struct control *control;
static int log_file = -1;
static char below[PATH_MAX];
static size_t below_length;

__attribute__((constructor)) static void begin(void) {
  const char *directory = getenv("FAULTS_BELOW"), *file = getenv("FAULTS_CONTROL"), *log = getenv("FAULTS_LOG");
  if (!directory || !file || !log || strlen(directory) >= sizeof below) return;
  int fd = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  log_file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  strcpy(below, directory);
  below_length = strlen(below);
  if (mapped != MAP_FAILED && log_file >= 0) control = mapped;
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

// An absolute path for what a call names; relative ones are below the directory fd, or the current one.
static const char *absolute(int fd, const char *path, char *buffer) {
  if (path && path[0] == '/') return path;
  char link[64];
  if (fd == AT_FDCWD) strcpy(link, "/proc/self/cwd");
  else snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, PATH_MAX - 1);
  if (n < 0) return NULL;
  buffer[n] = 0;
  if (path && snprintf(buffer + n, PATH_MAX - n, "/%s", path) >= PATH_MAX - n) return NULL;
  return buffer;
}

// Counts and logs a call on what fd and path name, and says what is to become of it. `from` is the old name in a rename.
static enum act meet(const char *name, enum kind kind, int fd, const char *path, size_t bytes, const char *from) {
  if (!control) return PASS;
  int saved = errno;
  char buffer[PATH_MAX], line[2 * PATH_MAX + 64];
  const char *what = absolute(fd, path, buffer);
  errno = saved;
  if (!what || strncmp(what, below, below_length) != 0 || (what[below_length] != '/' && what[below_length] != 0))
    return PASS;
  uint64_t number = control->count++ + 1;
  int length = snprintf(line, sizeof line, "%lu\t%s\t%zu\t%s\t%s\n", (unsigned long)number, name, bytes, what, from);
  syscall(SYS_write, log_file, line, length);
  errno = saved;
  uint64_t at = control->at;
  enum fault fault = control->fault;
  if (at == 0 || number < at || (number > at && fault != FULL)) return PASS;
  // A full disk still lets a program delete, rename and synchronise what it has.
  if ((fault == FULL && kind == OTHER) || ((fault == SHORT || fault == TORN) && (kind != WRITES || bytes < 2)))
    return PASS;
  control->fired++;
  switch (fault) {
  case KILL_BEFORE: die(); return PASS;
  case KILL_AFTER: return DIE_AFTER;
  case TORN: return HALF_AND_DIE;
  case SHORT: return HALF;
  case NO_SPACE:
  case FULL: errno = ENOSPC; return FAIL;
  case IO_ERROR: errno = EIO; return FAIL;
  }
  return PASS;
}

// A call that moves no bytes of its own: `real` is the system call.
#define CALL(name, kind, fd, path, real) CALL_FROM("", name, kind, fd, path, real)
#define CALL_FROM(from, name, kind, fd, path, real) \
  do { \
    enum act act = meet(name, kind, fd, path, 0, from); \
    if (act == FAIL) return -1; \
    long result = (real); \
    if (act == DIE_AFTER) die(); \
    return result; \
  } while (0)

// A call that moves `size` bytes: `real` is the system call for `bytes` of them.
#define MOVE(name, fd, size, real) \
  do { \
    enum act act = meet(name, WRITES, fd, NULL, size, ""); \
    if (act == FAIL) return -1; \
    size_t bytes = act == HALF || act == HALF_AND_DIE ? (size) / 2 : (size); \
    ssize_t result = (real); \
    if (act == DIE_AFTER || act == HALF_AND_DIE) die(); \
    return result; \
  } while (0)

ssize_t write(int fd, const void *data, size_t size) {
  MOVE("write", fd, size, syscall(SYS_write, fd, data, bytes));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  MOVE("pwrite", fd, size, syscall(SYS_pwrite64, fd, data, bytes, offset));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }

static size_t total(const struct iovec *parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; i++) size += parts[i].iov_len;
  return size;
}

// writev of the first `bytes` bytes; at a negative offset where the file stands.
static ssize_t gather(int fd, const struct iovec *parts, int count, size_t bytes, off64_t offset) {
  struct iovec cut[IOV_MAX];
  int used = 0;
  for (; used < count && used < IOV_MAX && bytes > 0; used++) {
    cut[used] = parts[used];
    if (cut[used].iov_len > bytes) cut[used].iov_len = bytes;
    bytes -= cut[used].iov_len;
  }
  if (offset < 0) return syscall(SYS_writev, fd, cut, used);
  return syscall(SYS_pwritev, fd, cut, used, (unsigned long)offset, 0UL);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  MOVE("writev", fd, total(parts, count), gather(fd, parts, count, bytes, -1));
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  MOVE("pwritev", fd, total(parts, count), gather(fd, parts, count, bytes, offset));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  return pwritev64(fd, parts, count, offset);
}

ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags) {
  MOVE("copy_file_range", out, size, syscall(SYS_copy_file_range, in, in_at, out, out_at, bytes, flags));
}

ssize_t sendfile64(int out, int in, off64_t *in_at, size_t size) {
  MOVE("sendfile", out, size, syscall(SYS_sendfile, out, in, in_at, bytes));
}

ssize_t sendfile(int out, int in, off_t *in_at, size_t size) { return sendfile64(out, in, (off64_t *)in_at, size); }

int fsync(int fd) { CALL("fsync", OTHER, fd, NULL, syscall(SYS_fsync, fd)); }

int fdatasync(int fd) { CALL("fdatasync", OTHER, fd, NULL, syscall(SYS_fdatasync, fd)); }

int ftruncate64(int fd, off64_t size) { CALL("ftruncate", ALLOCATES, fd, NULL, syscall(SYS_ftruncate, fd, size)); }

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
  CALL("fallocate", ALLOCATES, fd, NULL, syscall(SYS_fallocate, fd, mode, offset, size));
}

int fallocate(int fd, int mode, off_t offset, off_t size) { return fallocate64(fd, mode, offset, size); }

int posix_fallocate64(int fd, off64_t offset, off64_t size) { return fallocate64(fd, 0, offset, size) == 0 ? 0 : errno; }

int posix_fallocate(int fd, off_t offset, off_t size) { return posix_fallocate64(fd, offset, size); }

int fchmod(int fd, mode_t mode) { CALL("chmod", OTHER, fd, NULL, syscall(SYS_fchmod, fd, mode)); }

int chmod(const char *path, mode_t mode) {
  CALL("chmod", OTHER, AT_FDCWD, path, syscall(SYS_fchmodat, AT_FDCWD, path, mode));
}

// A rename or link is counted where its new name is below the directory.
int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
  CALL_FROM(from, "rename", OTHER, to_fd, to, syscall(SYS_renameat2, from_fd, from, to_fd, to, flags));
}

int renameat(int from_fd, const char *from, int to_fd, const char *to) {
  return renameat2(from_fd, from, to_fd, to, 0);
}

int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags) {
  CALL_FROM(from, "link", ALLOCATES, to_fd, to, syscall(SYS_linkat, from_fd, from, to_fd, to, flags));
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int symlinkat(const char *target, int fd, const char *path) {
  CALL("symlink", ALLOCATES, fd, path, syscall(SYS_symlinkat, target, fd, path));
}

int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

int unlinkat(int fd, const char *path, int flags) {
  CALL("unlink", OTHER, fd, path, syscall(SYS_unlinkat, fd, path, flags));
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

// Making a directory that is there changes nothing, and is not counted.
int mkdirat(int fd, const char *path, mode_t mode) {
  if (syscall(SYS_faccessat, fd, path, F_OK) == 0) {
    errno = EEXIST;
    return -1;
  }
  CALL("mkdir", ALLOCATES, fd, path, syscall(SYS_mkdirat, fd, path, mode));
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

static int open_at(int fd, const char *path, int flags, mode_t mode) {
  // Opening a file that is there, and keeping what it holds, changes nothing and is not counted.
  if (!(flags & O_TRUNC) && (!(flags & O_CREAT) || syscall(SYS_faccessat, fd, path, F_OK) == 0))
    return syscall(SYS_openat, fd, path, flags, mode);
  CALL("create", ALLOCATES, fd, path, syscall(SYS_openat, fd, path, flags, mode));
}

#define MODE_OF(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }

int open(const char *path, int flags, ...) {
  MODE_OF(flags)
  return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE_OF(flags)
  return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int fd, const char *path, int flags, ...) {
  MODE_OF(flags)
  return open_at(fd, path, flags, mode);
}

int openat64(int fd, const char *path, int flags, ...) {
  MODE_OF(flags)
  return open_at(fd, path, flags, mode);
}

// The clock of the day; monotonic clocks are left alone, as a real jump leaves them.

static int64_t shift_ns(void) { return control ? control->clock_shift_ns : 0; }

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t ns = now->tv_nsec + shift_ns() % 1000000000;
    now->tv_sec += shift_ns() / 1000000000 + (ns >= 1000000000) - (ns < 0);
    now->tv_nsec = ns - 1000000000 * ((ns >= 1000000000) - (ns < 0));
  }
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec precise;
  if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (result) *result = precise.tv_sec;
  return precise.tv_sec;
}
