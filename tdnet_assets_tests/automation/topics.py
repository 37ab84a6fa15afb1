"""A real SNS topic with an HTTP endpoint of ours behind it."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tdnet_assets.resources.aws import clients

PATIENCE = 60


class Topic:
    """An SNS topic with an HTTP endpoint of ours subscribed to it."""

    def __init__(self, platform):
        self.sns = clients.client(platform, "sns")
        self.arn = self.sns.create_topic(Name=platform.bucket)["TopicArn"]
        self.messages = queue.Queue()
        topic = self

        class Endpoint(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if body["Type"] == "SubscriptionConfirmation":
                    topic.sns.confirm_subscription(TopicArn=topic.arn, Token=body["Token"])
                topic.messages.put(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                """Not on the console."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        endpoint = f"http://127.0.0.1:{self.server.server_port}/"
        self.sns.subscribe(TopicArn=self.arn, Protocol="http", Endpoint=endpoint)
        assert self.messages.get(timeout=PATIENCE)["Type"] == "SubscriptionConfirmation"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def received(self, count):
        """So many notices; an end mark tells that there is no further one.

        They arrive in any order, because the topic sends each from a thread, and their times have
        no parts of a second.
        """
        self.sns.publish(TopicArn=self.arn, Subject="end", Message="mark")
        found = [self.messages.get(timeout=PATIENCE) for _ in range(count + 1)]
        assert self.messages.empty()
        notices = [body for body in found if body["Message"] != "mark"]
        assert len(notices) == count
        return notices
