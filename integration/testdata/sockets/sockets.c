// sockets.c: one process with a socket of every kind that CRIU can dump, and
// a child of it in a network namespace of its own. Build: gcc -O1 -static.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TRY(call) ({ int r_ = (call); if (r_ < 0) { perror(#call); exit(1); } r_; })

static void set(int s, int level, int name, int value) { TRY(setsockopt(s, level, name, &value, sizeof value)); }

static struct sockaddr_in in4(const char *a, int port) {
	struct sockaddr_in s = {.sin_family = AF_INET, .sin_port = htons(port)};
	inet_pton(AF_INET, a, &s.sin_addr);
	return s;
}

static struct sockaddr_in6 in6(const char *a, int port) {
	struct sockaddr_in6 s = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	inet_pton(AF_INET6, a, &s.sin6_addr);
	return s;
}

static int bound4(int type, int proto, const char *a, int port) {
	int s = TRY(socket(AF_INET, type, proto));
	struct sockaddr_in sa = in4(a, port);
	if (type == SOCK_STREAM) set(s, SOL_SOCKET, SO_REUSEADDR, 1);
	TRY(bind(s, (void *)&sa, sizeof sa));
	return s;
}

static int bound6(int type, int proto, const char *a, int port, int only) {
	int s = TRY(socket(AF_INET6, type, proto));
	struct sockaddr_in6 sa = in6(a, port);
	if (type != SOCK_RAW) set(s, IPPROTO_IPV6, IPV6_V6ONLY, only);
	TRY(bind(s, (void *)&sa, sizeof sa));
	return s;
}

static void to4(int s, const char *a, int port) {
	struct sockaddr_in sa = in4(a, port);
	TRY(connect(s, (void *)&sa, sizeof sa));
}

static void to6(int s, const char *a, int port) {
	struct sockaddr_in6 sa = in6(a, port);
	TRY(connect(s, (void *)&sa, sizeof sa));
}

static int named(int type, const char *name, size_t n) {
	int s = TRY(socket(AF_UNIX, type, 0));
	struct sockaddr_un u = {.sun_family = AF_UNIX};
	memcpy(u.sun_path, name, n);
	TRY(bind(s, (void *)&u, offsetof(struct sockaddr_un, sun_path) + n));
	return s;
}

static void to(int s, const char *name, size_t n) {
	struct sockaddr_un u = {.sun_family = AF_UNIX};
	memcpy(u.sun_path, name, n);
	TRY(connect(s, (void *)&u, offsetof(struct sockaddr_un, sun_path) + n));
}

#define NAMED(type, name) named(type, name, sizeof name)
#define ABSTRACT(type, name) named(type, name, sizeof name - 1)

static void filter(int s) {
	struct sock_filter code[] = {{0x28, 0, 0, 12}, {0x15, 0, 1, 0x800}, {0x6, 0, 0, 0x40000}, {0x6, 0, 0, 0}};
	struct sock_fprog p = {4, code};
	TRY(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p));
}

