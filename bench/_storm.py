"""Kill -9 at random moments of real salary loads, and count every line of every file afterwards.

A kill counts only if it broke a load off: it is dealt while a work-horse of ours is at work on a running row,
and that row must still be open afterwards. A load that was faster than the blow is no kill.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bench._sender import ROWS, Sender
from bench._world import World
from runs.locks import NAMESPACE

FINAL_SECONDS = 30.0
KILLS = ("horse", "parent", "web", "postgres")
WEB_LONGEST = 0.15  # seconds from the start of an upload to the blow, at most
WEB_WHOLE = 0.2  # of the blows hit the parent of the web processes
COPIES = 4  # of each file, submitted by one command as soon as fewer than two loads are left
OPEN = "SELECT count(*) FROM runs_run WHERE state IN ('queued', 'running')"
# A session whose process was killed may still be at its COMMIT: the run is open for good once its lock is gone.
BROKEN_OFF = """
    SELECT state IN ('queued', 'running'), attempt > %s OR NOT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND (classid::bigint << 32 | objid::bigint) = %s)
    FROM runs_run WHERE id = %s
"""
AT_WORK = """
    SELECT id, attempt, worker FROM runs_run
    WHERE task = 'ingest.load' AND state = 'running' AND worker <> '' ORDER BY id
"""
# Each line of a file is one stored row or one reject; both have import and line packed as their id.
LINES = """
    WITH line AS (SELECT id & 4503599627370495 AS id FROM market_salaryrecord UNION ALL SELECT id FROM ingest_reject),
    found AS (SELECT id >> 32 AS import, count(*) AS total, count(DISTINCT id) AS once FROM line GROUP BY 1)
    SELECT i.id, coalesce(total, 0), coalesce(once, 0) FROM ingest_import i LEFT JOIN found ON import = i.id
"""
MISCOUNTED = """
    SELECT i.id FROM ingest_import i WHERE i.id = ANY(%s) AND (
        (SELECT count(*) FROM market_salaryrecord s WHERE s.id >> 32 & 1048575 = i.id) <> i.inserted
        OR (SELECT count(*) FROM ingest_reject r WHERE r.import_id = i.id) <> i.rejected)
"""
# Files that came over HTTP: each is to be loaded once, whatever was sent again.
SENT = """
    SELECT i.name, sum(i.inserted + i.rejected)::bigint FROM ingest_import i JOIN runs_run r ON r.id = i.load_id
    WHERE i.name LIKE 'sent-%%' AND r.state LIKE 'done%%' GROUP BY i.name
