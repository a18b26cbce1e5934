#!/usr/bin/env python3
"""web/rtcroom.js in a real browser, headless, from a page of another origin than the service's."""

import http.server
import json
import shutil
import threading
from pathlib import Path

import harness
from demo_room.room import RelayWithRooms

MODULE = Path(__file__).resolve().parents[2] / "web" / "rtcroom.js"
PATIENCE_SECONDS = 40

# Each step that goes well is a line; the page posts them when it is through, or what went wrong.
PAGE = """<!doctype html><script type="module">
import { RTCRoom, RoomError } from "./rtcroom.js";
const steps = [], service = new URLSearchParams(location.search).get("service");
const say = (step) => steps.push(step);
const post = () => fetch("/done", { method: "POST", body: JSON.stringify(steps) });
setTimeout(() => { say("FAILED: stuck"); post(); }, 15000);
const heard = (room, name) => new Promise((resolve) =>
  room.setListener({ [name]: resolve, onEvent: (event) => say(`event ${event.kind}`) }));
try {
  const anna = new RTCRoom(service), bert = new RTCRoom(service + "/");
  say(`login ${(await anna.login({ userID: "anna" })).userID}`);
  await bert.login({ userID: "bert" });
  const { roomID } = await anna.createRoom({ roomInfo: "by a page" });
  const entry = await anna.enterRoom({ roomID, userName: "Anna" });
  say(`ticket for ${entry.relay.user}`);
  const joined = heard(anna, "onPusherJoin");
  await new Promise((resolve) => setTimeout(resolve, 200));  // the WebSocket opens
  await bert.enterRoom({ roomID, userName: "Bert" });
  say(`joined ${(await joined).userName}`);
  const pushers = await bert.getPushers();
  say(`pushers ${pushers.map((pusher) => pusher.userID)}`);
  say(`list ${(await bert.getRoomList()).map((room) => room.info)}`);
  const text = heard(anna, "onRecvRoomTextMsg");
  await bert.sendRoomTextMsg({ msg: "hello <b> }}" });
  const message = await text;
  say(`text ${message.userID} ${message.text}`);
  const quit = heard(anna, "onPusherQuit");
  await bert.exitRoom();
  say(`quit ${(await quit).userID}`);
  const refused = await bert.sendRoomTextMsg({ msg: "x" }).catch((error) => error);
  say(`refused ${refused instanceof RoomError} ${refused.code}`);
  const missing = await bert.enterRoom({ roomID: "nowhere" }).catch((error) => error);
  say(`refused ${missing.code} ${missing.status}`);
  const closed = heard(anna, "onRoomClose");
  await anna.destroyRoom();
  say(`closed ${(await closed).reason}`);
} catch (error) {
  say(`FAILED ${error.code ?? ""} ${error.message}`);
}
await post();
</script>"""

STEPS = [
    "login anna",
    "ticket for anna",
    "event join",
    "joined Bert",
    "pushers anna,bert",
    "list by a page",
    "event text",
    "text bert hello <b> }}",
    "event leave",
    "quit bert",
    "refused true not_in_a_room",
    "refused room_unknown 404",
    "event dissolve",
    "closed dissolved",
]


class Site(http.server.BaseHTTPRequestHandler):
    """The page, the module, and where the page says how it went."""

    def do_GET(self):
        is_module = self.path.endswith(".js")
        body = MODULE.read_bytes() if is_module else PAGE.encode()
        self.send_response(200)
        self.send_header("content-type", "text/javascript" if is_module else "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.server.steps = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(204)
        self.end_headers()
        self.server.done.set()

    def log_message(self, *_):
        pass


def a_page_of_another_origin_lives_in_a_room():
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    site.done, site.steps = threading.Event(), None
    threading.Thread(target=site.serve_forever, daemon=True).start()
    with harness.Processes() as processes:
        relay = RelayWithRooms(processes)
        relay.ask_rooms("destroy", "demo", "--user", "demo").wait(10)
        url = f"http://127.0.0.1:{site.server_port}/?service={relay.rooms_url}"
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        flags += ["--no-proxy-server", "--no-first-run"]
        flags += [f"--user-data-dir={processes.folder / 'profile'}", url]
        browser = processes.start(shutil.which("chromium"), *flags, label="browser")
        came = site.done.wait(PATIENCE_SECONDS)
        harness.expect(came, f"the page never came to its end: {browser.errors()[-2000:]}")
        harness.expect(site.steps == STEPS, "\n".join(map(str, site.steps)))
        browser.kill()
    site.shutdown()


if __name__ == "__main__":
    if not shutil.which("chromium"):
        print("skipped: needs a browser: apt-get install chromium, or tests/run --all")
        raise SystemExit(77)
    harness.main([a_page_of_another_origin_lives_in_a_room])
