#!/usr/bin/env python3
"""Holds `postern ports` against nmap, masscan and rustscan, side by side, on the same paths between namespaces.

    cargo build --release && sudo benches/ports/compare.py [--runs 5] [--paths drop,loss-5] [--tools postern-syn,nmap-fast]

Every run is scored against the truth: of 65,535 ports those listen that the lab says. What a tool missed, what it invented,
its wall time, its CPU time, its memory and the packets that left are printed as a table, medians of the runs; each round
runs every tool once, so that a busy machine is busy for all. The firewalls are those of `tests/ports/`.
It needs root, ip, nft, tc, GNU time and python3-yaml; a tool that is not there is left out, aloud.
Packets go to namespaces that it makes, and nowhere else.
"""

import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
LABS = ROOT / "tests/ports"
FOUR, SIX = "198.51.100.10", "2001:db8:2::10"
GIVE_UP = 150

# What a path is: a lab's rules, how many ports listen, and what is laid beside them.
# The tests' labs are small and slow; where a path is to be wider here, some words of its file are others.
PATHS = {
    "none": ("no-firewall", 20, {}),
    "drop": ("drop", 20, {}),
    "loss-1": ("loss-1-percent", 500, {}),
    "loss-5": ("loss-5-percent", 500, {}),
    "resets-limited": ("resets-limited", 20, {}),
    "errors-limited": ("errors-limited", 20, {}),
    "bottleneck": (
        "bottleneck",
        20,
        {"rate 1600kbit burst 800": "rate 16mbit burst 4000", "limit 10000": "limit 100000", "limit 50\n": "limit 500\n"},
    ),
    "ban": ("ban", 20, {"timeout 3s": "timeout 10s", "over 1000/second": "over 2000/second"}),
    "syn-proxy": ("syn-proxy", 20, {}),
}

# A server has some of those that servers have; every tool asks these first. The others are anywhere.
COMMON = [22, 25, 80, 110, 143, 443, 587, 993, 3306, 3389]

LISTEN = r"""
import selectors, socket, sys
doors = selectors.DefaultSelector()
for port in sys.argv[2:]:
    door = socket.create_server((sys.argv[1], int(port)), backlog=4096,
        family=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
    door.setblocking(False)
    doors.register(door, selectors.EVENT_READ)
print('listening', flush=True)
while True:
    for key, _ in doors.select():
        try:
            key.fileobj.accept()[0].close()
        except OSError:
            pass
"""


def sh(script, inside=None):
    words = ["sh", "-euc", script]
    if inside:
        words = ["ip", "netns", "exec", inside, *words]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


