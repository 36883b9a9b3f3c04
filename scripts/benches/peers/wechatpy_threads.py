"""wechatpy as it comes, on threads: one client, so many threads, so many pushes; then it answers and waits."""

import itertools
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests
from wechatpy import WeChatClient

_VALUES = {
    "thing1": "安庆职业教育集团推荐登记",
    "phrase2": "已通过",
    "time3": "2026年11月21日 12:00",
    "thing4": "请打开查看",
}


class Ready(BaseHTTPRequestHandler):
    """Says that it runs."""

    def do_GET(self) -> None:
        """Answer with nothing."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(base: str, at_once: int, number: int) -> None:
    """Send so many, so many at once."""
    client = WeChatClient("wx", "secret", access_token="a-token-of-the-bench")  # noqa: S106 -- of no account
    client.API_BASE_URL = f"{base}/cgi-bin/"
    client._http.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=at_once))  # noqa: SLF001 -- or it would reconnect
    data = {key: {"value": value} for key, value in _VALUES.items()}

    def push(place: int) -> None:
        body = {"touser": f"bench-{place}", "template_id": "t", "page": "p", "data": data, "lang": "zh_CN"}
        client.post("message/subscribe/send", data=body)

    with ThreadPoolExecutor(at_once) as pool:
        for _ in pool.map(push, itertools.islice(itertools.count(), number)):
            pass


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(os.environ["YZT_PORT"])), Ready)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    threading.Event().wait()
