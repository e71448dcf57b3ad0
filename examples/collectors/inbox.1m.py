#!/usr/bin/env python3
"""What waits in the directory ~/inbox: a sample as JSON, once a minute by the name of this file."""
import json
import pathlib
import sys
import time

FIELDS = {
    "files": {"title": "Files", "min": 0},
    "bytes": {"title": "Size", "unit": "B", "min": 0},
    "oldest_seconds": {"title": "Oldest file", "unit": "s", "description": "How long the oldest file has waited."},
}
if sys.argv[1:] == ["--describe"]:
    print(json.dumps({"measurements": {"inbox": {"title": "Inbox", "fields": FIELDS}}}))
    sys.exit()

inbox = pathlib.Path.home() / "inbox"
files = [entry.stat() for entry in inbox.iterdir() if entry.is_file()] if inbox.is_dir() else []
oldest = min((stat.st_mtime for stat in files), default=time.time())
values = {
    "files": len(files),
    "bytes": sum(stat.st_size for stat in files),
    "oldest_seconds": round(max(0.0, time.time() - oldest), 1),
}
print(json.dumps({"measurement": "inbox", "values": values}))
