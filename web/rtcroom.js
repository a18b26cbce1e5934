// RTCRoom: a member of a room at sluice-rooms, for browsers: the calls bear the names of the seed's
// client, and go to /v1 (docs/API.md). Each call returns a Promise; what happens in the room comes
// to the listeners. An ES module without dependencies:
//
//   import { RTCRoom } from "./rtcroom.js";
//   const room = new RTCRoom("https://rooms.example");
//   await room.login({ userID: "anna" });             // or { token } of your application
//   room.setListener({ onRecvRoomTextMsg: (msg) => console.log(msg.userID, msg.text) });
//   const entry = await room.enterRoom({ roomID: "lobby" });
//   await room.sendRoomTextMsg({ msg: "hello" });
//
// Media is not its business: entry.relay has what a client of the relay needs.

/** What the service refused, or that it could not be reached. `code` is that of docs/API.md. */
export class RoomError extends Error {
  constructor(code, message, status) {
    super(message);
    this.name = "RoomError";
    this.code = code;
    this.status = status; // 0: no answer
  }
}

/** What setListener() may have; others are ignored. */
const LISTENERS = [
  "onPusherJoin", // {userID, userName, userAvatar}
  "onPusherQuit", // {userID, reason}
  "onStream", // {userID, streamID, up}
  "onRecvRoomTextMsg", // {userID, text, seq}
  "onRecvRoomCustomMsg", // {userID, data, seq}
  "onQuality", // {userID, quality}: 1 (best) to 6
  "onRoomClose", // {reason}: dissolved, or we are out: left, timeout, kicked, banned
  "onGap", // {}: something was missed; ask for the pushers
  "onEvent", // each event as the service has it
];

const BACK_IN_MS = 500; // a service that was restarted is back long before
const BEAT_AGAIN_MS = 1000;

/** The end of a WebSocket behind which nothing comes. */
const LAST_WORDS = new Set(["dissolved", "left", "timeout", "kicked", "banned"]);

export class RTCRoom {
  #base;
  #token = null;
  #listeners = {};
  #room = null; // {roomID, entry, lastSeq, socket, beat, back}

  /** @param {string} url of the service: http[s]://HOST[:PORT] */
  constructor(url) {
    this.#base = url.replace(/\/+$/, "");
    this.userID = null;
  }

  /** As a guest ({userID} is a wish), or by a token that the application signed ({token}). */
  async login({ userID, token } = {}) {
    if (token) {
      this.#token = token;
      return {};
    }
    const guest = await this.#call("POST", "/v1/tokens", userID ? { user: userID } : {});
    this.#token = guest.token;
    this.userID = guest.user;
    return { userID: guest.user };
  }

  logout() {
    this.#forget();
    this.#token = this.userID = null;
  }

  /** Of LISTENERS above; replaces what was set before. */
  setListener(listeners) {
    this.#listeners = {};
    for (const name of LISTENERS) {
      if (typeof listeners[name] === "function") this.#listeners[name] = listeners[name];
    }
  }

