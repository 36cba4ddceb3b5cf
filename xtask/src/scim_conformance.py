"""Starts a store on an empty database and runs scim2-tester and scim-sanity against it. `cargo xtask scim` calls it."""

import collections
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

POLICY = """
version: 1
parents:
- id: acme
  plan: enterprise
  domains: [acme.example, example.com]
  connections:
  - id: okta
    issuer: https://acme.okta.example
    audiences: [usher]
    jwks: {uri: https://acme.okta.example/keys, cluster: okta}
  directory: {scim: true, token_env: ACME_SCIM_TOKEN}
  organizations:
  - {id: chat, product: claude, hosts: [chat.acme.example], provisioning: {mode: scim}}
"""
TOKEN = "conformance-token-0123456789"
SECRETS = {
    "USHER_STORE_TOKEN": "filter-token-0123456789",
    "USHER_ADMIN_TOKEN": "admin-token-0123456789",
    "ACME_SCIM_TOKEN": TOKEN,
}
FAILED = {Status.ERROR, Status.CRITICAL, Status.DEVIATION}


def main(usher: str) -> int:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
        free.close()
        policy = pathlib.Path(folder, "usher.yaml")
        policy.write_text(POLICY)
        command = [usher, "store", "--policy", policy, "--database", f"sqlite://{folder}/usher.db", "--listen", address]
        store = subprocess.Popen(command, env={**os.environ, **SECRETS}, stdout=subprocess.DEVNULL)
        try:
            wait_for(address)
            base = f"http://{address}/scim/v2/acme"
            return max(tester(base), sanity(base))
        finally:
            store.terminate()
            store.wait()


def wait_for(address: str) -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def tester(base: str) -> int:
    client = Client(base_url=base, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    results = check_server(SyncSCIMClient(client))
    for result in results:
        if result.status is not Status.SUCCESS:
            print(f"scim2-tester: {result.status.name} {result.resource_type} {result.title}: {result.reason}")
    print("scim2-tester:", dict(collections.Counter(result.status.name for result in results)))
    return int(not results or any(result.status in FAILED for result in results))


def sanity(base: str) -> int:
    command = ["probe", base, "--token", TOKEN, "--i-accept-side-effects"]
    return int(subprocess.run([pathlib.Path(sys.executable).with_name("scim-sanity"), *command]).returncode != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