class Lab:
    """scanner (192.0.2.1) - router (192.0.2.2, 198.51.100.1) - server (198.51.100.10), while it runs."""

    def __init__(self, path, address):
        name, count, words = PATHS[path]
        text = (LABS / f"{name}.yaml").read_text()
        for word, other in words.items():
            if word not in text:
                raise SystemExit(f"{name}.yaml no longer says `{word}`")
            text = text.replace(word, other)
        lab = yaml.safe_load(text)
        others = [port for port in range(1, 65536) if port not in COMMON]
        self.open = sorted(COMMON + random.Random(count).sample(others, count - len(COMMON)))
        self.names = [f"pb{os.getpid()}-{role}" for role in "crs"]
        self.server = None
        scanner, router, server = self.names
        for name in self.names:
            sh(f"ip netns add {name}")
        sh(
            f"""ip link set lo up
            ip link add wire type veth peer name outer netns {router}
            ip addr add 192.0.2.1/24 dev wire
            ip addr add 2001:db8:1::1/64 dev wire nodad
            ip link set wire up""",
            scanner,
        )
        sh(
            f"""ip link set lo up
            ip link add far type veth peer name near netns {server}
            ip addr add 192.0.2.2/24 dev outer
            ip addr add 2001:db8:1::2/64 dev outer nodad
            ip addr add 198.51.100.1/24 dev far
            ip addr add 2001:db8:2::1/64 dev far nodad
            ip link set outer up
            ip link set far up
            sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 \
                net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_msgs_per_sec=1000000 || true""",
            router,
        )
        sh(
            """ip link set lo up
            ip addr add 198.51.100.10/24 dev near
            ip addr add 2001:db8:2::10/64 dev near nodad
            ip link set near up
            ip route add default via 198.51.100.1
            ip -6 route add default via 2001:db8:2::1
            sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=8192 || true""",
            server,
        )
        sh("ip route add default via 192.0.2.2; ip -6 route add default via 2001:db8:1::2", scanner)
        self.server = subprocess.Popen(
            ["ip", "netns", "exec", server, "sh", "-c", 'ulimit -n 8192; exec "$@"', "-", "/usr/bin/python3", "-c", LISTEN]
            + [address, *map(str, self.open)],
            stdout=subprocess.PIPE,
        )
        self.server.stdout.readline()
        if lab.get("prepare"):
            sh(lab["prepare"], router)
        doors = ", ".join(map(str, self.open))
        table = "table inet lab {{ chain it {{ type filter hook {} priority 0;\n{}\n}}\n}}\n"
        rules = lab.get("router", "") + "\n" + table.format("forward", lab.get("forward", ""))
        self.rules(router, rules.replace("{open}", doors))
        hears = table.format("input", lab.get("hears", "")).replace("inet lab", "inet hears")
        self.rules(server, (table.format("output", lab.get("answers", "")) + hears).replace("{open}", doors))

    def rules(self, inside, rules):
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            file.write(rules)
            file.flush()
            sh(f"nft -f {file.name}", inside)

    def sent(self):
        return int(sh("cat /sys/class/net/wire/statistics/tx_packets", self.names[0]))

    def mac(self):
        return sh("cat /sys/class/net/outer/address", self.names[1]).strip()

    def end(self):
        if self.server:
            self.server.kill()
            self.server.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)


def postern(way, pace=100_000):
    def words(lab, address):
        program = os.environ.get("POSTERN", str(ROOT / "target/release/postern"))
        return [program, "ports", address, "-p", "all", "--sweep", way, "--pace", f"{pace}/s"] + [
            "--format", "jsonl", "--quiet", "--authorised-by", "the lab"]  # fmt: skip

    def read(text):
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        found = {line["port"] for line in lines if line.get("state") == "open"}
        hosts = [line["summary"]["hosts"] for line in lines if "summary" in line]
        warnings = hosts[-1][0].get("sweep", {}).get("warnings", []) if hosts and hosts[-1] else ["no summary"]
        return found, "; ".join(warnings)

    return "postern", words, read


def nmap(*options):
    def words(lab, address):
        family = ["-6"] if ":" in address else []
        return ["nmap", "-n", "-Pn", *family, *options, "-p1-65535", "-oG", "-", address]

    def read(text):
        return {int(port) for port in re.findall(r"[ ,](\d+)/open/", text)}, ""

    return "nmap", words, read


def masscan(rate):
    def words(lab, address):
        family = ["--source-ip", "2001:db8:1::1"] if ":" in address else []
        return ["masscan", address, "-p1-65535", "--rate", str(rate), "-e", "wire", "--router-mac", lab.mac()] + [
            *family, "--wait", "3", "-oL", "-"]  # fmt: skip

    def read(text):
        return {int(port) for port in re.findall(r"^open tcp (\d+) ", text, re.M)}, ""

    return "masscan", words, read


def rustscan(batch):
    def words(lab, address):
        program = os.environ.get("RUSTSCAN", "rustscan")
        return [program, "-a", address, "-r", "1-65535", "-b", str(batch), "--ulimit", str(batch + 500), "-g"] + [
            "--no-banner", "--scripts", "none"]  # fmt: skip

    def read(text):
        told = re.search(r"\[([\d,]*)\]", text)
        return {int(port) for port in told[1].split(",") if port} if told else set(), ""

    return "rustscan", words, read


