#!/usr/bin/env python3
"""Holds `postern ports` over a whole network against nmap and rustscan: twenty hosts of 254 behind a firewall that drops.

    cargo build --release && sudo benches/ports/network.py [--runs 3] [--tools postern-syn,nmap]

Each host has one of the ports that are most often open and four others of the first thousand; nothing else answers, no echo
either, and nobody is at the other addresses. Every run is scored against that. Needs what `compare.py` needs.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import compare

NET = "198.51.100.0/24"
USUAL = [22, 25, 80, 443, 3389, 8080]
OTHERS = [81, 1080, 1521, 2049, 5060, 5901, 8000, 8081, 8888, 9090, 9100, 10000]


class Network(compare.Lab):
    """The lab of a firewall that drops, with twenty servers behind it."""

    def __init__(self):
        super().__init__("drop", compare.FOUR)
        self.server.kill()
        chance = random.Random(20)
        router, server = self.names[1:]
        self.truth, self.servers = set(), []
        for last in sorted(chance.sample(range(2, 255), 20)):
            address = f"198.51.100.{last}"
            if address != compare.FOUR:
                compare.sh(f"ip addr add {address}/24 dev near", server)
            ports = [chance.choice(USUAL), *chance.sample(OTHERS, 4)]
            self.truth |= {(address, port) for port in ports}
            words = ["ip", "netns", "exec", server, "/usr/bin/python3", "-c", compare.LISTEN, address, *map(str, ports)]
            self.servers.append(subprocess.Popen(words, stdout=subprocess.PIPE))
            self.servers[-1].stdout.readline()
        pairs = ", ".join(f"{address} . {port}" for address, port in sorted(self.truth))
        self.rules(
            router,
            f"""flush ruleset
            table inet firewall {{ chain through {{ type filter hook forward priority 0; policy drop;
                ct state established,related accept
                ip daddr . tcp dport {{ {pairs} }} accept
            }}
            chain own {{ type filter hook output priority 0;
                icmp type destination-unreachable drop
            }}
            }}
            """,
        )

    def end(self):
        for one in self.servers:
            one.kill()
            one.wait()
        super().end()


def postern(way):
    def words():
        program = os.environ.get("POSTERN", str(compare.ROOT / "target/release/postern"))
        return [program, "ports", NET, "-p", "top-1000", "--sweep", way, "--pace", "100000/s", "--format", "jsonl"] + [
            "--quiet", "--authorised-by", "the lab"]  # fmt: skip

    def read(text):
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return {(line["address"], line["port"]) for line in lines if line.get("state") == "open"}

    return words, read


def nmap(*options):
    def read(text):
        found = set()
        for address, ports in re.findall(r"^Host: (\S+) .*Ports: (.*)$", text, re.M):
            found |= {(address, int(port)) for port in re.findall(r"(\d+)/open/", ports)}
        return found

    return lambda: ["nmap", "-n", "-sS", "-T4", "--min-rate", "5000", *options, "--top-ports", "1000", "-oG", "-", NET], read


def rustscan():
    def words():
        # The ports that anybody has, and as many others.
        ports = ",".join(map(str, sorted({*USUAL, *OTHERS, *range(1, 983)})))
        return [os.environ.get("RUSTSCAN", "rustscan"), "-a", NET, "-p", ports, "-b", "4500", "--ulimit", "5000"] + [
            "-g", "--no-banner", "--scripts", "none"]  # fmt: skip

    def read(text):
        found = set()
        for address, ports in re.findall(r"^(\S+) -> \[([\d,]+)\]", text, re.M):
            found |= {(address, int(port)) for port in ports.split(",")}
        return found

    return words, read


TOOLS = {
    "postern-syn": postern("syn"),
    "postern-connect": postern("connect"),
    # By itself it looks for hosts by echo and two TCP ports, and passes over whoever keeps silent there.
    "nmap": nmap(),
    "nmap-all": nmap("-Pn"),
    "rustscan": rustscan(),
}


def run(tool, lab):
    words, read = TOOLS[tool]
    before = lab.sent()
    with tempfile.NamedTemporaryFile() as figures, tempfile.TemporaryFile("w+") as out:
        command = ["ip", "netns", "exec", lab.names[0], "timeout", "-s", "KILL", str(compare.GIVE_UP * 2)]
        command += ["/usr/bin/time", "-q", "-o", figures.name, "-f", "%e %U %S %M", *words()]
        begun = time.monotonic()
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, check=False)
        wall = time.monotonic() - begun
        out.seek(0)
        found = read(out.read())
        told = [float(word) for word in Path(figures.name).read_text().split()[-4:]] or [wall, 0, 0, 0]
    return {
        "wall": wall,
        "cpu": told[1] + told[2],
        "memory": told[3] / 1024,
        "sent": lab.sent() - before,
        "missed": len(lab.truth - found),
        "invented": len(found - lab.truth),
    }


def main():
    wish = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wish.add_argument("--runs", type=int, default=3)
    wish.add_argument("--tools", default=",".join(TOOLS))
    wish = wish.parse_args()
    tools = [tool for tool in wish.tools.split(",") if compare.shutil.which(TOOLS[tool][0]()[0])]
    lab = Network()
    try:
        runs = {tool: [] for tool in tools}
        for _ in range(wish.runs):
            for tool in tools:
                runs[tool].append(run(tool, lab))
    finally:
        lab.end()
    print(f"{NET}, 20 hosts, {len(lab.truth)} open ports, {wish.runs} runs, load {os.getloadavg()[0]:.1f}\n")
    print("| tool | wall s | CPU s | memory MiB | packets | missed | invented |\n|---|---|---|---|---|---|---|")
    for tool, each in runs.items():
        middle = lambda name: statistics.median(one[name] for one in each)
        all_of = lambda name: "/".join(str(one[name]) for one in each)
        print(
            f"| {tool} | {middle('wall'):.2f} | {middle('cpu'):.2f} | {middle('memory'):.0f} | {middle('sent'):.0f} "
            f"| {all_of('missed')} | {all_of('invented')} |"
        )


if __name__ == "__main__":
    main()
