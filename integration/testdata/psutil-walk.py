"""Reads every process of a procs/ with psutil and prints what it says of each.

What psutil asks the kernel rather than /proc (nice, ionice, affinity, limits)
would be of this machine's processes, and is left out.
"""
import json
import sys

import psutil

psutil.PROCFS_PATH = sys.argv[1]

DEAD = ["name", "ppid", "status", "uids", "gids", "num_threads", "cpu_times", "num_ctx_switches", "create_time", "threads", "terminal"]
ALIVE = DEAD + ["cmdline", "exe", "cwd", "environ", "memory_info", "memory_full_info", "open_files", "num_fds",
                "connections", "io_counters", "cpu_num"]

processes = {}
for pid in psutil.pids():
    p = psutil.Process(pid)
    dead = p.status() == psutil.STATUS_ZOMBIE
    facts = {name: getattr(p, name)() for name in (DEAD if dead else ALIVE)}
    if not dead:
        # Grouped, 70,000 anonymous mappings overflow psutil's stack.
        facts["memory_maps"] = p.memory_maps(grouped=False)
    facts["children"] = [c.pid for c in p.children()]
    processes[pid] = facts

psutil.virtual_memory()
psutil.cpu_times()
psutil.boot_time()
psutil.net_io_counters(pernic=True)
connections = [[str(c.laddr), str(c.raddr), c.status, c.pid] for c in psutil.net_connections("all")]
json.dump({"processes": processes, "connections": connections}, sys.stdout)