int main(void) {
	// TCP: both queues filled, half closed, bound to a device, by IPv6, and IPv4 in IPv6.
	int l = bound4(SOCK_STREAM, 0, "0.0.0.0", 8080);
	TRY(listen(l, 5));
	int c = TRY(socket(AF_INET, SOCK_STREAM, 0));
	to4(c, "127.0.0.1", 8080);
	int a = TRY(accept(l, 0, 0));
	TRY(write(c, "to the server", 13));
	TRY(write(a, "to the client, and more", 23));
	set(c, IPPROTO_TCP, TCP_NODELAY, 1);
	set(c, SOL_SOCKET, SO_KEEPALIVE, 1);
	int half = bound4(SOCK_STREAM, 0, "127.0.0.1", 4001);
	to4(half, "127.0.0.1", 8080);
	TRY(accept(l, 0, 0));
	TRY(shutdown(half, SHUT_WR));
	int dev = bound4(SOCK_STREAM, 0, "192.0.2.1", 8443);
	TRY(setsockopt(dev, SOL_SOCKET, SO_BINDTODEVICE, "front", 5));
	set(dev, SOL_SOCKET, SO_MARK, 0x1234);
	set(dev, SOL_SOCKET, SO_REUSEPORT, 1);
	TRY(listen(dev, 9));
	int l6 = bound6(SOCK_STREAM, 0, "::", 8081, 0);
	TRY(listen(l6, 7));
	int c6 = TRY(socket(AF_INET6, SOCK_STREAM, 0));
	to6(c6, "::1", 8081);
	TRY(accept(l6, 0, 0));
	int mapped = TRY(socket(AF_INET6, SOCK_STREAM, 0));
	to6(mapped, "::ffff:127.0.0.1", 8081);
	TRY(accept(l6, 0, 0));
	TRY(socket(AF_INET, SOCK_STREAM, 0)); // nowhere bound: not in /proc/net/tcp

	// UDP, raw, ping.
	int u = bound4(SOCK_DGRAM, 0, "127.0.0.1", 5353);
	to4(bound4(SOCK_DGRAM, 0, "127.0.0.1", 5354), "127.0.0.1", 5353);
	(void)u;
	to6(bound6(SOCK_DGRAM, 0, "2001:db8::1", 5355, 1), "2001:db8::2", 53);
	bound6(SOCK_DGRAM, 0, "::", 5356, 0);
	TRY(socket(AF_INET, SOCK_DGRAM, 0)); // nowhere bound
	int lite = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE); // gone in Linux 7
	if (lite >= 0) {
		struct sockaddr_in sa = in4("127.0.0.1", 5400);
		TRY(bind(lite, (void *)&sa, sizeof sa));
	}
	int raw = TRY(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	filter(raw);
	to4(bound4(SOCK_RAW, 89, "192.0.2.1", 0), "192.0.2.2", 0);
	TRY(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	bound4(SOCK_DGRAM, IPPROTO_ICMP, "127.0.0.1", 77);
	bound6(SOCK_DGRAM, IPPROTO_ICMPV6, "::1", 78, 0);

	// Packet and netlink.
	int p = TRY(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = if_nametoindex("front")};
	filter(p);
	TRY(bind(p, (void *)&ll, sizeof ll));
	TRY(socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ARP)));
	int n = TRY(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = 4242, .nl_groups = 0x11};
	TRY(bind(n, (void *)&nl, sizeof nl));
	int g = TRY(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT));
	nl.nl_groups = 0; // or it would soon have a message, and CRIU refuses that
	TRY(bind(g, (void *)&nl, sizeof nl));
	TRY(socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC)); // nowhere bound

	// UNIX: in all types and with all kinds of names.
	int ul = NAMED(SOCK_STREAM, "/tmp/sockets/listen sock");
	TRY(listen(ul, 3));
	int uc = TRY(socket(AF_UNIX, SOCK_STREAM, 0));
	to(uc, "/tmp/sockets/listen sock", 25);
	TRY(accept(ul, 0, 0));
	int waiting = TRY(socket(AF_UNIX, SOCK_STREAM, 0));
	to(waiting, "/tmp/sockets/listen sock", 25); // nobody accepts it
	int un = ABSTRACT(SOCK_STREAM, "\0abstract\0with\0nul");
	TRY(listen(un, 1));
	int d = NAMED(SOCK_DGRAM, "/tmp/sockets/line\nend");
	int dc = TRY(socket(AF_UNIX, SOCK_DGRAM, 0));
	to(dc, "/tmp/sockets/line\nend", 22);
	TRY(write(dc, "datagram", 8));
	(void)d;
	NAMED(SOCK_DGRAM, "/tmp/sockets/gone");
	TRY(unlink("/tmp/sockets/gone"));
	int pair[2];
	TRY(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	TRY(write(pair[0], "in flight", 9));
	TRY(socket(AF_UNIX, SOCK_DGRAM, 0)); // without a name
	int automatic = TRY(socket(AF_UNIX, SOCK_DGRAM, 0));
	struct sockaddr_un none = {.sun_family = AF_UNIX};
	TRY(bind(automatic, (void *)&none, sizeof none.sun_family));

	TRY(setegid(1000));
	TRY(seteuid(1000));
	bound4(SOCK_DGRAM, 0, "127.0.0.1", 5999); // another user's
	TRY(seteuid(0));
	TRY(setegid(0));

	if (TRY(fork()) == 0) { // shares all of the above
		for (;;) pause();
	}
	if (TRY(fork()) == 0) {
		for (int fd = 3; fd < 100; fd++) close(fd);
		TRY(unshare(CLONE_NEWNET));
		int up = TRY(socket(AF_INET, SOCK_DGRAM, 0));
		struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
		TRY(ioctl(up, SIOCSIFFLAGS, &r));
		close(up);
		TRY(listen(bound4(SOCK_STREAM, 0, "127.0.0.1", 9090), 1));
		for (;;) pause();
	}
	for (;;) pause();
}
