"""A client of the RTCRoom API that behaves as the original ones do, written from how they are
documented: the calls and their order, heartbeats, long polls, and the events that follow from the
notices. `events` has what happened, in its order.
"""

import http.client
import json
import threading
import time

import harness

GROUPS = "/v4/group_open_http_svc/"
GET_MESSAGE = "/v1/group_open_long_polling_http_noauth_svc/get_msg"


class Client:
    """One user with one login, of rtcroom.js (double, multi) or liveroom.js (live)."""

    def __init__(self, host_port, name, kind="multi_room", heartbeats=True):
        self.host_port, self.name, self.kind, self.heartbeats = host_port, name, kind, heartbeats
        self.events, self.changed = [], threading.Condition()
        self.room = self.key = None
        self.pushers, self.known = {}, threading.Lock()
        self.alive, self.poll_requests = True, 0
        self.login()

    # --- HTTP

    def post(self, path, body, timeout=60):
        """(status, JSON) on a connection of its own."""
        host, port = self.host_port.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
        try:
            text = json.dumps(body, ensure_ascii=False).encode()
            connection.request("POST", path, text, {"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def call(self, call, expected=0, **body):
        path = f"/weapp/{self.kind}/{call}?userID={self.name}&token={self.token}"
        status, answer = self.post(path, body)
        harness.expect(status == 200, f"{self.name} {call}: {status}")
        harness.expect(answer["code"] == expected, f"{self.name} {call}: {answer}, not {expected}")
        return answer

    def im(self, path, **body):
        status, answer = self.post(f"{path}?{self.im_query}", body)
        harness.expect(status == 200 and answer["ErrorCode"] == 0, f"{path}: {answer}")
        return answer

    # --- login

    def login(self):
        query = f"userIDPrefix=weixin&code=x&userID={self.name}"
        info = self.post(f"/weapp/utils/get_login_info?{query}", {})[1]
        app = f"accountType={info['accType']}&sdkAppID={info['sdkAppID']}"
        query = f"{app}&userSig={info['userSig']}&userID={self.name}"
        self.token = self.post(f"/weapp/{self.kind}/login?{query}", {})[1]["token"]
        app = f"sdkappid={info['sdkAppID']}&accounttype={info['accType']}&contenttype=json"
        self.im_query = f"{app}&identifier={self.name}&usersig={info['userSig']}"
        answer = self.im("/v4/openim/login", State="Online")
        self.im_query = f"{app}&tinyid={answer['TinyId']}&a2={answer['A2Key']}"
        self.im("/v4/profile/portrait_get", From_Account=self.name, To_Account=[self.name])
        self.im(GROUPS + "get_joined_group_list", Member_Account=self.name, Limit=1000)
        self.im("/v4/openim/authkey")
        nick = {"Tag": "Tag_Profile_IM_Nick", "Value": self.name}
        self.im("/v4/profile/portrait_set", From_Account=self.name, ProfileItem=[nick])
        self.polling_id = self.im("/v4/openim/getlongpollingid")["LongPollingId"]
        threading.Thread(target=self.poll_user, daemon=True).start()

    def end(self):
        self.alive, self.key = False, None

    # --- polls

    def ask_on(self, path, body):
        """A poll; nothing when the service is away, or wants no poll now."""
        self.poll_requests += 1
        try:
            status, answer = self.post(path, body)
        except (OSError, http.client.HTTPException):
            status = 0
        if status == 200:
            return answer
        time.sleep(0.2)  # as clients wait before they try a lost connection again
        return None

    def poll_user(self):
        heard = 0
        while self.alive:
            cookie = {"NotifySeq": 0, "NoticeSeq": heard, "LongPollingId": self.polling_id}
            path = f"/v4/openim/longpolling?{self.im_query}"
            answer = self.ask_on(path, {"Timeout": 50, "Cookie": cookie})
            for event in (answer or {}).get("EventArray", []):
                for message in event["C2cMsgArray"]:
                    heard = max(heard, message["NoticeSeq"])
                    self.on_user_message(message)

    def poll_group(self, key):
        start, hold = 0, 90
        while self.alive and self.key == key:
            body = {"StartSeq": start, "HoldTime": hold, "Key": key}
            answer = self.ask_on(f"{GET_MESSAGE}?{self.im_query}", body)
            if answer is None or self.key != key:
                continue
            start, hold = answer["NextSeq"], answer["HoldTime"]
            items = answer["RspMsgList"]
            harness.expect(len(items) <= 1, f"one message an answer: {items}")
            for item in items:
                self.on_group_item(item)

    # --- notices

    def tell(self, name, *what):
        with self.changed:
            self.events.append((name, *what))
            self.changed.notify_all()

    def wait(self, name, *what, seconds=5):
        """Until this event has come; returns and takes all events up to it."""
        wanted, until = (name, *what), time.monotonic() + seconds
        with self.changed:
            while wanted not in self.events:
                left = until - time.monotonic()
                harness.expect(left > 0, f"{self.name} waits for {wanted}, has {self.events}")
                self.changed.wait(max(left, 0))
            end = self.events.index(wanted) + 1
            taken, self.events = self.events[:end], self.events[end:]
            return taken

    def on_group_item(self, item):
        if item["Event"] == 5:
            harness.expect(item["From_Account"] and item["GroupInfo"]["GroupName"], f"{item}")
            report = item["MsgBody"]["ReportType"]
            if report == 5:
                self.key = None
                self.tell("onRoomClose")
            elif report == 255:
                command = json.loads(item["MsgBody"]["UserDefinedField"])
                harness.expect(command["cmd"] == "notifyPusherChange", f"{item}")
                self.compare_pushers()
            return
        # As the originals: all contents joined, cut at the first "}}".
        content = ""
        for element in item["MsgBody"]:
            inner = element["MsgContent"]
            content += inner.get("Data", "") + inner.get("Text", "")
        head, _, text = content.partition("}}")
        command = json.loads(head + "}}")
        sender = item["GroupInfo"]["From_AccountNick"]
        names = {"CustomTextMsg": "onRecvRoomTextMsg", "CustomCmdMsg": "onRecvRoomCustomMsg"}
        self.tell(names[command["cmd"]], sender, text)

    def on_user_message(self, message):
        command = json.loads(message["MsgBody"][0]["MsgContent"]["Data"])
        data = command["data"]
        if command["cmd"] != "linkmic":
            self.tell("onRecvC2CCustomMsg", message["From_Account"], command["cmd"], data["msg"])
        elif data["type"] == "request":
            self.tell("onRecvJoinPusherRequest", data["userID"])
        elif data["type"] == "response":
            self.tell("response", data["result"])
        elif data["type"] == "kickout":
            self.tell("onKickOut", data["roomID"])

    def compare_pushers(self):
        with self.known:
            if self.room is None:
                return
            path = f"/weapp/{self.kind}/get_pushers?userID={self.name}&token={self.token}"
            answer = self.post(path, {"roomID": self.room})[1]
            if answer["code"] != 0:  # silent in the originals: the room's end is told by itself
                return
            now = {p["userID"]: p for p in answer["pushers"] if p["userID"] != self.name}
            came = [user for user in now if user not in self.pushers]
            gone = [user for user in self.pushers if user not in now]
            self.pushers = now
            if self.kind == "live_room":
                self.tell("onPushersChange", *now)
            if came:
                self.tell("onPusherJoin", *came)
            if gone:
                self.tell("onPusherQuit", *gone)

    # --- rooms

    def push_url(self):
        return self.call("get_push_url", userID=self.name)["pushURL"]

    def create(self, info="demo room"):
        return self.call("create_room", userID=self.name, roomInfo=info)["roomID"]

    def add_pusher(self, room, expected=0):
        fields = {"userName": self.name, "userAvatar": "123", "pushURL": self.push_url()}
        self.call("add_pusher", expected, roomID=room, userID=self.name, roomInfo="", **fields)
        self.room = room
        if expected == 0 and self.heartbeats:
            threading.Thread(target=self.beat, args=(room,), daemon=True).start()

    def beat(self, room):
        time.sleep(3)
        while self.alive and self.room == room:
            try:
                self.call("pusher_heartbeat", roomID=room, userID=self.name)
            except (OSError, harness.Failed):
                pass  # the originals ignore answers, and their lack
            time.sleep(4)

    def join_group(self, room):
        answer = self.im(GROUPS + "apply_join_group", GroupId=room)
        harness.expect(answer["JoinedStatus"] == "JoinedSuccess", f"{answer}")
        self.room, self.key = room, answer["LongPollingKey"]
        threading.Thread(target=self.poll_group, args=(self.key,), daemon=True).start()

    def enter(self, room):
        """enterRoom of rtcroom.js."""
        self.add_pusher(room)
        self.join_group(room)
        self.compare_pushers()

    def exit(self):
        self.call("delete_pusher", roomID=self.room, userID=self.name)
        self.quit_group()

    def quit_group(self):
        # Not in the midst of a comparison, which would find everybody new.
        with self.known:
            room, self.room, self.pushers = self.room, None, {}
        self.im(GROUPS + "quit_group", GroupId=room)
        self.key = None

    # --- liveroom.js

    def create_live(self):
        room = self.create()
        self.join_group(room)
        self.add_pusher(room)
        return room

    def watch(self, room):
        self.join_group(room)
        answer = self.call("get_pushers", roomID=room)
        self.pushers = {p["userID"]: p for p in answer["pushers"]}
        info = json.dumps({"userName": self.name, "userAvatar": ""})
        self.call("add_audience", roomID=room, userID=self.name, userInfo=info)
        return answer

    # --- messages

    def say(self, text, cmd="CustomTextMsg"):
        data = '{"cmd":"%s","data":{"nickName":"%s","headPic":"123"}}' % (cmd, self.name)
        body = [self.custom(data)]
        # "[xyz]" goes as an element of its own.
        for piece in text.replace("[", "\0[").replace("]", "]\0").split("\0"):
            if piece:
                body.append({"MsgType": "TIMTextElem", "MsgContent": {"Text": piece}})
        fields = {"From_Account": self.name, "Random": 7, "MsgPriority": "COMMON"}
        self.im(GROUPS + "send_group_msg", GroupId=self.room, MsgBody=body, **fields)

    @staticmethod
    def custom(data):
        return {"MsgType": "TIMCustomElem", "MsgContent": {"Data": data, "Desc": "", "Ext": ""}}

    def send(self, user, cmd, data):
        body = [self.custom(json.dumps({"cmd": cmd, "data": data}, separators=(",", ":")))]
        fields = {"MsgTimeStamp": int(time.time()), "MsgSeq": 1, "MsgRandom": 9, "MsgBody": body}
        self.im("/v4/openim/sendmsg", From_Account=self.name, To_Account=user, **fields)

    def request_to_push(self, creator):
        data = {"type": "request", "roomID": self.room, "userID": self.name}
        self.send(creator, "linkmic", {**data, "userName": self.name, "userAvatar": ""})

    def respond(self, user, result):
        data = {"type": "response", "result": result, "message": "", "roomID": self.room}
        self.send(user, "linkmic", data)

    def kick_out(self, user):
        self.send(user, "linkmic", {"type": "kickout", "roomID": self.room})