"""
# What the percentiles are computed from, against the rows themselves.
INDEXED = "SELECT coalesce(sum(rows), 0)::bigint FROM analytics_segment WHERE dataset = 'salary_records'"
STORED = "SELECT count(*) FROM market_salaryrecord"


@dataclass
class Storm:
    """Loads of salary files, of as many rows as `sizes` say, in `here`, and blows among them."""

    here: World
    sizes: list[int]
    rng: random.Random
    longest: float = 0.3  # seconds from the moment that a load is seen to the blow, at most
    dealt: Counter[str] = field(default_factory=Counter)
    sender: Sender | None = None
    missed: int = 0
    imports: dict[int, int] = field(default_factory=dict)  # import → rows of its file
    runs: list[int] = field(default_factory=list)
    _broken: set[tuple[int, int]] = field(default_factory=set)  # attempts: none is killed twice

    def feed(self) -> None:
        """Submit loads, where fewer than two are left to do."""
        sql = "SELECT count(*) FROM runs_run WHERE id = ANY(%s) AND state IN ('queued', 'running')"
        if self.here.query(sql, self.runs)[0][0] >= 2:
            return
        folder = self.here.home.path / "files"
        folder.mkdir(exist_ok=True)
        sizes = map(str, self.sizes)
        said = self.here.command("workload_import", str(folder), *sizes, f"--copies={COPIES}")
        for line in said.splitlines():
            import_id, run_id, rows = map(int, line.split())
            self.imports[import_id] = rows
            self.runs.append(run_id)

    def at_work(self) -> list[tuple[int, int, int]]:
        """(run, attempt, work-horse) of every load that a living work-horse of ours does now."""
        horses = self.here.horses()
        found = [(pk, n, int(worker.rpartition(":")[2])) for pk, n, worker in self.here.query(AT_WORK)]
        return [(pk, n, pid) for pk, n, pid in found if pid in horses and (pk, n) not in self._broken]

    def strike(self, name: str, deed: Callable[[int], bool]) -> None:
        """Wait for a load, then for a random moment of it, do the deed; again until a load was broken off."""
        while True:
            while not (loads := self.at_work()):
                self.feed()
                time.sleep(0.01)
            run, attempt, horse = self.rng.choice(loads)
            time.sleep(self.rng.uniform(0.0, self.longest))
            hit = deed(horse)
            if name == "flush" or (hit and self.broke_off(run, attempt)):
                self.dealt[name] += 1
                if name != "flush":
                    self._broken.add((run, attempt))
                return
            self.missed += 1

    def broke_off(self, run: int, attempt: int) -> bool:
        """Whether this attempt, whose process was killed, left its run open."""
        while True:
            left_open, told = self.here.query(BROKEN_OFF, attempt, NAMESPACE + run, run)[0]
            if told or not left_open:
                return bool(left_open)
            time.sleep(0.01)

    def strike_web(self) -> None:
        """Wait for an upload, then for a random moment of it, kill a web process, or one time in five all of them."""
        assert self.sender is not None
        self.sender.wanted.set()
        while True:
            self.sender.in_flight.wait()
            time.sleep(self.rng.uniform(0.0, WEB_LONGEST))
            if self.here.kill_web(whole=self.rng.random() < WEB_WHOLE):
                self.dealt["web"] += 1
                self.sender.wanted.clear()
                return

    def rage(self, *, horses: int, parents: int, postgres: int, flushes: int = 0, web: int = 0) -> None:
        """Deal exactly so many blows of each kind, in random order."""
        here = self.here
        if web:
            self.sender = Sender(here)
            self.sender.start()
        blows: list[tuple[str, Callable[[int], bool]]] = [("horse", here.kill_horse)] * horses + [
            ("parent", here.kill_parent)
        ] * parents
        blows += [("postgres", here.kill_postgres)] * postgres + [("flush", here.flush)] * flushes
        blows += [("web", here.flush)] * web
        self.rng.shuffle(blows)
        for name, deed in blows:
            if name == "web":
                self.strike_web()
            else:
                self.strike(name, deed)
        if self.sender is not None:
            self.sender.stop()

    def verdict(self) -> dict[str, int]:
        """Wait until every run has ended, those that loads have started too, then count."""
        began = time.monotonic()
        left = self.here.query(OPEN)[0][0]
        stuck = self.here.until_final(FINAL_SECONDS)
        seconds = time.monotonic() - began
        sql = "SELECT id FROM runs_run WHERE id = ANY(%s) AND state NOT LIKE 'done%%'"
        undone = [pk for (pk,) in self.here.query(sql, self.runs)]
        found = {pk: (total, once) for pk, total, once in self.here.query(LINES)}
        sent = self._sent()
        attempts = self.here.query("SELECT sum(attempt) FROM runs_run WHERE id = ANY(%s)", self.runs)[0][0]
        return {
            "kills": sum(self.dealt[name] for name in KILLS),
            **{f"kills_{name}": self.dealt[name] for name in KILLS},
            "flushes": self.dealt["flush"],
            "missed": self.missed,
            "loads": len(self.runs),
            "attempts": int(attempts),
            "rows": sum(total for total, _ in found.values()),
            "lost": sum(rows - found[pk][1] for pk, rows in self.imports.items()) + sent["lost"],
            "duplicated": sum(total - once for total, once in found.values()) + sent["duplicated"],
            "files_sent": sent["files"],
            "sent_again": sent["again"],
            "miscounted": len(self.here.query(MISCOUNTED, list(self.imports))),
            "index_off_by": abs(self.here.query(INDEXED)[0][0] - self.here.query(STORED)[0][0]),
            "stuck": len({*stuck, *undone}),
            "open_at_the_last": left,
            "final_after_ms": round(seconds * 1000),
        }

    def _sent(self) -> dict[str, int]:
        """What became of the files that were sent over HTTP."""
        if self.sender is None:
            return {"files": 0, "again": 0, "lost": 0, "duplicated": 0}
        if self.sender.refused:
            raise RuntimeError(self.sender.refused[0])
        rows: dict[str, int] = dict(self.here.query(SENT))
        found = [rows.get(f"sent-{n}.csv", 0) for n in range(1, self.sender.files + 1)]
        return {
            "files": self.sender.files,
            "again": self.sender.broken,
            "lost": sum(max(0, ROWS - n) for n in found),
            "duplicated": sum(max(0, n - ROWS) for n in found),
        }
