/*
 * spaces runs in a user namespace with two ranges of ids, and in a PID, mount,
 * network, IPC, UTS and cgroup namespace of its own, with the working directory as its root; a child of
 * it has its own mount and network namespace. gcc -static -O2 -s -o spaces spaces.c
 *
 * It prints its PID, and "ready" a moment before all stands.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(call) ({ long r_ = (long)(call); if (r_ == -1) { perror(#call); exit(1); } r_; })

static void put(const char *name, pid_t pid, const char *text)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	int fd = CHECK(open(path, O_WRONLY));
	CHECK(write(fd, text, strlen(text)));
	close(fd);
}

static int inside(void)
{
	CHECK(write(2, "ready\n", 6));
	CHECK(close_range(0, ~0U, 0)); /* they are of the mount namespace outside */
	CHECK(sethostname("spaces", 6));
	if (CHECK(fork()) == 0) {
		CHECK(unshare(CLONE_NEWNS | CLONE_NEWNET));
		for (;;)
			pause();
	}
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int go[2];
	char byte;
	if (argc > 1)
		return inside();
	CHECK(close_range(3, ~0U, 0));
	CHECK(pipe(go));
	pid_t pid = CHECK(syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | SIGCHLD, 0, 0, 0, 0));
	if (pid) {
		put("uid_map", pid, "0 0 10\n10 100000 500\n");
		put("gid_map", pid, "0 1000 1\n1 0 1\n");
		CHECK(write(go[1], "", 1));
		printf("%d\n", pid);
		return 0;
	}
	CHECK(read(go[0], &byte, 1));
	close(go[0]), close(go[1]);
	CHECK(setsid());
	CHECK(setresgid(0, 0, 0));
	CHECK(setresuid(0, 0, 0));
	CHECK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK(mount(".", ".", NULL, MS_BIND, NULL));
	CHECK(chdir(get_current_dir_name()));
	CHECK(mount("proc", "proc", "proc", 0, NULL));
	CHECK(syscall(SYS_pivot_root, ".", "."));
	CHECK(umount2(".", MNT_DETACH));
	CHECK(chdir("/"));
	CHECK(execl("/spaces", "/spaces", "inside", NULL)); /* so that the memory too is the namespace's */
}
