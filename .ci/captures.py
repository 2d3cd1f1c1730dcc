"""Holds captures against tshark: checksums, malformed packets, and its count of retransmissions beside ours.

Usage: captures.py PROGRAM
"""

import csv
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

SCENARIO = """
duration = "8s"
[link.access]
rate = "10mbit"
delay = "20ms"
queue = "60 packets"
[[clients]]
name = "upload"
path = ["access"]
app = { kind = "bulk" }
[[clients]]
name = "ping"
path = ["access"]
app = { kind = "ping" }
[sweep]
"tcp.congestion" = ["reno", "cubic", "bbr"]
"link.access.loss" = ["0%", "1%", "5%"]
"""
RESENT = ["tcp.analysis.retransmission", "tcp.analysis.fast_retransmission", "tcp.analysis.out_of_order"]
CHECKS = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
BAD = "_ws.malformed or ip.checksum.status == 0 or tcp.checksum.status == 0 or udp.checksum.status == 0"


def frames(capture, condition):
    """Number of frames for which a condition of tshark holds."""
    command = ["tshark", *CHECKS, "-r", str(capture), "-Y", condition, "-T", "fields", "-e", "frame.number"]
    return len(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def echo():
    """A server that says everything back; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        while data := connection.recv(65536):
            connection.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    return "127.0.0.1:%d" % listener.getsockname()[1]


def real_time(program, folder):
    """Faults of a proxy's capture."""
    capture, size = Path(folder, "proxy.pcapng"), 300_000
    words = ["proxy", "127.0.0.1:0", echo(), "--loss", "5%", "--delay", "5ms", "--pcap", str(capture)]
    proxy = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    host, port = proxy.stderr.readline().split(" ")[0].rsplit(":", 1)
    with socket.create_connection((host, int(port))) as connection:
        threading.Thread(target=connection.sendall, args=(b"x" * size,), daemon=True).start()
        left = size
        while left:
            left -= len(connection.recv(65536))
    proxy.send_signal(signal.SIGINT)
    proxy.wait(10)
    lost = frames(capture, 'frame.comment contains "loss of the link"')
    at_clients = frames(capture, 'frame.interface_name == "clients"')
    print(f"proxy: {at_clients} packets at the client, {lost} lost on the path")
    faults = [] if lost and at_clients else ["proxy: nothing was captured, or nothing lost"]
    if bad := frames(capture, BAD):
        faults.append(f"proxy: {bad} frames are malformed or have a wrong checksum")
    return faults


def main(program):
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder, "captured.toml")
        scenario.write_text(SCENARIO)
        out = Path(folder, "results")
        points = ["upload-1", "upload-1@server", "ping-1", "link.access"]
        pcap = [word for point in points for word in ("--pcap", point)]
        command = [program, "run", str(scenario), "--out", str(out), "--no-plots", "--quiet", *pcap]
        subprocess.run(command, check=True)
        captures = sorted(out.glob("captures/*/trial-0/*.pcapng"))
        if len(captures) != 9 * len(points):
            faults.append(f"{len(captures)} captures, not {9 * len(points)}")
        for capture in captures:
            bad = frames(capture, BAD)
            if bad or not frames(capture, "frame"):
                faults.append(f"{capture.relative_to(out)}: {bad} frames are malformed or have a wrong checksum")
        rows = [row for row in csv.DictReader((out / "flows.csv").open()) if row["flow"] == "upload-1"]
        for row in rows:
            capture = out / "captures" / row["cell"] / "trial-0" / "upload-1.pcapng"
            # In a trial that ends, what was sent is what left the card.
            theirs, ours = frames(capture, " or ".join(RESENT)), int(row["retransmits"])
            label = f"cell {row['cell']}: {row['tcp.congestion']}, {row['link.access.loss']}"
            print(f"{label}: {ours} retransmissions, tshark {theirs}")
            # tshark tells a repetition from the first by time and order, not by the sender's book.
            if abs(ours - theirs) > max(2, 0.02 * ours):
                faults.append(f"{label}: {ours} retransmissions, but tshark counts {theirs}")
        faults += real_time(program, folder)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


sys.exit(main(*sys.argv[1:]))
