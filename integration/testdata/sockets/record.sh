#!/bin/bash
# Makes sockets.tar.zst and truth.tar.zst: runs sockets.c in a network
# namespace of its own, records what /proc and ip show of it, and dumps it.
# To be run as root, with criu, iproute2, gcc and zstd in PATH.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=/tmp/sockets
rm -rf $work && mkdir -p $work/img $work/truth
gcc -O1 -static -o $work/sockets "$here/sockets.c"

unshare -n bash -euc '
ip link set lo up
sysctl -qw net.ipv4.ping_group_range="0 2147483647"
ip link add front address 02:00:00:00:00:01 type veth peer name back address 02:00:00:00:00:02
ip link set front up mtu 1400
ip link set back up
ip addr add 192.0.2.1/24 brd + dev front
ip addr add 192.0.2.9/32 dev front label front:x
ip addr add 203.0.113.1 peer 203.0.113.2/32 dev back
ip -6 addr add 2001:db8::1/64 dev front nodad
ip -6 addr add 2001:db8::77/64 dev front nodad valid_lft 9000 preferred_lft 0
ip route add default via 192.0.2.254 dev front
ip route add 198.51.100.0/24 via 192.0.2.253 src 192.0.2.1 metric 50 mtu 1300 advmss 1200
ip route add blackhole 198.18.0.0/15
ip route add unreachable 198.51.103.0/24
ip route add 198.51.101.0/24 nexthop via 192.0.2.250 weight 2 nexthop via 192.0.2.251 dev front
ip route add 198.51.102.7 via 10.9.9.9 dev back onlink proto static
ip route add 198.51.104.0/24 via inet6 fe80::9 dev back
ip -6 route add default via 2001:db8::ff dev front
ip -6 route add unreachable 2001:db8:dead::/48
ip -6 route add 2001:db8:1::/48 via fe80::1 dev front metric 77 pref high
ip rule add from 192.0.2.0/24 lookup 100 pref 1000
ip rule add fwmark 0x1/0xff iif front to 198.51.100.0/24 lookup main pref 1001
ip rule add from 192.0.2.66 blackhole pref 1002
ip rule add not from all fwmark 0x7 uidrange 10-20 lookup 7 pref 1003
ip rule add from all goto 32766 pref 1004
sleep 4 # until no address is tentative and no link changes: CRIU refuses a netlink socket with a message in it
cd /
exec setsid /tmp/sockets/sockets </dev/null >/dev/null 2>&1
' 251>&- &
sleep 6
first=$(pgrep -o -x sockets)
[ "$(pgrep -c -x sockets)" = 3 ]

record() { # the network namespace of a process, into a folder
	mkdir -p "$2"
	for name in tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 unix netlink packet dev route if_inet6; do
		cat "/proc/$1/net/$name" >"$2/$name"
	done
	nsenter -t "$1" -n ip addr show >"$2/ip-addr"
	nsenter -t "$1" -n ip route show >"$2/ip-route"
	nsenter -t "$1" -n ip -6 route show >"$2/ip-route6"
	nsenter -t "$1" -n ip rule show >"$2/ip-rule"
}
record "$first" $work/truth/net
record "$(pgrep -n -x sockets)" $work/truth/net2
for pid in $(pgrep -x sockets); do
	mkdir -p "$work/truth/$pid"
	for fd in $(ls "/proc/$pid/fd" | sort -n); do
		echo "$fd -> $(readlink "/proc/$pid/fd/$fd")"
	done >"$work/truth/$pid/fd.txt"
done

criu dump -t "$first" -D $work/img --tcp-established -o dump.log
rm $work/img/dump.log
pack() {
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=u=rwX,go=rX --format=posix \
		--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime,delete=mtime -C "$1" -cf - . | zstd -19 -q
}
pack $work/img >"$here/sockets.tar.zst"
pack $work/truth >"$here/truth.tar.zst"
rm -rf $work
