"""A WebSocket client (RFC 6455) of the standard library alone: enough to listen."""

import base64
import hashlib
import os
import socket
import struct


class Refused(Exception):
    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status, self.text = status, text


class WebSocket:
    """Texts come by receive(); None when the other end has closed, with `code` and `reason`."""

    def __init__(self, host_port, path, headers=(), timeout=10, buffer=None):
        host, port = host_port.rsplit(":", 1)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host, int(port)))
        self.code, self.reason, self.bytes = None, "", b""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host_port}", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.shake_hands(key)

    def shake_hands(self, key):
        while b"\r\n\r\n" not in self.bytes:
            self.more()
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        status = int(head.split()[1])
        if status != 101:
            length = 0
            for line in head.decode().lower().split("\r\n"):
                if line.startswith("content-length:"):
                    length = int(line.split(":")[1])
            text = self.take(length).decode()
            self.socket.close()
            raise Refused(status, text)
        guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1((key + guid).encode()).digest())
        assert accept in head, head

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed without a close frame")
        self.bytes += data

    def take(self, count):
        while len(self.bytes) < count:
            self.more()
        data, self.bytes = self.bytes[:count], self.bytes[count:]
        return data

    def send(self, opcode, data):
        mask = os.urandom(4)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
        self.socket.sendall(struct.pack("!BB", 0x80 | opcode, 0x80 | len(data)) + mask + masked)

    def receive(self):
        while True:
            first, length = struct.unpack("!BB", self.take(2))
            if length == 126:
                (length,) = struct.unpack("!H", self.take(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self.take(8))
            data = self.take(length)
            opcode = first & 15
            if opcode == 1:
                return data.decode()
            if opcode == 9:
                self.send(10, data)
            if opcode == 8:
                self.code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
                self.reason = data[2:].decode()
                self.send(8, data[:2])
                # RFC 6455 5.5.1: nothing follows a close frame; browsers fail over a second one.
                rest = self.bytes + self.socket.recv(1000)
                assert rest == b"", f"{rest} after the close frame"
                self.close()
                return None

    def close(self):
        self.socket.close()
