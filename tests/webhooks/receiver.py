"""Takes webhooks and verifies them with the official package of Standard Webhooks: 204 for those that are right, 400 for others.

Prints the port that it listens on, then a line of JSON for each request. Its secret comes as its first line of input.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver(BaseHTTPRequestHandler):
    webhook = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            message = self.webhook.verify(body, headers)
            outcome = {"id": headers["webhook-id"], "type": message["type"]}
        except WebhookVerificationError as error:
            outcome = {"id": headers.get("webhook-id"), "refused": str(error)}
        print(json.dumps(outcome), flush=True)
        self.send_response(400 if "refused" in outcome else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
Receiver.webhook = Webhook(sys.stdin.readline().strip())
server.serve_forever()
