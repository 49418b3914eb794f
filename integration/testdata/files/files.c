/*
 * files holds an open file of each kind that has lines of its own in
 * /proc/<pid>/fdinfo/, and POSIX timers. gcc -static -O2 -pthread -o files files.c
 *
 * Its one argument is an empty directory to write in. It must be the leader of
 * a session without a terminal, and prints "ready" when all stands.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(call) ({ long r_ = (long)(call); if (r_ == -1) { perror(#call); exit(1); } r_; })

static volatile pid_t worker_tid;

static void *worker(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "line\nend\\)");
	if (fork() == 0) { /* a child of a thread */
		prctl(PR_SET_NAME, "of-thread");
		for (;;)
			pause();
	}
	worker_tid = gettid();
	for (;;)
		pause();
}

static void timer(clockid_t clock, int notify, int signo, void *value, pid_t tid, int flags, long sec)
{
	struct sigevent ev = { .sigev_notify = notify, .sigev_signo = signo, .sigev_value.sival_ptr = value };
	struct itimerspec t = { .it_value = { sec, 5 }, .it_interval = { 7, 9 } };
	timer_t id;
	ev._sigev_un._tid = tid;
	CHECK(timer_create(clock, &ev, &id));
	CHECK(timer_settime(id, flags, &t, NULL));
}

static int child(const char *name)
{
	pid_t pid = CHECK(fork());
	if (pid == 0)
		prctl(PR_SET_NAME, name);
	return pid;
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/tmp";
	CHECK(close_range(3, ~0U, 0));
	CHECK(chdir(dir));
	signal(SIGUSR1, SIG_IGN);

	/* A terminal of its own, which it controls. */
	int ptm = CHECK(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
	CHECK(grantpt(ptm));
	CHECK(unlockpt(ptm));
	int pts = CHECK(open(ptsname(ptm), O_RDWR));
	CHECK(ioctl(pts, TIOCSCTTY, 0));
	CHECK(tcsetpgrp(pts, getpgrp()));

	pthread_t thread;
	pthread_create(&thread, NULL, worker, NULL);
	while (!worker_tid)
		usleep(1000);

	timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, (void *)0x1122334455667788, 0, 0, 100000);
	timer(CLOCK_REALTIME, SIGEV_NONE, 0, NULL, 0, TIMER_ABSTIME, 4000000000);
	timer(CLOCK_BOOTTIME, SIGEV_THREAD_ID, SIGRTMIN + 2, (void *)7, worker_tid, 0, 200000);

	uint64_t seven = 7;
	int event = CHECK(eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
	CHECK(write(event, &seven, sizeof(seven)));

	int pipes[2];
	CHECK(pipe2(pipes, O_NONBLOCK));
	int epoll = CHECK(epoll_create1(EPOLL_CLOEXEC));
	CHECK(epoll_create1(0)); /* one that watches nothing */
	struct epoll_event ev = { EPOLLIN | EPOLLET | EPOLLONESHOT, { .u64 = 0xfedcba9876543210 } };
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &ev));
	ev.events = EPOLLOUT | EPOLLPRI;
	ev.data.u64 = pipes[1];
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[1], &ev));

	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGRTMAX);
	CHECK(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));

	struct itimerspec at = { .it_value = { 4000000000, 123456789 } };
	int fd = CHECK(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL));
	CHECK(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC)); /* unarmed */

	int notify = CHECK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
	CHECK(mkdir("watched", 0755));
	CHECK(inotify_add_watch(notify, ".", IN_CREATE | IN_DELETE));
	CHECK(inotify_add_watch(notify, "watched", IN_ALL_EVENTS | IN_ONLYDIR));
	CHECK(inotify_init1(0)); /* one that watches nothing */

	int fan = CHECK(fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY));
	CHECK(fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD, AT_FDCWD, "watched"));
	CHECK(fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_CLOSE, AT_FDCWD, "watched"));
	CHECK(fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_MODIFY, AT_FDCWD, "."));

	/* Locks: of POSIX on two ranges and to the end, of BSD, of a description. */
	int posix = CHECK(open("posix", O_RDWR | O_CREAT | O_TRUNC, 0600));
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	CHECK(fcntl(posix, F_SETLK, &lock));
	lock.l_type = F_RDLCK, lock.l_start = 100, lock.l_len = 0;
	CHECK(fcntl(posix, F_SETLK, &lock));
	CHECK(lseek(posix, 1L << 40, SEEK_SET));
	CHECK(fcntl(posix, F_DUPFD_CLOEXEC, 40)); /* the same description, with another flag */
	int bsd = CHECK(open("bsd", O_RDONLY | O_CREAT | O_NOATIME | O_SYNC, 0600));
	CHECK(flock(bsd, LOCK_SH));
	int ofd = CHECK(open("ofd", O_RDWR | O_CREAT | O_APPEND, 0600));
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	CHECK(fcntl(ofd, F_OFD_SETLK, &whole));
	CHECK(close(open("lease", O_WRONLY | O_CREAT, 0600)));
	int lease = CHECK(open("lease", O_RDONLY));
	CHECK(fcntl(lease, F_SETLEASE, F_RDLCK));

	CHECK(open("watched", O_RDONLY | O_DIRECTORY));
	CHECK(open("posix", O_PATH | O_NOFOLLOW));
	CHECK(memfd_create("seen", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	CHECK(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, posix, 0) == MAP_FAILED ? -1 : 0);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
	int gone = CHECK(open("gone", O_RDWR | O_CREAT, 0600));
	CHECK(unlink("gone"));
	CHECK(write(gone, "gone", 4));

	if (child("zombie") == 0)
		_exit(3);
	if (child("spinner") == 0)
		for (;;)
			;
	if (child("sleeper") == 0)
		for (;;)
			sleep(100000); /* a call that is restarted by another */
	int stopped = child("stopped");
	if (stopped == 0)
		for (;;)
			raise(SIGSTOP);
	if (child("tables") == 0) { /* locks of POSIX are not inherited, those of descriptions are */
		CHECK(close(posix));
		for (;;)
			pause();
	}
	CHECK(syscall(SYS_pidfd_open, stopped, 0));
	usleep(200000);
	CHECK(write(1, "ready\n", 6));
	for (;;)
		pause();
}
