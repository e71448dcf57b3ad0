# Stands in for umqtt.simple, which boards have: the same names, arguments and packets, over the socket that the test lends. What a broker sends it
# is read by the example itself, as there, in its own wait_msg.
import _net


class MQTTException(Exception):
    pass


class Socket:
    def settimeout(self, seconds):
        self.patience = seconds

    def read(self, size):
        """Blocks until all of it is there; without patience, and with nothing there, None. At the end nothing."""
        told = _net.read(size, -1 if self.patience is None else int(self.patience * 1000))
        if told == "later":
            if self.patience:
                raise OSError(110)
            return None
        return bytes.fromhex(told)

    def write(self, data, size=None):
        if not _net.write(bytes(data if size is None else data[:size]).hex()):
            raise OSError(32)

    def close(self):
        _net.close()


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return bytes((len(value) >> 8, len(value) & 0xFF)) + value


class MQTTClient:
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=None, ssl_params={}):
        self.client_id, self.server, self.port, self.user, self.pswd = client_id, server, port or 1883, user, password
        self.keepalive, self.pid, self.cb, self.sock = keepalive, 0, None, None

    def _recv_len(self):
        size, shift = 0, 0
        while 1:
            part = self.sock.read(1)[0]
            size |= (part & 0x7F) << shift
            if not part & 0x80:
                return size
            shift += 7

    def _send(self, kind, body):
        head, size = bytearray((kind,)), len(body)
        while size > 0x7F:
            head.append(size & 0x7F | 0x80)
            size >>= 7
        head.append(size)
        self.sock.write(bytes(head) + body)

    def set_callback(self, f):
        self.cb = f

    def set_last_will(self, topic, msg, retain=False, qos=0):
        self.will = (topic, msg, retain, qos)

    def connect(self, clean_session=True):
        if not _net.connect(self.server, self.port):
            raise OSError(111)
        self.sock = Socket()
        self.sock.settimeout(20)
        topic, msg, retain, qos = self.will
        flags = clean_session << 1 | 0xC0 | 4 | qos << 3 | retain << 5
        body = b"\0\4MQTT\4" + bytes((flags, self.keepalive >> 8, self.keepalive & 0xFF)) + text(self.client_id)
        self._send(0x10, body + text(topic) + text(msg) + text(self.user) + text(self.pswd))
        answer = self.sock.read(4)
        if len(answer) < 4 or answer[3] != 0:
            raise MQTTException(answer[3] if len(answer) == 4 else -1)

    def ping(self):
        self.sock.write(b"\xc0\0")

    def publish(self, topic, msg, retain=False, qos=0):
        number = b""
        if qos:
            self.pid += 1
            number = bytes((self.pid >> 8, self.pid & 0xFF))
        self._send(0x30 | qos << 1 | retain, text(topic) + number + (msg.encode() if isinstance(msg, str) else msg))
        while qos:
            if self.wait_msg() == 0x40:
                self.sock.read(1)
                if self.sock.read(2) == number:
                    return

    def subscribe(self, topic, qos=0):
        self.pid += 1
        self._send(0x82, bytes((self.pid >> 8, self.pid & 0xFF)) + text(topic) + bytes((qos,)))
        while 1:
            if self.wait_msg() == 0x90:
                answer = self.sock.read(4)
                if answer[3] == 0x80:
                    raise MQTTException(answer[3])
                return answer[3]
