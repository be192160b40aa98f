#!/usr/bin/env python3
"""How much memory does an idle client cost the proxy?

    benches/idle.py PORT PID [CLIENTS]

PORT and PID are those of a running quickstart (the pid is in its quickstart.pid). Each client logs in as
root without a password, runs one statement and stays; prints the growth of resident memory for each.
"""
import socket
import struct
import sys
import time


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def command(s, seq, payload):
    s.sendall(struct.pack("<I", len(payload))[:3] + bytes([seq]) + payload)
    return s.recv(4096)


def log_in(port):
    s = socket.create_connection(("127.0.0.1", port))
    s.recv(4096)
    capabilities = 0x200 | 0x8000 | 0x80000
    head = struct.pack("<IIB23x", capabilities, 1 << 24, 45)
    assert command(s, 1, head + b"root\0\0mysql_native_password\0")[4] == 0
    assert len(command(s, 0, b"\x03SELECT 1")) > 5
    return s


port, pid = int(sys.argv[1]), int(sys.argv[2])
clients = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
first = [log_in(port) for _ in range(100)]
before = resident_kib(pid)
rest = [log_in(port) for _ in range(clients)]
time.sleep(1)
print(f"{(resident_kib(pid) - before) / clients:.1f} KiB for each of {clients} idle clients")
for s in rest[:200]:
    assert len(command(s, 0, b"\x03SELECT 1")) > 5