TOOLS = {
    "postern-syn": postern("syn"),
    "postern-syn-unbound": postern("syn", 1_000_000),
    "postern-connect": postern("connect"),
    "nmap": nmap("-sS", "-T4"),
    "nmap-fast": nmap("-sS", "-T4", "--min-rate", "5000"),
    "masscan": masscan(100_000),
    "rustscan": rustscan(4500),
    "rustscan-15000": rustscan(15000),
}


def run(tool, lab, address):
    _, words, read = TOOLS[tool]
    # What a firewall remembers of the run before is no concern of this one.
    subprocess.run(["ip", "netns", "exec", lab.names[1], "conntrack", "-F"], check=False, capture_output=True)
    before = lab.sent()
    with tempfile.NamedTemporaryFile() as figures, tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        command = ["ip", "netns", "exec", lab.names[0], "timeout", "-s", "KILL", str(GIVE_UP)]
        command += ["/usr/bin/time", "-q", "-o", figures.name, "-f", "%e %U %S %M", *words(lab, address)]
        begun = time.monotonic()
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False)
        wall = time.monotonic() - begun
        out.seek(0)
        err.seek(0)
        found, says = read(out.read())
        told = Path(figures.name).read_text().split()
        numbers = [float(word) for word in told[-4:]] if len(told) >= 4 else [wall, 0.0, 0.0, 0.0]
        if len(told) < 4:
            says = f"ended after {GIVE_UP} s; {says}"
        if not found and not says:
            says = err.read()[-200:].strip().replace("\n", " ")
    truth = set(lab.open)
    return {
        "tool": tool,
        "wall": wall,
        "cpu": numbers[1] + numbers[2],
        "memory": numbers[3] / 1024,
        "sent": lab.sent() - before,
        "missed": len(truth - found),
        "invented": len(found - truth),
        "says": says,
    }


def main():
    wish = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wish.add_argument("--runs", type=int, default=5)
    wish.add_argument("--paths", default="none,drop,loss-1,loss-5,resets-limited,errors-limited,bottleneck,ban,syn-proxy")
    wish.add_argument("--tools", default=",".join(TOOLS))
    wish.add_argument("--six", action="store_true", help="over IPv6")
    wish.add_argument("--json", help="each run as a line, added to this file")
    wish = wish.parse_args()
    address = SIX if wish.six else FOUR
    tools = []
    for tool in wish.tools.split(","):
        program = TOOLS[tool][1](type("", (), {"mac": lambda self: ""})(), address)[0]
        if shutil.which(program):
            tools.append(tool)
        else:
            print(f"LEFT OUT {tool}: there is no {program}", file=sys.stderr)
    for path in wish.paths.split(","):
        lab = Lab(path, address)
        try:
            runs = {tool: [] for tool in tools}
            for _ in range(wish.runs):
                for tool in tools:
                    one = run(tool, lab, address)
                    runs[tool].append(one)
                    if wish.json:
                        with open(wish.json, "a") as file:
                            file.write(json.dumps({"path": path, "address": address, **one}) + "\n")
                    # A ban of the run before is over.
                    time.sleep(11 if path == "ban" else 0.5)
        finally:
            lab.end()
        load = os.getloadavg()[0]
        print(f"\n{path}, {address}, {len(lab.open)} of 65535 open, {wish.runs} runs, load {load:.1f}\n")
        print("| tool | wall s | CPU s | CPU µs a packet | memory MiB | packets | missed | invented | says |")
        print("|---|---|---|---|---|---|---|---|---|")
        for tool, all_runs in runs.items():
            middle = lambda name: statistics.median(one[name] for one in all_runs)
            each = lambda name: "/".join(str(one[name]) for one in all_runs)
            a_packet = middle("cpu") / max(middle("sent"), 1) * 1e6
            says = max((one["says"] for one in all_runs), key=len)
            print(
                f"| {tool} | {middle('wall'):.2f} | {middle('cpu'):.2f} | {a_packet:.1f} | {middle('memory'):.0f} | "
                f"{middle('sent'):.0f} | {each('missed')} | {each('invented')} | {says[:160]} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
