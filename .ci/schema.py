"""Holds `testbed schema` against `testbed check`: what one takes the other takes, and what is wrong with a
key or a value in one is wrong in the other.

Usage: schema.py PROGRAM SCENARIO…
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from jsonschema import Draft4Validator, Draft202012Validator

program, *scenarios = sys.argv[1:]
schema = json.loads(subprocess.run([program, "schema"], check=True, capture_output=True, text=True).stdout)
Draft202012Validator.check_schema(schema)
# Editors that know draft 4 only must not take less; they may take more.
validators = [Draft202012Validator(schema), Draft4Validator(schema)]


def faults(text):
    tree = tomllib.loads(text)
    return [[f"{error.json_path}: {error.message[:120]}" for error in v.iter_errors(tree)] for v in validators]


def is_sound(text, name="case.toml"):
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / name).write_text(text)
        run = subprocess.run([program, "check", name], cwd=place, capture_output=True, text=True)
    assert run.returncode in (0, 2), run.stderr
    return run.returncode == 0


for path in map(Path, scenarios):
    found = faults(path.read_text())
    assert found == [[], []], f"{path}: {found}"

HEAD = 'duration = "10s"\n'
LINK = '[link.a]\nrate = "10mbit"\ndelay = "10ms"\n'
CLIENT = '[[clients]]\nname = "u"\ncount = 2\npath = ["a"]\n'
BULK = 'app = { kind = "bulk" }\n'
CHAT = 'app = { kind = "chat", rate = "1/s"%s }\n'


def scenario(head="", link="", client="", app=BULK, more=""):
    return HEAD + head + LINK + link + CLIENT + client + app + more


def of_link(*lines):
    return [scenario(link=line + "\n") for line in lines]


def of_tcp(*lines):
    inside = [scenario(more=f"[tcp]\n{line}\n") for line in lines]
    return inside + [scenario(client=f"{line}\n") for line in lines] + [scenario(client=f"tcp.{line}\n") for line in lines]


def of_chat(*parts):
    return [scenario(app=CHAT % f", {part}") for part in parts]


def swept(*lines):
    return [scenario(app=CHAT % "", more=f"[sweep]\n{line}\n") for line in lines]


def scheduled(*sets):
    return [scenario(more=f'[[schedule]]\nat = "1s"\nset = {{ {one} }}\n') for one in sets]


GOOD = [
    scenario(),
    scenario(head='title = "a title"\nexpect = "two\\nlines"\nseed = 0\nwarmup = "0s"\ntrials = 3\n'),
    *of_link(
        'loss = "5%"', 'loss = "0.5 %"', 'loss = "100.0%"', 'loss = { model = "independent", chance = "1%" }',
        'loss = { model = "gilbert-elliott", p = "1%", r = "30%", 1-h = "80%" }',
        'reorder = { chance = "1%", gap = 5 }', "per_client = true", 'queue = "1bdp"', 'queue = "0.5 bdp"',
        'queue = "1packet"', 'queue = "64KIB"', 'queue = { limit = "2MB" }', 'queue = { kind = "codel", target = "5msec" }',
        'queue = { kind = "fq_codel", quantum = "1514B", flows = 16 }', 'up.rate = "1.5 Gbit"',
        'down = { delay = { mean = "10\u03bcs", jitter = "1 us", distribution = "pareto" }, corrupt = ".5%" }',
    ),
    *of_tcp(
        "mss = 500", 'congestion = "cubic"', "delayed_ack = false", 'delayed_ack = { timeout = "10ms" }',
        'recovery = "newreno"', 'min_rto = "1_000ms"', 'receive_window = "64KiB"', 'max_rto = "+2min"',
    ),
    *of_chat(
        'arrivals = "periodic"', 'arrivals = { kind = "bursts", size = 3, gap = "0ms" }', 'size = "10B"',
        'size = { distribution = "lognormal", mean = "1k", deviation = "20B" }', 'to = "room", rooms = 3',
        'churn = { stay = "1s", away = "1s" }',
    ),
    scenario(app='app = { kind = "bulk", direction = "down", size = "1GB" }\n'),
    scenario(more="[congestion.cubic]\n[congestion.fixed]\nwindow = 7\n"),
    scenario(more='[chat]\ndialect = "json-lines"\n[record]\ninterval = "100ms"\ntrials = "all"\n'),
    scenario(more='[[drop]]\nflow = "u-1"\ndirection = "up"\nsegments = [1, { segment = 1, retransmission = 1 }]\n'),
    *swept(
        '"tcp.mss" = [500, 1000]', "tcp.mss = [500]", 'duration = ["5s", "6s"]', '"link.a.loss" = ["1%", "2%"]',
        'link.a.delay.jitter = ["1ms"]', '"link.a.up.rate" = ["1mbit"]', '"clients.u.count" = [2, 3]',
        'clients.u.app.rate = ["1/s", "30/min"]', '"clients.u.app" = [{ kind = "bulk" }]', '"clients.u.path" = [["a"]]',
        '"congestion.fixed.window" = [3, 4]', "congestion.fixed.window = [3]", '"clients.u.mss" = [500]',
        '"link.a.queue.kind" = ["codel", "fq_codel"]', '"link.a.queue" = ["1bdp", { kind = "codel" }]',
        'tcp.delayed_ack = [true, false, { segments = 4 }]', '"clients.u.tcp.sack" = [true, false]',
        'link.a.loss = [{ model = "gilbert-elliott", p = "1%", r = "30%" }, "5%"]', 'chat.dialect = ["json-lines"]',
    ),
    *scheduled(
        '"link.a.rate" = "5mbit"', 'link.a.loss = "5%"', '"link.a.delay.jitter" = "1ms"', 'link.a.down = { loss = "2%" }',
        'link.a.delay = { mean = "5ms" }',
    ),
]

BAD = [
    HEAD + LINK, LINK + CLIENT + BULK, HEAD + LINK + CLIENT, "clients = []\n" + HEAD + LINK,
    scenario(head="sed = 1\n"), scenario(head="seed = -1\n"), scenario(head='seed = "1"\n'), scenario(head="trials = 0\n"),
    scenario(head='title = "two\\nlines"\n'), scenario(head='warmup = "1"\n'), scenario(head="warmup = 1\n"),
    HEAD.replace("10s", "0s") + LINK + CLIENT + BULK, HEAD.replace("10s", "-1s") + LINK + CLIENT + BULK,
    *of_link(
        'los = "5%"', 'loss = "5"', 'loss = "101%"', 'loss = "-1%"', "loss = 0.05", 'loss = { model = "gilbert-elliott", p = "1%" }',
        'loss = { chance = "1%" }', 'loss = { model = "markov" }', 'loss = { model = "independent", chance = "1%", p = "1%" }',
        'reorder = { gap = 5 }', 'reorder = { chance = "1%", gap = 0 }', 'per_client = "yes"', 'queue = "100"', 'queue = 100',
        'queue = "0 packets"', 'queue = "1.5 packets"', 'queue = { kind = "kodel" }', 'queue = { target = "5ms" }',
        'queue = { kind = "codel", flows = 16 }', 'queue = { kind = "codel", target = "0ms" }', 'up.rate = "10Mbps"',
        'up.rate = "0mbit"', 'up.per_client = true', 'up.up.rate = "1mbit"', 'down = { delay = { jitter = "1ms" } }', 'corrupt = "1ms"',
        'up.delay = { mean = "1ms", jitter = "1ms", distribution = "gamma" }', 'up = "1mbit"',
    ),
    *of_tcp(
        "mss = 63", "mss = 9001", "mss = 500.5", 'mss = "500"', 'congestion = "renno"', 'delayed_ack = "no"', "msss = 500",
        'delayed_ack = { segments = 0 }', 'recovery = "sak"', 'min_rto = "0s"', 'receive_window = "64"', "sack = 1", "initial_window = 0",
    ),
    *of_chat(
        'arrivals = "bursts"', 'arrivals = { kind = "bursts", size = 3 }', 'size = { distribution = "uniform", min = "1B" }',
        'size = "0B"', 'to = "rom"', "rooms = 0", 'churn = { stay = "1s" }', 'direction = "up"', 'arrivals = { kind = "poisson", size = 3 }',
    ),
    scenario(app='app = { kind = "bulk", rate = "1/s" }\n'), scenario(app='app = { kind = "web" }\n'), scenario(app='app = "bulk"\n'),
    scenario(app='app = { kind = "chat" }\n'), scenario(app='app = { kind = "chat", rate = "1/day" }\n'),
    scenario(app='app = { kind = "chat", rate = "0/s" }\n'),
    scenario().replace('["a"]', "[]"), scenario().replace('["a"]', '"a"'), scenario().replace('["a"]', '["a b"]'),
    scenario().replace('"u"', '"NA"'), scenario().replace('"u"', '"-nan"'), scenario().replace('"u"', '"a.b"'), scenario().replace("[[clients]]", "[clients]"),
    scenario(more="[congestion.fixt]\n"), scenario(more="[congestion.fixed]\nwindow = 0\n"), scenario(more="[congestion.fixed]\nwindov = 3\n"),
    scenario(more='[chat]\ndialect = "slash"\n'), scenario(more="[record]\ntrials = 1\n"), scenario(more='[record]\ninterval = "0ms"\n'),
    scenario(more='[[drop]]\nflow = "u-1"\nsegments = []\n'), scenario(more='[[drop]]\nflow = "u-1"\nsegments = [0]\n'), scenario(more="[[drop]]\nsegments = [1]\n"),
    scenario(more='[[schedule]]\nat = "1s"\n'), scenario(more='[[schedule]]\nset = {}\nuntil = "2s"\nat = "1s"\n'),
    *swept(
        '"tcp.mss" = 500', '"tcp.mss" = []', '"tcp.mss" = [10]', '"tcp.msss" = [500]', '"seed" = [1]', "trials = [1, 2]", '"link.a.loss" = ["2"]',
        '"clients.u.name" = ["x"]', 'record.interval = ["1s"]', '"link.a" = ["x"]', '"congestion.fixed.x" = [1]', "congestion.reno.x = [1]",
        '"clients.u.app.rat" = ["1/s"]', 'tcp.delayed_ack.segment = [1]', '"tcp" = [{ mss = 500 }]', 'duration.s = ["1s"]',
    ),
    *scheduled('"tcp.mss" = 500', '"link.a.los" = "2%"', '"link.a.loss" = "2"', '"link.a.per_client" = true', 'link.a = "x"', 'link.a.delay = { jitter = "1ms" }'),
]

wrong = []
for texts, sound in [(GOOD, True), (BAD, False)]:
    for text in texts:
        verdicts = [not found for found in faults(text)]
        # Draft 4 knows all that is used here but `not` beside what it cannot tell.
        if is_sound(text) != sound or verdicts != [sound, sound]:
            wrong.append(f"--- {'sound' if sound else 'faulty'}, but check {is_sound(text)}, schema {verdicts}\n{text}{faults(text)[0][:2]}")
print(f"{len(scenarios)} scenarios, {len(GOOD)} sound and {len(BAD)} faulty texts")
sys.exit("\n".join(wrong) if wrong else 0)
