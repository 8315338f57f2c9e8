#!/usr/bin/env python3
"""Asks a finger service (RFC 1288) who is logged in, as a plug-in of Postern: one question in, JSON lines out."""

import json
import socket
import sys


def answer(**line):
    print(json.dumps(line), flush=True)


def main():
    target = json.loads(sys.stdin.readline())
    if target["postern"] != "plugin/v1":
        sys.exit("this plug-in speaks plugin/v1 only")
    patience = min(target["deadline_ms"] / 1000 - 1, 5)
    heard = b""
    try:
        # One connection, as the configuration declares: to this address and port, and to nothing else.
        with socket.create_connection((target["address"], target["port"]), patience) as wire:
            wire.settimeout(patience)
            wire.sendall(b"\r\n")
            while len(heard) < 4096 and (piece := wire.recv(4096)):
                heard += piece
    except OSError as wrong:
        answer(note=f"the conversation failed: {wrong}")
        if not heard:
            why = {"unknown": "it gave no answer to a question by finger"}
            answer(saw={"answers": why, "users": why})
            return
    lines = heard.decode("ascii", "replace").splitlines()
    # The first line is a heading where there are users; a sentence says that there are none.
    is_list = bool(lines) and lines[0].split()[:1] == ["Login"]
    users = sorted({line.split()[0] for line in lines[1:] if line.strip()}) if is_list else []
    none = bool(lines) and lines[0].startswith("No one logged on")
    answer(saw={"answers": is_list or none, "users": users})


if __name__ == "__main__":
    main()
