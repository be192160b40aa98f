#!/usr/bin/env python3
"""Do very many clients all make progress on few server connections?

    target/release/shardwright quickstart --shards 1 --connections 32 --mysql-port 23907 --admin-port 23980 \
        --dir /tmp/many --no-demo --detach
    benches/clients.py 23907 [CLIENTS, default 10000] [SECONDS, default 20]

Every client updates a row of its own, one statement after the other: writes are never shared, so each waits
for one of the 32 connections. Prints statements a second, the fewest and most of any client, and latencies.
"""
import selectors
import socket
import struct
import sys
import time


def packet(seq, payload):
    return struct.pack("<I", len(payload))[:3] + bytes([seq]) + payload


def command(s, seq, payload):
    s.sendall(packet(seq, payload))
    return s.recv(4096)


def log_in(port):
    s = socket.create_connection(("127.0.0.1", port))
    s.recv(4096)
    head = struct.pack("<IIB23x", 0x200 | 0x8000 | 0x80000, 1 << 24, 45)
    assert command(s, 1, head + b"root\0\0mysql_native_password\0")[4] == 0
    return s


def run(s, sql):
    answer = command(s, 0, b"\x03" + sql.encode())
    assert answer[4] == 0, answer
    return answer


port = int(sys.argv[1])
clients = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
root = log_in(port)
run(root, "CREATE DATABASE IF NOT EXISTS many")
run(root, "DROP TABLE IF EXISTS many.t")
run(root, "CREATE TABLE many.t (id INT PRIMARY KEY, v INT) SHARD BY HASH (id)")
for first in range(0, clients, 1000):
    rows = ",".join(f"({i}, 0)" for i in range(first, min(first + 1000, clients)))
    run(root, f"INSERT INTO many.t VALUES {rows}")
poll = selectors.DefaultSelector()
sockets = []
for i in range(clients):
    s = log_in(port)
    s.setblocking(False)
    poll.register(s, selectors.EVENT_READ, i)
    sockets.append(s)
print(f"{clients} clients are connected")
done, sent, times = [0] * clients, [0.0] * clients, []


def go(i):
    sent[i] = time.monotonic()
    sockets[i].sendall(packet(0, f"\x03UPDATE many.t SET v = v + 1 WHERE id = {i}".encode()))


start = time.monotonic()
for i in range(clients):
    go(i)
errors = 0
while time.monotonic() < start + seconds:
    for key, _ in poll.select(timeout=1):
        i = key.data
        answer = sockets[i].recv(4096)
        if answer[4:5] != b"\0":
            errors += 1
            print(answer[7:200])
        times.append(time.monotonic() - sent[i])
        done[i] += 1
        go(i)
times.sort()
at = lambda f: times[int((len(times) - 1) * f)] * 1000
print(f"{len(times) / seconds:.0f} statements/s, {errors} errors; the fewest of a client {min(done)}, the most "
      f"{max(done)}; p50 {at(.5):.0f} ms, p99 {at(.99):.0f} ms, slowest {at(1):.0f} ms")
sys.exit(1 if errors or min(done) == 0 else 0)
