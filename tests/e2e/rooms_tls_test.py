"""TLS at the room service: its own port by file, webhooks to https, and our own client at both."""

import http.server
import os
import shutil
import ssl
import subprocess
import threading
import urllib.request

import harness
from rooms_test import HOSTS, Rooms
from v1_test import Client, Receiver, run, told


def certificate_in(folder):
    """(key, certificate) of 127.0.0.1, signed by itself."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=rooms.test"]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    run(make + ["-keyout"], key, "-out", certificate)
    return key, certificate


def webhooks_go_by_https_to_whom_the_system_trusts():
    if not shutil.which("openssl"):
        print("skipped: needs openssl to make a certificate")
        return
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.heard, server.answers, server.let_go = [], [], threading.Event()
    with harness.Processes() as processes:
        key, certificate = certificate_in(processes.folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}/hook"
        env = {**HOSTS, "SLUICE_ROOMS_WEBHOOK_URL": url}
        strict = Rooms(processes, "--relay", "", env=env)
        Client(strict, user="alice").call("POST", "/v1/rooms", 201, {"room": "r"})
        strict.process.wait_for("webhook_not_delivered")
        harness.expect("certificate" in strict.process.errors(), strict.process.errors())
        harness.expect(not server.heard, "a receiver that nobody trusts heard something")
        strict.process.stop()
        env["SSL_CERT_FILE"] = str(certificate)
        trusting = Rooms(processes, "--relay", "", env=env)
        Client(trusting, user="alice").call("POST", "/v1/rooms", 201, {"room": "s"})
        trusting.process.wait_until(lambda: told(server, "create") == 1, "the webhook", 10)
    server.shutdown()


def our_own_client_speaks_it(rooms, certificate):
    room = [harness.program("sluice"), "room", "list", "--rooms", f"https://{rooms.host_port}"]
    trusting = {**os.environ, "SSL_CERT_FILE": str(certificate)}
    listed = subprocess.run(room, env=trusting, capture_output=True, text=True, timeout=20)
    harness.expect(listed.returncode == 0, listed.stderr)
    harness.expect(listed.stdout.startswith("ROOM"), listed.stdout)
    for host, environment, words in (
        (rooms.host_port, os.environ, "certificate"),
        (rooms.host_port.replace("127.0.0.1", "localhost"), trusting, "mismatch"),
    ):
        room[-1] = f"https://{host}"
        refused = subprocess.run(room, env=environment, capture_output=True, text=True, timeout=20)
        harness.expect(refused.returncode == 4, f"{host}: {refused.returncode}")
        harness.expect(words in refused.stderr, refused.stderr)


def tls_is_by_file():
    if not shutil.which("openssl"):
        print("skipped: needs openssl to make a certificate")
        return
    with harness.Processes() as processes:
        key, certificate = certificate_in(processes.folder)
        env = {**HOSTS, "SLUICE_ROOMS_LISTEN_TLS_CERTIFICATE": str(certificate)}
        env["SLUICE_ROOMS_LISTEN_TLS_KEY"] = str(key)
        rooms = Rooms(processes, "--relay", "", env=env)
        context = ssl.create_default_context(cafile=str(certificate))
        url = f"https://{rooms.host_port}/v1/tokens"
        for _ in range(3):
            with urllib.request.urlopen(url, b"{}", timeout=10, context=context) as answer:
                harness.expect(answer.status == 201, answer.status)
        try:
            urllib.request.urlopen(f"http://{rooms.host_port}/healthz", timeout=10)
            harness.expect(False, "plain HTTP got an answer")
        except OSError:
            pass
        our_own_client_speaks_it(rooms, certificate)
        env["SLUICE_ROOMS_LISTEN_TLS_KEY"] = str(certificate)
        flags = ["--dev", "--listen", "127.0.0.1:0", "--relay", ""]
        flags += ["--state", str(processes.folder / "other")]
        env["XDG_RUNTIME_DIR"] = str(processes.folder / "runtime")
        wrong = processes.start("sluice-rooms", *flags, label="wrong", env=env)
        harness.expect(wrong.wait(10) == 5, "a certificate is no key")
        harness.expect("TLS: " in wrong.errors(), wrong.errors())


if __name__ == "__main__":
    harness.main([tls_is_by_file, webhooks_go_by_https_to_whom_the_system_trusts])
