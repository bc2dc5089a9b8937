"""A server that speaks DynamoDB's protocol, which a test starts for itself: `moto_server`, in a process of its own."""

import socket
import subprocess
import sys
import urllib.request

import boto3
from botocore.config import Config

from conftest import wait_until


class DynamoDb:
    def start(self):
        # moto tells its port nowhere: one that was free a moment ago.
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, "moto_server to be ready")
        return self

    def answers(self):
        assert self.process.poll() is None, "moto_server ended"
        try:
            return urllib.request.urlopen(f"{self.url}/moto-api/data.json", timeout=5).status == 200
        except OSError:
            return False

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def client(self, region="us-east-1"):
        return boto3.client(
            "dynamodb", endpoint_url=self.url, region_name=region, aws_access_key_id="test",
            aws_secret_access_key="test", config=Config(retries={"max_attempts": 1}),
        )

    def make(self, table, items=(), key="id", kind="S", range_key=None):
        """A table with items in DynamoDB's own notation."""
        keys = [(key, "HASH", kind)] + ([(range_key[0], "RANGE", range_key[1])] if range_key else [])
        client = self.client()
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": name, "KeyType": role} for name, role, _ in keys],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, _, kind in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        for item in items:
            client.put_item(TableName=table, Item=item)

    def stop(self):
        self.process.kill()
        self.process.wait()