  async getRoomList({ index = 0, cnt = 20, type } = {}) {
    const query = new URLSearchParams({ from: index, limit: cnt, ...(type && { type }) });
    return (await this.#call("GET", `/v1/rooms?${query}`)).rooms;
  }

  /** {roomID} is a wish; the answer says what it is. One who creates is not in it yet. */
  async createRoom({ roomID, roomInfo = "", type = "multi", password } = {}) {
    const body = { type, info: roomInfo, ...(roomID && { room: roomID }), ...(password && { password }) };
    return { roomID: (await this.#call("POST", "/v1/rooms", body)).room };
  }

  /** As a pusher, or with {role: "viewer"}; one room at a time. Answers what /v1 does, *entry*. */
  async enterRoom({ roomID, userName = "", userAvatar = "", role = "pusher", password } = {}) {
    if (this.#room && this.#room.roomID !== roomID) {
      throw new RoomError("in_another_room", "leave that room first: exitRoom()", 0);
    }
    const body = { name: userName, avatar: userAvatar, role, ...(password && { password }) };
    const entry = await this.#call("POST", `/v1/rooms/${encodeURIComponent(roomID)}/members`, body);
    this.userID = entry.member.user;
    this.#forget();
    this.#room = { roomID, entry, lastSeq: 0, socket: null, beat: null, back: null };
    this.#beatIn(this.#room, entry.heartbeat_seconds * 1000);
    this.#listen(this.#room);
    return entry;
  }

  async exitRoom() {
    const room = this.#room;
    if (!room) return;
    this.#forget();
    await this.#call("DELETE", `${this.#path(room)}/members/${encodeURIComponent(this.userID)}`);
  }

  /** Of the room we are in, or of another one. */
  async getPushers({ roomID = this.#room?.roomID } = {}) {
    const path = `/v1/rooms/${encodeURIComponent(roomID)}/members`;
    const { members } = await this.#call("GET", path);
    return members
      .filter((member) => member.role === "pusher")
      .map(({ user, name, avatar }) => ({ userID: user, userName: name, userAvatar: avatar }));
  }

  async sendRoomTextMsg({ msg }) {
    return this.#call("POST", `${this.#path(this.#entered())}/messages`, { text: msg });
  }

  /** `data`: any JSON. */
  async sendRoomCustomMsg({ data }) {
    return this.#call("POST", `${this.#path(this.#entered())}/messages`, { data });
  }

  async destroyRoom({ roomID = this.#room?.roomID } = {}) {
    await this.#call("DELETE", `/v1/rooms/${encodeURIComponent(roomID)}`);
  }

  // --- inside

  #path(room) {
    return `/v1/rooms/${encodeURIComponent(room.roomID)}`;
  }

  #entered() {
    if (!this.#room) throw new RoomError("not_in_a_room", "enter a room first: enterRoom()", 0);
    return this.#room;
  }

  async #call(method, path, body) {
    const headers = {};
    if (this.#token) headers.authorization = `Bearer ${this.#token}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
    let answer, text;
    try {
      answer = await fetch(this.#base + path, init);
      text = await answer.text();
    } catch (error) {
      throw new RoomError("unreachable", `${this.#base}: ${error.message}`, 0);
    }
    let json = {};
    try {
      if (text) json = JSON.parse(text);
    } catch {
      // A proxy's own page: no answer of the service, whatever it says.
      if (answer.ok) throw new RoomError("unreachable", `${this.#base}: no JSON`, 0);
    }
    if (answer.ok) return json;
    const cure = json.cure ? `: ${json.cure}` : "";
    throw new RoomError(json.code, `${json.title ?? answer.status}${cure}`, answer.status);
  }

  #beatIn(room, ms) {
    room.beat = setTimeout(async () => {
      const path = `${this.#path(room)}/members/${encodeURIComponent(this.userID)}/heartbeat`;
      try {
        const { seconds } = await this.#call("POST", path, {});
        if (this.#room === room) this.#beatIn(room, seconds * 1000);
      } catch (error) {
        // One who is out has no heart here; a service in trouble is asked again.
        const again = error.status === 0 || error.status >= 500;
        if (again && this.#room === room) this.#beatIn(room, BEAT_AGAIN_MS);
      }
    }, ms);
  }

  #listen(room) {
    const url = new URL(`${this.#base}${this.#path(room)}/events`);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("access_token", this.#token); // a browser's WebSocket sends no fields
    if (room.lastSeq) url.searchParams.set("after", room.lastSeq);
    const socket = new WebSocket(url);
    room.socket = socket;
    socket.onmessage = ({ data }) => {
      if (this.#room === room) this.#tell(room, JSON.parse(data));
    };
    socket.onclose = ({ reason }) => {
      if (this.#room !== room) return;
      if (LAST_WORDS.has(reason)) return this.#end(reason);
      room.back = setTimeout(() => this.#comeBack(room), BACK_IN_MS);
    };
  }

  /** A page is not told why a WebSocket was refused: so it asks whether it is still in. */
  async #comeBack(room) {
    try {
      await this.#call("GET", `${this.#path(room)}/members/${encodeURIComponent(this.userID)}`);
    } catch (error) {
      if (this.#room === room && error.status >= 400 && error.status < 500) return this.#end("left");
    }
    if (this.#room === room) this.#listen(room);
  }

  #end(reason) {
    this.#forget();
    this.#emit("onRoomClose", { reason });
  }

  #tell(room, event) {
    room.lastSeq = Math.max(room.lastSeq, event.seq ?? 0);
    const { kind, user: userID, seq } = event;
    this.#emit("onEvent", event);
    if (kind === "text") this.#emit("onRecvRoomTextMsg", { userID, text: event.text, seq });
    if (kind === "custom") this.#emit("onRecvRoomCustomMsg", { userID, data: event.data, seq });
    if (kind === "quality") this.#emit("onQuality", { userID, quality: event.quality });
    if (kind === "gap") this.#emit("onGap", {});
    if (kind === "join" && event.role === "pusher") {
      const { name: userName, avatar: userAvatar } = event;
      this.#emit("onPusherJoin", { userID, userName, userAvatar });
    }
    if (kind === "leave" && event.role === "pusher") {
      this.#emit("onPusherQuit", { userID, reason: event.reason });
    }
    if (kind === "stream_up" || kind === "stream_down") {
      this.#emit("onStream", { userID, streamID: event.stream, up: kind === "stream_up" });
    }
  }

  #emit(name, what) {
    this.#listeners[name]?.(what);
  }

  #forget() {
    const room = this.#room;
    this.#room = null;
    if (!room) return;
    clearTimeout(room.beat);
    clearTimeout(room.back);
    room.socket?.close();
  }
}
