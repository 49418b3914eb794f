# record.sh PID DIR: what /proc shows of a process and its descendants.
record() {
	p=/proc/$1 d=$2/$1
	mkdir -p $d/fdinfo $d/task
	for n in $(ls $p/fdinfo); do cat $p/fdinfo/$n >$d/fdinfo/$n; done
	files="comm status stat syscall cgroup attr/current sessionid loginuid oom_score_adj oom_adj personality wchan uid_map gid_map projid_map setgroups children"
	for f in $files limits statm timers timerslack_ns coredump_filter maps; do mkdir -p $(dirname $d/$f); cat $p/$f >$d/$f 2>/dev/null || rm $d/$f; done
	for n in fd ns map_files; do (cd $p/$n && for l in *; do [ -L $l ] && echo "$l -> $(readlink $l)"; done) >$d/$n.txt; done
	for t in $p/task/*; do
		dt=$d/task/${t##*/}; mkdir -p $dt/attr
		for f in $files; do cat $t/$f >$dt/$f 2>/dev/null || rm $dt/$f; done
	done
	for c in $(cat $p/task/*/children); do record $c $2; done
}
record $1 $2
