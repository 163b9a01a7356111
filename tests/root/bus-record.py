#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
bus-record: put failures on record that nobody ever had: many, each with one site where
two processes were told. Used by bus-many.sh.

    bus-record.py STATE-DIRECTORY N

The record must be there: pmemfaild made it. Each third failure is cleared, the others
are handled.
"""
import json
import sqlite3
import sys

STEP = {"state": "done", "ns": 1000}
COUNTS = ("frozen_ns", "walk_ns", "unmap_ns", "invalidate_ns", "signal_ns", "files", "vmas",
          "entries", "entries_left", "pinned")


def head(i, state):
    return {"schema": 1, "id": i, "kind": "poison", "source": "badblocks", "state": state,
            "device_id": f"ndbus0/{i % 4}", "device_name": f"pmem{i % 4}",
            "created_us": 1700000000000000 + i, "updated_us": 4000000000000000 + i,
            "hold_ended": False, "told": 2, "listed": [],
            "ranges": [{"start": i * 4096, "end": (i + 1) * 4096}],
            "hooks": []}


def case(i):
    zero = {"start": 0, "end": 0}
    return {"site": {"kind": "filesystem", "role": "data", "devno": "259:0",
                     "fs_devno": "259:0", "name": "pmem0", "node": "/dev/pmem0",
                     "fstype": "xfs", "mountpoint": "/mnt", "dax": True,
                     "ranges": [{"start": i * 4096, "end": (i + 1) * 4096}]},
            "outcome": {**dict.fromkeys(COUNTS, 1), "told": 2, "freeze_late": False,
                        "self": False, "steps": {}},
            "targets": [{"kind": "file", "action": "revoke", "ino": i, "generation": 1,
                         "at": zero, "range": {"start": 0, "end": 4096}, "path": "/mnt/file",
                         "shared": False, "step": STEP, "told": 2, "pinned": 0}],
            "victims": []}


def main(directory, n):
    db = sqlite3.connect(f"{directory}/failures.db")
    first = db.execute("SELECT coalesce(max(id), 0) + 1 FROM failure").fetchone()[0]
    with db:
        for i in range(first, first + n):
            # the change's number, as the store gives it: who follows the record sees it
            db.execute("UPDATE counter SET change = change + 1")
            state = "handled" if i % 3 else "cleared"
            h = head(i, state)
            db.execute("INSERT INTO failure (id, state, kind, device_id, created_us, updated_us,"
                       " doc, change) VALUES (?, ?, 'poison', ?, ?, ?, ?,"
                       " (SELECT change FROM counter))",
                       (i, state, h["device_id"], h["created_us"], h["updated_us"],
                        json.dumps(h)))
            db.execute("INSERT INTO failure_case (failure, n, doc) VALUES (?, 0, ?)",
                       (i, json.dumps(case(i))))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
