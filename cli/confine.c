#include "cli/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* ---- Landlock [Documentation/userspace-api/landlock.rst] ---- */

/* What a file of the inputs may be asked for. */
#define READ_FILES   LANDLOCK_ACCESS_FS_READ_FILE
#define READ_FOLDERS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* Rights that came with later versions; the headers at hand need not know them. */
#define ACCESS_FS_FIRST	   ((1ULL << 13) - 1)
#define ACCESS_FS_REFER	   (1ULL << 13)
#define ACCESS_FS_TRUNCATE (1ULL << 14)

static uint64_t rights_of(long version)
{
	return ACCESS_FS_FIRST | (version >= 2 ? ACCESS_FS_REFER : 0) |
	       (version >= 3 ? ACCESS_FS_TRUNCATE : 0);
}

static enum xp_rc allow(int ruleset, const char *path, struct xp_err *err)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = READ_FILES};
	AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return XP_OK;
	if (S_ISDIR(st.st_mode))
		rule.allowed_access = READ_FOLDERS;
	rule.parent_fd = fd;
	/* EBADFD: a pipe, which is nowhere in the tree of files, and which Landlock leaves alone */
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0 &&
	    errno != EBADFD)
		return xp_fail_errno(err, XP_E_IO, "%s: Landlock", path);
	return XP_OK;
}

static enum xp_rc use_landlock(bool *done, const char *const *inputs, struct xp_err *err)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = {.handled_access_fs = rights_of(version)};
	AUTO_FD int ruleset = -1;

	*done = false;
	if (version < 1)
		return XP_OK;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return xp_fail_errno(err, XP_E_IO, "Landlock");
	for (; *inputs; inputs++)
		TRY(allow(ruleset, *inputs, err));
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		return xp_fail_errno(err, XP_E_IO, "Landlock");
	*done = true;
	return XP_OK;
}

/* ---- seccomp ---- */

#ifdef ARCH

#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARG(n)	LOAD(args[n]) /* the low half: both machines are little endian */
#define PASS		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(e)	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (e))
#define IS(v, yes, no)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (v), (yes), (no))
#define HAS(v, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (uint32_t)(v), (yes), (no))
/* A call that may be made whatever its arguments are. */
#define CALL(name) IS(SYS_##name, 0, 1), PASS

#define WRITE_FLAGS (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

/*
 * What reading files, hashing and printing takes. Nothing else: no network, no other process, no
 * new program, nothing opened for writing. Memory never becomes executable.
 */
