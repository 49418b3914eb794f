/* What no longer has a name, or never had one: deleted files of every type, bytes on their way. Two processes hold all of it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

static long x(const char *what, long result) {
  if (result < 0) { perror(what); exit(1); }
  return result;
}
#define X(e) x(#e, (long)(e))
static void put(int fd, off_t off, const char *s) { X(pwrite(fd, s, strlen(s), off)); }

/* A message with a descriptor in it. */
static void sendfd(int sock, const char *s, int fd) {
  char control[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec iov = {(void *)s, strlen(s)};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_RIGHTS; c->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  X(sendmsg(sock, &m, 0));
}

int main(void) {
  umask(022);
  X(chdir("/ghosts"));
  int null = X(open("/dev/null", O_RDWR));
  for (int i = 0; i < 3; i++) X(dup2(null, i));
  if (null > 2) close(null);

  /* 3: holes at the start, in the midst and at the end */
  int sparse = X(open("sparse", O_RDWR | O_CREAT, 0640));
  X(ftruncate(sparse, 1 << 20)); put(sparse, 8192, "SPARSE-FIRST"); put(sparse, 300000, "SPARSE-SECOND"); X(unlink("sparse"));
  /* 4: owner, mode and times */
  int owned = X(open("owned \n\xff", O_RDWR | O_CREAT, 0600));
  put(owned, 0, "OWNED"); X(fchown(owned, 1234, 2345)); X(fchmod(owned, 04751)); X(unlink("owned \n\xff"));
  struct timespec times[2] = {{1111111111, 250000000}, {1222222222, 500000000}}; X(futimens(owned, times));
  /* 5: has another name, which nobody here knows */
  int linked = X(open("linked", O_RDWR | O_CREAT, 0644)); put(linked, 0, "LINKED-FILE"); X(link("linked", "other-name")); X(unlink("linked"));
  /* 6 to 8: no bytes */
  X(symlink("/etc/passwd", "symlink")); X(open("symlink", O_PATH | O_NOFOLLOW)); X(unlink("symlink"));
  X(mknod("device", S_IFCHR | 0666, makedev(1, 3))); X(open("device", O_RDWR)); X(unlink("device"));
  X(mkdir("directory", 0711)); X(open("directory", O_RDONLY | O_DIRECTORY));
  /* 9: a FIFO with a name; 10: one without */
  X(mkfifo("fifo", 0600)); int fifo = X(open("fifo", O_RDWR)); X(write(fifo, "FIFO-BYTES", 10));
  X(mkfifo("gone", 0600)); int gone = X(open("gone", O_RDWR)); X(write(gone, "GONE-FIFO-BYTES", 15)); X(unlink("gone"));
  /* 11, 12: a full pipe; 13, 14: an empty one */
  int p[2]; X(pipe(p)); X(fcntl(p[0], F_SETPIPE_SZ, 4096)); char page[4096]; memset(page, 'p', sizeof page); X(write(p[1], page, sizeof page));
  X(pipe(p));
  /* 15, 16: datagrams; 17, 18: packets; 19, 20: a stream, whose descriptor is all that is left of a file */
  int s[2]; X(socketpair(AF_UNIX, SOCK_DGRAM, 0, s)); X(write(s[0], "DATAGRAM-1", 10)); X(write(s[0], "DATAGRAM-22", 11)); X(write(s[0], "DATAGRAM-1", 10));
  X(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s)); X(write(s[1], "SEQPACKET-1", 11)); X(write(s[1], "SEQPACKET-2", 11));
  X(socketpair(AF_UNIX, SOCK_STREAM, 0, s)); X(write(s[0], "STREAM-", 7));
  int flying = X(open("flying", O_RDWR | O_CREAT, 0600)); put(flying, 0, "IN-FLIGHT"); X(unlink("flying"));
  sendfd(s[0], "WITH-DESCRIPTOR", flying); close(flying); X(write(s[0], "-END", 4));
  /* 21, 22: master and slave of a terminal */
  int master, slave; struct termios raw; memset(&raw, 0, sizeof raw); cfmakeraw(&raw);
  X(openpty(&master, &slave, NULL, &raw, NULL)); X(write(slave, "TO-MASTER", 9)); X(write(master, "TO-SLAVE", 8));
  /* 23: memory files: sealed, with holes; 24: not touched at all */
  int sealed = X(memfd_create("sealed/../name", MFD_ALLOW_SEALING)); X(ftruncate(sealed, 40 * 1024 + 100));
  put(sealed, 4096, "MEMFD-PAGE-1"); put(sealed, 40 * 1024, "MEMFD-TAIL"); X(fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
  int zeros = X(memfd_create("zeros", 0)); X(ftruncate(zeros, 10000));
  /* 25: listens; 26, 27: bytes nobody read, and more that do not fit */
  int l = X(socket(AF_INET, SOCK_STREAM, 0)); struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a; X(bind(l, (void *)&a, len)); X(listen(l, 1)); X(getsockname(l, (void *)&a, &len));
  int small = 2304; X(setsockopt(l, SOL_SOCKET, SO_RCVBUF, &small, sizeof small));
  int c = X(socket(AF_INET, SOCK_STREAM, 0)); X(connect(c, (void *)&a, sizeof a)); int acc = X(accept(l, NULL, NULL));
  char much[60000]; for (unsigned i = 0; i < sizeof much; i++) much[i] = "0123456789abcdef"[i / 16 % 16];
  X(fcntl(c, F_SETFL, O_NONBLOCK)); X(send(c, much, sizeof much, 0)); X(write(acc, "TCP-UNREAD", 10));
  /* mapped and nothing else */
  char *anon = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); strcpy(anon + 3 * 4096, "SHARED-ANON");
  int id = X(shmget(0x4711, 3 * 4096 + 1, IPC_CREAT | 0640)); char *shm = shmat(id, NULL, 0); strcpy(shm + 4096, "SYSV-SHM");
  X(shmget(0x4712, 4096, IPC_CREAT | 0600)); /* mapped by nobody */
  int q = X(msgget(0x4713, IPC_CREAT | 0600)); struct { long type; char text[16]; } m = {7, "MESSAGE-ONE"}; X(msgsnd(q, &m, 11, 0));
  m.type = 1L << 40; strcpy(m.text, "MESSAGE-2"); X(msgsnd(q, &m, 9, 0));
  /* a working directory that is gone */
  X(chdir("directory")); X(rmdir("/ghosts/directory"));
  X(fork());
  for (;;) pause();
}