static const struct sock_filter filter_head[] = {
	LOAD(arch),
	IS(ARCH, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
};

/* What speaking to a server takes besides: no other kind of socket, and nobody is listened for. */
static const struct sock_filter filter_net[] = {
	CALL(connect),
	CALL(bind),
	CALL(sendto),
	CALL(sendmsg),
	CALL(sendmmsg),
	CALL(recvfrom),
	CALL(recvmsg),
	CALL(getsockname),
	CALL(getpeername),
	CALL(getsockopt),
	CALL(setsockopt),
	CALL(shutdown),
	CALL(ppoll),
	CALL(uname),
	CALL(clock_nanosleep),
	CALL(nanosleep),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
#ifdef SYS_poll
	CALL(poll),
#endif
	/* socket(family): the names of the local host's addresses come by netlink */
	IS(SYS_socket, 0, 6),
	LOAD_ARG(0),
	IS(AF_INET, 2, 0),
	IS(AF_INET6, 1, 0),
	IS(AF_NETLINK, 0, 1),
	PASS,
	REFUSE(EPERM),
	/* ioctl(fd, what): how much has come; what else there is, is told below */
	IS(SYS_ioctl, 0, 4),
	LOAD_ARG(1),
	IS(FIONREAD, 0, 1),
	PASS,
	LOAD(nr),
};

static const struct sock_filter filter_tail[] = {
	CALL(read),
	CALL(readv),
	CALL(pread64),
	CALL(write),
	CALL(writev),
	CALL(close),
	CALL(lseek),
	CALL(fstat),
	CALL(newfstatat),
	CALL(statx),
	CALL(faccessat),
	CALL(getdents64),
	CALL(fadvise64),
	CALL(munmap),
	CALL(mremap),
	CALL(brk),
	CALL(madvise),
	CALL(futex),
	CALL(sched_yield),
	CALL(sched_getaffinity),
	CALL(set_robust_list),
	CALL(rseq),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(restart_syscall),
	CALL(clock_gettime),
	CALL(gettimeofday),
	CALL(getrandom),
	CALL(getpid),
	CALL(gettid),
	CALL(exit),
	CALL(exit_group),
#ifdef SYS_stat
	CALL(stat),
	CALL(lstat),
	CALL(access),
	CALL(time),
#endif
	/* openat(dir, path, flags): to read */
	IS(SYS_openat, 0, 4),
	LOAD_ARG(2),
	HAS(WRITE_FLAGS, 0, 1),
	REFUSE(EPERM),
	PASS,
#ifdef SYS_open
	IS(SYS_open, 0, 4),
	LOAD_ARG(1),
	HAS(WRITE_FLAGS, 0, 1),
	REFUSE(EPERM),
	PASS,
#endif
	/* mmap and mprotect(addr, len, prot): never to execute */
	IS(SYS_mmap, 1, 0),
	IS(SYS_mprotect, 0, 4),
	LOAD_ARG(2),
	HAS(PROT_EXEC, 0, 1),
	REFUSE(EPERM),
	PASS,
	/* clone(flags): threads; clone3 hides its flags, and the C library then takes clone */
	IS(SYS_clone, 0, 4),
	LOAD_ARG(0),
	HAS(CLONE_THREAD, 1, 0),
	REFUSE(EPERM),
	PASS,
	IS(SYS_clone3, 0, 1),
	REFUSE(ENOSYS),
	/* ioctl(fd, what): is it a terminal, and how wide */
	IS(SYS_ioctl, 0, 5),
	LOAD_ARG(1),
	IS(TCGETS, 1, 0),
	IS(TIOCGWINSZ, 0, 1),
	PASS,
	REFUSE(EPERM),
	/* fcntl(fd, what): what it is */
	IS(SYS_fcntl, 0, 5),
	LOAD_ARG(1),
	IS(F_GETFL, 1, 0),
	IS(F_GETFD, 0, 1),
	PASS,
	REFUSE(EPERM),
	REFUSE(EPERM),
};

static enum xp_rc use_seccomp(bool *done, bool net, struct xp_err *err)
{
	/* the kernel's struct knows no const */
	struct sock_filter copy[XP_ARRAY_LEN(filter_head) + XP_ARRAY_LEN(filter_net) +
				XP_ARRAY_LEN(filter_tail)];
	struct sock_fprog program = {.len = XP_ARRAY_LEN(filter_head), .filter = copy};

	memcpy(copy, filter_head, sizeof(filter_head));
	if (net) {
		memcpy(copy + program.len, filter_net, sizeof(filter_net));
		program.len += XP_ARRAY_LEN(filter_net);
	}
	memcpy(copy + program.len, filter_tail, sizeof(filter_tail));
	program.len += XP_ARRAY_LEN(filter_tail);
	*done = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
			&program) == 0;
	if (!*done && errno != ENOSYS && errno != EINVAL)
		return xp_fail_errno(err, XP_E_IO, "seccomp");
	return XP_OK;
}

#else

static enum xp_rc use_seccomp(bool *done, bool net, struct xp_err *err)
{
	(void)net;
	(void)err;
	*done = false;
	return XP_OK;
}

#endif

static enum xp_rc confine(struct xp_confined *out, const char *const *inputs, bool net,
			  struct xp_err *err)
{
	*out = (struct xp_confined){0};
#ifdef __SANITIZE_ADDRESS__
	/* its run-time makes calls of its own */
	(void)use_landlock;
	(void)use_seccomp;
	(void)inputs;
	(void)net;
	(void)err;
	return XP_OK;
#else
	/* else the first object is seeded from the time: /dev/urandom cannot be opened any more */
	json_object_seed(0);
	/* its settings, and the providers that they name, cannot be read later */
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return xp_fail_errno(err, XP_E_IO, "no_new_privs");
	TRY(use_landlock(&out->by_landlock, inputs, err));
	return use_seccomp(&out->by_seccomp, net, err);
#endif
}

enum xp_rc xp_confine(struct xp_confined *out, const char *const *inputs, struct xp_err *err)
{
	return confine(out, inputs, false, err);
}

enum xp_rc xp_confine_net(struct xp_confined *out, const char *const *inputs, struct xp_err *err)
{
	return confine(out, inputs, true, err);
}
